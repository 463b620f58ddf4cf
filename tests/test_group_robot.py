"""Pushes through group robots: what the group reads, how fast, and that the address stays secret."""

import json
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from bot import logs
from bot.config import Settings, load_settings
from bot.domain.delivery import Outcome, Push, Remedy, Way
from bot.domain.messages import Link, Notice, Option
from bot.domain.webhook import webhook_problem
from bot.errors import ConfigError, OverLimit, PlatformRefused, PlatformSilent
from bot.platforms.group_robot import endpoints
from bot.platforms.group_robot.client import Robot
from bot.platforms.group_robot.transport import GroupRobotTransport
from bot.simulator.ledger import Fault
from bot.simulator.server import Response, serving
from bot.simulator.wecom.robot import RobotApi
from tests.conftest import HandClock

KEY, SECOND_KEY = "693a91f6-7aec-4bc4-97a0-0ec2sifa5aaa", "5d12a4c8-0000-4444-8888-0123456789ab"
PATH = "/cgi-bin/webhook/send"
MORE = "（第 {page} 页，共 {pages} 页）"
NOTICE = Notice(
    "meeting",
    title="支部大会",
    lines=("11月23日 09:00", "三楼会议室"),
    source="依据：支部工作条例",
    link=Link("看会议", "https://xueban.example/m/1"),
)
PUSH = Push(Way.GROUP_ROBOT, "一班群", "meeting", NOTICE, "k" * 32)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def api(clock: HandClock) -> RobotApi:
    return RobotApi({KEY, SECOND_KEY}, clock=clock)


@pytest.fixture
def base(api: RobotApi) -> Iterator[str]:
    with serving(api.handle) as url:
        yield url


@pytest.fixture
def robot(base: str) -> Robot:
    return robot_at(base)


@pytest.fixture
def transport(base: str, clock: HandClock) -> GroupRobotTransport:
    return transport_at(base, clock)


def robot_at(base: str, key: str = KEY) -> Robot:
    return Robot(f"{base}{PATH}?key={key}", (1, 0.5))


def transport_at(base: str, clock: HandClock) -> GroupRobotTransport:
    robots = {"一班群": robot_at(base), "二班群": robot_at(base, SECOND_KEY)}
    return GroupRobotTransport(robots, MORE, clock.now)


def saying(notice: Notice) -> Push:
    return PUSH._replace(notice=notice)


# What the group reads


def test_a_notice_with_a_title_is_markdown(transport: GroupRobotTransport, api: RobotApi) -> None:
    assert transport.send(PUSH) == Outcome(Remedy.DONE)
    (said,) = api.said
    assert (said.key, said.type) == (KEY, "markdown")
    assert said.text == (
        "**支部大会**\n11月23日 09:00\n三楼会议室\n[看会议](https://xueban.example/m/1)\n"
        "依据：支部工作条例"
    )
    assert said.body == {"msgtype": "markdown", "markdown": {"content": said.text}}


def test_a_notice_without_a_title_is_text(transport: GroupRobotTransport, api: RobotApi) -> None:
    options = (Option("1", "参加"), Option("2", "请假"))
    notice = replace(NOTICE, title="", options=options)
    assert transport.send(saying(notice)).remedy is Remedy.DONE
    assert (api.said[0].type, api.said[0].text) == (
        "text",
        "11月23日 09:00\n三楼会议室\n1 参加\n2 请假\n看会议：https://xueban.example/m/1\n"
        "依据：支部工作条例",
    )
    assert "mentioned_list" not in api.said[0].body["text"]


def test_each_robot_speaks_to_its_own_group(transport: GroupRobotTransport, api: RobotApi) -> None:
    transport.send(PUSH)
    transport.send(PUSH._replace(address="二班群"))
    assert [said.key for said in api.said] == [KEY, SECOND_KEY]
    outcome = transport.send(PUSH._replace(address="三班群"))
    assert outcome.remedy is Remedy.RECIPIENT
    assert len(api.calls) == 2


