"""What schedules can be of: KINDS, in the order in which 安排 lists them."""

from bot.services import meeting_reminder
from bot.services.firing import Kind

KINDS: tuple[Kind, ...] = (meeting_reminder.PLAN, meeting_reminder.REMINDER)
