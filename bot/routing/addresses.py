"""What somebody is told at their other accounts when one has been added."""

from collections.abc import Iterable

from bot.domain.messages import Notice
from bot.routing.context import Context
from bot.services import deliveries
from bot.services.address import Added
from bot.services.deliveries import Saying

# The topic's deliveries are what somebody waits for: they go out at once.
_TOPIC = "binding"


def tell_others(context: Context, added: Iterable[Added], community_id: int) -> None:
    """Whoever has not done it themself reads how to undo it, at an address that is theirs."""
    for address in added:
        line = context.say("address.added_notice", channel=channel_of(context, address.channel))
        saying = Saying(
            _TOPIC, address.about, Notice(_TOPIC, lines=(line,)),
            key=f"{address.about}:{context.now.timestamp()}",
        )  # fmt: skip
        deliveries.tell(context.session, [address.person_id], community_id, saying, context.now)


def channel_of(context: Context, channel: str) -> str:
    """公众号, 企业微信."""
    return context.say(f"words.{channel}")
