"""What the platform says of messages that were pushed, and of what somebody agrees to get."""

from collections.abc import Iterator, Mapping

from bot.routing import Context, Router
from bot.services import contacts, outcomes

router = Router("receipt")
_LIMIT = 50


@router.event("templatesendjobfinish")
def template_sent(context: Context) -> None:
    details = context.message.details
    status = details.get("Status", "")
    problem = "" if status == "success" else status or "no status"
    outcomes.receipt(context.session, details.get("MsgID", ""), problem, context.now)


@router.event("subscribe_msg_sent_event")
def subscription_sent(context: Context) -> None:
    for item in _items(context.message.details, "SubscribeMsgSentEvent"):
        code = item.get("ErrorCode", "")
        problem = "" if code in ("", "0") else f"{code} {item.get('ErrorStatus', '')}".strip()
        outcomes.receipt(context.session, item.get("MsgID", ""), problem, context.now)


@router.event("subscribe_msg_popup_event")
def asked(context: Context) -> None:
    """Every yes is one more message of that template."""
    for item in _items(context.message.details, "SubscribeMsgPopupEvent"):
        agreed = item.get("SubscribeStatusString") == "accept"
        contacts.agree(context.session, context.message, item.get("TemplateId", ""), agreed=agreed)


@router.event("subscribe_msg_change_event")
def changed(context: Context) -> None:
    """In the platform's own settings a template can only be switched off.

    The vendor's sample has shown the other event's tag here.
    """
    for tag in ("SubscribeMsgChangeEvent", "SubscribeMsgPopupEvent"):
        for item in _items(context.message.details, tag):
            contacts.agree(
                context.session, context.message, item.get("TemplateId", ""), agreed=False
            )


def _items(details: Mapping[str, str], tag: str) -> Iterator[dict[str, str]]:
    """The entries of an event's list, flattened as SubscribeMsgSentEvent.List.0.MsgID."""
    for index in range(_LIMIT):
        prefix = f"{tag}.List.{index}."
        item = {
            name.removeprefix(prefix): value
            for name, value in details.items()
            if name.startswith(prefix)
        }
        if not item:
            return
        yield item
