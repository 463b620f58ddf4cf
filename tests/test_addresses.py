"""One member, many addresses: bound by a code or by the roster, in one channel after the other."""

import re
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from bot.bootstrap import Application, tick_once
from bot.domain.delivery import Way
from bot.domain.messages import Channel, Notice
from bot.domain.roster import RosterRow
from bot.services import deliveries, outlet, personal_data, roster
from bot.services.deliveries import Saying
from bot.services.registry import TABLES
from bot.storage.models import Address, AuditEntry, CheckIn, Consent, InboxMessage, OneTimeCode
from bot.storage.models import Person as PersonRow
from scheduler.tick import apply_deletions
from tests.conftest import HandClock
from tests.life import Life
from tests.members import Member, at_once, code_in, held, organiser, rows

LEAVE = "不是你本人操作，请发 解绑"


def official(application: Application, openid: str = "oA") -> Member:
    return Member(application, openid)


def wecom(application: Application, userid: str = "uA") -> Member:
    return Member(application, userid, channel=Channel.WECOM_BOT)


def joined(member: Member) -> Member:
    member.say("绑定")
    assert "成员了" in member.say("1")
    return member


def second(first: Member, other: Member) -> str:
    """The other address, so far unknown, becomes the first one's."""
    code = code_in(first.say("绑定码"))
    assert "1 同意并绑定" in other.say(f"绑定 {code}")
    return other.say("1")


def listed(application: Application, *people: tuple[str, str]) -> dict[str, str]:
    """A roster with these names and numbers: the code of each."""
    with application.database.begin() as session:
        rows_ = [RosterRow(name, number) for name, number in people]
        roster.apply(session, 1, rows_, "t", application.clock.now())
        return {name: code for name, _, code in roster.new_codes(session, 1)}


def announced(application: Application, person_id: int, text: str) -> None:
    saying = Saying("announcement", f"a:{text}", Notice("announcement", lines=(text,)))
    with application.database.begin() as session:
        deliveries.tell(session, [person_id], 1, saying, application.clock.now())


def actions(application: Application) -> list[tuple[str, int | None, int | None]]:
    with application.database.read() as session:
        found = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(row.action, row.actor_id, row.subject_id) for row in found]


