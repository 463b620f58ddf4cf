"""The sandbox's page over real HTTP: what people do, what they see, and what nobody may do."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.clock import elapsed, pause
from bot.platforms.official_account.client import Client
from bot.platforms.official_account.endpoints import send_template, send_text
from bot.simulator.api import Api, serving_app
from bot.simulator.hand import Hand
from bot.simulator.official_account import Account, Platform
from bot.simulator.page import Controls, create_page
from bot.simulator.world import Persona, World, openid_of
from tests.conftest import HandClock
from tests.life import Life
from tests.platform import AES_KEY, APP_ID, TOKEN, serving
from tests.sending import SECRET

WHO = openid_of("成员01")
NEWCOMER = openid_of("新同学")
PICTURE = b"\x89PNG\r\n\x1a\n0000"


class Page:
    """The page as a browser's scripts use it."""

    def __init__(self, base: str, world: World) -> None:
        self.base = base
        self.world = world
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str, **more: Any) -> requests.Response:
        return self._session.get(f"{self.base}{path}", timeout=5, **more)

    def post(self, path: str, /, **fields: Any) -> requests.Response:
        headers = {"X-Sandbox": "1"}
        return self._session.post(f"{self.base}{path}", json=fields, headers=headers, timeout=5)

    def upload(self, content: bytes, type: str) -> requests.Response:
        return self._session.post(
            f"{self.base}/api/picture", data={"openid": WHO}, headers={"X-Sandbox": "1"},
            files={"file": ("a.png", content, type)}, timeout=5,
        )  # fmt: skip

    def chat(self, openid: str = WHO) -> list[dict[str, Any]]:
        bubbles: list[dict[str, Any]] = self.get(f"/api/chat/{openid}").json()["bubbles"]
        return bubbles

    def until(self, seen: Callable[[list[dict[str, Any]]], bool], openid: str = WHO) -> None:
        deadline = elapsed() + 5
        while not seen(self.chat(openid)):
            assert elapsed() < deadline, self.chat(openid)
            pause(0.02)

    def answered(self, words: str, openid: str = WHO) -> None:
        """Wait for a bubble of the bot with these words."""
        self.until(
            lambda bubbles: any(
                words in json.dumps(bubble, ensure_ascii=False)
                for bubble in bubbles
                if bubble["side"] != "me"
            ),
            openid,
        )


@pytest.fixture
def dialect() -> str:
    """Which database the bot has makes no difference to the page."""
    return "sqlite"


@pytest.fixture
def page(life: Life, tmp_path: Path) -> Iterator[Page]:
    with serving(life.application) as callback:
        platform = Platform(Account(callback, TOKEN, APP_ID, AES_KEY), life.clock)
        people = (Persona("成员01"), Persona("新同学", "新同学", following=False))
        templates = {"tm": ("服务通知", {"thing1": "事情"})}
        world = World(platform, life.api, life.clock, people, templates)
        with serving_app(create_page(Controls(world, Hand(tmp_path / "clock")))) as base:
            yield Page(base, world)
            world.close()


def test_a_message_and_its_answer(page: Page) -> None:
    assert page.post("/api/say", openid=WHO, text="帮助").status_code == 202
    page.answered("打卡")
    mine, theirs = page.chat()[:2]
    assert (mine["side"], mine["text"]) == ("me", "帮助")
    assert (theirs["side"], theirs["via"], theirs["kind"]) == ("bot", "reply", "text")


def test_a_push_a_card_and_the_ledger(page: Page, client: Client) -> None:
    page.post("/api/say", openid=WHO, text="帮助")
    page.answered("打卡")
    send_text(client, WHO, "到点了")
    send_template(client, WHO, "tm", {"thing1": "党课"})
    page.answered("党课")
    push, card = page.chat()[-2:]
    assert (push["text"], push["kind"], push["via"]) == ("到点了", "text", "push")
    assert (card["title"], card["fields"], card["kind"]) == ("服务通知", [["事情", "党课"]], "card")
    person = page.get(f"/api/person/{WHO}").json()
    assert person["windows"][0]["left"] == 4
    assert person["sent_today"] == 2
    raw = page.get(f"/api/raw/{WHO}").text
    assert "/cgi-bin/message/custom/send" in raw
    assert SECRET not in raw


