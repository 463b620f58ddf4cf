"""待办, 同意, 拒绝: what waits for an organiser."""

from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing import Context, Router
from bot.routing.addresses import tell_others
from bot.services import audit, binding, check_in_list, deliveries
from bot.services.deliveries import Saying

router = Router("desk")


@router.command("待办", help="desk.help", role=Role.ORGANISER, private=True)
def show(context: Context) -> Notice:
    member = context.bound
    # Who looks need not be told any more that there is something to look at.
    deliveries.cancel_for(
        context.session, member.person_id, "seen", "desk", member.community.id, "binding_request:"
    )
    requests = binding.open_requests(context.session, member.community.id)
    lists = check_in_list.open_of(context.session, member.community)
    if not requests and not lists:
        return context.notice("desk.none")
    for request in requests:
        audit.note(
            context.session, context.now, "binding_request seen",
            actor=member.person_id, subject=request.person_id, community=member.community.id,
        )  # fmt: skip
    lines = [
        context.say(
            "desk.request_second" if request.second else "desk.request",
            number=request.id, name=request.name, roster_number=request.number,
        )
        for request in requests
    ]  # fmt: skip
    lines += [
        context.say("check_in_list.waiting", number=view.id, count=len(view.lines))
        for view in lists
    ]
    return Notice("desk", title=context.say("desk.title"), lines=tuple(lines))


@router.command(
    "同意", help="desk.agree_help", takes=Takes.NUMBER, role=Role.ORGANISER, private=True
)
def agree(context: Context) -> Notice:
    return _decide(context, "同意", agreed=True)


@router.command(
    "拒绝", help="desk.refuse_help", takes=Takes.NUMBER, role=Role.ORGANISER, private=True
)
def refuse(context: Context) -> Notice:
    return _decide(context, "拒绝", agreed=False)


def _decide(context: Context, word: str, *, agreed: bool) -> Notice:
    if context.number is None:
        return context.notice("desk.how", word=word)
    session, member, number = context.session, context.bound, context.number
    decided = binding.decide(
        session, member.community.id, number, agreed, member.person_id, context.now
    )
    if decided is None:
        return context.notice("desk.no_such", number=number)
    deliveries.cancel(session, f"binding_request:{number}", "decided")
    context.nothing_to_undo()
    if decided.taken:
        return context.notice("desk.taken", name=decided.name)
    tell_others(context, decided.added, member.community.id)
    action = "agreed" if agreed else "refused"
    notice = context.notice(f"binding.{action}_notice", name=decided.name)
    deliveries.tell(
        session,
        [decided.person_id],
        member.community.id,
        Saying("binding", f"binding_result:{number}", notice),
        context.now,
    )
    audit.note(
        session,
        context.now,
        f"binding_request {action}",
        actor=member.person_id,
        subject=decided.person_id,
        community=member.community.id,
    )
    return context.notice(f"desk.{action}", name=decided.name)