class TestByCode:
    def test_one_record_one_mailbox(self, application: Application, clock: HandClock) -> None:
        one, two = joined(official(application)), wecom(application)
        one.say("打卡 第一章")
        assert "绑定码" in one.say("绑定")
        assert "同一份记录" in second(one, two)
        assert rows(application, PersonRow) == 1
        assert "连续 1 天" in two.say("我的")
        assert "今天已经打过卡了，这句也记下了" in two.say("打卡 第二章")
        assert rows(application, CheckIn) == 1
        clock.forward(timedelta(days=1))
        assert "连续 2 天" in two.say("打卡")
        assert "连续 2 天" in one.say("我的")
        announced(application, 1, "周五交材料")
        assert "周五交材料" in two.say("收件箱")
        assert "周五交材料" not in one.say("你好")
        with application.database.read() as session:
            channels = session.scalars(select(Consent.channel).order_by(Consent.id)).all()
        assert channels == ["official_account", "wecom_bot"]
        assert actions(application) == [("address added", 1, 1)]

    def test_menus_belong_to_an_address(self, application: Application) -> None:
        one, two = joined(official(application)), wecom(application)
        second(one, two)
        one.say("退订")
        assert "没有可选的编号" in two.say("1")
        assert "不再告诉你" in one.say("1")

    def test_the_others_are_told_once_and_the_new_one_is_not(
        self, application: Application
    ) -> None:
        one, two = joined(official(application)), wecom(application)
        assert LEAVE not in second(one, two)
        for words in ("你好", "收件箱", "你好"):
            assert LEAVE not in two.say(words)
        told = one.say("你好")
        assert "你的企业微信也绑上了" in told
        assert LEAVE in one.say("收件箱")
        assert LEAVE not in one.say("你好")

    @pytest.mark.parametrize("dialect", ["sqlite"])
    def test_a_code_is_used_once_for_ten_minutes_and_a_new_one_ends_it(
        self, application: Application, clock: HandClock
    ) -> None:
        one, two = joined(official(application)), joined(wecom(application))
        old = code_in(one.say("绑定码"))
        new = code_in(one.say("绑定码"))
        assert "口令不对" in two.say(f"绑定 {old}")
        assert "这个号已经是你的了" in one.say(f"绑定 {new}")
        clock.forward(timedelta(minutes=10))
        assert "口令不对" in two.say(f"绑定 {new}")
        third = code_in(one.say("绑定码"))
        clock.forward(timedelta(minutes=9, seconds=59))
        two.say(f"绑定 {third.lower()}")
        assert "同一份记录" in two.say("1")
        three = wecom(application, "uB")
        three.say(f"绑定 {third}")
        assert "口令不对" in three.say("1")
        assert rows(application, PersonRow) == 1

    @pytest.mark.parametrize("dialect", ["sqlite"])
    def test_only_a_hash_is_kept(self, application: Application) -> None:
        one = joined(official(application))
        message = one.message("绑定码")
        now = application.clock.now()
        shown = application.dispatcher.dispatch(message, now).reply
        assert shown.notice
        code = code_in("".join(shown.notice.lines))
        assert held(application, code) == set()
        repeated = application.dispatcher.dispatch(message, now).reply
        assert repeated.notice
        assert "再发一次 绑定码" in repeated.notice.lines[0]
        assert rows(application, OneTimeCode) == 1

    @pytest.mark.parametrize("dialect", ["sqlite"])
    def test_whose_record_it_will_be_is_said_first(self, application: Application) -> None:
        code = code_in(joined(official(application)).say("绑定码"))
        assert "那个号是你自己的，才选 1" in wecom(application).say(f"绑定 {code}")

    def test_who_came_in_lately_removes_nobody(
        self, application: Application, clock: HandClock
    ) -> None:
        one, two = joined(official(application)), wecom(application)
        clock.forward(timedelta(minutes=1))
        two.say(f"绑定 {code_in(one.say('绑定码'))}")
        two.say("1")
        assert "还不能解开更早的号" in two.say("解绑")
        assert "企业微信" in one.say("解绑")
        clock.forward(timedelta(days=7, minutes=1))
        assert "公众号" in two.say("解绑")

    def test_consent_comes_first(self, application: Application) -> None:
        one, two = joined(official(application)), wecom(application)
        code = code_in(one.say("绑定码"))
        assert "先说清楚我们存什么" in two.say(f"绑定 {code}")
        assert "什么都没存" in two.say("0")
        assert rows(application, Address) == 1
        two.say(f"绑定 {code}")
        assert "同一份记录" in two.say("1")

    @pytest.mark.parametrize("dialect", ["sqlite"])
    def test_guessing_is_as_limited_as_writing(self, application: Application) -> None:
        one, thief = joined(official(application)), joined(wecom(application, "uThief"))
        code = code_in(one.say("绑定码"))
        said = [thief.say(f"绑定 ABCDEF{n:02d}") for n in range(30)]
        assert "口令不对" in said[0]
        assert "发得有点快" in said[-2]
        assert said[-1] == ""
        two = joined(wecom(application))
        two.say(f"绑定 {code}")
        assert "同一份记录" in two.say("1")

    def test_of_two_at_once_one_gets_it(self, application: Application) -> None:
        one = joined(official(application))
        code = code_in(one.say("绑定码"))
        others = [wecom(application, f"u{n}") for n in range(4)]
        for other in others:
            other.say(f"绑定 {code}")
        said = at_once(*(partial(other.say, "1") for other in others))
        assert sorted("同一份记录" in text for text in said) == [False, False, False, True]
        assert rows(application, Address) == 2

    @pytest.mark.parametrize("dialect", ["sqlite"])
    def test_another_account_of_the_same_channel(self, application: Application) -> None:
        one, two = joined(official(application)), official(application, "oB")
        second(one, two)
        assert LEAVE not in two.say("收件箱")
        assert "你的公众号也绑上了" in one.say("收件箱")

    @pytest.mark.parametrize("dialect", ["sqlite"])
    def test_who_is_in_deletion_adds_nothing(self, application: Application) -> None:
        one, two = joined(official(application)), joined(wecom(application))
        code = code_in(one.say("绑定码"))
        two.say("删除")
        two.say("确认")
        assert "正在删除" in two.say(f"绑定 {code}")
        assert "有一边的资料正在删除" in two.say("2")
        two.say("撤销")
        tick_once(application)
        one.say("删除")
        one.say("确认")
        assert "有一边的资料正在删除" in two.say(f"绑定 {code}")
        assert rows(application, PersonRow) == 2