@pytest.mark.parametrize(("title", "smallest", "largest"), [("大会", 3500, 4096), ("", 1500, 2048)])
def test_of_a_long_notice_the_first_page_is_said(
    transport: GroupRobotTransport, api: RobotApi, title: str, smallest: int, largest: int
) -> None:
    lines = tuple(f"第{number}行" * 20 for number in range(90))
    assert transport.send(saying(replace(NOTICE, title=title, lines=lines))).remedy is Remedy.DONE
    (said,) = api.said
    assert smallest < len(said.text.encode()) <= largest
    assert "（第 1 页，共 " in said.text.splitlines()[-1]
    assert "依据：支部工作条例" in said.text


@pytest.mark.parametrize("title", ["大会", ""])
def test_what_somebody_wrote_calls_nobody_and_is_no_markup(
    transport: GroupRobotTransport, api: RobotApi, title: str
) -> None:
    words = (
        "<@all> <@zhangsan> <font color=\"warning\">急</font>", "# 大", "  > 引", "**粗**",
        "[点我](http://evil.example)",
    )  # fmt: skip
    notice = replace(NOTICE, title=title and f"{title}<@all>**", lines=words, source="<@all>")
    assert transport.send(saying(notice)).remedy is Remedy.DONE
    (said,) = api.said
    assert said.mentioned == ()
    assert said.text.replace("\u200b", "").count("<@all>") == (3 if title else 2)
    if title:
        for markup in ("<font", "</font", "\n#", "\n  >", "](http://evil"):
            assert markup not in said.text
        assert said.text.count("**") == 2


def test_somebody_is_called_on_purpose(robot: Robot, api: RobotApi) -> None:
    endpoints.send_text(robot, "开会了", ["zhangsan", endpoints.EVERYBODY])
    assert api.said[0].mentioned == ("zhangsan", "@all")
    assert api.said[0].text == "开会了"


def test_a_picture(robot: Robot, api: RobotApi) -> None:
    endpoints.send_picture(robot, PNG)
    assert api.said[0].type == "image"
    endpoints.send_picture(robot, PNG + bytes(2 * 1024 * 1024 - len(PNG)))
    with pytest.raises(OverLimit):
        endpoints.send_picture(robot, PNG + bytes(2 * 1024 * 1024 - len(PNG) + 1))
    assert len(api.calls) == 2
    with pytest.raises(PlatformRefused) as refused:
        endpoints.send_picture(robot, b"GIF89a")
    assert refused.value.code == 40058


def test_what_is_too_long_is_not_sent(robot: Robot, api: RobotApi) -> None:
    with pytest.raises(OverLimit, match="2048 bytes"):
        endpoints.send_text(robot, "字" * 683)
    with pytest.raises(OverLimit, match="4096 bytes"):
        endpoints.send_markdown(robot, "字" * 1366)
    assert api.calls == []
    endpoints.send_text(robot, "字" * 682)
    endpoints.send_markdown(robot, "字" * 1365)


def code_of(robot: Robot, body: Mapping[str, object]) -> int:
    try:
        robot.post(body)
    except PlatformRefused as refused:
        return refused.code
    return 0


def test_what_the_platform_takes(robot: Robot) -> None:
    article = {"title": "题", "url": "https://a.cn"}
    for wrong, code in (
        ({}, 40008),
        ({"msgtype": "voice", "voice": {}}, 40008),
        ({"msgtype": "text", "text": {}}, 44004),
        ({"msgtype": "text", "text": {"content": "字" * 683}}, 40058),
        ({"msgtype": "text", "text": {"content": "字", "mentioned_list": "@all"}}, 40058),
        ({"msgtype": "markdown", "markdown": {"content": "字" * 1366}}, 40058),
        ({"msgtype": "markdown_v2", "markdown_v2": {"content": "字" * 1366}}, 40058),
        ({"msgtype": "image", "image": {"base64": "iVBORw0KGgo=", "md5": "0"}}, 301019),
        ({"msgtype": "image", "image": {"base64": "!", "md5": "0"}}, 40058),
        ({"msgtype": "news", "news": {"articles": []}}, 45008),
        ({"msgtype": "news", "news": {"articles": [article] * 9}}, 45008),
        ({"msgtype": "news", "news": {"articles": [{"title": "题"}]}}, 41016),
    ):
        assert code_of(robot, wrong) == code, wrong
    for right in (
        {"msgtype": "markdown_v2", "markdown_v2": {"content": "| 一 |\n|--|\n| 二 |"}},
        {"msgtype": "news", "news": {"articles": [article] * 8}},
    ):
        assert code_of(robot, right) == 0, right