def test_following_scanning_and_leaving(page: Page) -> None:
    assert page.post("/api/say", openid=NEWCOMER, text="你好").json()["error"].startswith("先关注")
    assert page.post("/api/follow", openid=NEWCOMER).status_code == 202
    page.answered("学伴", NEWCOMER)
    page.world.api.scenes["ticket"] = "door"
    assert page.post("/api/scan", openid=NEWCOMER, ticket="ticket").status_code == 202
    page.until(
        lambda bubbles: "扫了二维码（door）" in [one.get("text") for one in bubbles], NEWCOMER
    )
    assert page.post("/api/scan", openid=NEWCOMER, ticket="none").status_code == 409
    page.world.api.scene_ends["ticket"] = page.world.clock.now()
    assert page.post("/api/scan", openid=NEWCOMER, ticket="ticket").status_code == 409
    assert page.post("/api/unfollow", openid=NEWCOMER).status_code == 202
    assert page.get(f"/api/person/{NEWCOMER}").json()["following"] is False


def test_voice_picture_and_menu(page: Page) -> None:
    assert page.post("/api/voice", openid=WHO, text="帮助").status_code == 202
    page.answered("打卡")
    assert page.upload(PICTURE, "image/png").status_code == 202
    shown = next(bubble for bubble in page.chat() if bubble["kind"] == "image")
    assert page.get(shown["url"]).content == PICTURE
    assert page.upload(b"<svg/>", "text/html").status_code == 409
    page.answered("要作为今天的打卡")
    page.world.api.menu = [
        {"name": "更多", "sub_button": [{"type": "click", "name": "帮", "key": "帮助"}]}
    ]
    before = len([bubble for bubble in page.chat() if bubble["side"] == "bot"])
    assert page.post("/api/tap", openid=WHO, path=[0, 0]).status_code == 202
    page.until(lambda all: len([one for one in all if one["side"] == "bot"]) > before)
    note, answer = page.chat()[-2:]
    assert note["text"] == "点了菜单“帮”"
    assert "打卡" in answer["text"]
    for wrong in ([], [3], [0, 9], "0", [0, "x"]):
        assert page.post("/api/tap", openid=WHO, path=wrong).status_code == 409


def test_what_the_platform_would_not_show_is_said(page: Page) -> None:
    object.__setattr__(page.world.platform.account, "token", "wrong")
    page.post("/api/say", openid=WHO, text="帮助")
    page.answered("该公众号暂时无法提供服务")
    assert page.chat()[-1]["problem"]


def test_every_byte_can_be_read_but_no_secret(page: Page) -> None:
    page.post("/api/say", openid=WHO, text="帮助")
    page.answered("打卡")
    (row,) = [row for row in page.get(f"/api/raw/{WHO}").json()["raw"] if row["type"] == "push"]
    (attempt,) = row["attempts"]
    assert row["what"] == "text 帮助"
    assert "帮助" in attempt["plain"]
    assert "帮助" not in attempt["body"]
    assert "打卡" in attempt["reply_plain"]
    assert attempt["status"] == 200
    everything = page.get(f"/api/raw/{WHO}").text
    assert AES_KEY not in everything
    assert TOKEN not in everything


