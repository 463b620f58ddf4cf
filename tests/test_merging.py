"""Two records become one: nothing is lost, nothing is there twice, nothing of others is touched."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any, TypeVar

import pytest
from sqlalchemy import Table, UniqueConstraint, select

from bot.bootstrap import Application, default_community
from bot.domain.messages import Channel, Notice
from bot.domain.roster import RosterRow
from bot.services import calendar_feed, community, deliveries, merging, mute, opt_out, roster
from bot.services.deliveries import Saying
from bot.storage.models import (
    Address,
    AnonymousAsker,
    AuditEntry,
    Base,
    CalendarFeed,
    CheckIn,
    CheckInList,
    Delivery,
    Meeting,
    MeetingReply,
    Membership,
    OptIn,
    OptOut,
    Person,
    RosterEntry,
    StudyCardAnswer,
    Ticket,
    Video,
    VideoView,
)
from bot.storage.session import UnitOfWork
from bot.storage.types import UtcDateTime
from tests.conftest import START, HandClock
from tests.members import Member, at_once, code_in, mentor, organiser, rows

Model = TypeVar("Model", bound=Base)
TODAY = date(2026, 11, 23)
INTO, AWAY = 1, 2


def person_columns(table: Table) -> list[str]:
    return [
        column.name
        for column in table.c
        if any(key.column.table.name == "person" for key in column.foreign_keys)
    ]


def unique_keys(table: Table) -> Iterator[set[str]]:
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield {column.name for column in constraint.columns}
    for index in table.indexes:
        if index.unique:
            yield {column.name for column in index.columns}


class TestEveryTable:
    def test_is_moved_or_left_out_with_a_reason(self) -> None:
        moved = {(column.table.name, column.name) for column in merging.moved_columns()}
        excluded = {model.__tablename__ for model, reason in merging.EXCLUDED.items() if reason}
        for table in Base.metadata.tables.values():
            for name in person_columns(table):
                assert ((table.name, name) in moved) is (table.name not in excluded), table.name

    def test_with_one_row_a_person_is_joined(self) -> None:
        excluded = {model.__tablename__ for model in merging.EXCLUDED}
        joined = {
            model.__tablename__: {"person_id", *rule.key} for model, rule in merging.JOINED.items()
        }
        found = {}
        for table in Base.metadata.tables.values():
            for key in unique_keys(table):
                if key & set(person_columns(table)) and table.name not in excluded:
                    found[table.name] = key
        assert found == joined


@pytest.fixture
def session(application: Application) -> Iterator[UnitOfWork]:
    """Two people of the first community, who are about to become one."""
    with application.database.begin() as begun:
        for name in (None, "王芳"):
            begun.add(Person(name=name, created_at=START))
        begun.flush()
        yield begun


def merged(session: UnitOfWork) -> None:
    session.flush()
    assert merging.merge(session, INTO, AWAY, 1, INTO, START) is None


def only(session: UnitOfWork, model: type[Model]) -> Model:
    return session.scalars(select(model)).one()


def owners(session: UnitOfWork, column: Any) -> list[int | None]:
    return list(session.scalars(select(column)))


def second_community(session: UnitOfWork, application: Application) -> int:
    settings = default_community(application.settings)
    return community.add(session, "另一支部", settings, START, packs=(settings.pack,)).id


def check_in(person_id: int, note: str, minutes: int, **more: Any) -> CheckIn:
    at = START + timedelta(minutes=minutes)
    return CheckIn(
        person_id=person_id, community_id=1, day=more.pop("day", TODAY), note=note, sent_at=at,
        created_at=at, **more,
    )  # fmt: skip


@pytest.mark.parametrize("dialect", ["sqlite"])
class TestJoining:
    def test_two_check_ins_of_a_day_are_one(self, session: UnitOfWork) -> None:
        pasted = CheckInList(
            community_id=1, day=TODAY, lines="[]", state="taken", sent_by=AWAY, sent_at=START
        )
        session.add(pasted)
        session.flush()
        session.add_all(
            [
                check_in(INTO, "后写的", 5, pictures=2, list_id=pasted.id),
                check_in(AWAY, "先写的", 1, pictures=1),
                check_in(AWAY, "昨天", 0, day=TODAY - timedelta(days=1), list_id=pasted.id),
            ]
        )
        merged(session)
        yesterday, today = session.scalars(select(CheckIn).order_by(CheckIn.day)).all()
        assert (today.person_id, today.note, today.pictures) == (INTO, "先写的\n后写的", 3)
        assert today.sent_at == START + timedelta(minutes=1)
        assert today.list_id is None
        assert (yesterday.person_id, yesterday.list_id) == (INTO, pasted.id)

    def test_roles_are_had_once_and_since_the_earlier(self, session: UnitOfWork) -> None:
        def role(person_id: int, name: str, days: int, **more: Any) -> Membership:
            return Membership(
                person_id=person_id, community_id=1, role=name,
                since=START - timedelta(days=days), **more,
            )  # fmt: skip

        session.add_all(
            [
                role(INTO, "member", 1),
                role(AWAY, "member", 9, stage="积极分子"),
                role(AWAY, "mentor", 2),
                role(AWAY, "member", 30, until=START - timedelta(days=20)),
            ]
        )
        merged(session)
        found = session.scalars(select(Membership).order_by(Membership.since)).all()
        assert [(row.person_id, row.role, row.stage, row.until is None) for row in found] == [
            (INTO, "member", None, False), (INTO, "member", "积极分子", True), (INTO, "mentor", None, True),
        ]  # fmt: skip

    @pytest.mark.parametrize("later", [INTO, AWAY])
    def test_the_later_reply_to_a_meeting(self, session: UnitOfWork, later: int) -> None:
        session.add(
            Meeting(
                id=1, community_id=1, title="党课", place="", starts_at=START, state="planned",
                version=1, created_by=AWAY, created_at=START,
            )
        )  # fmt: skip
        session.flush()
        for person_id in (INTO, AWAY):
            session.add(
                MeetingReply(
                    meeting_id=1, person_id=person_id, reason=str(person_id),
                    answer="coming" if person_id == INTO else "excused",
                    replied_at=START + timedelta(hours=person_id == later),
                )
            )  # fmt: skip
        merged(session)
        reply = only(session, MeetingReply)
        assert (reply.person_id, reply.reason) == (INTO, str(later))
        assert reply.answer == ("coming" if later == INTO else "excused")
        assert only(session, Meeting).created_by == INTO

    def test_a_video_was_seen_first_when_it_was_and_the_fuller_answers_stay(
        self, session: UnitOfWork
    ) -> None:
        session.add(
            Video(
                id=1, community_id=1, month=TODAY, title="t", url="u", questions="[]", version=1,
                chosen_by=AWAY, created_at=START,
            )
        )  # fmt: skip
        session.flush()
        later = START + timedelta(days=1)
        session.add_all(
            [
                VideoView(video_id=1, person_id=INTO, answers="1", seen_at=START),
                VideoView(video_id=1, person_id=AWAY, answers="2,3", seen_at=later),
            ]
        )
        merged(session)
        view = only(session, VideoView)
        assert (view.person_id, view.answers, view.seen_at) == (INTO, "2,3", START)
        assert only(session, Video).chosen_by == INTO

    @pytest.mark.parametrize("known", [INTO, AWAY])
    def test_a_card_that_was_known_is_known(self, session: UnitOfWork, known: int) -> None:
        for person_id in (INTO, AWAY):
            session.add(
                StudyCardAnswer(
                    person_id=person_id, community_id=1, day=TODAY, card=f"c{person_id}",
                    known=person_id == known, answered_at=START,
                )
            )  # fmt: skip
        merged(session)
        answer = only(session, StudyCardAnswer)
        assert (answer.person_id, answer.card, answer.known) == (INTO, f"c{known}", True)

    def test_the_calendar_that_is_kept(self, session: UnitOfWork) -> None:
        kept = calendar_feed.token_of(session, INTO, START)
        calendar_feed.token_of(session, AWAY, START)
        merged(session)
        assert (only(session, CalendarFeed).person_id, only(session, CalendarFeed).token) == (
            INTO,
            kept,
        )

    def test_the_only_calendar_goes_on(self, session: UnitOfWork) -> None:
        token = calendar_feed.token_of(session, AWAY, START)
        merged(session)
        assert (only(session, CalendarFeed).person_id, only(session, CalendarFeed).token) == (
            INTO,
            token,
        )

    def test_of_stop_and_go_the_later_counts(self, session: UnitOfWork) -> None:
        late = START + timedelta(hours=1)
        opt_out.stop(session, INTO, ["meeting", "announcement"], START)
        opt_out.stop(session, AWAY, ["meeting", "study_card"], late)
        opt_out.ask_for(session, AWAY, ["announcement"], late)
        opt_out.ask_for(session, INTO, ["study_card", "video"], START)
        opt_out.ask_for(session, AWAY, ["video"], late)
        merged(session)
        out = session.execute(select(OptOut.person_id, OptOut.topic).order_by(OptOut.topic)).all()
        into = session.execute(select(OptIn.person_id, OptIn.topic).order_by(OptIn.topic)).all()
        assert [tuple(row) for row in out] == [(INTO, "meeting"), (INTO, "study_card")]
        assert [tuple(row) for row in into] == [(INTO, "announcement"), (INTO, "video")]

    def test_what_both_were_told_is_said_once(self, session: UnitOfWork) -> None:
        def tell(about: str, *people: int) -> None:
            saying = Saying("announcement", about, Notice("n", lines=(about,)))
            deliveries.tell(session, people, 1, saying, START)

        tell("both", INTO, AWAY)
        tell("seen there", INTO, AWAY)
        tell("seen here", INTO, AWAY)
        tell("theirs", AWAY)
        for about, person_id in (("seen there", AWAY), ("seen here", INTO)):
            row = session.scalars(
                select(Delivery).where(Delivery.about == about, Delivery.person_id == person_id)
            ).one()
            row.state = "sent"
        merged(session)
        assert set(owners(session, Delivery.person_id)) == {INTO}
        states: dict[str, list[str]] = {}
        for row in session.scalars(select(Delivery)):
            states.setdefault(row.about, []).append(row.state)
        assert {about: sorted(found) for about, found in states.items()} == {
            "both": ["cancelled", "held"], "seen there": ["cancelled", "sent"],
            "seen here": ["cancelled", "sent"], "theirs": ["held"],
        }  # fmt: skip
        keys = set(session.scalars(select(Delivery.dedupe_key)))
        assert "theirs:2" in keys

    def test_the_name_and_the_higher_counts(self, session: UnitOfWork) -> None:
        ours, theirs = session.get_one(Person, INTO), session.get_one(Person, AWAY)
        ours.pushed_day, ours.pushed = TODAY, 1
        theirs.pushed_day, theirs.pushed, theirs.digest_day = TODAY, 3, TODAY
        theirs.current_community_id, theirs.created_at = 1, START - timedelta(days=3)
        mute.mute(session, AWAY, START + timedelta(days=2), START)
        merged(session)
        left = only(session, Person)
        assert (left.id, left.name, left.pushed_day, left.pushed) == (INTO, "王芳", TODAY, 3)
        assert (left.digest_day, left.current_community_id) == (TODAY, 1)
        assert left.muted_until == START + timedelta(days=2)
        assert left.created_at == START - timedelta(days=3)

    def test_of_different_days_the_newer_counts(self, session: UnitOfWork) -> None:
        ours, theirs = session.get_one(Person, INTO), session.get_one(Person, AWAY)
        ours.name = "我"
        ours.pushed_day, ours.pushed = TODAY, 1
        theirs.pushed_day, theirs.pushed = TODAY - timedelta(days=1), 3
        merged(session)
        left = only(session, Person)
        assert (left.name, left.pushed_day, left.pushed) == ("我", TODAY, 1)


def filled(column: Any, person_id: int, number: int) -> Any:
    """Some value that the column takes."""
    for key in column.foreign_keys:
        return person_id if key.column.table.name == "person" else 1
    if allowed := _ALLOWED.get((column.table.name, column.name)):
        return allowed
    if isinstance(column.type, UtcDateTime):
        return START
    kinds: dict[type, Any] = {int: number, str: column.name, bool: False, date: TODAY}
    return kinds[column.type.python_type]


# What check constraints let in, and what is not taken back by another row.
_ALLOWED = {
    ("one_time_code", "role"): "member", ("one_time_code", "purpose"): "group",
    ("check_in_list", "state"): "open", ("binding_request", "state"): "agreed",
    ("ticket", "kind"): "question", ("ticket", "state"): "open", ("delivery", "state"): "held",
    ("entry_link", "area"): "portal",
    ("opt_in", "topic"): "meeting",
    ("opt_out", "topic"): "video",
    ("meeting", "state"): "planned", ("meeting_reply", "answer"): "coming",
    ("knowledge_entry", "state"): "live",
    ("membership", "role"): "member", ("announcement", "state"): "published",
    ("delivery", "urgency"): "digest", ("delivery", "notice"): Notice("n").to_json(),
}  # fmt: skip


def test_a_row_in_every_table_is_moved_and_kept(session: UnitOfWork) -> None:
    """Whatever a new table has, whose columns nobody thought of here, goes with the person."""
    excluded = {model.__tablename__ for model in merging.EXCLUDED}
    tables = [
        table
        for table in Base.metadata.sorted_tables
        if person_columns(table) and table.name not in excluded
    ]
    for table in tables:
        values = {
            column.name: filled(column, AWAY, 1)
            for column in table.c
            if column.name in person_columns(table) or not (column.nullable or column.primary_key)
        }
        session.execute(table.insert().values(values))
    merged(session)
    for table in tables:
        found = session.execute(select(table).where(table.c[person_columns(table)[0]] == INTO))
        kept = found.mappings().first()
        assert kept, table.name
        assert {kept[name] for name in person_columns(table)} == {INTO}
    assert owners(session, Person.id) == [INTO]


@pytest.mark.parametrize("dialect", ["sqlite"])
class TestRefusing:
    def test_two_names_of_one_roster(self, session: UnitOfWork) -> None:
        for number, person_id in enumerate((INTO, AWAY)):
            session.add(
                RosterEntry(
                    community_id=1, name="甲", number=str(number), roles="member",
                    person_id=person_id, created_at=START,
                )
            )  # fmt: skip
        session.flush()
        assert merging.merge(session, INTO, AWAY, 1, INTO, START) is merging.Refusal.ROSTER
        assert owners(session, RosterEntry.person_id) == [INTO, AWAY]

    def test_names_of_two_rosters_are_one_persons(
        self, session: UnitOfWork, application: Application
    ) -> None:
        other = second_community(session, application)
        for community_id, person_id in ((1, INTO), (other, AWAY)):
            session.add(
                RosterEntry(
                    community_id=community_id, name="甲", roles="member", person_id=person_id,
                    created_at=START,
                )
            )  # fmt: skip
        merged(session)
        assert owners(session, RosterEntry.person_id) == [INTO, INTO]

    @pytest.mark.parametrize("person_id", [INTO, AWAY])
    def test_somebody_who_is_to_be_deleted(self, session: UnitOfWork, person_id: int) -> None:
        session.get_one(Person, person_id).hidden_at = START
        session.flush()
        assert merging.merge(session, INTO, AWAY, 1, INTO, START) is merging.Refusal.DELETION
        assert owners(session, Person.id) == [INTO, AWAY]


def official(application: Application, openid: str = "oA") -> Member:
    return Member(application, openid)


def wecom(application: Application, userid: str = "uA") -> Member:
    return Member(application, userid, channel=Channel.WECOM_BOT)


def joined(member: Member) -> Member:
    member.say("绑定")
    assert "成员了" in member.say("1")
    return member


def asked(first: Member, other: Member) -> str:
    return other.say(f"绑定 {code_in(first.say('绑定码'))}")


@pytest.mark.parametrize("dialect", ["sqlite"])
class TestInChat:
    def test_it_is_said_before_and_done_on_1(
        self, application: Application, clock: HandClock
    ) -> None:
        one, two = joined(official(application)), joined(wecom(application))
        one.say("打卡 公众号写的")
        clock.forward(timedelta(minutes=1))
        two.say("打卡 企业微信写的")
        said = asked(one, two)
        assert "两边的记录会合在一起" in said
        assert "1 合在一起" in said
        assert "没有合" in two.say("0")
        assert rows(application, Person) == 2
        asked(one, two)
        assert "同一份记录" in two.say("1")
        assert rows(application, Person) == 1
        for member in (one, two):
            assert "公众号写的" in member.say("导出")
            assert "企业微信写的" in member.say("导出")
        assert rows(application, CheckIn) == 1
        with application.database.read() as session:
            found = session.scalars(select(AuditEntry)).one()
        assert (found.action, found.actor_id, found.subject_id) == ("records merged", 1, 1)

    def test_a_code_that_ran_out_before_the_1(
        self, application: Application, clock: HandClock
    ) -> None:
        one, two = joined(official(application)), joined(wecom(application))
        code = code_in(one.say("绑定码"))
        clock.forward(timedelta(minutes=9))
        two.say(f"绑定 {code}")
        clock.forward(timedelta(minutes=2))
        assert "口令不对" in two.say("1")
        assert rows(application, Person) == 2

    def test_two_of_one_roster_are_told_and_the_code_is_not_spent(
        self, application: Application
    ) -> None:
        one, two = official(application), wecom(application)
        with application.database.begin() as session:
            listed = [RosterRow("甲", "1"), RosterRow("乙", "2")]
            roster.apply(session, 1, listed, "t", application.clock.now())
            codes = [code for _, _, code in roster.new_codes(session, 1)]
        for member, code in zip((one, two), codes, strict=True):
            member.say(f"绑定 {code}")
            member.say("1")
        own = code_in(one.say("绑定码"))
        assert "同一份名册里的两个名字" in two.say(f"绑定 {own}")
        three = wecom(application, "uNew")
        three.say(f"绑定 {own}")
        assert "同一份记录" in three.say("1")

    def test_what_was_open_there_is_closed(self, application: Application) -> None:
        one, two = joined(official(application)), joined(wecom(application))
        one.say("打卡 甲")
        two.say("打卡 乙")
        two.say("删除")
        asked(one, two)
        two.say("1")
        assert "没有要确认的事" in two.say("确认")
        # The joined check-in is not what either could take back.
        assert "没有可以撤销的事" in one.say("撤销")
        assert "没有可以撤销的事" in two.say("撤销")
        assert rows(application, CheckIn) == 1

    def test_what_was_asked_without_a_name_stays_so(self, application: Application) -> None:
        teacher = mentor(application, "oMentor")
        one, two = joined(official(application)), joined(wecom(application))
        two.say("匿名提问 党徽上的锤子代表什么")
        assert "已匿名转给导师" in two.say("1")
        asked(one, two)
        assert "同一份记录" in two.say("1")
        with application.database.read() as session:
            asker = session.scalars(select(AnonymousAsker)).one()
            assert (asker.channel, asker.value) == ("wecom_bot", "uA")
            assert session.scalars(select(Ticket.asker_id)).all() == [None]
        teacher.say("答 1 工人。")
        assert "工人" not in one.say("收件箱")
        assert "工人" in two.say("收件箱")

    def test_a_mailbox_of_both(self, application: Application) -> None:
        leader = organiser(application, "oLeader")
        one, two = joined(official(application)), joined(wecom(application))
        leader.say("发通知 周五交材料")
        leader.say("确认")
        asked(one, two)
        two.say("1")
        assert two.say("收件箱").count("周五交材料") == 1
        assert "周五交材料" not in one.say("你好")

    def test_the_organiser_of_another_channel_is_one_here(self, application: Application) -> None:
        one, leader = joined(official(application)), organiser(application, "oBoss")
        asked(one, leader)
        assert "同一份记录" in leader.say("1")
        assert "没有等你处理的事" in one.say("待办")


def test_one_code_and_two_who_want_it(application: Application) -> None:
    """Two who have records of their own agree at once: one of them becomes the code's maker."""
    one = joined(official(application))
    others = [joined(wecom(application, f"u{number}")) for number in range(3)]
    code = code_in(one.say("绑定码"))
    for other in others:
        other.say("打卡")
        assert "合在一起" in other.say(f"绑定 {code}")
    said = at_once(*(partial(other.say, "1") for other in others))
    assert sorted("同一份记录" in text for text in said) == [False, False, True]
    assert rows(application, Person) == 3
    assert rows(application, Address) == 4


def test_a_check_in_while_two_become_one(application: Application) -> None:
    """Whatever comes first, nothing is lost that was said to be done."""
    for number in range(5):
        one = joined(official(application, f"o{number}"))
        two, same = joined(wecom(application, f"u{number}")), wecom(application, f"u{number}")
        asked(one, two)
        merged_, noted = at_once(partial(two.say, "1"), partial(same.say, "打卡 同时"))
        if "打卡成功" in noted:
            assert "连续 1 天" in two.say("我的")
        assert "同一份记录" in merged_ or "忙" in merged_
