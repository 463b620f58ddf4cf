"""The callback of a WeCom 智能机器人, over real encrypted HTTP; the vendor's own examples."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from bot.clock import pause
from bot.config import Settings
from bot.domain.delivery import Way
from bot.domain.messages import SILENCE, Channel, MessageType, Notice
from bot.errors import InvalidSignature, MalformedMessage
from bot.platforms.crypto import MessageKey, check_signature
from bot.platforms.wecom_bot import payload
from bot.services import deliveries, outlet
from bot.services.deliveries import Saying
from bot.simulator import crypto
from bot.storage.models import CheckIn, InboxMessage
from bot.web.wecom_bot import Answers
from tests.conftest import HandClock
from tests.members import rows
from tests.wecom_callback import KEY, MESSAGE, TOKEN, Wecom, in_group, wecom_of

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.fixture
def wecom(settings: Settings, clock: HandClock) -> Iterator[Wecom]:
    with wecom_of(settings, clock) as platform:
        yield platform


# The vendor's own examples (developer.work.weixin.qq.com, 加解密方案说明)

VENDOR_TOKEN, CORP = "QDG6eK", "wx5823bf96d3bd56c7"
VENDOR_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
ENCRYPTED = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUp"
    "j911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue"
    "06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+"
    "3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH"
    "27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8"
    "R07+qN+E7Q=="
)


def test_the_vendors_verification() -> None:
    check_signature(
        (VENDOR_TOKEN, "1409659589", "263014780", ECHO), "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"
    )
    assert MessageKey(VENDOR_KEY, CORP).decrypt(ECHO) == b"1616140317555161061"


def test_the_vendors_message() -> None:
    signed = "477715d11cdb4164915debcba66cb864d751f3e6"
    check_signature((VENDOR_TOKEN, "1409659813", "1372623149", ENCRYPTED), signed)
    plain = MessageKey(VENDOR_KEY, CORP).decrypt(ENCRYPTED).decode()
    assert "<Content><![CDATA[hello]]></Content>" in plain
    assert "<MsgId>4561255354251345929</MsgId>" in plain
    with pytest.raises(InvalidSignature):
        check_signature((VENDOR_TOKEN, "1409659813", "1372623148", ENCRYPTED), signed)
    with pytest.raises(MalformedMessage):
        MessageKey(VENDOR_KEY, "wxanother").decrypt(ENCRYPTED)


def test_verification(wecom: Wecom, clock: HandClock) -> None:
    echo = crypto.encrypt(KEY, "1616140317555161061", "")
    timestamp = str(int(clock.now().timestamp()))
    signed = crypto.sign(TOKEN, timestamp, "n", echo)
    query = {"timestamp": timestamp, "nonce": "n", "echostr": echo, "msg_signature": signed}
    assert requests.get(wecom.url, params=query, timeout=5).text == "1616140317555161061"
    wrong = {**query, "nonce": "m"}
    assert requests.get(wecom.url, params=wrong, timeout=5).status_code == 403


def test_a_day_in_a_single_chat(wecom: Wecom) -> None:
    assert "要先记住你" in wecom.says("打卡 第一章")
    assert "打卡成功" in wecom.says("1")
    assert "预备期为 1 年" in wecom.says("预备期多久")
    assert wecom.says("谢谢")
    assert rows(wecom.application, CheckIn) == 1


def test_in_a_group_the_name_is_no_part_of_it(wecom: Wecom) -> None:
    wecom.says("打卡")
    wecom.says("1")
    assert "预备期为 1 年" in wecom.says("@学习 助手 预备期多久", **in_group())
    assert "预备期为 1 年" in wecom.says("@Robot 预备期多久", **in_group())
    assert "打卡成功" in wecom.says("@学习 助手\u2005打卡 读完", **in_group())


def test_what_waits_rides_here_though_the_official_account_pushes(wecom: Wecom) -> None:
    wecom.says("打卡")
    wecom.says("1")
    saying = Saying("announcement", "a:1", Notice("announcement", lines=("周五交材料",)))
    now = wecom.application.clock.now()
    with wecom.application.database.begin() as session:
        deliveries.tell(session, [1], 1, saying, now)
        outlet.configure(session, Channel.OFFICIAL_ACCOUNT, [Way.CUSTOMER], now)
    assert "周五交材料" in wecom.says("帮助")


def test_a_repeat_gets_the_same_answer_and_has_no_effect(wecom: Wecom) -> None:
    wecom.says("打卡")
    wecom.says("1")
    fields = {**MESSAGE, "msgid": "SAME", "text": {"content": "打卡 又一章"}}
    texts = set()
    for _ in range(3):
        envelope = wecom.post(fields).json()
        texts.add(crypto.decrypt(KEY, envelope["encrypt"], ""))
    assert len(texts) == 1
    assert rows(wecom.application, InboxMessage) == 3


def test_welcome_is_plain_text_and_a_voice_is_its_words(wecom: Wecom) -> None:
    event = {"msgtype": "event", "event": {"eventtype": "enter_chat"}, "create_time": 1}
    reply = wecom.answer(**event)
    assert reply["msgtype"] == "text"
    assert "学伴" in reply["text"]["content"]
    voice = wecom.answer(msgtype="voice", voice={"content": "预备期多久"})
    assert "预备期为 1 年" in voice["stream"]["content"]


def test_feedback_and_unknown_events_are_answered_by_nothing(wecom: Wecom) -> None:
    feedback = {"eventtype": "feedback_event", "feedback_event": {"id": "F", "type": 2}}
    assert wecom.answer(msgtype="event", event=feedback) == {}
    assert wecom.answer(msgtype="event", event={"eventtype": "new_one"}) == {}


def test_an_option_can_be_tapped_once(wecom: Wecom) -> None:
    assert "1" in wecom.says("打卡 读完")
    assert [one["style"] for one in wecom.card["button_list"]] == [1, 2]
    reply = wecom.taps("打卡")
    assert (reply["response_type"], reply["userids"]) == ("update_template_card", ["U1"])
    assert reply["template_card"]["task_id"] == wecom.card["task_id"]
    assert reply["template_card"]["main_title"]["title"].startswith("已选：")
    assert rows(wecom.application, CheckIn) == 1
    wecom.taps("打卡")
    assert rows(wecom.application, CheckIn) == 1


def test_nobody_taps_for_somebody_else(wecom: Wecom) -> None:
    wecom.says("打卡 读完", **in_group())
    card = wecom.card
    wecom.says("打卡", **in_group(), **{"from": {"userid": "U2"}})
    wecom.card = card
    wecom.taps("打卡", **in_group(), **{"from": {"userid": "U2"}})
    assert rows(wecom.application, CheckIn) == 0
    wecom.taps("打卡", **in_group())
    assert rows(wecom.application, CheckIn) == 1


def test_an_older_card_answers_nothing_newer(wecom: Wecom) -> None:
    wecom.says("打卡 读完")
    old = wecom.card
    wecom.says("绑定")
    wecom.card = old
    wecom.taps("打卡")
    assert rows(wecom.application, CheckIn) == 0


def test_what_takes_long_is_asked_for_again(wecom: Wecom) -> None:
    answers = Answers(wecom.application, seconds=0.0)
    message = payload.parse({**MESSAGE, "msgid": "L", "text": {"content": "帮助"}}, NOW, "")
    assert answers.wait(message, answers.begin(message)) is None
    poll = payload.Poll(message.key.hex(), "U1", "U1")
    while (found := answers.again(poll)) is None:
        pause(0.01)
    assert found.notice
    # Another process, or one that was started anew, knows it as well; nobody else gets it.
    others = Answers(wecom.application)
    assert others.again(poll) == found
    assert others.again(replace(poll, sender="U2", conversation="U2")) == SILENCE
    assert others.again(replace(poll, id="no number")) == SILENCE


def test_a_poll_for_what_is_unknown_ends_it(wecom: Wecom) -> None:
    reply = wecom.answer(msgtype="stream", stream={"id": "STREAM"})
    assert reply == {"msgtype": "stream", "stream": {"id": "STREAM", "finish": True, "content": ""}}
    assert rows(wecom.application, InboxMessage) == 0


def test_pictures_come_with_words_or_alone() -> None:
    items = [
        {"msgtype": "text", "text": {"content": "@助手 打卡 读书"}},
        {"msgtype": "image", "image": {"url": "https://img.example.cn/1"}},
        {"msgtype": "image", "image": {"url": "https://img.example.cn/2"}},
    ]
    mixed = {**MESSAGE, **in_group(), "msgid": "M", "msgtype": "mixed"}
    message = payload.parse({**mixed, "mixed": {"msg_item": items}}, NOW, "助手")
    assert (message.text, message.type) == ("打卡 读书", MessageType.TEXT)
    assert message.details["picture.1"] == "https://img.example.cn/2"
    assert (message.conversation, message.pictures) == ("G1", 2)
    alone = payload.parse({**mixed, "mixed": {"msg_item": items[1:]}}, NOW, "助手")
    assert (alone.type, alone.pictures) == (MessageType.IMAGE, 2)
    named = {"msgtype": "text", "text": {"content": "@助手 "}}
    only = payload.parse({**mixed, "mixed": {"msg_item": [named, *items[1:]]}}, NOW, "助手")
    assert (only.type, only.text) == (MessageType.IMAGE, "")
    one = {**MESSAGE, "msgid": "M", "msgtype": "image", "image": {"aeskey": "K"}}
    assert payload.parse(one, NOW, "助手").pictures == 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"msgid": ""},
        {"from": "U1"},
        {"from": {}},
        {"msgtype": ["text"]},
        {"msgtype": "event", "event": []},
        {"chattype": "group"},
        {"text": "hello"},
        {"msgtype": "mixed", "mixed": {"msg_item": {}}},
        {"msgtype": "mixed", "mixed": {"msg_item": ["x"] * 21}},
        {"aibotid": "B" * 500},
    ],
)
def test_what_is_malformed_is_refused(wecom: Wecom, fields: dict[str, Any]) -> None:
    whole = {**MESSAGE, "msgid": "M", **fields} if fields else {}
    assert wecom.post(whole).status_code == 400
    assert rows(wecom.application, InboxMessage) == 0


def test_what_is_forged_or_broken_is_refused(wecom: Wecom) -> None:
    fields = {**MESSAGE, "msgid": "M", "text": {"content": "打卡"}}
    assert wecom.post(fields, token="another").status_code == 403
    assert wecom.post(fields, key="Z" * 42 + "A").status_code == 400
    bodies: list[Any] = [{}, [], {"encrypt": 5}, {"encrypt": ["x"]}, {"encrypt": "x"}]
    for body in bodies:
        assert wecom.send(body, "x").status_code in (400, 403)
    encrypted = crypto.encrypt(KEY, json.dumps(fields), "otherid")
    assert wecom.send({"encrypt": encrypted}, encrypted).status_code == 400
    assert requests.post(wecom.url, data=b"x" * 100_000, timeout=5).status_code in (400, 413)
    assert rows(wecom.application, InboxMessage) == 0
