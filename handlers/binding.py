"""绑定: first what is stored and why, then by a code or by name and number."""

import re
import unicodedata
from dataclasses import replace
from typing import Any

from bot.domain.grammar import Takes
from bot.domain.messages import Notice
from bot.domain.person import Role
from bot.routing import Context, Payload, Router
from bot.routing.addresses import tell_others
from bot.routing.consent import ask_consent
from bot.routing.router import Said
from bot.services import access, binding, conversation, deliveries, group_chat, inbox, person
from bot.services.deliveries import Saying

router = Router("binding")
_CODE = re.compile(r"[A-Za-z]{8}")
# What may be a code, wherever it stands in a text.
_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{8}(?![A-Za-z0-9])")


@router.in_group("绑定")
def bind_group(context: Context) -> Notice | None:
    """In a group the only code that is taken is that of the group itself.

    Any other can be read by everybody there, and is void; nothing is said about anybody.
    """
    inbox.forget_text(context.session, context.row_id)
    words = _WORD.findall(unicodedata.normalize("NFKC", context.argument))
    for word in words:
        linked = group_chat.link(context.session, context.message, word, context.now)
        if linked:
            home = linked.home.name if linked.home else ""
            return context.notice(f"group_chat.{linked.outcome}", community=home)
    access.void_seen(context.session, words, context.now)
    if any(not word.isdigit() for word in words):
        return context.notice("binding.seen_by_all")
    return None


@router.command("绑定", help="binding.help", takes=Takes.TEXT, shows=True)
def bind(context: Context) -> Notice:
    if context.member is None:
        return _ask_consent(context)
    if context.argument:
        return _attempt(context, context.argument)
    return _how(context)


@router.action("binding.agree")
def agree(context: Context, payload: Payload) -> Said:
    """The sender has agreed: with a code or name they are bound, else they are a member."""
    if payload["argument"]:
        return _attempt(context, payload["argument"])
    if waiting := payload.get("check_in"):
        return context.act("check_in.agree", waiting, None)
    member = person.register(context.session, context.message, context.now)
    return context.notice("binding.agreed", community=member.community.name)


@router.action("binding.merge")
def merge(context: Context, payload: Payload) -> Notice:
    """The sender has agreed that two records become one."""
    return _told(context, binding.merge(context.session, context.message, payload, context.now))


def _ask_consent(context: Context) -> Notice:
    """The whole notice; a check-in that waits for the same answer is not lost over it."""
    payload: dict[str, Any] = {"argument": context.argument}
    asked = conversation.recall(context.session, context.message, conversation.MENU, context.now)
    for choice in asked.payload["choices"] if asked else []:
        if choice["action"] == "check_in.agree":
            payload["check_in"] = choice["payload"]
    label = "binding.agree" if context.argument else "consent.agree"
    notice = ask_consent(context, "binding.agree", payload, label=label, notice="consent.notice")
    found = access.find(context.session, context.argument, context.now)
    if found is not None and found.purpose is access.Purpose.ADDRESS:
        # Whoever was given somebody else's code would write into that person's record.
        return replace(notice, lines=(*notice.lines, context.say("address.own_only")))
    return notice


def _how(context: Context) -> Notice:
    member = context.bound
    name = (
        context.say("binding.known_as", name=member.name)
        if member.name
        else context.say("binding.unnamed")
    )
    return context.notice("binding.how", community=member.community.name, name=name)


def _attempt(context: Context, argument: str) -> Notice:
    """A word that looks like a code is one; else it is a name and a number, in any order."""
    name, number = _name_and_number(argument)
    if name and number:
        attempt = binding.request(context.session, context.message, name, number, context.now)
    elif name and not number:
        return context.notice("binding.how_to")
    else:
        attempt = binding.by_code(context.session, context.message, number, context.now)
    return _told(context, attempt)


def _told(context: Context, attempt: binding.Attempt) -> Notice:
    home = attempt.home.name if attempt.home else ""
    if attempt.outcome is binding.Outcome.MERGE:
        options = context.offer(
            [(context.say("address.merge_yes"), "binding.merge", dict(attempt.asked or {}))],
            none="address.merge_no",
            zero="address.merge_declined",
            explicit=True,
        )
        return Notice("binding", lines=(context.say("address.merge"),), options=options)
    if attempt.outcome is binding.Outcome.REQUESTED:
        _tell_organisers(context, attempt)
    if attempt.added and attempt.home:
        tell_others(context, attempt.added, attempt.home.id)
        # Whoever wrote may have been somebody else until now.
        context.member = person.load_member(context.session, context.message)
    key = f"binding.{attempt.outcome}"
    if attempt.outcome is binding.Outcome.ROLE:
        key = f"binding.role_{attempt.role}"
    return context.notice(key, community=home, name=attempt.name)


def _name_and_number(argument: str) -> tuple[str, str]:
    """王芳 and 2026002 from 王芳 2026002, 2026002王芳, 姓名：王芳 学号：2026002 …"""
    text = unicodedata.normalize("NFKC", argument).replace("姓名", " ").replace("学号", " ")
    tokens = [token for token in re.split(r"[\s:：,，、;；]+", text) if token]
    plain = [token for token in tokens if token.isascii() and re.search(r"\d", token)]
    inside = re.findall(r"^[A-Za-z]?\d+|[A-Za-z]?\d+$", text.strip())
    number = next(reversed([*inside, *plain]), "")
    if not number and len(tokens) == 1 and _CODE.fullmatch(tokens[0]):
        return "", tokens[0].upper()
    rest = text.replace(number, " ", 1) if number else text
    words = re.findall(r"[^\s:,，、;；]+", rest)
    chinese = all(re.fullmatch(r"[\u3400-\u9fff·]+", word) for word in words)
    return ("" if chinese else " ").join(words), number.upper()


def _tell_organisers(context: Context, attempt: binding.Attempt) -> None:
    if attempt.home is None:
        return
    line = context.say("binding.request_notice")
    deliveries.tell(
        context.session,
        person.people_of(context.session, attempt.home.id, Role.ORGANISER),
        attempt.home.id,
        Saying("desk", f"binding_request:{attempt.request}", Notice("desk", lines=(line,))),
        context.now,
    )
