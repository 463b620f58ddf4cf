"""The people who use one account, and everything that the chat page shows of them.

What a person does happens one thing after the other, as on a phone, unless the platform is to mix
things up; the page hears of it by the feed.
"""

import itertools
import queue
import threading
from collections import defaultdict, deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from bot.clock import Clock
from bot.errors import SandboxProblem
from bot.simulator.api import Api
from bot.simulator.bubbles import Templates, of_answer, of_push
from bot.simulator.feed import Feed
from bot.simulator.hand import SHANGHAI
from bot.simulator.ledger import Heard, Sent
from bot.simulator.official_account import UNAVAILABLE, Answer, Platform
from bot.simulator.watching import Call, Push, Watcher

_BUBBLES, _RAW = 300, 100
_TEXT_LIMIT = 2000
# How long 对方正在输入 stands unless something comes.
_TYPING_SECONDS = 15.0


def openid_of(name: str) -> str:
    """An openid of the platform's form, the same for the same name."""
    return "o" + sha256(name.encode()).hexdigest()[:27]


@dataclass(frozen=True)
class Persona:
    """Somebody to play; `role` is what stands beside the name."""

    name: str
    role: str = "成员"
    hint: str = ""
    following: bool = True

    @property
    def openid(self) -> str:
        return openid_of(self.name)


@dataclass
class _Chat:
    bubbles: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_BUBBLES))
    raw: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_RAW))
    # Two, so that one can overtake the other where the platform lets it; else they take turns.
    line: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=2))
    turn: threading.Lock = field(default_factory=threading.Lock)


