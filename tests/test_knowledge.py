"""What a community knows of its own, over its pack: seen by every process, approved, undone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files

import pytest
from sqlalchemy import select

from bot.bootstrap import Application, build, prepare_database
from bot.config import Settings
from bot.domain.person import CommunityView
from bot.errors import KnowledgeProblems, NotFound
from bot.services import community, knowledge
from bot.services.community import CommunitySettings
from bot.services.knowledge import OwnText
from bot.storage.models import Community, MatcherCalibration, Membership
from content import loader
from content.matcher.calibration import DEFAULT
from scheduler.learning import Learner
from tests.conftest import HandClock
from tests.members import Member, organiser
from tests.platform import enrol

LEAVE = OwnText(
    key="L01", question="请假要找谁批？", variants=("请假条交给谁",),
    answer="会前一天向支部书记请假。", topic="请假", title="支部请假规定", clause="第三条",
)  # fmt: skip
ROOM = OwnText(
    key=None, question="活动室怎么借？", variants=("借活动室找谁", "活动室钥匙在哪"),
    answer="在群里说一声，向组织委员拿钥匙。", topic="活动室", title="活动室使用办法", clause="第二条",
)  # fmt: skip


@pytest.fixture
def member(application: Application) -> Member:
    enrol(application, "oA", account="gh_1")
    return Member(application, "oA")


@pytest.fixture
def other(settings: Settings, application: Application, clock: HandClock) -> Iterator[Application]:
    """Another process on the same database."""
    built = replace(build(settings, "web"), clock=clock)
    yield built
    built.database.dispose()


def home_of(application: Application, name: str = "") -> CommunityView:
    with application.database.read() as session:
        if name:
            return community.view(community.by_name(session, name))
        return community.view(community.oldest(session))


def save(application: Application, text: OwnText, by: int | None = None, home: str = "") -> str:
    view = home_of(application, home)
    with application.database.begin() as session:
        return knowledge.save(session, view, text, by, application.clock.now()).key


def change(application: Application, key: str, what: str, by: int | None = None) -> None:
    view = home_of(application)
    with application.database.begin() as session:
        row = knowledge.find(session, view, key)
        getattr(knowledge, what)(session, row, by, application.clock.now())


def test_its_own_rule_comes_after_the_pack_s(
    application: Application, member: Member, clock: HandClock
) -> None:
    before = member.say("组织生活的出勤率有全国规定吗")
    save(application, LEAVE)
    clock.forward(timedelta(seconds=5))
    said = member.say("组织生活的出勤率有全国规定吗").splitlines()
    assert [line for line in said if line not in before.splitlines()] == [
        "本支部规定：会前一天向支部书记请假。",
        "依据：《支部请假规定》第三条，2026-11-23 录入 · 自己录入，未复核，2026-11-23 核对",
    ]
    assert "全国没有" in said[2]
    assert member.say("请假条交给谁").splitlines() == said


def test_an_entry_of_its_own_stands_alone(
    application: Application, member: Member, clock: HandClock
) -> None:
    assert "钥匙" not in member.say("活动室怎么借")
    key = save(application, ROOM)
    clock.forward(timedelta(seconds=5))
    assert "向组织委员拿钥匙。" in member.say("借活动室找谁")
    change(application, key, "withdraw")
    clock.forward(timedelta(seconds=5))
    assert "拿钥匙" not in member.say("借活动室找谁")


def test_another_process_sees_it_within_five_seconds(
    application: Application, other: Application, member: Member, clock: HandClock
) -> None:
    elsewhere = Member(other, "oA")
    save(application, ROOM)
    clock.forward(timedelta(seconds=5))
    assert "拿钥匙" in elsewhere.say("活动室怎么借")
    shelf = other.dispatcher.shelf
    with other.database.read() as session:
        pack = other.library.packs["party-branch"]
        known = shelf.pack(session, home_of(other), pack, clock.now()).knowledge.matcher
    save(application, replace(ROOM, key="own-1", answer="向值班的同学拿钥匙。"))
    assert "组织委员" in elsewhere.say("活动室怎么借")
    clock.forward(timedelta(seconds=5))
    assert "值班的同学" in elsewhere.say("活动室怎么借")
    with other.database.read() as session:
        again = shelf.pack(session, home_of(other), pack, clock.now()).knowledge.matcher
    assert again is known
    assert again is not pack.knowledge.matcher
    assert pack.knowledge.find("own-1") is None


def test_a_community_sees_its_parents_and_no_others(
    application: Application, clock: HandClock
) -> None:
    with application.database.begin() as session:
        defaults = CommunitySettings("Asia/Shanghai", "22:00-08:00", 3, "party-branch")
        packs = application.library.names
        community.add(session, "学院", defaults, clock.now(), packs=packs)
        community.add(session, "甲支部", defaults, clock.now(), packs=packs, parent="学院")
        community.add(session, "乙支部", defaults, clock.now(), packs=packs, parent="学院")
    save(application, replace(LEAVE, answer="学院这样规定。"), home="学院")
    save(application, replace(LEAVE, answer="甲支部这样规定。"), home="甲支部")
    save(application, ROOM, home="甲支部")
    shelf = application.dispatcher.shelf
    pack = application.library.packs["party-branch"]
    own = {}
    with application.database.read() as session:
        for name in ("学院", "甲支部", "乙支部"):
            found = shelf.pack(session, home_of(application, name), pack, clock.now())
            own[name] = {key: rule.answer for key, rule in found.knowledge.own.items()}
    room = ROOM.answer
    assert own == {
        "学院": {"L01": "学院这样规定。"},
        "甲支部": {"L01": "甲支部这样规定。", "own-1": room},
        "乙支部": {"L01": "学院这样规定。"},
    }
    with application.database.read() as session:
        assert shelf.pack(session, home_of(application), pack, clock.now()) is pack


def test_a_second_person_approves(
    application: Application, member: Member, clock: HandClock
) -> None:
    organiser(application, "oO1")
    organiser(application, "oO2")
    with application.database.read() as session:
        organisers = select(Membership.person_id).where(Membership.role == "organiser")
        first, second = session.scalars(organisers.order_by(Membership.person_id))
    key = save(application, ROOM, by=first)
    clock.forward(timedelta(seconds=5))
    assert "拿钥匙" not in member.say("活动室怎么借")
    with pytest.raises(KnowledgeProblems, match="its author cannot approve it"):
        change(application, key, "approve", first)
    change(application, key, "approve", second)
    clock.forward(timedelta(seconds=5))
    said = member.say("活动室怎么借")
    assert "拿钥匙" in said
    assert "未复核" not in said


def test_what_was_changed_is_taken_back(application: Application, clock: HandClock) -> None:
    key = save(application, ROOM)
    save(application, replace(ROOM, key=key, answer="换了说法。"))
    change(application, key, "withdraw")
    view = home_of(application)
    seen = []
    for _ in range(3):
        with application.database.begin() as session:
            row = knowledge.find(session, view, key)
            what = knowledge.undo(session, row, None, clock.now())
            seen.append((what, row.state, row.answer))
    assert seen == [
        ("withdrawn", "live", "换了说法。"),
        ("changed", "live", ROOM.answer),
        ("added", "withdrawn", ROOM.answer),
    ]
    with application.database.read() as session:
        row = knowledge.find(session, view, key)
        assert [one.what for one in knowledge.history(session, row)] == ["withdrawn", "added"]


def test_what_cannot_be_kept(application: Application) -> None:
    bad = OwnText(None, " ", ("",) * 21, "长" * 301, "题", "名", "")
    with pytest.raises(KnowledgeProblems) as problems:
        save(application, bad)
    assert problems.value.problems == (
        "question: it is empty",
        "answer: it has more than 300 characters",
        "clause: it is empty",
        "variants: there are more than 20",
        "variants: each has 1 to 60 characters",
    )
    with application.database.read() as session, pytest.raises(NotFound, match="own-9"):
        knowledge.find(session, home_of(application), "own-9")


def test_the_matcher_learns_and_every_process_uses_it(settings: Settings, clock: HandClock) -> None:
    library = loader.load(files("content") / "packs")
    built = replace(build(settings, "web", library=library), clock=clock)
    prepare_database(built)
    pack = library.packs["party-branch"]
    assert pack.knowledge.matcher.calibration == DEFAULT
    learner = Learner(built.database, {"party-branch": pack}, clock.now)
    assert learner.learn()
    assert not learner.learn()
    with built.database.read() as session:
        kept = session.scalars(select(MatcherCalibration)).one()
        assert kept.scope == "pack:party-branch"
        view = community.view(session.get_one(Community, 1))
        assert built.dispatcher.shelf.pack(session, view, pack, clock.now()) is pack
    assert pack.knowledge.matcher.calibration.sampled > 500
    save(built, ROOM)
    clock.forward(timedelta(seconds=5))
    assert learner.learn()
    with built.database.read() as session:
        scopes = session.scalars(select(MatcherCalibration.scope)).all()
    assert sorted(scopes) == ["community:1", "pack:party-branch"]
    built.database.dispose()