# How fast


def test_each_robot_says_twenty_in_a_minute(
    transport: GroupRobotTransport, api: RobotApi, clock: HandClock
) -> None:
    remedies = []
    for _ in range(22):
        remedies.append(transport.send(PUSH).remedy)
        clock.forward(timedelta(seconds=1))
    assert remedies == [Remedy.DONE] * 20 + [Remedy.RETRY] * 2
    assert transport.send(PUSH._replace(address="二班群")).remedy is Remedy.DONE
    assert len(api.calls) == 21, "what would be refused is not tried"
    now = clock.now()
    assert transport.busy_until("一班群", now) == now + timedelta(seconds=43)
    assert transport.busy_until("二班群", now) is None
    clock.forward(timedelta(seconds=43))
    assert transport.send(PUSH).remedy is Remedy.DONE


def test_the_platform_counts_as_well(base: str, api: RobotApi, clock: HandClock) -> None:
    """Two processes with the same robot."""
    first, second = transport_at(base, clock), transport_at(base, clock)
    assert {first.send(PUSH).remedy for _ in range(20)} == {Remedy.DONE}
    outcome = second.send(PUSH)
    assert (outcome.remedy, outcome.code) == (Remedy.RETRY, 45009)
    clock.forward(timedelta(minutes=1))
    assert second.send(PUSH).remedy is Remedy.DONE


def test_of_many_threads_no_more_get_through(transport: GroupRobotTransport, api: RobotApi) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: transport.send(PUSH).remedy is Remedy.DONE, range(40)))
    assert sum(done) == len(api.said) == 20


# What each answer means


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (-1, Remedy.RETRY),
        (45009, Remedy.RETRY),
        (93000, Remedy.RECIPIENT),
        (40008, Remedy.CONTENT),
        (123456, Remedy.CONTENT),
    ],
)
def test_what_each_refusal_means(
    transport: GroupRobotTransport, api: RobotApi, code: int, remedy: Remedy
) -> None:
    api.refuse[PATH] = [code]
    outcome = transport.send(PUSH)
    assert (outcome.remedy, outcome.code) == (remedy, code)
    assert api.said == []


def test_a_robot_that_is_gone(transport: GroupRobotTransport, api: RobotApi) -> None:
    api.keys.discard(KEY)
    outcome = transport.send(PUSH)
    assert (outcome.remedy, outcome.code) == (Remedy.RECIPIENT, 93000)
    assert KEY not in outcome.reason


@pytest.mark.parametrize(
    ("fault", "remedy", "arrived"),
    [
        ("drop", Remedy.UNCLEAR, 1),
        ("slow", Remedy.UNCLEAR, 1),
        ("http_error", Remedy.UNCLEAR, 0),
        ("busy", Remedy.RETRY, 0),
        ("quota", Remedy.RETRY, 0),
    ],
)
def test_what_each_fault_means(
    transport: GroupRobotTransport, api: RobotApi, fault: Fault, remedy: Remedy, arrived: int
) -> None:
    api.next_faults.append(fault)
    assert transport.send(PUSH).remedy is remedy
    assert len(api.said) == arrived


def test_nobody_there_is_tried_again(clock: HandClock) -> None:
    outcome = transport_at("http://127.0.0.1:9", clock).send(PUSH)
    assert (outcome.remedy, outcome.code) == (Remedy.RETRY, 0)


