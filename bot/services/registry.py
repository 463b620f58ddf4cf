"""Every table with its purpose, how long its rows stay, and what is a person's own in it.

The one place that 我的数据, 导出, 删除 and the clearing of old rows go by; a table that is not
here fails a test. TABLES is in the order in which a person's rows can be deleted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, false, or_, select

from bot.storage.models import (
    Address,
    Announcement,
    AnonymousAsker,
    AuditEntry,
    Base,
    BindingRequest,
    CalendarFeed,
    CheckIn,
    CheckInList,
    Community,
    Consent,
    ContentReview,
    Deletion,
    Delivery,
    EarlyReceipt,
    EntryLink,
    Firing,
    GroupChat,
    Heartbeat,
    InboxMessage,
    KnowledgeChange,
    KnowledgeEntry,
    KnowledgeState,
    MatcherCalibration,
    Meeting,
    MeetingReply,
    Membership,
    OneTimeCode,
    OpenQuestion,
    OptIn,
    OptOut,
    Outlet,
    Person,
    PlatformConsent,
    PlatformToken,
    QuestionCount,
    RequestCount,
    RosterChange,
    RosterEntry,
    RosterImport,
    Schedule,
    StoredFile,
    StudyCardAnswer,
    Ticket,
    TicketAnswer,
    Video,
    VideoView,
    WebSession,
)
from bot.storage.session import UnitOfWork


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data: the person and the addresses (channel, account, value) that reach them."""

    person_id: int
    addresses: tuple[tuple[str, str, str], ...] = ()


