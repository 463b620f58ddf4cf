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
ERRORS = {
    0: "ok",
    BAD_CREDENTIALS: "invalid bot_id or secret",
    BAD_REQUEST_ID: "invalid req_id",
    STREAM_EXPIRED: "stream message update expired (>6 minutes), cannot update",
    BAD_CHAT: "invalid chatid",
    NOT_SUBSCRIBED: "aibot websocket not subscribed",
    OVER_LIMIT: "sandbox: more than 30 messages in a minute or 1000 in an hour",
    BAD_MEDIA: "invalid media_id",
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
