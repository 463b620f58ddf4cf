"""What is asked of the platform for a WeCom app. All raise what Client raises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.errors import OverLimit
from bot.platforms.calls import acknowledged
from bot.platforms.fields import sendable
from bot.platforms.wecom_app.client import Client

# Members that one call may name, and bytes of a text (path/90236).
MOST_MEMBERS = 1000
_TEXT_LIMIT = 2048
# Seconds in which the same words do not arrive twice at a member: as long as a try may come again,
# and no longer, since two notices may say the same.
_NO_REPEAT = 660


@dataclass(frozen=True, slots=True)
class Sent:
    """The platform's number of a message, and who did not get it: their userids in small letters,
    as the platform gives them.
    """

    number: str
    not_reached: frozenset[str]


def send_text(client: Client, userids: Sequence[str], text: str) -> Sent:
    """A text to these members. The same to the same ones is delivered once within half an hour.

    Raises OverLimit.
    https://developer.work.weixin.qq.com/document/path/90236
    """
    if not 1 <= len(userids) <= MOST_MEMBERS:
        raise OverLimit(f"A message to {len(userids)} members", f"1 to {MOST_MEMBERS} members")
    content = sendable(text)
    if (size := len(content.encode())) > _TEXT_LIMIT:
        raise OverLimit(f"A text of {size} bytes", f"{_TEXT_LIMIT} bytes")
    path = "/cgi-bin/message/send"
    body: dict[str, Any] = {
        "touser": "|".join(userids),
        "msgtype": "text",
        "agentid": client.agent_id,
        "text": {"content": content},
        "enable_duplicate_check": 1,
        "duplicate_check_interval": _NO_REPEAT,
    }
    answer = acknowledged(path, client.call(path, body))
    # Those without a licence for the interface are members all the same, and get nothing.
    lists = (str(answer.get(name) or "") for name in ("invaliduser", "unlicenseduser"))
    not_reached = frozenset("|".join(lists).lower().split("|")) - {""}
    return Sent(str(answer.get("msgid", "")), not_reached)


def is_app_on(client: Client) -> bool:
    """Whether the app is switched on; to ask tries its secret, its number and our address.

    https://developer.work.weixin.qq.com/document/path/90227
    """
    answer = client.ask("/cgi-bin/agent/get", {"agentid": str(client.agent_id)})
    return not answer.get("close")
