"""The platform's side of a WeCom bot in tests: signed, encrypted HTTP to its callback."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import requests

from bot.bootstrap import Application, build, prepare_database
from bot.clock import Clock, pause
from bot.config import Settings
from bot.simulator import crypto
from tests.platform import serving

TOKEN, KEY = "wecomtoken1", "K" * 42 + "A"
MESSAGE: dict[str, Any] = {
    "aibotid": "BOT", "chattype": "single", "from": {"userid": "U1"}, "msgtype": "text",
    "response_url": "https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=R",
}  # fmt: skip


class Wecom:
    """The platform's side: signs, encrypts, decrypts what comes back."""

    def __init__(self, application: Application, callback: str) -> None:
        self.application = application
        self.url = callback.replace("official-account", "wecom-bot")
        self.card: dict[str, Any] = {}
        self._count = 0

    def post(self, fields: dict[str, Any], key: str = KEY, token: str = TOKEN) -> requests.Response:
        encrypted = crypto.encrypt(key, json.dumps(fields, ensure_ascii=False), "")
        return self.send({"encrypt": encrypted}, encrypted, token)

    def send(self, body: Any, encrypted: str, token: str = TOKEN) -> requests.Response:
        timestamp = str(int(self.application.clock.now().timestamp()))
        nonce = secrets.token_hex(5)
        query = {"timestamp": timestamp, "nonce": nonce}
        query["msg_signature"] = crypto.sign(token, timestamp, nonce, encrypted)
        return requests.post(self.url, params=query, json=body, timeout=5)

    def answer(self, **fields: Any) -> dict[str, Any]:
        """The opened reply to one message; {} for nothing."""
        self._count += 1
        asked = {**MESSAGE, "msgid": f"M{self._count}", **fields}
        return self.until_finished(self.opened(self.post(asked)), asked)

    def opened(self, response: requests.Response) -> dict[str, Any]:
        assert response.status_code == 200
        if not response.text:
            return {}
        envelope = response.json()
        parts = [str(envelope[name]) for name in ("timestamp", "nonce", "encrypt")]
        assert crypto.sign(TOKEN, *parts) == envelope["msgsignature"]
        assert isinstance(envelope["timestamp"], int)
        found: dict[str, Any] = json.loads(crypto.decrypt(KEY, envelope["encrypt"], ""))
        return found

    def until_finished(self, reply: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        """As the platform does it: what is not finished is asked for again."""
        while "stream" in reply and not reply["stream"]["finish"]:
            pause(0.1)
            poll = {"msgtype": "stream", "stream": {"id": reply["stream"]["id"]}}
            reply = self.opened(self.post({**MESSAGE, **asked, **poll, "msgid": "poll"}))
        return reply

    def taps(self, label: str, **fields: Any) -> dict[str, Any]:
        """The reply to a tap on the last card's button that is called so."""
        key = next(one["key"] for one in self.card["button_list"] if label in one["text"])
        what = {
            "card_type": "button_interaction",
            "event_key": key,
            "task_id": self.card["task_id"],
        }
        event = {"eventtype": "template_card_event", "template_card_event": what}
        return self.answer(msgtype="event", event=event, **fields)

    def says(self, text: str, **fields: Any) -> str:
        reply = self.answer(text={"content": text}, **fields)
        if not reply:
            return ""
        assert reply["msgtype"] in ("stream", "stream_with_template_card")
        assert reply["stream"]["finish"] is True
        self.card = reply.get("template_card", {})
        return str(reply["stream"]["content"])


@contextmanager
def wecom_of(settings: Settings, clock: Clock) -> Iterator[Wecom]:
    """The application with a WeCom bot, beside an official account that may push."""
    section = {
        "mode": "callback", "token": TOKEN, "encoding_aes_key": KEY, "name": "学习 助手",
        "api_base": "http://127.0.0.1:9",
    }  # fmt: skip
    account = settings.official_account
    assert account is not None
    pushing = account.model_dump() | {"secret": "s", "kind": "service", "verified": True}
    values = settings.model_dump() | {"wecom_bot": section, "official_account": pushing}
    built = replace(build(Settings.model_validate(values), "web"), clock=clock)
    prepare_database(built)
    with serving(built) as callback:
        yield Wecom(built, callback)
    built.database.dispose()


def in_group(chat: str = "G1") -> dict[str, Any]:
    return {"chattype": "group", "chatid": chat}
