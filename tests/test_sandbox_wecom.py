"""WeCom on the sandbox's page, over real HTTP: groups, own chats, the line and what breaks it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.cli.play_wecom import BOT
from bot.cli.sandbox_wecom import serving_wecom
from bot.clock import elapsed, pause
from bot.config import Settings
from bot.simulator.api import Api, serving_app
from bot.simulator.feed import Feed
from bot.simulator.hand import Hand
from bot.simulator.office import Office, userid_of
from bot.simulator.official_account import Account, Platform
from bot.simulator.page import Controls, create_page
from bot.simulator.wecom.callback import Callback
from bot.simulator.wecom.connection import LongConnection
from bot.simulator.wecom.enterprise import Bot, Enterprise
from bot.simulator.wecom.replies import Content
from bot.simulator.world import Persona, World
from tests.called_line import with_callback
from tests.conftest import HandClock
from tests.platform import AES_KEY, APP_ID, TOKEN
from tests.wecom_line import SECRET, connected

ONE, TWO = userid_of("成员01"), userid_of("成员02")
PICTURE = b"\x89PNG\r\n\x1a\n0000"


class Page:
    """The page as a browser's scripts use it; the group is G1."""

    def __init__(self, base: str, office: Office) -> None:
        self.base, self.office = base, office

    def get(self, path: str) -> Any:
        return requests.get(f"{self.base}/api/{path}", timeout=5).json()

    def post(self, path: str, /, **fields: Any) -> requests.Response:
        url, headers = f"{self.base}/api/wecom/{path}", {"X-Sandbox": "1"}
        return requests.post(url, json=fields, headers=headers, timeout=5)

    def say(self, text: str, name: str = "成员01", chat: str = "G1", **more: Any) -> None:
        assert self.post("say", name=name, chat=chat, text=text, **more).status_code == 202

    def upload(self, **fields: str) -> int:
        return requests.post(
            f"{self.base}/api/wecom/picture", data=fields, headers={"X-Sandbox": "1"},
            files={"file": ("a.png", PICTURE, "image/png")}, timeout=5,
        ).status_code  # fmt: skip

    def chat(self, chat: str = "G1") -> list[dict[str, Any]]:
        bubbles: list[dict[str, Any]] = self.get(f"wecom/chat/{chat}")["bubbles"]
        return bubbles

    def until(self, seen: Callable[[], bool]) -> None:
        deadline = elapsed() + 10
        while not seen():
            assert elapsed() < deadline, self.chat()
            pause(0.02)

    def answered(self, words: str, chat: str = "G1") -> dict[str, Any]:
        """The newest bubble of the bot, once it has these words."""
        found: list[dict[str, Any]] = []

        def seen() -> bool:
            found[:] = [one for one in self.chat(chat) if one["side"] == "bot"][-1:]
            return bool(found) and words in json.dumps(found, ensure_ascii=False)

        self.until(seen)
        return found[0]


@pytest.fixture
def dialect() -> str:
    """Which database the bot has makes no difference to the page."""
    return "sqlite"


@contextmanager
def serving_page(line: LongConnection | Callback, clock: HandClock, folder: Path) -> Iterator[Page]:
    api = Api(APP_ID, "s", clock)
    platform = Platform(Account("http://127.0.0.1:9/", TOKEN, APP_ID, AES_KEY), clock)
    world = World(platform, api, clock, (Persona("成员01"), Persona("成员02")))
    office = Office(
        line.enterprise, line, world.feed, lambda content, type: api.receive("image", content, type)
    )
    for name in ("成员01", "成员02"):
        office.add(name)
    controls = Controls(world, Hand(folder / "clock"), office=office)
    with serving_app(create_page(controls)) as base:
        yield Page(base, office)
        world.close()


@pytest.fixture
def page(settings: Settings, clock: HandClock, tmp_path: Path) -> Iterator[Page]:
    with (
        connected(settings, clock) as side,
        serving_page(side.platform, clock, tmp_path) as found,
    ):
        yield found


def test_a_group_its_card_and_its_limits(page: Page) -> None:
    page.say("打卡 读完")
    asked = page.answered("要先记住你")
    mine = page.chat()[0]
    assert (mine["side"], mine["who"], mine["text"]) == ("me", "成员01", "@学伴 打卡 读完")
    assert (asked["who"], asked["finished"], asked["via"]) == ("", True, "reply")
    key = asked["card"]["button_list"][0]["key"]
    tapped = {"chat": "G1", "bubble": asked["id"], "key": key}
    assert page.post("tap", name="成员01", **tapped).status_code == 202
    assert page.answered("打卡成功")["via"] == "push"
    card = next(one for one in page.chat() if one["id"] == asked["id"])
    assert card["cards"][ONE]["main_title"]["title"].startswith("已选")
    assert TWO not in card["cards"]
    minute, hour = page.get("wecom/limits/G1")["limits"]
    assert (minute["used"], minute["limit"], hour["limit"]) == (2, 30, 1000)


