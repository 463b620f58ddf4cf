"""Pushes through an official account: each way's call, and what its answer means."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.delivery import Outcome, Push, Remedy, Way
from bot.domain.messages import TEXT_LIMITS, Channel, Notice
from bot.domain.paging import page
from bot.errors import PlatformRefused, PlatformSilent
from bot.platforms.calls import outcome_of
from bot.platforms.official_account import endpoints
from bot.platforms.official_account.client import TOKEN_PATH, Client
from bot.platforms.official_account.errcodes import remedy_of
from bot.platforms.tokens import refusal

_LIMIT = TEXT_LIMITS[Channel.OFFICIAL_ACCOUNT]
_LINE = "line"


@dataclass(frozen=True, slots=True)
class Template:
    """A template of the account: its id, and for each of its fields what stands in it: "title",
    or "line1" to "line9" of the notice.
    """

    id: str
    fields: Mapping[str, str]


class OfficialAccountTransport:
    """A Transport. `templates` has one for each topic and way that goes out by template or
    subscription; `more` is the line under a text that goes on, with {page} and {pages}.
    """

    def __init__(
        self, client: Client, more: str, templates: Mapping[tuple[str, Way], Template]
    ) -> None:
        self._client = client
        self._more = more
        self._templates = templates

    def send(self, push: Push) -> Outcome:
        """CONFIGURATION without a call when the topic has no template for this way."""
        wanted = push.way is not Way.CUSTOMER
        template = self._templates.get((push.topic, push.way)) if wanted else None
        if wanted and template is None:
            reason = f"no template is configured for {push.topic} as {push.way}"
            return Outcome(Remedy.CONFIGURATION, reason=reason)
        try:
            number = self._talk(push) if template is None else self._inform(push, template)
        except PlatformRefused as refused:
            return refusal(refused, remedy_of, TOKEN_PATH)
        except PlatformSilent as silent:
            return outcome_of(silent)
        return Outcome(Remedy.DONE, platform_id=number)

    def _talk(self, push: Push) -> str:
        """The first page only: nobody can turn the pages of a push."""
        notice, media = push.notice, push.notice.media
        if media and media.id and media.type in ("image", "voice", "video"):
            endpoints.send_media(
                self._client, push.address, media.type, media.id, notice.title,
                "\n".join(notice.lines),
            )  # fmt: skip
        else:
            text = page(notice, 0, _LIMIT, self._more)
            endpoints.send_text(self._client, push.address, text)
        return ""

    def _inform(self, push: Push, template: Template) -> str:
        fields = {name: _said(push.notice, what) for name, what in template.fields.items()}
        url = push.notice.link.url if push.notice.link else ""
        if push.way is Way.TEMPLATE:
            return endpoints.send_template(
                self._client, push.address, template.id, fields, url=url, key=push.key
            )
        return endpoints.send_subscription(
            self._client, push.address, template.id, fields, page=url
        )


def _said(notice: Notice, what: str) -> str:
    """The title or a line; "" for one that the notice does not have."""
    if what == "title":
        return notice.title
    index = int(what.removeprefix(_LINE)) - 1
    return notice.lines[index] if index < len(notice.lines) else ""