def test_live_events_go_on_where_they_stopped(page: Page) -> None:
    number = page.world.feed.last
    page.world.note("一", WHO)
    page.world.note("二", WHO)
    seen: list[str] = []
    with page.get(f"/api/events?after={number}", stream=True) as stream:
        for line in stream.iter_lines(decode_unicode=True):
            if line.startswith("data:"):
                seen.append(json.loads(line[5:])["bubble"]["text"])
            if len(seen) == 2:
                break
    assert seen == ["一", "二"]
    with page.get("/api/events", headers={"Last-Event-ID": str(number + 1)}, stream=True) as stream:
        first = next(line for line in stream.iter_lines(decode_unicode=True) if line[:5] == "data:")
    assert json.loads(first[5:])["bubble"]["text"] == "二"


def test_the_clock_the_faults_and_the_account(page: Page) -> None:
    before = page.get("/api/state").json()
    assert page.post("/api/clock", step="two_days").status_code == 202
    assert page.post("/api/clock", step="year").status_code == 409
    assert page.post("/api/faults", busy=0.5, duplicate=2, reorder=-1).status_code == 202
    assert page.post("/api/faults", magic=1).status_code == 409
    assert page.post("/api/profile", kind="subscription", verified=False).status_code == 202
    assert page.post("/api/profile", kind="other").status_code == 409
    assert page.post("/api/push", mode="plain", format="json", attempts=9).status_code == 202
    assert page.post("/api/push", mode="open").status_code == 409
    deadline = elapsed() + 5
    while page.get("/api/state").json()["account"]["kind"] != "subscription":
        assert elapsed() < deadline
    after = page.get("/api/state").json()
    assert after["clock"]["offset"] - before["clock"]["offset"] == 48 * 3600
    assert after["faults"]["busy"] == 0.5
    assert (after["faults"]["duplicate"], after["faults"]["reorder"]) == (1.0, 0.0)
    assert after["push"] == {"mode": "plain", "format": "json", "attempts": 5}


def test_other_pages_and_other_hosts_get_nothing(page: Page) -> None:
    port = page.base.rsplit(":", 1)[1]
    assert page.get("/api/state", headers={"Host": f"evil.example:{port}"}).status_code == 403
    bare = requests.post(f"{page.base}/api/clock", json={"step": "hour"}, timeout=5)
    assert bare.status_code == 403
    policy = page.get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/api/say", {"openid": WHO}),
        ("/api/say", {"openid": WHO, "text": "   "}),
        ("/api/say", {"openid": "oNOBODY", "text": "你好"}),
        ("/api/say", {"openid": 5, "text": ["x"]}),
        ("/api/persona", {"name": "成员01"}),
        ("/api/persona", {"name": ""}),
        ("/api/tour", {"step": 1}),
        ("/api/agree", {"openid": WHO}),
    ],
)
def test_what_makes_no_sense_gets_a_sentence(page: Page, path: str, fields: dict[str, Any]) -> None:
    response = page.post(path, **fields)
    assert response.status_code == 409
    assert response.json()["error"]


def test_odd_bodies_are_no_server_error(page: Page) -> None:
    for body in (b"", b"[]", b"{", b"\xff\xfe", b"1" * 100_000):
        headers = {"X-Sandbox": "1", "Content-Type": "application/json"}
        response = requests.post(f"{page.base}/api/say", data=body, headers=headers, timeout=5)
        assert response.status_code == 409


def test_a_world_remembers(page: Page, clock: HandClock) -> None:
    page.post("/api/say", openid=WHO, text="帮助")
    page.answered("打卡")
    page.post("/api/persona", name="小红")
    kept = json.loads(json.dumps(page.world.kept()))
    api = Api(APP_ID, "x", clock)
    again = World(page.world.platform, api, clock, ())
    again.recall(kept)
    assert again.bubbles(WHO) == page.world.bubbles(WHO)
    assert openid_of("小红") in again.personas
    assert not again.follows(openid_of("小红"))
    assert api.windows(WHO)[0].left == 5
    again.note("新的", WHO)
    assert len({bubble["id"] for bubble in again.bubbles(WHO)}) == len(again.bubbles(WHO))
    again.close()
