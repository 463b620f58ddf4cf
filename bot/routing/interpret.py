"""Which handler a message goes to, by the chat grammar."""

from dataclasses import replace

import structlog

from bot.domain.grammar import Kind, Takes, plain, read
from bot.domain.grammar import Said as Read
from bot.domain.messages import SILENCE, TEXT_LIMITS, InboundMessage, MessageType, Reply
from bot.domain.paging import NEXT_PAGE, pages
from bot.routing.context import Context
from bot.routing.privately import in_private
from bot.routing.refusing import refuse_note
from bot.routing.router import Said
from bot.services import conversation, inbox
from content.script import simplified

log = structlog.get_logger(__name__)
_YES = frozenset({"是", "是的", "好", "好的", "嗯", "对", "可以", "行", "同意"})
_PLAIN_YES = frozenset({"好", "要", "需要", "请联系我"})
_NO = frozenset({"不", "不是", "不用", "不要", "不行", "算了", "都不是"})
# After an answer 不用 and 算了 are no complaint about it.
_NOT_THIS = frozenset({"不是", "不对", "不是这个", "不是问这个", "答非所问", "错了"})
_LABEL_LIMIT = 40
_WITHOUT_WORDS = (MessageType.IMAGE, MessageType.VOICE)


def answer(context: Context) -> Reply:
    """The reply of whoever is responsible for this message."""
    if context.message.event == "click":
        if task := context.message.details.get("task_id"):
            said = _tap(context, task)
            return said if isinstance(said, Reply) else Reply(said)
        # A button of the account's menu says its words.
        words = context.message.event_key
        context.message = replace(context.message, type=MessageType.TEXT, text=words)
    said = _event(context) if context.message.type is MessageType.EVENT else _message(context)
    return said if isinstance(said, Reply) else Reply(said)


def _tap(context: Context, task: str) -> Said:
    """A button of a card: its option, if that card's menu is the one that is open for who taps."""
    asked = conversation.recall(context.session, context.message, conversation.MENU, context.now)
    number = context.message.event_key.partition(" ")[0]
    if asked is None or asked.payload.get(conversation.ASKED_BY) != task or not number.isdigit():
        return context.notice("conversation.card_over")
    return _number(context, int(number))


def _event(context: Context) -> Said:
    handler = context.routes.events.get(context.message.event)
    if handler is None:
        log.info("unhandled_event", event_name=context.message.event)
        return SILENCE
    return handler(context)


def _message(context: Context) -> Said:
    message = context.message
    if not message.text and message.type in _WITHOUT_WORDS:
        return context.routes.media(context)
    if not message.text and message.type is not MessageType.TEXT:
        return context.routes.fallback(context)
    text = simplified(message.text)
    said = read(text, context.routes.words(), context.pack.courtesies)
    if "\n" in text.strip() and (shaped := _by_shape(context, said)) is not None:
        return shaped
    if _may_be_label(context, said) and (number := _label(context, text)) is not None:
        return _choose(context, number)
    match said.kind:
        case Kind.NUMBER if said.number is not None:
            return _number(context, said.number)
        case Kind.COMMAND:
            context.argument = _as_typed(message, text, said.argument)
            context.number, context.rest = said.number, said.rest
            return _noted(context, said.word)
        case Kind.COURTESY:
            return _courtesy(context, said.word)
    return _question(context, text)


def _by_shape(context: Context, said: Read) -> Said:
    """What a feature knows by its shape: of questions and notes alone, not of a command's text."""
    if said.kind is Kind.COMMAND:
        command = context.routes.commands[said.word][0]
        if not (command.carries_note and command.takes is Takes.TEXT):
            return None
    found = (shape(context) for shape in context.routes.shapes)
    return next((notice for notice in found if notice is not None), None)


def _question(context: Context, text: str) -> Said:
    """A wish that a command serves is that command; everything else goes to whoever answers."""
    decision = context.pack.questions.decide(text, _last_question(context))
    if decision.kind == "command" and decision.name in context.routes.commands:
        return _command(context, decision.name)
    context.decision = decision
    return context.routes.fallback(context)


def _last_question(context: Context) -> str | None:
    """What the sender last asked here, as long as 0 would still take its answer back."""
    asked = conversation.recall(context.session, context.message, conversation.MENU, context.now)
    if asked is None or not asked.payload["instead"]:
        return None
    about = asked.payload["instead"][1]
    entry = context.pack.knowledge.find(about.get("topic", ""))
    return entry.question if entry else about.get("question")


