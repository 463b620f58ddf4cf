"""The guided tour: a few steps, each one click, played through the real platform and bot."""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.clock import elapsed, pause
from bot.errors import SandboxProblem
from bot.simulator.bubbles import words_of
from bot.simulator.hand import SHANGHAI, Hand
from bot.simulator.office import Office, userid_of
from bot.simulator.world import World, openid_of

_PATIENCE = 8.0
_BETWEEN = 0.6
_LOOK = 0.05
# How long the line to the WeCom bot may take to come up, after a restart as well.
_LINE_SECONDS = 20.0
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Act:
    """One thing that happens in a step.

    `who` sends `say` at `place`: to the account, to the WeCom bot ("wecom"), or in its "group". Or,
    without `say`, nobody does anything and the words are waited for. What comes to `who` must have
    all of `expect`, within some seconds; `capture` keeps what a pattern finds in it for later acts,
    as {NAME}. `forward` moves the clock on before.
    """

    who: str = ""
    say: str = ""
    expect: tuple[str, ...] = ()
    capture: Mapping[str, str] = field(default_factory=dict)
    forward: timedelta | None = None
    place: str = "account"


@dataclass(frozen=True)
class Step:
    """`text` is what the page says about it, in two sentences; `done` once it has happened.

    The account is of this `profile` (kind, verified) before it begins; `until` (day, hour, minute)
    moves the clock to then in the next month.
    """

    title: str
    text: str
    done: str
    acts: tuple[Act, ...]
    profile: tuple[str, bool] = ("service", True)
    until: tuple[int, int, int] | None = None


class Tour:
    """Steps that the page's visitor starts one by one; one runs at a time."""

    def __init__(
        self, world: World, steps: Sequence[Step], hand: Hand,
        profile: Callable[[str, bool], None], office: Office | None = None,
    ) -> None:  # fmt: skip
        self._office = office
        self.steps = tuple(steps)
        self._world, self._forward, self._profile = world, hand.forward, profile
        self._running = threading.Lock()
        self._known: dict[str, str] = {}

    def start(self, number: int) -> None:
        """Run a step (from 1) in a thread of its own. Raises SandboxProblem where it cannot."""
        if not 1 <= number <= len(self.steps):
            raise SandboxProblem("导览没有这一步")
        if not self._running.acquire(blocking=False):
            raise SandboxProblem("上一步还没走完，稍等一下")
        threading.Thread(target=self._run, args=(number,), name="tour", daemon=True).start()

    def play(self, number: int) -> None:
        """Run a step here. Raises SandboxProblem when something expected does not come."""
        step, api = self.steps[number - 1], self._world.api
        self._running_at(number, step.acts[0])
        if (api.kind, api.verified) != step.profile:
            self._profile(*step.profile)
        if step.until:
            self._forward(_until(*step.until, self._world.clock.now()))
        for act in step.acts:
            self._running_at(number, act)
            self._do(act)

    def _run(self, number: int) -> None:
        status, text = "failed", "这一步没走通，看看终端里说了什么"
        try:
            self.play(number)
            status, text = "done", self.steps[number - 1].done
        except SandboxProblem as problem:
            text = f"这一步没走通：{problem}"
        finally:
            self._running.release()
            self._say(number, status, text)

    def _running_at(self, number: int, act: Act) -> None:
        self._say(number, "running", self.steps[number - 1].text, act)

    def _say(self, number: int, status: str, text: str, act: Act | None = None) -> None:
        focus = self._chat(act) if act and act.who else ""
        who = act.who if act else ""
        self._world.feed.add("tour", step=number, status=status, text=text, focus=focus, who=who)

    def _chat(self, act: Act) -> str:
        """Where it happens. Raises SandboxProblem where there is no such place."""
        if act.place == "account":
            return openid_of(act.who)
        return self._wecom.group if act.place == "group" else userid_of(act.who)

    @property
    def _wecom(self) -> Office:
        if self._office is None:
            raise SandboxProblem("这里没有企业微信")
        return self._office

    def _do(self, act: Act) -> None:
        if act.forward:
            self._forward(act.forward)
            return
        chat, say = self._chat(act), self._filled(act.say)
        seen = {bubble["id"] for bubble in self._bubbles(act, chat)} if say else set()
        if say and act.place == "account":
            self._world.say(chat, say)
        elif say:
            if not self._wecom.wait_live(_LINE_SECONDS):
                raise SandboxProblem("机器人还没有连上企业微信")
            self._wecom.say(userid_of(act.who), say, chat if act.place == "group" else "")
        self._wait(act, chat, seen)
        pause(_BETWEEN)

    def _bubbles(self, act: Act, chat: str) -> list[dict[str, Any]]:
        place = self._world if act.place == "account" else self._wecom
        return place.bubbles(chat)

    def _wait(self, act: Act, chat: str, seen: set[int]) -> None:
        """Until all of the words have come; what was there before does not count after `say`."""
        expected = [self._filled(words) for words in act.expect]
        deadline = elapsed() + _PATIENCE
        while True:
            texts = [
                words_of(bubble)
                for bubble in self._bubbles(act, chat)
                if bubble["id"] not in seen and bubble["side"] == "bot"
            ]
            missing = [words for words in expected if not any(words in text for text in texts)]
            missing += [name for name in act.capture if not self._captured(act, name, texts)]
            if not missing:
                return
            if elapsed() > deadline:
                raise SandboxProblem(f"{act.who} 没有收到“{missing[0]}”")
            pause(_LOOK)

    def _captured(self, act: Act, name: str, texts: Sequence[str]) -> bool:
        for text in reversed(texts):
            if found := re.search(act.capture[name], text):
                self._known[name] = found[1]
                return True
        return False

    def _filled(self, text: str) -> str:
        return _NAME.sub(lambda found: self._known.get(found[1], found[0]), text)


def _until(day: int, hour: int, minute: int, now: datetime) -> timedelta:
    """How far it is to this day and hour of next month, in Shanghai."""
    local = now.astimezone(SHANGHAI)
    next_month = local.replace(day=1) + timedelta(days=32)
    then = next_month.replace(day=day, hour=hour, minute=minute, second=0, microsecond=0)
    return then - local