@pytest.mark.parametrize("dialect", ["sqlite"])
class TestRemoving:
    def test_by_channel_and_never_the_one_in_hand(
        self, application: Application, clock: HandClock
    ) -> None:
        one, two = joined(official(application)), wecom(application)
        assert "只绑了这一个号（公众号）" in one.say("解绑")
        second(one, two)
        one.say("打卡")
        said = one.say("解绑")
        assert "你现在用的是公众号" in said
        assert "1 企业微信（11月23日绑的）" in said
        assert "uA" not in said
        assert "oA" not in said
        assert "2 " not in said
        assert "都没动" in one.say("0")
        one.say("解绑")
        assert "不再是你的" not in one.say("嗯")
        one.say("解绑")
        assert "那个企业微信号不再是你的" in one.say("1")
        assert LEAVE not in one.say("收件箱")
        assert "要先绑定" in two.say("我的")
        assert "连续 1 天" in one.say("我的")
        assert actions(application)[-1] == ("address removed", 1, 1)

    def test_nothing_that_was_open_there_can_be_done_any_more(
        self, application: Application
    ) -> None:
        one, two = joined(official(application)), wecom(application)
        second(one, two)
        two.say("删除")
        code = code_in(two.say("绑定码"))
        one.say("解绑")
        one.say("1")
        joined(two)
        assert "没有要确认的事" in two.say("确认")
        assert "口令不对" in two.say(f"绑定 {code}")
        assert "没有" in one.say("1")
        assert "还没有" in one.say("我的")

    def test_a_stale_choice_is_refused(self, application: Application) -> None:
        one, two = joined(official(application)), wecom(application)
        second(one, two)
        one.say("解绑")
        two.event("unsubscribe")
        assert "已经解开了" in one.say("1")

    def test_it_can_be_added_again(self, application: Application) -> None:
        one, two = joined(official(application)), wecom(application)
        for _ in range(2):
            assert "同一份记录" in second(one, two)
            assert "你的企业微信也绑上了" in one.say("收件箱")
            one.say("解绑")
            one.say("1")
            application.clock.forward(timedelta(minutes=1))  # type: ignore[attr-defined]


@pytest.mark.parametrize("dialect", ["sqlite"])
class TestByRoster:
    def test_the_code_again_in_another_channel_is_confirmed(self, application: Application) -> None:
        """It may lie about on paper: who has it is not yet who it was made for."""
        leader = organiser(application, "oLeader")
        code = listed(application, ("王芳", "1"))["王芳"]
        one, two = official(application), wecom(application)
        one.say(f"绑定 {code}")
        assert "绑定好了，王芳" in one.say("1")
        two.say(f"绑定 {code}")
        assert "已请" in two.say("1")
        assert "绑定好了" not in two.say(f"绑定 {code}")
        two.say("打卡 在企业微信")
        assert "连续" not in one.say("我的").replace("连续 0 天", "")
        assert "有人说这是自己的另一个号" in leader.say("待办")
        assert "王芳 已绑定" in leader.say("同意 1")
        assert "你的企业微信也绑上了" in one.say("收件箱")
        assert "连续 1 天" in one.say("我的")
        three = wecom(application, "uB")
        three.say(f"绑定 {code}")
        assert "已经有人用了" in three.say("1")

    def test_name_and_number_are_confirmed(self, application: Application) -> None:
        leader = organiser(application, "oLeader")
        code = listed(application, ("王芳", "X20260001"))["王芳"]
        one, two = official(application), wecom(application)
        one.say(f"绑定 {code}")
        one.say("1")
        two.say("绑定 王芳 X20260001")
        said = two.say("1")
        assert "已请" in said
        assert "另一个" not in said
        two.say("打卡 等着")
        assert "王芳（X20260001）已绑定，有人说这是自己的另一个号" in leader.say("待办")
        assert "王芳 已绑定" in leader.say("同意 1")
        assert "你的企业微信也绑上了" in one.say("收件箱")
        assert "组织者确认了你的绑定，王芳" in two.say("收件箱")
        assert "连续 1 天" in one.say("我的")
        assert ("records merged", 1, 2) in actions(application)
        assert "已经有人用了" in joined(wecom(application, "uB")).say("绑定 王芳 X20260001")

    def test_who_is_refused_keeps_their_own_record(self, application: Application) -> None:
        leader = organiser(application, "oLeader")
        code = listed(application, ("王芳", "1"))["王芳"]
        one, two = official(application), joined(wecom(application))
        one.say(f"绑定 {code}")
        one.say("1")
        two.say("打卡")
        assert "已请" in two.say("绑定 王芳 1")
        assert "没有同意 王芳" in leader.say("拒绝 1")
        assert "没有同意你的绑定申请" in two.say("收件箱")
        assert "连续 1 天" in two.say("我的")
        assert "还没有" in one.say("我的")

    def test_what_has_changed_before_the_organiser_looks(self, application: Application) -> None:
        leader = organiser(application, "oLeader")
        code = listed(application, ("王芳", "1"))["王芳"]
        one, two = official(application), joined(wecom(application))
        one.say(f"绑定 {code}")
        one.say("1")
        two.say("绑定 王芳 1")
        second(one, wecom(application, "uOwn"))
        assert "已经被别人绑定了" in leader.say("同意 1")
        assert rows(application, PersonRow) == 3

    def test_who_was_merged_meanwhile_asks_for_nothing(self, application: Application) -> None:
        leader = organiser(application, "oLeader")
        code = listed(application, ("王芳", "1"))["王芳"]
        one, two = official(application), joined(wecom(application))
        one.say(f"绑定 {code}")
        one.say("1")
        two.say("绑定 王芳 1")
        two.say(f"绑定 {code_in(one.say('绑定码'))}")
        two.say("1")
        assert "没有等你处理的事" in leader.say("待办")


