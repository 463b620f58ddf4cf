"""WeCom 智能机器人 (aibot): a bot in groups and single chats of an enterprise."""