def test_what_is_not_for_the_bot_goes_nowhere(page: Page) -> None:
    frames = len(page.get("wecom/raw/G1")["raw"])
    page.say("晚上好", named=False)
    assert page.chat()[0]["text"] == "晚上好"
    assert page.upload(name="成员02", chat="G1", text="看", named="false") == 202
    assert [one["who"] for one in page.chat()] == ["成员01", "成员02"]
    assert len(page.get("wecom/raw/G1")["raw"]) == frames


def test_pictures_with_words_and_alone_and_a_voice(page: Page) -> None:
    assert page.upload(name="成员01", chat="G1", text="打卡 抄书", named="true") == 202
    page.answered("要先记住你")
    (url,) = page.chat()[0]["pictures"]
    assert requests.get(page.base + url, timeout=5).content == PICTURE
    assert page.upload(name="成员01", chat="", text="") == 202
    page.answered("要作为今天的打卡", ONE)
    assert page.post("voice", name="成员01", text="预备期多久").status_code == 202
    page.answered("预备期为 1 年", ONE)
    assert page.upload(name="nobody", chat="G1", text="x") == 409


def test_who_opens_the_own_chat_is_welcomed_once_a_day(page: Page) -> None:
    for _ in range(2):
        assert page.post("enter", name="成员01").status_code == 202
    page.answered("学伴", ONE)
    assert len(page.chat(ONE)) == 1


def test_a_stream_goes_on_in_its_place(page: Page) -> None:
    enterprise = page.office.enterprise
    exchange = enterprise.begin("message", ONE, "G1", {})
    for text, finish in (("正在查", False), ("正在查：预备", False), ("一年", True)):
        content = Content("stream", text, stream="S", finish=finish)
        assert enterprise.reply(exchange, content) == 0
        (bubble,) = page.chat()
        assert (bubble["text"], bubble["finished"]) == (text, finish)
    assert bubble["id"] == 1


def test_every_frame_can_be_read_but_no_secret(page: Page) -> None:
    page.say("帮助")
    page.answered("打卡")
    rows = page.get("wecom/raw/G1")["raw"]
    whats = {row["what"]: row["to_bot"] for row in rows}
    assert whats["aibot_msg_callback text"] is True
    assert whats["aibot_respond_msg stream"] is False
    assert "帮助" in json.dumps(rows, ensure_ascii=False)
    assert SECRET not in json.dumps(rows)


def test_the_line_breaks_and_comes_back(page: Page) -> None:
    wecom = page.get("state")["wecom"]
    assert (wecom["live"], wecom["mode"], wecom["refusing"]) == (True, "websocket", False)
    assert page.post("line", how="cut").status_code == 202
    assert page.office.wait_live(10)
    assert page.post("line", how="refuse").status_code == 202
    assert page.get("state")["wecom"]["refusing"] is True
    page.until(lambda: page.get("state")["wecom"]["live"] is False)
    page.say("帮助")
    page.until(lambda: any(one.get("problem") for one in page.chat()))
    assert page.post("line", how="cut").status_code == 202
    assert page.office.wait_live(10)
    assert page.post("line", how="kick").status_code == 202
    assert page.office.wait_live(10)
    assert page.post("line", how="melt").status_code == 409


def test_the_lines_faults(page: Page) -> None:
    assert page.post("faults", duplicate=2, malformed=0.5).status_code == 202
    faults = page.get("state")["wecom"]["faults"]
    assert faults == {"duplicate": 1.0, "reorder": 0.0, "malformed": 0.5}
    assert page.post("faults", lost=1).status_code == 409
    page.say("打卡")
    page.answered("要先记住你")
    assert len([one for one in page.chat() if one["side"] == "bot"]) == 1


