"""What schedules can be of: KINDS, in the order in which 安排 lists them."""

from bot.services import meeting_reminder, study_card, video
from bot.services.firing import Kind

KINDS: tuple[Kind, ...] = (
    study_card.CARD,
    video.ANNOUNCEMENT,
    video.WARNING,
    video.NUDGE,
    meeting_reminder.PLAN,
    meeting_reminder.REMINDER,
)
