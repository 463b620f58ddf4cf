"""One module a feature. Importing this package fills `Base.metadata` with every table."""

from bot.storage.models.access import OneTimeCode
from bot.storage.models.audit import AuditEntry
from bot.storage.models.base import Base
from bot.storage.models.check_in import CheckIn, CheckInList
from bot.storage.models.community import Community
from bot.storage.models.consent import Consent, Deletion, OptIn, OptOut
from bot.storage.models.content_review import ContentReview
from bot.storage.models.conversation import OpenQuestion
from bot.storage.models.delivery import Delivery
from bot.storage.models.group_chat import GroupChat
from bot.storage.models.heartbeat import Heartbeat
from bot.storage.models.inbox import InboxMessage
from bot.storage.models.knowledge import (
    KnowledgeChange,
    KnowledgeEntry,
    KnowledgeState,
    MatcherCalibration,
)
from bot.storage.models.meeting import Announcement, CalendarFeed, Meeting, MeetingReply
from bot.storage.models.outlet import EarlyReceipt, Outlet
from bot.storage.models.person import Address, Membership, Person, PlatformConsent
from bot.storage.models.platform_token import PlatformToken
from bot.storage.models.roster import BindingRequest, RosterChange, RosterEntry, RosterImport
from bot.storage.models.schedule import Firing, Schedule
from bot.storage.models.study_card import StudyCardAnswer
from bot.storage.models.ticket import AnonymousAsker, QuestionCount, Ticket, TicketAnswer
from bot.storage.models.video import StoredFile, Video, VideoView
from bot.storage.models.web_access import EntryLink, RequestCount, WebSession

__all__ = [
    "Address",
    "Announcement",
    "AnonymousAsker",
    "AuditEntry",
    "Base",
    "BindingRequest",
    "CalendarFeed",
    "CheckIn",
    "CheckInList",
    "Community",
    "Consent",
    "ContentReview",
    "Deletion",
    "Delivery",
    "EarlyReceipt",
    "EntryLink",
    "Firing",
    "GroupChat",
    "Heartbeat",
    "InboxMessage",
    "KnowledgeChange",
    "KnowledgeEntry",
    "KnowledgeState",
    "MatcherCalibration",
    "Meeting",
    "MeetingReply",
    "Membership",
    "OneTimeCode",
    "OpenQuestion",
    "OptIn",
    "OptOut",
    "Outlet",
    "Person",
    "PlatformConsent",
    "PlatformToken",
    "QuestionCount",
    "RequestCount",
    "RosterChange",
    "RosterEntry",
    "RosterImport",
    "Schedule",
    "StoredFile",
    "StudyCardAnswer",
    "Ticket",
    "TicketAnswer",
    "Video",
    "VideoView",
    "WebSession",
]
