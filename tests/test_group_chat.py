"""A group and its community: linked by an organiser's code, and what is said there from then on."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from bot.bootstrap import Application, default_community
from bot.domain.messages import Channel
from bot.domain.person import Role
from bot.domain.roster import RosterRow
from bot.services import access, community, person, roster
from bot.storage.models import (
    AuditEntry,
    CheckIn,
    GroupChat,
    Membership,
    OneTimeCode,
    Person,
    QuestionCount,
    RosterEntry,
)
from tests.conftest import HandClock
from tests.members import Member, at_once, code_in, held, organiser, rows

SECOND = "另一支部"
BOUND_ELSEWHERE = "这个要先绑定，请私下给我发 绑定"
VOID = "发到群里的口令人人看得到，所以都作废了"


def private(application: Application, userid: str) -> Member:
    return Member(application, userid, channel=Channel.WECOM_BOT)


def in_group(application: Application, userid: str, group: str = "G1") -> Member:
    return Member(application, userid, group=group, channel=Channel.WECOM_BOT)


def other_community(application: Application) -> int:
    """A second community whose organiser uOther is, besides the first one's oLeader."""
    settings = default_community(application.settings)
    now = application.clock.now()
    with application.database.begin() as session:
        row = community.add(session, SECOND, settings, now, packs=(settings.pack,))
        code = access.issue_code(session, row.id, Role.ORGANISER, now)
        found = row.id
    boss = private(application, "uOther")
    boss.say(f"绑定 {code}")
    assert "组织者" in boss.say("1")
    return found


def linked(application: Application, leader: Member, group: str = "G1") -> str:
    code = code_in(leader.say("关联群"))
    return in_group(application, "uAnybody", group).say(f"@学伴 绑定 {code}")


def groups(application: Application) -> list[tuple[str, int, int | None]]:
    with application.database.read() as session:
        found = session.scalars(select(GroupChat).order_by(GroupChat.id))
        return [(row.value, row.community_id, row.linked_by) for row in found]


def audited(application: Application) -> list[tuple[str, int | None, int | None]]:
    with application.database.read() as session:
        found = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(row.action, row.actor_id, row.community_id) for row in found]


def joined(member: Member) -> Member:
    member.say("绑定")
    assert "成员了" in member.say("1")
    return member


