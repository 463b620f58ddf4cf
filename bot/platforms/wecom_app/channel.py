"""The callback of a WeCom app: what is let in, and how it is answered.

Sources: developer.work.weixin.qq.com/document/path/90930 (回调配置), 90968 (加解密), 90241
(被动回复).
"""

from collections.abc import Mapping
from datetime import datetime

from wechatpy.replies import TextReply

from bot.domain.messages import TEXT_LIMITS, Channel, InboundMessage, Reply
from bot.domain.paging import page
from bot.errors import MalformedMessage
from bot.platforms.crypto import MessageKey
from bot.platforms.fields import text_field
from bot.platforms.pushed import read_xml, utf_8, writable
from bot.platforms.signed import Signed, as_xml
from bot.platforms.wecom_app import payload

BODY_LIMIT = 64 * 1024
_LIMIT = TEXT_LIMITS[Channel.WECOM_APP]


class WecomApp:
    """Verifies, opens and answers the platform's requests, which are always encrypted; keeps no
    secret in its errors. `more` is the line under a page that has a next one.
    """

    def __init__(self, token: str, encoding_aes_key: str, corp_id: str, more: str) -> None:
        self._signed = Signed(token)
        self._key = MessageKey(encoding_aes_key, corp_id)
        self._more = more

    def verify(self, query: Mapping[str, str], now: datetime) -> str:
        """What the platform's GET must be answered with. Raises CallbackRefused."""
        return self._signed.echo(query, self._key, now)

    def open(self, query: Mapping[str, str], body: bytes, now: datetime) -> InboundMessage:
        """The message of a POST. Raises CallbackRefused with nothing told about the reason."""
        if len(body) > BODY_LIMIT:
            raise MalformedMessage("The body is over 64 KB.")
        encrypted = text_field(read_xml(utf_8(body)), "Encrypt")
        self._signed.check(query, "msg_signature", now, encrypted)
        return payload.parse(read_xml(utf_8(self._key.decrypt(encrypted))))

    def seal(self, reply: Reply, message: InboundMessage, now: datetime) -> str:
        """The body of the answer, as XML; "" for nothing to say."""
        if reply.notice is None or not message.wants_reply:
            return ""
        text = "\n".join([page(reply.notice, reply.page, _LIMIT, self._more), *reply.riders])
        xml: str = TextReply(
            content=writable(text),
            source=writable(message.account),
            target=writable(message.sender),
            time=int(now.timestamp()),
        ).render()
        return as_xml(self._signed.seal(self._key.encrypt(xml), now))
