"""A group robot's webhook. Whoever knows its address can speak in the group: it is a secret.

Source: developer.work.weixin.qq.com/document/path/91770 (消息推送配置说明).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.domain.webhook import WEBHOOK_PATH, webhook_key
from bot.platforms.calls import TIMEOUT, Calls, acknowledged, as_body, without
from bot.platforms.wecom_errcodes import remedy_of


class Robot:
    """One webhook, for any number of threads at once. Raises PlatformRefused and PlatformSilent;
    neither names its address. `url` is one that `webhook_problem` finds nothing wrong with.
    """

    def __init__(self, url: str, timeout: tuple[float, float] = TIMEOUT) -> None:
        parts = urlsplit(url)
        self._key = webhook_key(url)
        self._calls = Calls(f"{parts.scheme}://{parts.netloc}", remedy_of, timeout)

    def post(self, body: Mapping[str, Any]) -> None:
        """Say one message."""
        answer = self._calls.ask(
            "POST", WEBHOOK_PATH, self._conceal, params={"key": self._key}, **as_body(body)
        )
        acknowledged(WEBHOOK_PATH, answer)

    def _conceal(self, message: str) -> str:
        return without(message, self._key)
