"""Packages as clients of the platform's API, called alike."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
import werobot.client
from requests.adapters import HTTPAdapter

from tests.interop.processes import asked
from tests.platform import APP_ID


class Refused(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ClientPeer(Protocol):
    """A package as a client; each call raises Refused with the code of the package's own error."""

    def token(self) -> str: ...
    def text(self, openid: str, words: str) -> None: ...
    def template(self, openid: str, id: str, data: object) -> None: ...
    def create_menu(self, menu: object) -> None: ...
    def menu(self) -> Any: ...
    def code(self, scene: str) -> Any: ...
    def upload(self, file: Path) -> str: ...
    def download(self, media_id: str) -> bytes: ...


@dataclass(frozen=True)
class CoWechatApi:
    peers: str
    base: str
    secret: str

    def _call(self, method: str, *args: object) -> Any:
        job = {"base": self.base, "appid": APP_ID, "secret": self.secret}
        answer = asked(f"{self.peers}/call", {**job, "method": method, "args": args})
        if error := answer.get("error"):
            assert error["name"] == "WeChatAPIError", error
            raise Refused(error["code"])
        return answer["result"]

    def token(self) -> str:
        return str(self._call("getAccessToken")["accessToken"])

    def text(self, openid: str, words: str) -> None:
        self._call("sendText", openid, words)

    def template(self, openid: str, id: str, data: object) -> None:
        self._call("sendTemplate", openid, id, "https://example.org/", None, data)

    def create_menu(self, menu: object) -> None:
        self._call("createMenu", menu)

    def menu(self) -> Any:
        return self._call("getMenu")

    def code(self, scene: str) -> Any:
        return self._call("createTmpQRCode", scene, 600)

    def upload(self, file: Path) -> str:
        return str(self._call("uploadMedia", str(file), "image")["media_id"])

    def download(self, media_id: str) -> bytes:
        return base64.b64decode(self._call("getMedia", media_id)["base64"])


class Elsewhere(HTTPAdapter):
    """Brings what is meant for one host to another."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = urlsplit(base)

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> Any:
        meant = urlsplit(request.url or "")
        request.url = urlunsplit(
            (self._base.scheme, self._base.netloc, meant.path, meant.query, "")
        )
        return super().send(request, *args, **more)


class WeRoBotClient:
    """Its client asks `requests` for the platform's own host: a session there knows the way."""

    def __init__(self, base: str, secret: str, patch: pytest.MonkeyPatch) -> None:
        session = requests.Session()
        session.trust_env = False
        session.mount("https://api.weixin.qq.com/", Elsewhere(base))
        patch.setattr(werobot.client, "requests", session)
        self._client = werobot.client.Client({"APP_ID": APP_ID, "APP_SECRET": secret})

    def _call(self, method: str, *args: object) -> Any:
        try:
            return getattr(self._client, method)(*args)
        except werobot.client.ClientException as error:
            raise Refused(int(str(error).partition(":")[0])) from error

    def token(self) -> str:
        return str(self._call("get_access_token"))

    def text(self, openid: str, words: str) -> None:
        self._call("send_text_message", openid, words)

    def template(self, openid: str, id: str, data: object) -> None:
        self._call("send_template_message", openid, id, data, "https://example.org/")

    def create_menu(self, menu: object) -> None:
        self._call("create_menu", menu)

    def menu(self) -> Any:
        return self._call("get_menu")

    def code(self, scene: str) -> Any:
        info = {"scene": {"scene_str": scene}}
        data = {"action_name": "QR_STR_SCENE", "expire_seconds": 600, "action_info": info}
        return self._call("create_qrcode", data)

    def upload(self, file: Path) -> str:
        with file.open("rb") as stream:
            return str(self._call("upload_media", "image", stream)["media_id"])

    def download(self, media_id: str) -> bytes:
        return bytes(self._call("download_media", media_id).content)