# The address


def test_no_outcome_and_no_log_names_the_address(
    clock: HandClock, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever the platform says, and whatever our own program logs."""
    said = f"no {KEY} https://qyapi.weixin.qq.com{PATH}?key={KEY} " * 3
    told = json.dumps({"errcode": 93000, "errmsg": said}).encode()
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    answers = [
        Response(told), Response(told, status=500), Response(said.encode()), Response(b"{}"),
        Response(told, drop=True), Response(told, delay=0.7),
    ]  # fmt: skip
    count, reasons = len(answers), []
    with serving(lambda request: answers.pop(0)) as base:
        transport = transport_at(base, clock)
        reasons += [transport.send(PUSH).reason for _ in range(count)]
    reasons.append(transport.send(PUSH).reason)
    assert all(reasons)
    with pytest.raises(PlatformSilent) as silent:
        robot_at("http://127.0.0.1:9").post({})
    seen = [*reasons, str(silent.value), caplog.text, *capfd.readouterr()]
    assert KEY not in "".join([*seen, repr(transport), repr(robot_at(base))])


def test_the_configuration_keeps_it_to_itself(capfd: pytest.CaptureFixture[str]) -> None:
    url = f"https://qyapi.weixin.qq.com{PATH}?key={KEY}"
    settings = Settings.model_validate({"group_robot": [{"name": "一班群", "url": url}]})
    assert KEY not in repr(settings)
    assert {url, KEY} <= set(settings.secrets())
    masking = logs.Masking(settings.secrets())
    for text in (url, KEY, f"/cgi-bin/webhook/send?key={KEY}"):
        assert KEY not in masking.mask(text)


@pytest.mark.parametrize(
    "url",
    [
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k",
        "http://127.0.0.1:8123/cgi-bin/webhook/send?key=k",
        "http://localhost/cgi-bin/webhook/send?key=k",
        "https://[::1]:1/cgi-bin/webhook/send?key=k",
    ],
)
def test_addresses_that_may_be_used(url: str) -> None:
    assert webhook_problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k",
        "http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k",
        "ftp://127.0.0.1/cgi-bin/webhook/send?key=k",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/other?key=k",
        "https://qyapi.weixin.qq.com.evil.example/cgi-bin/webhook/send?key=k",
        "https://evil.example/cgi-bin/webhook/send?key=k",
        "https://qyapi.weixin.qq.com@evil.example/cgi-bin/webhook/send?key=k",
        "https://evil.example\\@qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k",
        "https://qyapi.weixin.qq.com:x/cgi-bin/webhook/send?key=k",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k#a",
        "https://169.254.169.254/cgi-bin/webhook/send?key=k",
        "https://[/cgi-bin/webhook/send?key=k",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=a b",
    ],
)
def test_addresses_that_lead_elsewhere(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings(
            None, {"XUEBAN_GROUP_ROBOT__0__NAME": "群", "XUEBAN_GROUP_ROBOT__0__URL": url}
        )
    (problem,) = refused.value.problems
    assert problem.startswith("group_robot.0.url: ")
    assert not url or url not in problem


def test_each_robot_has_its_own_name_and_address() -> None:
    def environ(*robots: tuple[str, str]) -> dict[str, str]:
        url = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key="
        found = {}
        for number, (name, key) in enumerate(robots):
            found[f"XUEBAN_GROUP_ROBOT__{number}__NAME"] = name
            found[f"XUEBAN_GROUP_ROBOT__{number}__URL"] = url + key
        return found

    settings = load_settings(None, environ(("一", "k1"), ("二", "k2")))
    assert [robot.name for robot in settings.group_robot] == ["一", "二"]
    for wrong, key in (
        (environ(("一", "k1"), ("一", "k2")), "name"),
        (environ(("一", "k1"), ("二", "k1")), "url"),
    ):
        with pytest.raises(ConfigError, match=f"same {key}"):
            load_settings(None, wrong)