@pytest.mark.parametrize("dialect", ["sqlite"])
class TestLinking:
    def test_a_code_from_an_organiser_in_private(self, application: Application) -> None:
        leader = organiser(application, "oLeader")
        said = leader.say("关联群")
        assert "30 分钟内有效" in said
        code = code_in(said)
        assert held(application, code) == set()
        group = in_group(application, "uAnybody")
        assert "这个群现在是「示例支部」的群" in group.say(f"@学伴 绑定 {code.lower()}")
        assert groups(application) == [("G1", 1, 1)]
        assert audited(application) == [("group linked", 1, 1)]
        assert rows(application, Person) == 1
        assert "已经关联：群1（11月23日关联）" in leader.say("关联群")

    def test_only_organisers_only_in_private(self, application: Application) -> None:
        organiser(application, "oLeader")
        member = joined(private(application, "uA"))
        for word in ("关联群", "解除关联群"):
            assert "是组织者用的" in member.say(word)
            assert "请私聊我发" in in_group(application, "uA").say(word)
        assert rows(application, OneTimeCode) == 1

    def test_once_for_half_an_hour(self, application: Application, clock: HandClock) -> None:
        leader = organiser(application, "oLeader")
        group = in_group(application, "uAnybody")
        old, new = code_in(leader.say("关联群")), code_in(leader.say("关联群"))
        assert "用过或过期了" in group.say(f"绑定 {old}")
        clock.forward(timedelta(minutes=30))
        assert "用过或过期了" in group.say(f"绑定 {new}")
        assert groups(application) == []
        assert "现在是" in linked(application, leader)
        code = code_in(leader.say("关联群"))
        assert "本来就是" in group.say(f"绑定 {code}")
        assert "用过或过期了" in in_group(application, "uAnybody", "G2").say(f"绑定 {code}")
        assert len(groups(application)) == 1

    def test_in_private_it_is_not_spent(self, application: Application) -> None:
        leader = organiser(application, "oLeader")
        code = code_in(leader.say("关联群"))
        assert "请在那个群里" in leader.say(f"绑定 {code}")
        assert "现在是" in in_group(application, "uAnybody").say(f"绑定 {code}")

    def test_who_is_no_organiser_any_more(self, application: Application) -> None:
        leader = organiser(application, "oLeader")
        code = code_in(leader.say("关联群"))
        with application.database.begin() as session:
            person.revoke(session, 1, 1, Role.ORGANISER, application.clock.now())
        assert "用过或过期了" in in_group(application, "uAnybody").say(f"绑定 {code}")
        assert groups(application) == []

    def test_a_group_of_another_community(self, application: Application) -> None:
        leader, second = organiser(application, "oLeader"), other_community(application)
        boss = private(application, "uOther")
        assert SECOND in linked(application, boss)
        said = linked(application, leader)
        assert "已经关联到别的组织" in said
        assert SECOND not in said
        assert groups(application) == [("G1", second, 2)]
        with application.database.begin() as session:
            person.grant(session, 1, second, Role.ORGANISER, application.clock.now())
        assert "现在是「示例支部」的群" in linked(application, leader)
        assert groups(application) == [("G1", 1, 1)]
        assert audited(application) == [
            ("group linked", 2, second), ("group unlinked", 1, second), ("group linked", 1, 1),
        ]  # fmt: skip

    def test_letting_go(self, application: Application, clock: HandClock) -> None:
        leader = organiser(application, "oLeader")
        assert "还没有关联的群" in leader.say("解除关联群")
        linked(application, leader)
        clock.forward(timedelta(days=1))
        linked(application, leader, "G2")
        said = leader.say("解除关联群")
        assert "1 群1（11月23日关联）" in said
        assert "2 群2（11月24日关联）" in said
        assert "G1" not in said
        assert "群1（11月23日关联）不再归这里" in leader.say("1")
        assert [group for group, _, _ in groups(application)] == ["G2"]
        assert audited(application)[-1] == ("group unlinked", 1, 1)
        leader.say("解除关联群")
        with application.database.begin() as session:
            session.delete(session.scalars(select(GroupChat)).one())
        assert "已经解除了" in leader.say("1")

    def test_another_communitys_group_is_not_let_go(self, application: Application) -> None:
        leader = organiser(application, "oLeader")
        other_community(application)
        linked(application, private(application, "uOther"))
        assert "还没有关联的群" in leader.say("解除关联群")


@pytest.mark.parametrize("dialect", ["sqlite"])
class TestOtherCodes:
    """What is pasted into a group can be read by everybody there."""

    @pytest.mark.parametrize("group_linked", [False, True])
    def test_are_void_and_nothing_is_said_of_anybody(
        self, application: Application, group_linked: bool
    ) -> None:
        leader, member = organiser(application, "oLeader"), joined(private(application, "uA"))
        if group_linked:
            linked(application, leader)
        with application.database.begin() as session:
            role = access.issue_code(session, 1, Role.ORGANISER, application.clock.now())
            listed = [RosterRow("王芳", "X1")]
            roster.apply(session, 1, listed, "t", application.clock.now())
            roster_code = roster.new_codes(session, 1)[0][2]
        own = code_in(member.say("绑定码"))
        group = in_group(application, "uB")
        answers = {group.say(f"@学伴 绑定 {code}") for code in (role, own, roster_code, "ABCDEFGH")}
        assert len(answers) == 1
        assert VOID in answers.pop()
        reader = joined(private(application, "uReader"))
        for code in (role, own, roster_code):
            assert "口令不对" in reader.say(f"绑定 {code}")
        with application.database.read() as session:
            assert session.scalars(select(RosterEntry.person_id)).all() == [None]
        # By name and number, which an organiser confirms, they are bound all the same.
        assert "已请" in reader.say("绑定 王芳 X1")

    def test_name_and_number_and_the_bare_word(self, application: Application) -> None:
        with application.database.begin() as session:
            roster.apply(session, 1, [RosterRow("王芳", "20260001")], "t", application.clock.now())
        group = in_group(application, "uA")
        for words in ("绑定", "绑定 王芳 20260001", "绑定 王芳 1"):
            said = group.say(words)
            assert "请私聊我发「绑定」" in said
            assert "王芳" not in said
        assert rows(application, Person) == 0


