"""How much a bot may say, and how long it has.

Source: developer.work.weixin.qq.com/document/path/101463 (长连接), 101031 (被动回复), unless said.
"""

from collections import defaultdict, deque
from datetime import datetime, timedelta

REPLY_TIME = timedelta(hours=24)
STREAM_TIME = timedelta(minutes=6)
EVENT_TIME = timedelta(seconds=5)
A_MINUTE, AN_HOUR = 30, 1000

BAD_CREDENTIALS = 853000
BAD_REQUEST_ID = 846605
STREAM_EXPIRED = 846608
BAD_CHAT = 93006
# Seen in reports of users of the long connection ("aibot websocket not subscribed").
NOT_SUBSCRIBED = 846609
# Unverified: no page and no report names the code of what is too much in a minute or an hour.
OVER_LIMIT = 846607
# Of the general list of errors (path/90313); unverified for the long connection.
BAD_PARAMETER = 40058
BAD_MEDIA = 40007
# Unverified.
BAD_RESPONSE_CODE = 40029
ERRORS = {
    0: "ok",
    BAD_CREDENTIALS: "invalid bot_id or secret",
    BAD_REQUEST_ID: "invalid req_id",
    STREAM_EXPIRED: "stream message update expired (>6 minutes), cannot update",
    BAD_CHAT: "invalid chatid",
    NOT_SUBSCRIBED: "aibot websocket not subscribed",
    OVER_LIMIT: "sandbox: more than 30 messages in a minute or 1000 in an hour",
    BAD_MEDIA: "invalid media_id",
    BAD_RESPONSE_CODE: "invalid response_code",
}
# The same for who watches.
PROBLEMS = {
    BAD_REQUEST_ID: "req_id 不对：不认识、过了时间，或者不能这样回复",
    STREAM_EXPIRED: "流式消息已经结束，或者超过 6 分钟",
    BAD_CHAT: "没有这个会话，或者它还没有和机器人说过话",
    OVER_LIMIT: "超过每个会话每分钟 30 条、每小时 1000 条",
    BAD_MEDIA: "没有这个 media_id，或者已经过期",
}


class Counts:
    """When each conversation had the bot's messages; replies and pushes together."""

    def __init__(self) -> None:
        self._times: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def used(self, chat: str, now: datetime) -> tuple[int, int]:
        """In the last minute, and in the last hour."""
        times = self._times[chat]
        while times and times[0] <= now - timedelta(hours=1):
            times.popleft()
        return sum(at > now - timedelta(minutes=1) for at in times), len(times)

    def take(self, chat: str, now: datetime) -> bool:
        """Whether one more is allowed; it counts if so."""
        minute, hour = self.used(chat, now)
        if minute >= A_MINUTE or hour >= AN_HOUR:
            return False
        self._times[chat].append(now)
        return True
