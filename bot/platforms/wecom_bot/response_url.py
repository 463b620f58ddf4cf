"""What is said to a card's tap in callback mode, by the address that came with it.

Once, within an hour, without a token: whoever has the address could speak for the bot, so it is
never stored or logged, and only followed to the platform's own host.
Source: developer.work.weixin.qq.com/document/path/101138 (主动回复消息).
"""

from urllib.parse import urlsplit

import requests

from bot.errors import PlatformRefused, PlatformSilent
from bot.platforms.fields import read_json

_PATH = "/cgi-bin/aibot/response"
_SECONDS = 5.0


class ResponseUrls:
    """Posts to addresses below `base`, e.g. https://qyapi.weixin.qq.com, and to no others."""

    def __init__(self, base: str) -> None:
        self._base = urlsplit(base)

    def is_ours(self, address: str) -> bool:
        """Whether it leads to the platform."""
        try:
            parts = urlsplit(address)
        except ValueError:
            return False
        here = (parts.scheme, parts.netloc, parts.path)
        return here == (self._base.scheme, self._base.netloc, _PATH)

    def say(self, address: str, words: str) -> None:
        """Raises PlatformRefused or PlatformSilent; neither names the address."""
        if not self.is_ours(address):
            raise PlatformRefused("response_url", -1, "the address is not the platform's")
        body = {"msgtype": "markdown", "markdown": {"content": words}}
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.post(address, json=body, timeout=_SECONDS, allow_redirects=False)
            except requests.RequestException as error:
                unclear = not isinstance(error, requests.ConnectionError)
                raise PlatformSilent(
                    "response_url", type(error).__name__, unclear=unclear
                ) from None
        fields = read_json(answer.text[:4096] or "{}")
        code = fields.get("errcode", 0) if isinstance(fields, dict) else -1
        if answer.status_code != 200 or code != 0:
            raise PlatformRefused("response_url", code or answer.status_code, "")