@pytest.mark.parametrize("dialect", ["sqlite"])
class TestInTheGroup:
    def test_it_is_about_its_community(self, application: Application) -> None:
        organiser(application, "oLeader")
        second = other_community(application)
        boss = private(application, "uOther")
        linked(application, boss)
        # Of both communities; the one that is current in private is the first.
        member = joined(private(application, "uA"))
        with application.database.begin() as session:
            member_id = session.scalars(select(Person.id).order_by(Person.id.desc())).first() or 0
            person.grant(session, member_id, second, Role.MEMBER, application.clock.now())
            person.switch(session, member_id, 1)
        group = in_group(application, "uA")
        assert "打卡成功" in group.say("打卡 在群里")
        assert "打卡成功" in member.say("打卡 私下")
        assert "打卡成功" in in_group(application, "uOther", "G9").say("打卡")
        with application.database.read() as session:
            found = session.execute(select(CheckIn.community_id, CheckIn.note).order_by(CheckIn.id))
            assert [tuple(row) for row in found] == [(second, "在群里"), (1, "私下"), (second, "")]

    def test_a_member_of_others_is_sent_to_private_and_nothing_is_said(
        self, application: Application
    ) -> None:
        organiser(application, "oLeader")
        other_community(application)
        linked(application, private(application, "uOther"))
        joined(private(application, "uA"))
        group = in_group(application, "uA")
        for words in ("打卡", "打卡 第一章", "会议", "视频", "请假 1 生病"):
            assert group.say(words).strip() == BOUND_ELSEWHERE + "。"
        assert rows(application, CheckIn) == 0
        assert "预备期为 1 年" in group.say("预备期多久")

    def test_questions_count_for_the_groups_community(self, application: Application) -> None:
        organiser(application, "oLeader")
        second = other_community(application)
        linked(application, private(application, "uOther"))
        in_group(application, "uNobody").say("党徽上的锤子代表什么")
        joined(private(application, "uA"))
        in_group(application, "uA").say("党徽上的锤子代表什么")
        with application.database.read() as session:
            assert set(session.scalars(select(QuestionCount.community_id))) == {second}

    def test_who_is_known_nowhere_joins_the_groups_community(
        self, application: Application
    ) -> None:
        organiser(application, "oLeader")
        second = other_community(application)
        linked(application, private(application, "uOther"))
        group = in_group(application, "uNew")
        assert f"只给你和「{SECOND}」的组织者看" in group.say("打卡 第一章")
        assert "打卡成功" in group.say("1")
        with application.database.read() as session:
            newest = select(Membership.community_id).order_by(Membership.id.desc())
            assert session.scalars(newest).first() == second
            assert session.scalars(select(CheckIn.community_id)).all() == [second]
        assert SECOND in private(application, "uNew").say("我的")

    def test_an_unlinked_group_is_as_before(self, application: Application) -> None:
        organiser(application, "oLeader")
        other_community(application)
        group = in_group(application, "uNew", "G2")
        assert "只给你和「示例支部」的组织者看" in group.say("打卡")
        assert "打卡成功" in group.say("1")
        assert "没有安排会议" in in_group(application, "uOther", "G2").say("会议")

    def test_a_group_of_the_same_name_elsewhere(self, application: Application) -> None:
        """The platform's ids are unique within a channel and account only."""
        organiser(application, "oLeader")
        other_community(application)
        linked(application, private(application, "uOther"))
        elsewhere = Member(application, "oNew", group="G1")
        assert "只给你和「示例支部」的组织者看" in elsewhere.say("打卡")


def test_one_code_in_two_groups_at_once(application: Application) -> None:
    leader = organiser(application, "oLeader")
    code = code_in(leader.say("关联群"))
    members = [in_group(application, f"u{number}", f"G{number}") for number in range(4)]
    said = at_once(*(partial(member.say, f"绑定 {code}") for member in members))
    assert sorted("现在是" in text for text in said) == [False, False, False, True]
    assert len(groups(application)) == 1


def test_two_organisers_at_once_link_one_group(application: Application) -> None:
    leader, second = organiser(application, "oLeader"), other_community(application)
    boss = private(application, "uOther")
    for number in range(4):
        codes = [code_in(who.say("关联群")) for who in (leader, boss)]
        members = [in_group(application, f"u{n}", f"G{number}") for n in range(2)]
        said = at_once(
            *(
                partial(member.say, f"绑定 {code}")
                for member, code in zip(members, codes, strict=True)
            )
        )
        assert sorted("现在是" in text for text in said) == [False, True]
        assert any("已经关联到别的组织" in text for text in said)
    homes = [community_id for _, community_id, _ in groups(application)]
    assert len(homes) == 4
    assert set(homes) <= {1, second}
