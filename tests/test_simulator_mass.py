"""Messages to many in the simulated API, over real HTTP."""

from datetime import timedelta

import pytest

from bot.bootstrap import Application
from bot.platforms.official_account import endpoints
from bot.platforms.official_account.client import Client
from bot.simulator.api import Api
from bot.simulator.official_account import Format, Platform
from tests.conftest import HandClock
from tests.platform import account
from tests.platform import serving as serving_bot
from tests.sending import MEMBER, OTHER, PICTURE, refused

SEND = "/cgi-bin/message/mass/send"
ALL = "/cgi-bin/message/mass/sendall"
THIRD = "oTESTmember00000000000000003"
EVERYBODY = {"filter": {"is_to_all": True}}


@pytest.fixture
def people(api: Api) -> Api:
    api.followers = {MEMBER, OTHER, THIRD}
    return api


def text(content: str = "通知", **more: object) -> dict[str, object]:
    return {"msgtype": "text", "text": {"content": content}, **more}


def to_all(content: str = "通知", **more: object) -> dict[str, object]:
    return {**text(content), **EVERYBODY, **more}


def to_some(content: str = "通知", *openids: str) -> dict[str, object]:
    return text(content, touser=[*openids])


def counts(api: Api) -> tuple[object, ...]:
    names = ("TotalCount", "FilterCount", "SentCount", "ErrorCount")
    return tuple(api.events[-1][name] for name in names)


@pytest.mark.parametrize("format", ["xml", "json"])
def test_everybody_gets_it_and_the_bot_is_told(
    application: Application, client: Client, people: Api, clock: HandClock, format: Format
) -> None:
    number = client.call(ALL, to_all())["msg_id"]
    assert [one.touser for one in people.sent] == [MEMBER, OTHER, THIRD]
    assert {one.path for one in people.sent} == {ALL}
    (event,) = people.events
    assert (event["Event"], event["MsgID"], event["Status"]) == (
        "MASSSENDJOBFINISH", str(number), "sendsuccess",
    )  # fmt: skip
    assert counts(people) == (3, 3, 3, 0)
    with serving_bot(application) as callback:
        answer = Platform(account(callback), clock, format=format).tell(event)
        assert (answer.text, answer.attempts) == ("", 1)


def test_who_does_not_follow_or_blocks_is_left_out(client: Client, people: Api) -> None:
    people.blocking = {THIRD}
    assert refused(client, SEND, to_some("一", MEMBER, "oNobody", THIRD)) == 0
    assert [one.touser for one in people.sent] == [MEMBER]
    assert counts(people) == (3, 1, 1, 0)


@pytest.mark.parametrize("key", [{"clientmsgid": "k1"}, {}])
def test_a_key_is_good_once_in_a_day(
    client: Client, people: Api, clock: HandClock, key: dict[str, object]
) -> None:
    """Without one, the message itself is the key. For our client a repeat is no failure."""
    body = to_all() | key
    first = client.call(ALL, body)["msg_id"]
    clock.forward(timedelta(hours=23))
    again = client.call(ALL, body)
    assert (again["errcode"], again["msg_id"]) == (45065, first)
    assert len(people.sent) == 3
    clock.forward(timedelta(hours=1))
    assert client.call(ALL, body)["msg_id"] != first
    assert refused(client, ALL, to_all(clientmsgid="k" * 65)) == 45067


def test_a_member_of_a_service_account_gets_four_a_month(
    client: Client, people: Api, clock: HandClock
) -> None:
    """It is the 23rd of November."""
    for number in range(4):
        assert refused(client, SEND, to_some(f"{number}", MEMBER, OTHER)) == 0
    assert refused(client, ALL, to_all()) == 0
    assert counts(people) == (3, 1, 1, 0)
    assert people.sent[-1].touser == THIRD
    clock.forward(timedelta(days=8))
    assert refused(client, ALL, to_all("十二月")) == 0
    assert counts(people) == (3, 3, 3, 0)


def test_a_subscription_account_sends_once_a_day(
    client: Client, people: Api, clock: HandClock
) -> None:
    people.set_profile("subscription", verified=True)
    assert refused(client, SEND, to_some("一", MEMBER, OTHER)) == 48001
    assert refused(client, ALL, to_all("一")) == 0
    assert refused(client, ALL, to_all("二")) == 45028
    clock.forward(timedelta(hours=15))
    assert refused(client, ALL, to_all("二")) == 0
    people.set_profile("subscription", verified=False)
    assert refused(client, ALL, to_all("三")) == 48001


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (SEND, to_some("一", MEMBER), 40130),
        (SEND, text(touser=MEMBER), 40130),
        (SEND, to_some("一", MEMBER, "x"), 40003),
        (ALL, text(), 45159),
        (ALL, text(filter={"is_to_all": False, "tag_id": 2}), 45159),
        (ALL, to_all(""), 44004),
        (ALL, to_all("好" * 683), 45002),
        (ALL, {**EVERYBODY, "msgtype": "voice", "voice": {"media_id": "x"}}, 40008),
        (ALL, {**EVERYBODY, "msgtype": "mpnews", "mpnews": {"media_id": "x"}}, 40007),
        (ALL, {**EVERYBODY, "msgtype": "image", "images": {"media_ids": []}}, 40007),
    ],
)
def test_what_is_not_sent(
    client: Client, people: Api, path: str, body: dict[str, object], code: int
) -> None:
    assert refused(client, path, body) == code
    assert people.sent == []
    assert people.events == []


def test_pictures_and_articles(client: Client, people: Api, clock: HandClock) -> None:
    picture = endpoints.upload(client, "image", PICTURE, "a.png")
    draft = client.call("/cgi-bin/draft/add", {"articles": [{"title": "题", "content": "<p>"}]})
    assert refused(client, "/cgi-bin/draft/add", {"articles": [{"title": ""}]}) == 40035
    news = {"msgtype": "mpnews", "mpnews": {"media_id": draft["media_id"]}}
    assert (
        refused(client, ALL, {**EVERYBODY, "msgtype": "image", "images": {"media_ids": [picture]}})
        == 0
    )
    assert (
        refused(client, ALL, {**EVERYBODY, "msgtype": "image", "image": {"media_id": picture}}) == 0
    )
    assert "msg_data_id" in client.call(ALL, {**EVERYBODY, **news})
    clock.forward(timedelta(days=4))
    assert refused(client, ALL, {**EVERYBODY, **news}) == 0
    assert (
        refused(client, ALL, {**EVERYBODY, "msgtype": "image", "image": {"media_id": picture}})
        == 40007
    )
    assert len(people.sent) == 12


def test_sixty_a_minute(client: Client, people: Api) -> None:
    codes = [refused(client, ALL, to_all(f"{number}")) for number in range(61)]
    assert codes == [0] * 60 + [45011]


def test_a_draft_that_is_published(client: Client, people: Api) -> None:
    path = "/cgi-bin/freepublish/submit"
    draft = client.call("/cgi-bin/draft/add", {"articles": [{"title": "题", "content": "<p>"}]})
    answer = client.call(path, {"media_id": draft["media_id"]})
    (event,) = people.events
    assert event["Event"] == "PUBLISHJOBFINISH"
    assert event["PublishEventInfo"]["publish_id"] == answer["publish_id"]
    assert refused(client, path, {"media_id": "none"}) == 40007