@pytest.mark.parametrize("dialect", ["sqlite"])
class TestRights:
    def test_an_export_and_the_deletion_cover_all_addresses(
        self, application: Application, clock: HandClock
    ) -> None:
        one, two = joined(official(application, "oSecret1")), wecom(application, "uSecret2")
        second(one, two)
        two.say("打卡 从企业微信")
        said = one.say("导出")
        assert "从企业微信" in said
        assert re.search("【你的微信号标识】.*公众号.*企业微信", said, re.DOTALL)
        one.say("删除")
        one.say("确认")
        assert "资料已经隐藏" in two.say("我的数据")
        clock.forward(timedelta(days=8))
        tick_once(application)
        clock.forward(timedelta(days=7))
        tick_once(application)
        assert held(application, "oSecret1", "uSecret2", "从企业微信") == set()

    def test_unfollowing_one_leaves_the_record_to_the_other(self, application: Application) -> None:
        one, two = joined(official(application)), wecom(application)
        second(one, two)
        two.say("打卡")
        one.event("unsubscribe")
        assert "连续 1 天" in two.say("我的")
        assert "只绑了这一个号（企业微信）" in two.say("解绑")

    def test_an_old_deletion_does_not_fall_on_who_has_the_address_now(
        self, application: Application, clock: HandClock
    ) -> None:
        """A restored backup is made to forget again; an address has changed hands since."""
        one = joined(official(application))
        two = joined(wecom(application))
        two.say("删除")
        two.say("确认")
        clock.forward(timedelta(days=15))
        tick_once(application)
        assert rows(application, PersonRow) == 1
        second(one, two)
        folder = application.settings.storage.data_dir
        assert apply_deletions(application.database, clock.now(), folder) == 0
        assert rows(application, PersonRow) == 1

    def test_of_every_table_by_address_all_addresses_count(self, application: Application) -> None:
        one, two = joined(official(application)), wecom(application)
        second(one, two)
        with application.database.read() as session:
            subject = personal_data.subject_of(session, 1)
            mine = next(rule.mine for rule in TABLES if rule.model is InboxMessage)
            assert mine
            senders = set(session.scalars(select(InboxMessage.sender).where(mine(subject))))
        assert senders == {"oA", "uA"}


@pytest.mark.parametrize("dialect", ["sqlite"])
class TestPushing:
    def test_the_notice_is_pushed_to_the_other_channel(self, life: Life) -> None:
        one = Member(life.application, "oTESTmember00000000000000001")
        life.says(one.openid, "你好")
        code = code_in(life.says(one.openid, "绑定码"))
        two = wecom(life.application)
        two.say(f"绑定 {code}")
        two.say("1")
        life.run()
        assert any(LEAVE in text for text in life.pushed)

    def test_it_is_not_pushed_to_the_new_address(self, life: Life) -> None:
        one = joined(wecom(life.application))
        code = code_in(one.say("绑定码"))
        life.says("oTESTmember00000000000000002", f"绑定 {code}")
        life.says("oTESTmember00000000000000002", "1")
        for _ in range(2):
            life.after(minutes=1)
            life.says("oTESTmember00000000000000002", "你好")
        life.after(minutes=1)
        assert not any(LEAVE in text for text in life.pushed)
        assert LEAVE in one.say("收件箱")


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_way_of_its_own(application: Application) -> None:
    """Where the account can push, the mailbox shows the new address nothing either."""
    one, two = joined(wecom(application)), official(application)
    with application.database.begin() as session:
        now = application.clock.now()
        outlet.configure(session, Channel.OFFICIAL_ACCOUNT, [Way.CUSTOMER], now)
    second(one, two)
    assert LEAVE not in two.say("收件箱")
    assert LEAVE in one.say("收件箱")


def test_two_at_once_with_the_code_of_the_roster(application: Application) -> None:
    code = listed(application, ("王芳", "1"))["王芳"]
    one = official(application)
    one.say(f"绑定 {code}")
    one.say("1")
    others = [wecom(application, "u1"), wecom(application, "u2")]
    for other in others:
        other.say(f"绑定 {code}")
    said = at_once(*(partial(other.say, "1") for other in others))
    # The first is asked for; nobody is bound by a code that is somebody's already.
    assert sorted("已请" in text for text in said) == [False, True]
