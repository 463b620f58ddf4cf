"""退订 and 订阅, per topic or all."""

from datetime import timedelta

from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.routing import Context, Payload, Router
from bot.routing.phrases import topics_of
from bot.services import opt_out

router = Router("opt_out")


@router.command("退订", help="opt_out.help", takes=Takes.TEXT, member=True, shows=True)
def stop(context: Context) -> Notice:
    if not context.argument:
        listed = [[topic] for topic in opt_out.TOPICS] + [list(opt_out.TOPICS)]
        options = context.offer(
            [(topics_of(context, topics), "opt_out.stop", {"topics": topics}) for topics in listed]
        )
        return Notice("opt_out", lines=(context.say("opt_out.ask"),), options=options)
    topics = _topics(context)
    if not topics:
        return context.notice("opt_out.unknown")
    return _stop(context, topics)


@router.action("opt_out.stop", member=True)
def chosen(context: Context, payload: Payload) -> Notice:
    return _stop(context, payload["topics"])


@router.command("订阅", help="opt_out.resume_help", takes=Takes.TEXT, member=True, private=True)
def resume(context: Context) -> Notice:
    topics = _topics(context) if context.argument else list(opt_out.TOPICS)
    if not topics:
        return context.notice("opt_out.unknown")
    opt_out.ask_for(context.session, context.bound.person_id, topics, context.now)
    return _resumed(context, topics)


@router.action("opt_out.resume", member=True)
def undo(context: Context, payload: Payload) -> Notice:
    opt_out.resume(context.session, context.bound.person_id, payload["topics"])
    return _resumed(context, payload["topics"])


def _resumed(context: Context, topics: list[str]) -> Notice:
    return context.notice("opt_out.resumed", topics=topics_of(context, topics))


def _stop(context: Context, topics: list[str]) -> Notice:
    opt_out.stop(context.session, context.bound.person_id, topics, context.now)
    context.undoable("opt_out.resume", {"topics": topics}, timedelta(minutes=10))
    return context.notice("opt_out.done", topics=topics_of(context, topics))


def _topics(context: Context) -> list[str]:
    wanted = context.argument.strip()
    if wanted == context.say("opt_out.all"):
        return list(opt_out.TOPICS)
    return [topic for topic in opt_out.TOPICS if context.say(f"opt_out.{topic}") == wanted]
