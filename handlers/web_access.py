"""后台, 我的主页, 退出网页: from the chat to one's own pages, and out of them again."""

from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing import Context, Router
from bot.services import calendar_feed, web_access
from bot.services.web_access import Area

router = Router("web_access")


@router.command("我的主页", help="web_access.help", member=True, private=True)
def portal(context: Context) -> Notice:
    return _link(context, Area.PORTAL)


@router.command("后台", help="web_access.console_help", member=True, private=True,
                listed_for=Role.MENTOR)  # fmt: skip
def console(context: Context) -> Notice:
    if not context.bound.roles & {Role.MENTOR, Role.ORGANISER}:
        return _link(context, Area.PORTAL)
    return _link(context, Area.CONSOLE)


@router.command("退出网页", help="web_access.leave_help", member=True, private=True)
def leave(context: Context) -> Notice:
    gone = web_access.leave_all(context.session, context.bound.person_id, context.now)
    return context.notice("web_access.left" if gone else "web_access.left_none", count=gone)


def _link(context: Context, area: Area) -> Notice:
    public_url = str(context.facts.get("public_url", ""))
    if not calendar_feed.reachable(public_url):
        return context.notice("web_access.off_insecure" if public_url else "web_access.off_missing")
    member = context.bound
    token = web_access.issue(
        context.session, area, member.person_id, member.community.id, context.now
    )
    url = web_access.address(public_url, token)
    lines = (context.say("web_access.link", url=url), context.say("web_access.life"))
    return Notice("web_access", lines=lines)
