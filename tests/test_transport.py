"""Pushes through an official account: what arrives, and what is made of each answer."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bot.domain.delivery import Outcome, Push, Remedy, Way
from bot.domain.messages import Link, Media, Notice
from bot.platforms.official_account import endpoints
from bot.platforms.official_account.transport import OfficialAccountTransport, Template
from bot.ports import Transport
from bot.simulator.api import Api, serving_api
from bot.simulator.ledger import Fault
from bot.simulator.server import Request, Response, serving
from tests.conftest import HandClock
from tests.platform import APP_ID
from tests.sending import CUSTOM, MEMBER, SECRET, SUBSCRIPTION, TEMPLATE, TOKEN, client_at

WAYS = (Way.CUSTOMER, Way.SUBSCRIPTION, Way.TEMPLATE)
MORE = "（第 {page} 页，共 {pages} 页）"
NOTICE = Notice(
    "meeting",
    title="支部大会",
    lines=("11月23日 09:00", "三楼会议室"),
    link=Link("看会议", "https://xueban.example/m/1"),
)
PUSH = Push(Way.CUSTOMER, MEMBER, "meeting", NOTICE, "k" * 32)
TEMPLATES: Mapping[tuple[str, Way], Template] = {
    ("meeting", Way.TEMPLATE): Template(
        "T1", {"thing1": "title", "time2": "line1", "thing3": "line2", "thing4": "line9"}
    ),
    ("meeting", Way.SUBSCRIPTION): Template("S1", {"thing1": "title"}),
}
DATA = {
    "thing1": {"value": "支部大会"},
    "time2": {"value": "11月23日 09:00"},
    "thing3": {"value": "三楼会议室"},
    "thing4": {"value": "—"},
}


@pytest.fixture
def api(clock: HandClock) -> Api:
    api = Api(APP_ID, SECRET, clock)
    api.heard(MEMBER, "pay")
    return api


@pytest.fixture
def base(api: Api) -> Iterator[str]:
    with serving_api(api) as url:
        yield url


@pytest.fixture
def transport(base: str, clock: HandClock) -> Transport:
    return transport_at(base, clock)


def transport_at(
    base: str,
    clock: HandClock,
    timeout: tuple[float, float] = (1, 0.5),
    secret: str = SECRET,
) -> Transport:
    client = client_at(base, clock, timeout=timeout, secret=secret)
    return OfficialAccountTransport(client, MORE, TEMPLATES)


def test_a_customer_message_is_the_whole_notice(transport: Transport, api: Api) -> None:
    assert transport.send(PUSH) == Outcome(Remedy.DONE)
    assert [(one.path, one.body) for one in api.sent] == [
        (
            CUSTOM,
            {
                "touser": MEMBER,
                "msgtype": "text",
                "text": {
                    "content": "支部大会\n11月23日 09:00\n三楼会议室\n"
                    '<a href="https://xueban.example/m/1">看会议</a>'
                },
            },
        )
    ]


def test_of_a_long_notice_the_first_page_is_sent(transport: Transport, api: Api) -> None:
    long = replace(NOTICE, lines=tuple(f"第{number}行" * 20 for number in range(60)))
    assert transport.send(PUSH._replace(notice=long)).remedy is Remedy.DONE
    text = api.sent[0].body["text"]["content"]
    assert 1500 < len(text.encode()) <= 2048
    assert text.startswith("支部大会\n")
    assert "（第 1 页，共 " in text


@pytest.mark.parametrize("type", ["image", "voice", "video"])
def test_a_file_goes_out_by_its_id(
    base: str, clock: HandClock, api: Api, type: endpoints.MediaType
) -> None:
    client = client_at(base, clock)
    media_id = endpoints.upload(client, type, b"bytes", "a.bin")
    notice = replace(NOTICE, media=Media(type, id=media_id))
    transport = OfficialAccountTransport(client, MORE, {})
    assert transport.send(PUSH._replace(notice=notice)) == Outcome(Remedy.DONE)
    content = {"media_id": media_id}
    if type == "video":
        content |= {"title": "支部大会", "description": "11月23日 09:00\n三楼会议室"}
    assert api.sent[0].body == {"touser": MEMBER, "msgtype": type, type: content}
    gone = replace(NOTICE, media=Media(type, id="gone"))
    assert transport.send(PUSH._replace(notice=gone)).code == 40007


@pytest.mark.parametrize(
    "media", [Media("image", picture_url="https://a.cn/b.png"), Media("music", id="M")]
)
def test_what_cannot_go_out_as_a_file_is_told(transport: Transport, api: Api, media: Media) -> None:
    transport.send(PUSH._replace(notice=replace(NOTICE, media=media)))
    assert api.sent[0].body["msgtype"] == "text"


def test_a_template_has_the_notices_title_lines_and_link(transport: Transport, api: Api) -> None:
    push = PUSH._replace(way=Way.TEMPLATE)
    done = transport.send(push)
    assert done.remedy is Remedy.DONE
    assert done.platform_id == api.events[0]["MsgID"]
    assert transport.send(push) == done
    assert [(one.path, one.body) for one in api.sent] == [
        (
            TEMPLATE,
            {
                "touser": MEMBER,
                "template_id": "T1",
                "url": "https://xueban.example/m/1",
                "client_msg_id": "k" * 32,
                "data": DATA,
            },
        )
    ]
    assert transport.send(push._replace(key="other")).platform_id != done.platform_id
    transport.send(push._replace(key="bare", notice=replace(NOTICE, link=None)))
    assert "url" not in api.sent[-1].body


def test_a_subscription_is_used_up(transport: Transport, api: Api) -> None:
    push = PUSH._replace(way=Way.SUBSCRIPTION)
    api.consent(MEMBER, "S1")
    assert transport.send(push) == Outcome(Remedy.DONE)
    assert [(one.path, one.body) for one in api.sent] == [
        (
            SUBSCRIPTION,
            {
                "touser": MEMBER,
                "template_id": "S1",
                "page": "https://xueban.example/m/1",
                "data": {"thing1": {"value": "支部大会"}},
            },
        )
    ]
    again = transport.send(push)
    assert (again.remedy, again.code) == (Remedy.DEFER, 43101)


@pytest.mark.parametrize("way", [Way.TEMPLATE, Way.SUBSCRIPTION])
def test_a_topic_without_a_template_is_not_tried(transport: Transport, api: Api, way: Way) -> None:
    outcome = transport.send(PUSH._replace(way=way, topic="video"))
    assert outcome.remedy is Remedy.CONFIGURATION
    assert "video" in outcome.reason
    assert api.calls == []


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (-1, Remedy.RETRY),
        (45066, Remedy.RETRY),
        (45015, Remedy.DEFER),
        (45047, Remedy.DEFER),
        (43101, Remedy.DEFER),
        (45011, Remedy.FREQUENCY),
        (45009, Remedy.QUOTA),
        (45028, Remedy.QUOTA),
        (40003, Remedy.RECIPIENT),
        (43004, Remedy.RECIPIENT),
        (47003, Remedy.CONTENT),
        (123456, Remedy.CONTENT),
        (48001, Remedy.CAPABILITY),
        (40164, Remedy.CONFIGURATION),
    ],
)
def test_what_each_refusal_means(transport: Transport, api: Api, code: int, remedy: Remedy) -> None:
    api.refuse[CUSTOM] = [code]
    outcome = transport.send(PUSH)
    assert (outcome.remedy, outcome.code, outcome.platform_id) == (remedy, code, "")
    assert "rid: " in outcome.reason
    assert Counter(api.calls)[CUSTOM] == 1


def test_a_message_that_was_there_before_is_sent(transport: Transport, api: Api) -> None:
    api.refuse[CUSTOM] = [45065]
    assert transport.send(PUSH).remedy is Remedy.DONE


@pytest.mark.parametrize("code", [40001, 40014, 41001, 42001])
def test_a_token_that_stays_bad_is_tried_later(transport: Transport, api: Api, code: int) -> None:
    api.refuse[CUSTOM] = [code]
    assert transport.send(PUSH).remedy is Remedy.DONE
    api.refuse[CUSTOM] = [code] * 9
    outcome = transport.send(PUSH)
    assert (outcome.remedy, outcome.code) == (Remedy.RETRY, code)
    assert len(api.refuse[CUSTOM]) == 7


@pytest.mark.parametrize("code", [40001, 40013, 40125, 40164, 40243])
def test_a_token_that_is_not_given_lies_with_the_configuration(
    transport: Transport, api: Api, code: int
) -> None:
    api.refuse[TOKEN] = [code]
    outcome = transport.send(PUSH)
    assert (outcome.remedy, outcome.code) == (Remedy.CONFIGURATION, code)
    assert api.sent == []


def test_a_wrong_secret(base: str, clock: HandClock) -> None:
    outcome = transport_at(base, clock, secret="wr0ng-secret").send(PUSH)
    assert (outcome.remedy, outcome.code) == (Remedy.CONFIGURATION, 40125)


@pytest.mark.parametrize(
    ("fault", "remedy", "arrived"),
    [
        ("drop", Remedy.UNCLEAR, 1),
        ("slow", Remedy.UNCLEAR, 1),
        ("http_error", Remedy.UNCLEAR, 0),
        ("busy", Remedy.RETRY, 0),
        ("quota", Remedy.QUOTA, 0),
        ("revoke", Remedy.DONE, 1),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_what_each_fault_means(
    transport: Transport, api: Api, way: Way, fault: Fault, remedy: Remedy, arrived: int
) -> None:
    api.consent(MEMBER, "S1")
    api.next_faults.append(fault)
    assert transport.send(PUSH._replace(way=way)).remedy is remedy
    assert len(api.sent) == arrived


def test_an_unclear_template_can_be_sent_again(transport: Transport, api: Api) -> None:
    """The platform knows its key."""
    push = PUSH._replace(way=Way.TEMPLATE)
    api.next_faults.append("drop")
    assert transport.send(push).remedy is Remedy.UNCLEAR
    assert transport.send(push).remedy is Remedy.DONE
    assert len(api.sent) == 1


def test_nobody_there_is_tried_again(clock: HandClock) -> None:
    outcome = transport_at("http://127.0.0.1:9", clock).send(PUSH)
    assert (outcome.remedy, outcome.code) == (Remedy.RETRY, 0)


def test_faults_by_chance_are_told_apart_by_twenty_threads(
    base: str, api: Api, clock: HandClock
) -> None:
    """What is DONE arrived once, what is RETRY did not, and UNCLEAR may have."""
    api.faults.drop = api.faults.busy = api.faults.http_error = api.faults.revoke = 0.1
    transport = transport_at(base, clock, (3, 10))
    pushes = [PUSH._replace(way=Way.TEMPLATE, key=f"k{number}") for number in range(300)]
    with ThreadPoolExecutor(20) as pool:
        remedies = list(pool.map(lambda push: transport.send(push).remedy, pushes))
    arrived = Counter(one.client_msg_id for one in api.sent)
    for push, remedy in zip(pushes, remedies, strict=True):
        assert arrived[push.key] in {Remedy.DONE: (1,), Remedy.RETRY: (0,)}.get(remedy, (0, 1))
    assert {Remedy.DONE, Remedy.RETRY, Remedy.UNCLEAR} >= set(remedies) > {Remedy.DONE}


def test_no_outcome_and_no_log_names_a_token_secret_or_openid(
    clock: HandClock, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever the platform says, for every way and every kind of answer."""
    token = "tttttttttttttttttoken"
    answers: list[Response] = []

    def answer(request: Request) -> Response:
        if request.path == TOKEN:
            return Response(json.dumps({"access_token": token, "expires_in": 7200}).encode())
        return answers.pop(0)

    caplog.set_level(logging.INFO)
    said = f"for {MEMBER}: {token} {SECRET} " * 3
    told = json.dumps({"errcode": 45015, "errmsg": said}).encode()
    reasons = []
    with serving(answer) as base:
        transport = transport_at(base, clock)
        for way in WAYS:
            for response in (
                Response(told),
                Response(told, status=500),
                Response(said.encode()),
                Response(told, drop=True),
                Response(told, delay=0.7),
            ):
                answers.append(response)
                reasons.append(transport.send(PUSH._replace(way=way)).reason)
    reasons.append(transport.send(PUSH).reason)
    assert all(reasons)
    for word in (token, SECRET, MEMBER):
        assert word not in "".join([*reasons, caplog.text, *capfd.readouterr()])
