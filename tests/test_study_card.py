"""Study cards: one a day, the same for a community; pushed with a menu that 1 and 2 answer."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from bot.bootstrap import Application, build, build_worker, prepare_database, tick_once
from bot.config import Settings
from bot.domain.study_card import LONGEST_ANSWER, card_of_day
from bot.services import routine, study_card
from bot.simulator.api import Api, serving_api
from bot.storage.models import Firing, StudyCardAnswer
from tests.conftest import HandClock
from tests.members import Member, organiser, rows
from tests.platform import APP_ID, enrol
from tests.routines import at, firings, run, told
from tests.sending import SECRET

DAY = date(2026, 11, 23)
ANSWERS = "1 知道了\n2 没记住\n0 以后再说"


def joined(application: Application, *openids: str) -> list[Member]:
    enrol(application, *openids, account="gh_1")
    return [Member(application, openid) for openid in openids]


def answers(application: Application) -> list[tuple[int, str, bool]]:
    with application.database.read() as session:
        rows = session.scalars(select(StudyCardAnswer).order_by(StudyCardAnswer.id))
        return [(row.person_id, row.day.isoformat(), row.known) for row in rows]


def test_each_card_comes_once_before_any_comes_again(application: Application) -> None:
    pack = application.library.packs["party-branch"]
    days = [DAY + timedelta(days=number) for number in range(900)]
    cards = [
        entry.id
        for day in days
        if (entry := study_card.of_day(pack.knowledge, pack.routines, 1, day))
    ]
    count = len(set(cards))
    assert count >= 80
    for start in (0, 17, 200):
        assert set(Counter(cards[start : start + count]).values()) == {1}
    assert cards[count:] == cards[:-count]


def test_communities_have_orders_of_their_own() -> None:
    entries = [f"e{number}" for number in range(50)]
    days = [DAY + timedelta(days=number) for number in range(50)]
    orders = {tuple(card_of_day(entries, home, day) for day in days) for home in (1, 2, 3)}
    assert len(orders) == 3
    assert card_of_day(entries, 1, DAY) == card_of_day(list(reversed(entries)), 1, DAY)
    assert card_of_day([], 1, DAY) is None


def test_no_card_is_about_this_program_or_too_long(application: Application) -> None:
    pack = application.library.packs["party-branch"]
    found = {
        entry.id: entry
        for number in range(len(pack.knowledge.entries))
        if (
            entry := study_card.of_day(
                pack.knowledge, pack.routines, 1, DAY + timedelta(days=number)
            )
        )
    }
    left_out = pack.knowledge.entries.keys() - found.keys()
    assert {entry.topic for entry in found.values()}.isdisjoint({"学伴的用法"})
    assert all(len(entry.answer) <= LONGEST_ANSWER for entry in found.values())
    assert left_out
    superseded = {one.supersedes for one in pack.knowledge.documents.values()}
    for name in left_out:
        entry = pack.knowledge.entries[name]
        old = all(source.document in superseded for source in entry.sources)
        assert entry.topic == "学伴的用法" or len(entry.answer) > LONGEST_ANSWER or old


def test_the_card_has_its_source_and_a_menu(application: Application) -> None:
    (member,) = joined(application, "oA")
    said = member.say("学习卡")
    assert said.startswith("学习卡：")
    assert said.endswith(ANSWERS)
    assert "依据：《" in source_of(application, "oA")
    assert "知道了" in member.say("1")
    assert answers(application) == [(1, "2026-11-23", True)]


def source_of(application: Application, openid: str) -> str:
    """The source line under every page of the card."""
    message = Member(application, openid).message("学习卡")
    reply = application.dispatcher.dispatch(message, application.clock.now()).reply
    assert reply.notice is not None
    return reply.notice.source


def test_the_last_answer_of_a_day_counts(application: Application, clock: HandClock) -> None:
    (member,) = joined(application, "oA")
    for number in ("1", "2"):
        member.say("学习卡")
        member.say(number)
    clock.forward(timedelta(days=1))
    member.say("学习卡")
    member.say("1")
    assert answers(application) == [(1, "2026-11-23", False), (1, "2026-11-24", True)]


def test_a_choice_after_midnight_is_about_the_card_that_was_shown(
    application: Application, clock: HandClock
) -> None:
    (member,) = joined(application, "oA")
    clock.forward(timedelta(hours=14, minutes=59))
    member.say("学习卡")
    clock.forward(timedelta(minutes=5))
    member.say("1")
    assert answers(application) == [(1, "2026-11-23", True)]


def test_a_group_reads_the_card_without_the_menu(application: Application) -> None:
    (member,) = joined(application, "oA")
    member.say("学习卡")
    member.say("2")
    said = Member(application, "oA", group="g1").say("学习卡")
    assert said.startswith("学习卡：")
    assert "知道了" not in said
    assert "没记住" not in said


def test_it_is_told_at_its_time_and_rides_with_its_question(
    application: Application, clock: HandClock
) -> None:
    (member,) = joined(application, "oA")
    run(application)
    at(application, clock, "2026-11-23T19:00")
    ((_, state, notice),) = told(application, "study_card")
    assert state == "held"
    assert [option.send for option in notice.options] == ["1", "2", "0"]
    assert notice.source.startswith("依据：")
    said = member.say("帮助")
    assert f"① {notice.title}"[:30] in said
    assert notice.title.startswith("学习卡：")


def test_after_downtime_only_todays_is_told(application: Application, clock: HandClock) -> None:
    joined(application, "oA")
    run(application)
    at(application, clock, "2026-11-26T21:00")
    assert firings(application, "study_card") == [
        ("2026-11-23", "skipped", "a later one was due as well", 0),
        ("2026-11-24", "skipped", "a later one was due as well", 0),
        ("2026-11-25", "skipped", "a later one was due as well", 0),
        ("2026-11-26", "done", "", 1),
    ]
    at(application, clock, "2026-11-28T09:00")
    assert firings(application, "study_card")[4:] == [("2026-11-27", "skipped", "too late", 0)]
    assert len(told(application, "study_card")) == 1


def test_yesterdays_card_gives_way_to_todays(application: Application, clock: HandClock) -> None:
    joined(application, "oA")
    run(application)
    for day in (23, 24, 25):
        at(application, clock, f"2026-11-{day}T19:00")
    run(application)
    assert [state for _, state, _ in told(application, "study_card")] == [
        "cancelled",
        "cancelled",
        "held",
    ]


def test_whoever_opted_out_is_not_told_and_can_still_look(
    application: Application, clock: HandClock
) -> None:
    member, _ = joined(application, "oA", "oB")
    member.say("退订 学习卡")
    run(application)
    at(application, clock, "2026-11-23T19:00")
    assert [person_id for person_id, _, _ in told(application, "study_card")] == [2]
    assert member.say("学习卡").startswith("学习卡：")


def test_a_rule_that_is_moved_within_the_day_does_not_tell_twice(
    application: Application, clock: HandClock
) -> None:
    boss = organiser(application, "oBoss")
    run(application)
    at(application, clock, "2026-11-23T19:00")
    boss.say("安排 学习卡 每天 20:00")
    boss.say("确认")
    at(application, clock, "2026-11-23T20:00")
    assert [found[1:3] for found in firings(application, "study_card")] == [
        ("done", ""),
        ("skipped", "already sent"),
    ]


def test_a_pack_without_knowledge_has_no_card(application: Application) -> None:
    base = application.library.packs["base"]
    assert study_card.of_day(base.knowledge, base.routines, 1, DAY) is None


def test_what_was_told_is_known_by_what_it_was_about(
    application: Application, clock: HandClock
) -> None:
    joined(application, "oA")
    run(application)
    at(application, clock, "2026-11-23T19:00")
    with application.database.read() as session:
        assert session.scalars(select(Firing.about)).all() == ["study_card:1:2026-11-23"]
        assert routine.told(session, 1, "study_card:1:2026-11-23")
        assert not routine.told(session, 2, "study_card:1:2026-11-23")


def test_the_answers_are_exported_and_deleted_with_the_person(
    application: Application, clock: HandClock
) -> None:
    (member,) = joined(application, "oA")
    member.say("学习卡")
    member.say("2")
    assert "学习卡" in member.say("我的数据")
    assert "日期 2026-11-23" in member.say("导出").replace("：", " ")
    member.say("删除")
    member.say("确认")
    clock.forward(timedelta(days=15))
    run(application)
    assert rows(application, StudyCardAnswer) == 0


@pytest.fixture
def pushing(settings: Settings, clock: HandClock) -> Iterator[tuple[Application, Api]]:
    """A verified service account whose platform is the sandbox's API."""
    api = Api(APP_ID, SECRET, clock)
    with serving_api(api) as base:
        account = settings.official_account
        assert account is not None
        values = account.model_dump() | {
            "secret": SECRET, "kind": "service", "verified": True, "api_base": base,
        }  # fmt: skip
        verified = settings.model_copy(
            update={"official_account": type(account).model_validate(values)}
        )
        built = replace(build(verified, "worker"), clock=clock)
        prepare_database(built)
        yield built, api
        built.database.dispose()


def test_1_and_2_answer_the_card_that_was_pushed(
    pushing: tuple[Application, Api], clock: HandClock
) -> None:
    application, api = pushing
    (member,) = joined(application, "oTESTmember")
    tick_once(application)
    build_worker(application).drain()
    at(application, clock, "2026-11-23T18:00")
    api.heard("oTESTmember", "message")
    member.say("帮助")
    at(application, clock, "2026-11-23T19:00")
    clock.forward(timedelta(minutes=8))
    run(application)
    (sent,) = api.sent
    pushed = str(sent.body["text"]["content"])
    assert pushed.startswith("学习卡：")
    assert "1 知道了" in pushed
    assert "依据：" in pushed
    # After midnight it is still that day's card.
    clock.forward(timedelta(hours=6))
    assert "没关系" in member.say("2")
    assert answers(application) == [(1, "2026-11-23", False)]
