"""The platform's API for one account, over real HTTP: tokens, messages, files, menu, scene codes.

What it answers is what https://developers.weixin.qq.com/doc/service/api/ says, with the error
codes of https://developers.weixin.qq.com/doc/service/en/guide/dev/api/errcode.html.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

from flask import Flask
from werkzeug.serving import make_server

from bot.simulator import assets, general, mass, messages
from bot.simulator.answers import Said, refused
from bot.simulator.faulty import json_object, response_of
from bot.simulator.ledger import Fault
from bot.simulator.masking import call_of
from bot.simulator.server import Request, Response, serving
from bot.simulator.state import Kind, State
from bot.simulator.watching import NOBODY

Profile = tuple[Kind, bool]
_VERIFIED: frozenset[Profile] = frozenset({("subscription", True), ("service", True)})
_SERVICE: frozenset[Profile] = frozenset({("service", True)})
_WITH_MENU: frozenset[Profile] = _VERIFIED | {("service", False)}
_ALL: frozenset[Profile] = _WITH_MENU | {("subscription", False)}

_Endpoint = Callable[[State, dict[str, Any], Request], Said]
_Row = tuple[Literal["GET", "POST"], frozenset[Profile], _Endpoint]
# Asked without a token, and spared from faults.
_TOKENS: Mapping[str, tuple[Literal["GET", "POST"], _Endpoint]] = {
    "/cgi-bin/token": ("GET", general.classic_token),
    "/cgi-bin/stable_token": ("POST", general.stable_token),
}
_ENDPOINTS: Mapping[str, _Row] = {
    "/cgi-bin/getcallbackip": ("GET", _ALL, general.calling_addresses),
    "/cgi-bin/get_api_domain_ip": ("GET", _ALL, general.api_addresses),
    "/cgi-bin/clear_quota": ("POST", _ALL, general.clear_quota),
    "/cgi-bin/user/get": ("GET", _VERIFIED, general.followers),
    "/cgi-bin/user/info": ("GET", _VERIFIED, general.user_info),
    "/cgi-bin/message/custom/send": ("POST", _VERIFIED, messages.custom),
    "/cgi-bin/message/custom/typing": ("POST", _VERIFIED, messages.typing),
    "/cgi-bin/message/template/send": ("POST", _SERVICE, messages.template),
    "/cgi-bin/message/subscribe/bizsend": ("POST", _SERVICE, messages.bizsend),
    "/cgi-bin/message/mass/send": ("POST", _SERVICE, mass.to_openids),
    "/cgi-bin/message/mass/sendall": ("POST", _VERIFIED, mass.to_all),
    "/cgi-bin/draft/add": ("POST", _VERIFIED, mass.add_draft),
    "/cgi-bin/freepublish/submit": ("POST", _VERIFIED, mass.publish),
    "/cgi-bin/media/upload": ("POST", _VERIFIED, assets.upload),
    "/cgi-bin/media/get": ("GET", _VERIFIED, assets.download),
    "/cgi-bin/menu/create": ("POST", _WITH_MENU, assets.create_menu),
    "/cgi-bin/menu/get": ("GET", _WITH_MENU, assets.get_menu),
    "/cgi-bin/menu/delete": ("GET", _WITH_MENU, assets.delete_menu),
    "/cgi-bin/qrcode/create": ("POST", _SERVICE, assets.create_code),
}


class Api(State):
    """Answers the calls of one account. Several threads may call it."""

    def handle(self, request: Request) -> Response:
        """One call. The delays are for the caller to wait, without our lock."""
        if request.path.startswith(assets.VIDEO):
            return assets.show_video(self, request)
        if request.path == assets.SHOW_CODE:
            return assets.show_code(self, request)
        body = json_object(request.body) if request.method == "POST" else {}
        with self._changing():
            self.calls.append(request.path)
            fault = None if request.path in _TOKENS else self._fault()
            if fault == "revoke":
                self._tokens.revoke()
            answer = partial(self._answer, request, body, fault)
            response = response_of(answer, fault, self.faults, self.round_trip)
            if self.watch is not NOBODY:
                call = call_of(request, body, response, fault or "", self.clock.now(), self.secret)
                self._news.append(partial(self.watch.called, call))
        return response

    def _fault(self) -> Fault | None:
        return self.next_faults.popleft() if self.next_faults else self.faults.draw()

    def _answer(self, request: Request, body: dict[str, Any] | None, fault: Fault | None) -> Said:
        path = request.path
        if codes := self.refuse.get(path):
            return refused(codes.pop(0))
        if fault == "busy":
            return refused(-1)
        if path in _TOKENS:
            method, endpoint = _TOKENS[path]
            if request.method != method:
                return refused(43001 if method == "GET" else 43002)
            return endpoint(self, body or {}, request)
        if path not in _ENDPOINTS:
            return refused(40066)
        method, profiles, endpoint = _ENDPOINTS[path]
        if request.method != method:
            return refused(43001 if method == "GET" else 43002)
        now = self.clock.now()
        if code := self._tokens.refusal(request.query.get("access_token", ""), now):
            return refused(code)
        if (self.kind, self.verified) not in profiles:
            return refused(48001)
        if code := self.quotas.take(path, now) or (45009 if fault == "quota" else 0):
            return refused(code)
        if body is None and path != "/cgi-bin/media/upload":
            return refused(47001)
        return endpoint(self, body or {}, request)


@contextmanager
def serving_api(api: Api, port: int = 0) -> Iterator[str]:
    """The API behind a real socket; yields its base URL."""
    with serving(api.handle, port) as base:
        yield base


@contextmanager
def serving_app(app: Flask) -> Iterator[str]:
    """Any application behind a real socket; yields its base URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