def test_an_office_remembers(page: Page, clock: HandClock) -> None:
    page.say("打卡")
    asked = page.answered("要先记住你")
    kept = json.loads(json.dumps(page.office.kept()))
    enterprise = Enterprise(Bot(), clock)
    enterprise.add_group("G1", "一班")
    line = LongConnection(enterprise)
    again = Office(enterprise, line, Feed(), lambda _content, _type: "")
    again.recall(kept)
    assert [one["text"] for one in again.bubbles("G1")] == [one["text"] for one in page.chat()]
    assert again.knows(ONE)
    assert enterprise.talked == {"G1"}
    again.say(ONE, "又来了", "G1", named=False)
    assert len({one["id"] for one in again.bubbles("G1")}) == 3
    page.office.recall(kept)
    old = page.chat()[-1]
    assert old["text"] == asked["text"]
    key = old["card"]["button_list"][0]["key"]
    refused = page.post("tap", name="成员01", chat="G1", bubble=old["id"], key=key)
    assert "以前的" in refused.json()["error"]


def test_a_new_persona_is_a_colleague_as_well(page: Page) -> None:
    headers = {"X-Sandbox": "1"}
    requests.post(f"{page.base}/api/persona", json={"name": "小红"}, headers=headers, timeout=5)
    (group,) = page.get("state")["wecom"]["groups"]
    assert "小红" in group["members"]
    page.say("预备期多久", name="小红")
    page.answered("预备期为 1 年")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("say", {"name": "成员01", "chat": "G1"}),
        ("say", {"name": "nobody", "chat": "G1", "text": "x"}),
        ("say", {"name": "成员01", "chat": "G9", "text": "x"}),
        ("say", {"name": "成员01", "chat": ["G1"], "text": "x"}),
        ("tap", {"name": "成员01", "chat": "G1", "bubble": 99, "key": "1"}),
        ("tap", {"name": "成员01", "chat": "G1", "bubble": "1", "key": "1"}),
        ("tap", {"name": "成员01", "chat": "G1", "bubble": 1, "key": "1", "selected": {"q": 5}}),
        ("enter", {}),
        ("faults", {"duplicate": "yes"}),
        ("line", {}),
    ],
)
def test_what_makes_no_sense_gets_a_sentence(page: Page, path: str, fields: dict[str, Any]) -> None:
    response = page.post(path, **fields)
    assert response.status_code == 409
    assert response.json()["error"]


def test_where_no_wecom_is_played(clock: HandClock, tmp_path: Path) -> None:
    platform = Platform(Account("http://127.0.0.1:9/", TOKEN, APP_ID, AES_KEY), clock)
    world = World(platform, Api(APP_ID, "s", clock), clock, (Persona("成员01"),))
    with serving_app(create_page(Controls(world, Hand(tmp_path / "clock")))) as base:
        url, headers = f"{base}/api/wecom/enter", {"X-Sandbox": "1"}
        assert requests.get(f"{base}/api/state", timeout=5).json()["wecom"] is None
        refused = requests.post(url, json={"name": "成员01"}, headers=headers, timeout=5)
        assert refused.status_code == 409
        world.close()


def test_any_bots_callback_with_everybody_in_one_group(
    settings: Settings, clock: HandClock
) -> None:
    """As `xueban sandbox --wecom-target` has it."""
    platform = Platform(Account("http://127.0.0.1:9/", TOKEN, APP_ID, AES_KEY), clock)
    world = World(platform, Api(APP_ID, "s", clock), clock, (Persona("成员01"),))
    with with_callback(settings, clock) as (_, url, _):
        target = url.replace("official-account", "wecom-bot")
        with serving_wecom(world, BOT, target, 0) as (office, said):
            assert target in said
            office.say(ONE, "预备期多久", office.group)
            deadline = elapsed() + 10
            while "预备期为 1 年" not in str(office.bubbles(office.group)):
                assert elapsed() < deadline
                pause(0.02)
    world.close()


def test_a_bots_callback(settings: Settings, clock: HandClock, tmp_path: Path) -> None:
    with (
        with_callback(settings, clock) as (_, _, line),
        serving_page(line, clock, tmp_path) as page,
    ):
        line.enterprise.add_group("G1", "一班", (ONE,))
        page.say("打卡 读完")
        asked = page.answered("要先记住你")
        key = asked["card"]["button_list"][0]["key"]
        page.post("tap", name="成员01", chat="G1", bubble=asked["id"], key=key)
        page.answered("打卡成功")
        state = page.get("state")["wecom"]
        assert (state["mode"], state["live"]) == ("callback", True)
        assert "lost" in state["faults"]
        assert page.post("line", how="cut").status_code == 409
        assert page.post("enter", name="成员01").status_code == 202
        page.answered("学伴", ONE)
        assert page.post("say", name="成员02", chat="G1", text="x").status_code == 409
