"""Pushes through a WeCom app, one or many at once, and what the answers mean."""

import re
from collections.abc import Iterator, Mapping, Sequence

from bot.domain.delivery import Outcome, Push, Remedy
from bot.domain.messages import TEXT_LIMITS, Channel, Notice
from bot.domain.paging import page
from bot.errors import PlatformRefused, PlatformSilent
from bot.platforms.calls import outcome_of
from bot.platforms.tokens import refusal
from bot.platforms.wecom_app import endpoints
from bot.platforms.wecom_app.client import TOKEN_PATH, Client
from bot.platforms.wecom_errcodes import remedy_of

_LIMIT = TEXT_LIMITS[Channel.WECOM_APP]
# Letters, digits and _-@. as path/90195 (创建成员) has it; never "@all", or two of them.
_USERID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_\-@.]{0,63}")
_NO_USERID = Outcome(Remedy.RECIPIENT, reason="the address is no userid")
_NOT_REACHED = Outcome(
    Remedy.RECIPIENT,
    reason="the platform does not know this member, or the app may not write to them",
)


class WecomAppTransport:
    """A Transport; a push's address is a userid. `more` is the line under a text that goes on,
    with {page} and {pages}: of a long notice the first page is sent.
    """

    def __init__(self, client: Client, more: str) -> None:
        self._client = client
        self._more = more

    def send(self, push: Push) -> Outcome:
        return self.send_all([push])[0]

    def send_all(self, pushes: Sequence[Push]) -> list[Outcome]:
        """An outcome for each, in the same order. Those with the same notice go out together, a
        thousand members in a call. (Of pushes in the same order the calls are the same again, so
        that the platform knows a repeat.)
        """
        found: dict[tuple[Notice, str], Outcome] = {}
        for notice, userids in _by_notice(pushes).items():
            for batch in _batches(userids):
                for userid, outcome in self._send(notice, batch).items():
                    found[notice, userid] = outcome
        return [found.get((push.notice, push.address), _NO_USERID) for push in pushes]

    def _send(self, notice: Notice, userids: Sequence[str]) -> Mapping[str, Outcome]:
        """The outcome for each of these members."""
        text = page(notice, 0, _LIMIT, self._more)
        try:
            sent = endpoints.send_text(self._client, userids, text)
        except PlatformRefused as refused:
            return dict.fromkeys(userids, refusal(refused, remedy_of, TOKEN_PATH))
        except PlatformSilent as silent:
            return dict.fromkeys(userids, outcome_of(silent))
        done = Outcome(Remedy.DONE, platform_id=sent.number)
        return {
            userid: _NOT_REACHED if userid.lower() in sent.not_reached else done
            for userid in userids
        }


def _by_notice(pushes: Sequence[Push]) -> Mapping[Notice, list[str]]:
    """Whom each notice goes to, everybody once."""
    found: dict[Notice, dict[str, None]] = {}
    for push in pushes:
        if _USERID.fullmatch(push.address):
            found.setdefault(push.notice, {})[push.address] = None
    return {notice: list(userids) for notice, userids in found.items()}


def _batches(userids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(userids), endpoints.MOST_MEMBERS):
        yield userids[start : start + endpoints.MOST_MEMBERS]