Mine = Callable[[Subject], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class TableRule:
    """`mine` finds a person's rows; None for a table about nobody.

    A person's rows are deleted, or, where the row is the organisation's (`unlink`), only the
    named columns are emptied. A `nameless` table goes with the person but is never counted
    or shown as theirs. `shown` maps columns to what an export calls them.
    `expired` finds rows whose time is over.
    """

    model: type[Base]
    title: str
    purpose: str
    retention: str
    mine: Mine | None = None
    unlink: tuple[str, ...] = ()
    nameless: bool = False
    shown: Mapping[str, str] = field(default_factory=dict)
    expired: Callable[[datetime], ColumnElement[bool]] | None = None


def _person(column: Any) -> Mine:
    return lambda subject: column == subject.person_id


def _sender(model: Any, column: str = "sender") -> Mine:
    def mine(subject: Subject) -> ColumnElement[bool]:
        sender = getattr(model, column)
        each = [
            and_(model.channel == channel, model.account == account, sender == value)
            for channel, account, value in subject.addresses
        ]
        return or_(false(), *each)

    return mine


def _entries(subject: Subject) -> Any:
    return select(RosterEntry.id).where(RosterEntry.person_id == subject.person_id)


def _older(column: Any, **span: int) -> Callable[[datetime], ColumnElement[bool]]:
    return lambda now: column < now - timedelta(**span)


TABLES: tuple[TableRule, ...] = (
    TableRule(OpenQuestion, "还没回答的选项", "记住你正在选什么", "10 分钟；能撤销的到撤销期满",
              _sender(OpenQuestion)),
    TableRule(InboxMessage, "收到的消息", "不重复处理同一条消息",
              "正文 {text_hours} 小时，整条 {row_days} 天",
              _sender(InboxMessage), shown={"received_at": "时间", "text": "内容"}),
    TableRule(Delivery, "给你的提醒", "等你下次发消息时告诉你", "到期后 30 天",
              _person(Delivery.person_id),
              shown={"created_at": "时间", "topic": "类别", "state": "状态", "notice": "内容"},
              expired=_older(Delivery.expires_at, days=30)),
    TableRule(PlatformConsent, "订阅通知的同意", "平台允许再发几条订阅通知", "到你删除为止",
              lambda subject: PlatformConsent.address_id.in_(
                  select(Address.id).where(Address.person_id == subject.person_id)),
              shown={"template": "模板", "count": "次数"}),
    TableRule(Consent, "同意记录", "证明你同意过哪一版说明", "到你删除为止",
              _person(Consent.person_id),
              shown={"given_at": "时间", "version": "版本", "channel": "渠道"}),
    TableRule(OptOut, "退订", "不再打扰你", "到你删除或恢复订阅为止",
              _person(OptOut.person_id), shown={"created_at": "时间", "topic": "类别"}),
    TableRule(OptIn, "订阅", "用模板消息提醒你", "到你删除或退订为止",
              _person(OptIn.person_id), shown={"created_at": "时间", "topic": "类别"}),
    TableRule(StudyCardAnswer, "学习卡", "记得你哪些还没记住", "到你删除为止",
              _person(StudyCardAnswer.person_id), shown={"day": "日期", "card": "卡片"}),
    TableRule(VideoView, "看过的视频", "你的学习记录", "到你删除为止",
              _person(VideoView.person_id), shown={"seen_at": "时间", "answers": "答题"}),
    TableRule(MeetingReply, "参加或请假", "知道谁来开会", "到你删除为止",
              _person(MeetingReply.person_id),
              shown={"replied_at": "时间", "answer": "答复", "reason": "原因"}),
    TableRule(CalendarFeed, "日历订阅", "让手机日历提醒你", "到你删除或换地址为止",
              _person(CalendarFeed.person_id), shown={"created_at": "时间"}),
    TableRule(CheckIn, "打卡", "你的学习记录和连续天数", "到你删除为止",
              _person(CheckIn.person_id),
              shown={"day": "日期", "note": "内容", "pictures": "图片", "list_id": "接龙代录"}),
    TableRule(CheckInList, "接龙名单", "请组织者代为打卡", "处理完就清空名单，最多 7 天",
              _person(CheckInList.sent_by), unlink=("sent_by",), shown={"sent_at": "时间"},
              # What was taken marks check-ins as 接龙代录 as long as they are kept.
              expired=lambda now: and_(CheckInList.sent_at < now - timedelta(days=7),
                                       CheckInList.state != "taken")),
    TableRule(GroupChat, "群", "知道这个群是哪个组织的", "组织的资料，删除时只去掉是谁关联的",
              _person(GroupChat.linked_by), unlink=("linked_by",), shown={"linked_at": "时间"}),
    TableRule(BindingRequest, "绑定申请", "请组织者确认你是谁", "到你删除为止",
              lambda subject: or_(BindingRequest.person_id == subject.person_id,
                                  BindingRequest.entry_id.in_(_entries(subject))),
              shown={"created_at": "时间", "state": "状态"}),
    TableRule(RosterChange, "名册改动", "撤回导错的名册", "到你删除为止",
              lambda subject: RosterChange.entry_id.in_(_entries(subject))),
    TableRule(RosterEntry, "名册", "认出你是组织里的谁", "到你删除为止",
              _person(RosterEntry.person_id),
              shown={"name": "姓名", "number": "学号", "roles": "角色", "stage": "阶段"}),
    TableRule(Membership, "在组织里的身份", "知道你属于哪里、能做什么", "到你删除为止",
              _person(Membership.person_id),
              shown={"role": "角色", "stage": "阶段", "since": "从", "until": "到"}),
    TableRule(TicketAnswer, "你的回答", "回答成员的提问", "和提问一起，一年；删除时只去掉是谁答的",
              _person(TicketAnswer.author_id), unlink=("author_id",),
              shown={"created_at": "时间", "text": "内容"}),
    TableRule(Ticket, "署名提问", "请导师回答", "一年",
              _person(Ticket.asker_id),
              shown={"created_at": "时间", "kind": "类别", "state": "状态", "question": "内容"},
              expired=_older(Ticket.created_at, days=365)),
    TableRule(AnonymousAsker, "匿名提问的去处", "把回答送到", "最后一次回答后 7 天",
              _sender(AnonymousAsker, "value"), nameless=True,
              expired=lambda now: AnonymousAsker.expires_at <= now),
    TableRule(Meeting, "会议", "组织生活的安排", "组织的资料，删除时只去掉是谁安排的",
              _person(Meeting.created_by), unlink=("created_by",),
              shown={"title": "会议", "starts_at": "时间"}),
    TableRule(Announcement, "通知", "组织发出的通知", "组织的资料，一年；删除时只去掉是谁发的",
              _person(Announcement.created_by), unlink=("created_by",),
              shown={"created_at": "时间", "text": "内容"},
              expired=_older(Announcement.created_at, days=365)),
    TableRule(Video, "每月视频", "组织选的视频", "组织的资料，删除时只去掉是谁选的",
              _person(Video.chosen_by), unlink=("chosen_by",),
              shown={"month": "月份", "title": "标题"}),
    TableRule(StoredFile, "上传的文件", "组织选的视频", "组织的资料，删除时只去掉是谁传的",
              _person(StoredFile.uploaded_by), unlink=("uploaded_by",),
              shown={"created_at": "时间", "name": "文件名"}),
    TableRule(KnowledgeChange, "知识的改动", "看得到改过什么、能撤回",
              "组织的资料，删除时只去掉是谁改的",
              _person(KnowledgeChange.changed_by), unlink=("changed_by",),
              shown={"changed_at": "时间", "what": "事项"}),
    TableRule(KnowledgeEntry, "组织自己的知识", "回答成员的问题",
              "组织的资料，删除时只去掉是谁写的、谁核的",
              lambda subject: or_(KnowledgeEntry.author_id == subject.person_id,
                                  KnowledgeEntry.approved_by == subject.person_id),
              unlink=("author_id", "approved_by"),
              shown={"changed_at": "时间", "question": "问题"}),
    TableRule(AuditEntry, "经办记录", "谁办过和你有关的事", "一年；删除时去掉是谁",
              lambda subject: or_(AuditEntry.actor_id == subject.person_id,
                                  AuditEntry.subject_id == subject.person_id),
              unlink=("actor_id", "subject_id"), shown={"at": "时间", "action": "事项"},
              expired=_older(AuditEntry.at, days=365)),
    TableRule(OneTimeCode, "一次性口令", "绑定身份、另一个号或群", "过期后 30 天",
              _person(OneTimeCode.person_id), shown={"created_at": "时间"},
              expired=_older(OneTimeCode.expires_at, days=30)),
    TableRule(EntryLink, "网页的一次性链接", "从聊天进到自己的网页", "过期后 1 天",
              _person(EntryLink.person_id), shown={"created_at": "时间"},
              expired=_older(EntryLink.expires_at, days=1)),
    TableRule(WebSession, "网页的登录", "记住这个浏览器是你", "12 小时",
              _person(WebSession.person_id), shown={"created_at": "时间"},
              expired=lambda now: WebSession.expires_at <= now),
    TableRule(Deletion, "删除申请", "14 天后清除", "到清除为止",
              _person(Deletion.person_id), shown={"requested_at": "时间", "due_at": "清除日"}),
    TableRule(Address, "你的微信号标识", "认出是你在发消息", "到你取消关注或删除为止",
              _person(Address.person_id), shown={"created_at": "时间", "channel": "渠道"}),
    TableRule(Person, "你", "你的称呼", "到你删除为止",
              _person(Person.id), shown={"name": "姓名", "created_at": "时间"}),
    TableRule(RosterImport, "名册导入", "撤回导错的名册", "一直保留，只有文件名和时间"),
    TableRule(QuestionCount, "问题计数", "知道哪些内容缺", "两年，没有谁问的",
              expired=lambda now: QuestionCount.day < (now - timedelta(days=730)).date()),
    TableRule(Firing, "到点的事", "知道什么时候发过什么", "一年",
              expired=lambda now: and_(Firing.fired_at < now - timedelta(days=365),
                                       Firing.state.in_(["done", "skipped"]))),
    TableRule(Schedule, "安排", "知道什么时候发什么", "组织的资料；一次性的过后一年",
              expired=lambda now: and_(Schedule.state == "ended",
                                       Schedule.anchor_at < now - timedelta(days=365))),
    TableRule(EarlyReceipt, "早到的回执", "知道消息到了没有", "一天，没有人的信息",
              expired=_older(EarlyReceipt.received_at, days=1)),
    TableRule(ContentReview, "文件核对", "知道内容依据的文件谁在哪天对照过",
              "到下次核对为止；核对人的名字是自己写的"),
    TableRule(RequestCount, "网页的访问次数", "挡住反复乱试的", "一天，没有人的信息",
              expired=_older(RequestCount.since, days=1)),
    TableRule(Outlet, "发送渠道", "知道现在能不能主动发", "一直保留"),
    TableRule(Community, "组织", "组织的名字和设置", "一直保留"),
    TableRule(PlatformToken, "平台令牌", "向平台发消息", "不到两小时换一次"),
    TableRule(Heartbeat, "后台心跳", "知道后台还在运行", "一直保留"),
    TableRule(KnowledgeState, "知识的版本", "知道知识有没有改过", "一直保留"),
    TableRule(MatcherCalibration, "问答的校准", "知道多有把握才回答", "一直保留，没有谁问的"),
)  # fmt: skip


def clear(session: UnitOfWork, rule: TableRule, now: datetime, limit: int) -> int:
    """Delete at most `limit` of the table's rows whose time is over; how many."""
    if rule.expired is None:
        return 0
    (key,) = rule.model.__table__.primary_key
    old = select(key).where(rule.expired(now)).limit(limit)
    gone = session.execute(
        delete(rule.model).where(key.in_(old.scalar_subquery())),
        execution_options={"synchronize_session": False},
    )
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]


def rules_about_people() -> Sequence[tuple[TableRule, Mine]]:
    return [(rule, rule.mine) for rule in TABLES if rule.mine is not None]