def _noted(context: Context, word: str) -> Said:
    """A command; what a member writes after it may be a cry for help, or about somebody else.

    Then it is not kept, and goes to nobody; a check-in counts without it.
    """
    command = context.routes.commands[word][0]
    noted = context.pack.questions.noted
    decision = noted(context.argument) if command.carries_note else None
    if decision is None:
        return _command(context, word)
    if command.takes is not Takes.TEXT or context.member is None:
        return refuse_note(context, decision, None)
    context.argument = context.rest = ""
    said = _command(context, word)
    done = said.notice if isinstance(said, Reply) else said
    if done and done.options:
        # A number must not answer what is not on the screen.
        conversation.forget(context.session, context.message, conversation.MENU)
        done = None
    return refuse_note(context, decision, done)


def _as_typed(message: InboundMessage, text: str, argument: str) -> str:
    """The argument in the sender's own characters: conversion keeps the length of a text."""
    same_length = len(message.text.strip()) == len(text.strip())
    return message.text.strip()[-len(argument) :] if argument and same_length else argument


def _command(context: Context, word: str) -> Said:
    command, handler = context.routes.commands[word]
    in_group = context.message.in_group
    if command.private and in_group:
        instead = context.routes.in_groups.get(word) if context.argument else None
        said = instead(context) if instead else None
        return said or in_private(context, command, handler)
    if command.member and context.member is None:
        return context.notice(f"conversation.bind_{'in_private' if in_group else 'first'}")
    if command.role and command.role not in context.bound.roles:
        return context.notice(f"conversation.only_{command.role}", word=word)
    return handler(context)


def _number(context: Context, number: int) -> Said:
    """The choice of the open menu; 9 the next page, where there is one."""
    asked = conversation.recall(context.session, context.message, conversation.MENU, context.now)
    choices = asked.payload["choices"] if asked else []
    if str(number) == NEXT_PAGE and len(choices) < number:
        return _next_page(context)
    if asked is None:
        return _without_menu(context, number)
    if number > len(choices) == 0:
        return context.notice("conversation.only_zero", none=asked.payload["none"])
    if number > len(choices):
        return context.notice("conversation.out_of_range", last=len(choices))
    return _choose(context, number)


def _without_menu(context: Context, number: int) -> Said:
    """What waits for 确认 is withdrawn by 0."""
    session, message = context.session, context.message
    if conversation.recall(session, message, conversation.CONFIRM, context.now) is None:
        return context.notice("conversation.no_menu")
    if number:
        return context.notice("conversation.only_confirm")
    conversation.forget(session, message, conversation.CONFIRM)
    return context.notice("conversation.withdrawn")


def _choose(context: Context, number: int) -> Said:
    """Take the open menu's choice; of two at once the second finds no menu."""
    asked = conversation.take(context.session, context.message, conversation.MENU, context.now)
    if asked is None:
        return context.notice("conversation.no_menu")
    if number == 0 and asked.payload["instead"]:
        action, payload = asked.payload["instead"]
        return context.act(action, payload, asked.community_id)
    if number == 0:
        return context.notice(asked.action)
    choice = asked.payload["choices"][number - 1]
    return context.act(choice["action"], choice["payload"], asked.community_id)


def _may_be_label(context: Context, said: Read) -> bool:
    """A word of everybody's, such as 打卡, is itself; 同意 and 取消 may answer a menu."""
    if said.kind is Kind.COMMAND:
        return context.routes.commands[said.word][0].role is not None and not said.argument
    return said.kind is not Kind.NUMBER


def _label(context: Context, text: str) -> int | None:
    """The number of an open menu's option that was typed out: its label, 是 or 不是."""
    bare = plain(text)
    if len(bare) > _LABEL_LIMIT:
        return None
    asked = conversation.recall(context.session, context.message, conversation.MENU, context.now)
    if asked is None:
        return None
    labels = [plain(choice["label"]) for choice in asked.payload["choices"]]
    if bare in labels:
        return labels.index(bare) + 1
    if bare in (_NO if labels else _NOT_THIS) or bare == plain(asked.payload["none"]):
        return 0
    if len(labels) != 1:
        return None
    return 1 if bare in (_PLAIN_YES if asked.payload["explicit"] else _YES) else None


def _next_page(context: Context) -> Said:
    last = inbox.last_reply(context.session, context.message, context.row_id)
    if last.notice:
        limit = TEXT_LIMITS[context.message.channel]
        count = len(pages(last.notice, limit, context.messages.say("paging.more")))
        if last.page + 1 < count:
            return Reply(last.notice, last.page + 1)
    return context.notice("paging.nothing")


def _courtesy(context: Context, word: str) -> Said:
    """A short line for thanks, greetings, faces and marks, nothing for 收到; never a question."""
    kind = context.pack.courtesies.get(word, "smile")
    return SILENCE if kind == "silent" else context.notice(f"courtesy.{kind}")
