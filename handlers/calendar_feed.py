"""日历: the address of a member's private calendar, which their phone reminds from."""

from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.routing import Context, Payload, Router
from bot.routing.phrases import by_way
from bot.services import calendar_feed

router = Router("calendar_feed")


@router.command("日历", help="calendar_feed.help", takes=Takes.TEXT, member=True, shows=True)
def show(context: Context) -> Notice:
    if not calendar_feed.reachable(_public_url(context)):
        return context.notice(by_way(context, "calendar_feed.no_address"))
    if context.argument == context.say("calendar_feed.renew_word"):
        lines = (
            context.say("calendar_feed.read_back"),
            context.confirm("calendar_feed.renew", {}),
        )
        return Notice("calendar_feed", lines=lines)
    token = calendar_feed.token_of(context.session, context.bound.person_id, context.now)
    return _address(context, "calendar_feed.title", token)


@router.action("calendar_feed.renew", member=True)
def renew(context: Context, payload: Payload) -> Notice:
    token = calendar_feed.renew(context.session, context.bound.person_id, context.now)
    return _address(context, "calendar_feed.renewed", token)


def _address(context: Context, key: str, token: str) -> Notice:
    lines = (
        calendar_feed.address(_public_url(context), token),
        context.say("calendar_feed.apple"),
        context.say("calendar_feed.android"),
        context.say("calendar_feed.private"),
    )
    return Notice("calendar_feed", title=context.say(key), lines=lines)


def _public_url(context: Context) -> str:
    return str(context.facts.get("public_url", ""))
