"""What schedules can be of: KINDS, in the order in which 安排 lists them."""

from bot.services.firing import Kind

KINDS: tuple[Kind, ...] = ()
