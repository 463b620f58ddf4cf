"""A WeCom group robot (消息推送, formerly 群机器人): it speaks to one group and hears nothing."""