class World(Watcher):
    """Personas, their chats, and the platform between them and the bot."""

    def __init__(
        self, platform: Platform, api: Api, clock: Clock, personas: tuple[Persona, ...],
        templates: Templates | None = None, name: str = "学伴",
    ) -> None:  # fmt: skip
        self.platform, self.api, self.clock, self.name = platform, api, clock, name
        self.templates: Templates = templates or {}
        self.feed = Feed()
        self.personas: dict[str, Persona] = {}
        self._chats: dict[str, _Chat] = defaultdict(_Chat)
        self._told: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        api.followers = set(api.followers or ())
        for persona in personas:
            self.add(persona)
        api.watch = platform.watch = self
        platform.strict = False
        self._pump = threading.Thread(target=self._tell, name="events", daemon=True)
        self._pump.start()

    def kept(self) -> dict[str, Any]:
        """Chats and who follows, for recall()."""
        with self._lock:
            return {
                "personas": [asdict(one) for one in self.personas.values()],
                "followers": sorted(self.api.followers or ()),
                "heard": {openid: at[1].isoformat() for openid, at in self.api.heard_at.items()},
                "chats": {openid: list(chat.bubbles) for openid, chat in self._chats.items()},
            }

    def recall(self, kept: Mapping[str, Any]) -> None:
        """What another world was like when it ended."""
        for one in kept["personas"]:
            persona = Persona(**one)
            self.personas.setdefault(persona.openid, persona)
        self.api.followers = set(kept["followers"])
        for openid, at in kept["heard"].items():
            self.api.heard(openid, "message", datetime.fromisoformat(at))
        for openid, bubbles in kept["chats"].items():
            self._chats[openid].bubbles.extend(bubbles)
        numbers = [bubble["id"] for bubbles in kept["chats"].values() for bubble in bubbles]
        self._numbers = itertools.count(max(numbers, default=0) + 1)

    def close(self) -> None:
        """Nothing more is sent; the page's connections end."""
        self._told.put(None)
        self.feed.close()
        for chat in list(self._chats.values()):
            chat.line.shutdown(wait=False, cancel_futures=True)

    # People

    def add(self, persona: Persona) -> None:
        """Raises SandboxProblem when the name is taken."""
        with self._lock:
            if persona.openid in self.personas:
                raise SandboxProblem("已经有这个人了")
            self.personas[persona.openid] = persona
        if persona.following and self.api.followers is not None:
            self.api.followers.add(persona.openid)
        self.feed.add("state")

    def follows(self, openid: str) -> bool:
        return self.api.followers is None or openid in self.api.followers

    def become(self, kind: str, verified: bool) -> None:
        """From now on the account is of this kind."""
        self.api.set_profile("service" if kind == "service" else "subscription", verified)
        self.feed.add("state")

    def bubbles(self, openid: str) -> list[dict[str, Any]]:
        """The chat, oldest first."""
        return list(self._chats[openid].bubbles)

    def raw(self, openid: str) -> list[dict[str, Any]]:
        """The pushes for this person and the calls about them, oldest first."""
        rows = [*self._chats[openid].raw, *self._chats[""].raw]
        return sorted(rows, key=lambda row: int(row["id"]))[-_RAW:]

    def sent_today(self, openid: str) -> int:
        """Messages that the account has sent them of its own accord, today in Shanghai."""
        today = self.clock.now().astimezone(SHANGHAI).date()
        return sum(
            sent.touser == openid and sent.at.astimezone(SHANGHAI).date() == today
            for sent in list(self.api.sent)
        )

    # What people do

    def say(self, openid: str, text: str, menu_id: str = "") -> None:
        """Send a text, or tap an option of a menu in a message."""
        self._require_following(openid)
        self._bubble(openid, "me", "me", {"kind": "text", "text": text[:_TEXT_LIMIT]})
        more = {"bizmsgmenuid": menu_id} if menu_id else {}
        fields = {"MsgType": "text", "Content": text[:_TEXT_LIMIT], **more}
        self._send(openid, fields, "menu" if menu_id else "message")

    def voice(self, openid: str, text: str) -> None:
        """Say something: the platform recognises these words."""
        self._require_following(openid)
        self._bubble(openid, "me", "me", {"kind": "voice", "text": text})
        media_id = self.api.receive("voice", b"#!AMR\n", "audio/amr")
        fields = {"MsgType": "voice", "MediaId": media_id, "Format": "amr", "Recognition": text}
        self._send(openid, fields, "message")

    def picture(self, openid: str, content: bytes, content_type: str, base: str) -> None:
        """Send a picture; the bot finds it at `base` as well as through the API."""
        self._require_following(openid)
        media_id = self.api.receive("image", content, content_type)
        self._bubble(openid, "me", "me", {"kind": "image", "url": f"/media/{media_id}"})
        fields = {"MsgType": "image", "MediaId": media_id, "PicUrl": f"{base}media/{media_id}"}
        self._send(openid, fields, "message")

    def tap(self, openid: str, path: list[int]) -> None:
        """A button of the menu at the bottom, by its indexes."""
        self._require_following(openid)
        button = self._button(path)
        kind, name = str(button.get("type", "click")), str(button.get("name", ""))
        if kind not in ("click", "view"):
            raise SandboxProblem(f"沙盒还不会点“{kind}”这种按钮")
        key = str(button.get("key" if kind == "click" else "url", ""))
        self._bubble(openid, "note", "me", {"kind": "text", "text": f"点了菜单“{name}”"})
        event = {"MsgType": "event", "Event": kind.upper(), "EventKey": key}
        self._send(openid, event, "menu" if kind == "click" else None)

    def follow(self, openid: str, ticket: str = "") -> None:
        """Follow the account, perhaps by a scene code."""
        if self.follows(openid):
            self.scan(openid, ticket)
            return
        if self.api.followers is not None:
            self.api.followers.add(openid)
        self._bubble(openid, "note", "me", {"kind": "text", "text": "关注了公众号"})
        scene = self.api.scene_of(ticket)
        more = {"EventKey": f"qrscene_{scene}", "Ticket": ticket} if scene else {"EventKey": ""}
        self._send(openid, {"MsgType": "event", "Event": "subscribe", **more}, "subscribe")
        self.feed.add("state")

    def unfollow(self, openid: str) -> None:
        self._require_following(openid)
        if self.api.followers is not None:
            self.api.followers.discard(openid)
        self._bubble(openid, "note", "me", {"kind": "text", "text": "取消了关注"})
        self._send(openid, {"MsgType": "event", "Event": "unsubscribe", "EventKey": ""}, None)
        self.feed.add("state")

    def scan(self, openid: str, ticket: str) -> None:
        """Scan one of the account's codes."""
        scene = self.api.scene_of(ticket)
        if not scene:
            raise SandboxProblem("没有这个二维码，或者过期了")
        if not self.follows(openid):
            self.follow(openid, ticket)
            return
        self._bubble(openid, "note", "me", {"kind": "text", "text": f"扫了二维码（{scene}）"})
        event = {"MsgType": "event", "Event": "SCAN", "EventKey": scene, "Ticket": ticket}
        self._send(openid, event, "scan")

    def agree(self, openid: str, template: str, *, accept: bool) -> None:
        """Let the account send one more message of this template, or none."""
        self._require_following(openid)
        if accept:
            self.api.consent(openid, template, tell=True)
        else:
            self.api.reject(openid, template, tell=True)
        self.feed.add("state")

    def _require_following(self, openid: str) -> None:
        if openid not in self.personas:
            raise SandboxProblem("没有这个人")
        if not self.follows(openid):
            raise SandboxProblem("先关注公众号，才能发消息")

    def _button(self, path: list[int]) -> Mapping[str, Any]:
        buttons, button = self.api.menu or [], None
        for index in path:
            if not 0 <= index < len(buttons):
                raise SandboxProblem("菜单里没有这一项")
            button = buttons[index]
            buttons = button.get("sub_button") or []
        if button is None:
            raise SandboxProblem("菜单里没有这一项")
        return button

    def _send(self, openid: str, fields: dict[str, Any], opens: Heard | None) -> None:
        if opens:
            self.api.heard(openid, opens)
        if fields["MsgType"] != "event":
            fields["MsgId"] = self.platform.new_id()
        self._chats[openid].line.submit(self._push, openid, fields)

    def _push(self, openid: str, fields: Mapping[str, Any]) -> None:
        alone = nullcontext() if self.platform.faults.reorder else self._chats[openid].turn
        with alone:
            self._typing(openid, on=True)
            try:
                answer = self.platform.push(openid, fields)
            finally:
                self._typing(openid, on=False)
            # To an event that takes no reply, or to who has gone, the platform shows none.
            if fields.get("Event") != "VIEW" and self.follows(openid):
                self._answered(openid, answer)

    def _answered(self, openid: str, answer: Answer) -> None:
        if answer.problem and answer.text == UNAVAILABLE:
            note = {"kind": "text", "text": UNAVAILABLE, "problem": answer.problem}
            self._bubble(openid, "note", "reply", note)
        elif bubble := of_answer(answer):
            self._bubble(openid, "bot", "reply", bubble)
        self.feed.add("state")

    # What the platform tells us (Watcher)

    def attempted(self, push: Push, /) -> None:
        attempts = [{**asdict(one), "at": spoken_time(one.at)} for one in push.attempts]
        at = attempts[0]["at"] if attempts else spoken_time(self.clock.now())
        self._keep_raw("push", push.openid, {"at": at, "what": push.what, "attempts": attempts})

    def called(self, call: Call, /) -> None:
        openid = call.openid if call.openid in self.personas else ""
        row = {"what": call.path, "request": call.request, "answer": call.answer}
        self._keep_raw("call", openid, {**row, "at": spoken_time(call.at), "fault": call.fault})

    def delivered(self, sent: Sent, /) -> None:
        self._bubble(sent.touser, "bot", "push", of_push(sent.path, sent.body, self.templates))
        self.feed.add("state")

    def told(self, event: Mapping[str, Any], /) -> None:
        self._told.put(event)

    def typing(self, openid: str, on: bool, /) -> None:
        self._typing(openid, on=on)
        if on:
            timer = threading.Timer(_TYPING_SECONDS, self._typing, (openid,), {"on": False})
            timer.daemon = True
            timer.start()

    def _typing(self, openid: str, *, on: bool) -> None:
        self.feed.add("typing", chat=openid, on=on)

    def note(self, text: str, openid: str = "") -> None:
        """A grey line in this chat, or in all."""
        for one in [openid] if openid else list(self.personas):
            self._bubble(one, "note", "me", {"kind": "text", "text": text})

    def _tell(self) -> None:
        """Events reach the bot after the call that they speak of."""
        while (event := self._told.get()) is not None:
            with suppress(SandboxProblem):
                self.platform.tell(event)

    def _keep_raw(self, type: str, openid: str, record: Mapping[str, Any]) -> None:
        number = self.feed.add("raw", chat=openid)
        self._chats[openid].raw.append({**record, "id": number, "type": type, "chat": openid})

    def _bubble(self, openid: str, side: str, via: str, bubble: Mapping[str, Any]) -> None:
        whole = {
            "id": next(self._numbers), "chat": openid, "side": side, "via": via,
            "at": spoken_time(self.clock.now()), **bubble,
        }  # fmt: skip
        self._chats[openid].bubbles.append(whole)
        self.feed.add("bubble", bubble=whole)


def spoken_time(at: datetime) -> str:
    """As the page reads it: in Shanghai, to the second."""
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds")
