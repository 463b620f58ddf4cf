"""One module a feature. Importing this package fills `Base.metadata` with every table."""

from bot.storage.models.access import OneTimeCode
from bot.storage.models.base import Base
from bot.storage.models.check_in import CheckIn
from bot.storage.models.community import Community
from bot.storage.models.heartbeat import Heartbeat
from bot.storage.models.inbox import InboxMessage
from bot.storage.models.person import Address, Membership, Person

__all__ = [
    "Address",
    "Base",
    "CheckIn",
    "Community",
    "Heartbeat",
    "InboxMessage",
    "Membership",
    "OneTimeCode",
    "Person",
]
