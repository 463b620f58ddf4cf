"""One module a feature. Importing this package fills `Base.metadata` with every table."""

from bot.storage.models.access import OneTimeCode
from bot.storage.models.audit import AuditEntry
from bot.storage.models.base import Base
from bot.storage.models.check_in import CheckIn
from bot.storage.models.community import Community
from bot.storage.models.consent import Consent, Deletion, OptOut
from bot.storage.models.conversation import OpenQuestion
from bot.storage.models.delivery import Delivery
from bot.storage.models.heartbeat import Heartbeat
from bot.storage.models.inbox import InboxMessage
from bot.storage.models.meeting import Announcement, Meeting
from bot.storage.models.person import Address, Membership, Person
from bot.storage.models.platform_token import PlatformToken
from bot.storage.models.roster import BindingRequest, RosterChange, RosterEntry, RosterImport
from bot.storage.models.ticket import AnonymousAsker, QuestionCount, Ticket, TicketAnswer

__all__ = [
    "Address",
    "Announcement",
    "AnonymousAsker",
    "AuditEntry",
    "Base",
    "BindingRequest",
    "CheckIn",
    "Community",
    "Consent",
    "Deletion",
    "Delivery",
    "Heartbeat",
    "InboxMessage",
    "Meeting",
    "Membership",
    "OneTimeCode",
    "OpenQuestion",
    "OptOut",
    "Person",
    "PlatformToken",
    "QuestionCount",
    "RosterChange",
    "RosterEntry",
    "RosterImport",
    "Ticket",
    "TicketAnswer",
]
