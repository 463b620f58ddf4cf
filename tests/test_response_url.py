"""What is said to a card's tap in callback mode: by response_url, once, to the platform alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from werkzeug.serving import make_server

from bot.bootstrap import Application, build, prepare_database
from bot.cli.demo_bot import free_port
from bot.config import Settings
from bot.errors import PlatformRefused
from bot.platforms.wecom_bot.response_url import ResponseUrls
from bot.simulator.server import Request, Response, serving
from bot.simulator.wecom.callback import serving_callback
from bot.simulator.wecom.enterprise import Bot, Enterprise
from bot.simulator.wecom.people import People
from bot.storage.models import CheckIn
from bot.web.app import create_app
from tests.conftest import HandClock
from tests.members import rows
from tests.wecom_callback import KEY, TOKEN
from tests.wecom_line import until

OURS = "https://qyapi.weixin.qq.com"
PATH = "/cgi-bin/aibot/response"


@pytest.fixture
def dialect() -> str:
    return "sqlite"


@contextmanager
def answering_at(port: int, application: Application) -> Iterator[None]:
    server = make_server("127.0.0.1", port, create_app(application), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def closing_database(application: Application) -> Iterator[None]:
    try:
        yield
    finally:
        application.database.dispose()


def test_a_tap_is_answered_by_the_address_that_came_with_it(
    settings: Settings, clock: HandClock
) -> None:
    enterprise = Enterprise(Bot(name="学伴", token=TOKEN, encoding_aes_key=KEY), clock)
    enterprise.add_member("U1")
    port = free_port()
    url = f"http://127.0.0.1:{port}/callback/wecom-bot"
    with serving_callback(enterprise, url, seconds=60) as line:
        base = line.responses.base
        section = {"mode": "callback", "token": TOKEN, "encoding_aes_key": KEY, "api_base": base}
        values = settings.model_dump() | {"wecom_bot": section}
        ours = replace(build(Settings.model_validate(values), "web"), clock=clock)
        prepare_database(ours)
        with closing_database(ours), answering_at(port, ours):
            people = People(enterprise, line)
            asked = people.say("U1", "打卡 读完")
            assert asked.last is not None
            assert asked.card is not None
            tapped = people.tap("U1", asked.last, asked.card["button_list"][0]["key"])
            assert tapped.card is not None
            assert "已选" in tapped.card["main_title"]["title"]

            def told() -> bool:
                said = [one.text for one in enterprise.messages("U1") if one.way == "response_url"]
                return any("打卡成功" in text for text in said)

            assert until(told)
            # The same tap again answers nothing a second time.
            card = enterprise.card(tapped.card["task_id"])
            assert card is not None
            assert not people.tap("U1", card, tapped.card["button_list"][0]["key"]).problem
            assert rows(ours, CheckIn) == 1
    assert [one for one in enterprise.ledger if one.problem] == []


@pytest.mark.parametrize(
    "address",
    [
        "https://qyapi.weixin.qq.com.example.org/cgi-bin/aibot/response?response_code=R",
        "https://example.org/cgi-bin/aibot/response?response_code=R",
        "http://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=R",
        "https://qyapi.weixin.qq.com:8443/cgi-bin/aibot/response?response_code=R",
        "https://somebody@qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=R",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=R",
        "https://qyapi.weixin.qq.com/cgi-bin/aibot/response/../../x",
        "file:///etc/passwd",
        "http://127.0.0.1:1/cgi-bin/aibot/response?response_code=R",
        "https://[",
        "",
    ],
)
def test_no_other_address_is_asked(address: str) -> None:
    urls = ResponseUrls(OURS)
    assert not urls.is_ours(address)
    with pytest.raises(PlatformRefused) as refused:
        urls.say(address, "好")
    assert "R" not in str(refused.value).replace("Refused", "")
    assert "example" not in str(refused.value)


def test_a_redirect_is_not_followed() -> None:
    heard: list[str] = []

    def answer(request: Request) -> Response:
        heard.append(request.path)
        return Response(b"", status=302, location="/elsewhere")

    with serving(answer) as base, pytest.raises(PlatformRefused):
        ResponseUrls(base).say(f"{base}{PATH}?response_code=R", "好")
    assert heard == [PATH]
