"""Logs: structured, one line an event, without secrets, tokens or openids."""

import logging
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Literal

import structlog

_PATTERNS = (
    # access tokens and secrets as they stand in URLs and JSON
    (
        re.compile(r"((?:access_token|secret|corpsecret|key|component_access_token)=)[^&\s\"']+"),
        r"\1***",
    ),
    (re.compile(r"(\"(?:access_token|secret|openid|FromUserName|touser)\":\s*\")[^\"]+"), r"\1***"),
    # the address of somebody's calendar, which opens it
    (re.compile(r"(/calendar/)[\w-]+"), r"\1***"),
    # what PostgreSQL adds to an error: the values of the row
    (re.compile(r"(DETAIL:\s+).*"), r"\1***"),
    # an openid: o and 27 more of the URL-safe alphabet
    (re.compile(r"(?<![A-Za-z0-9_-])o[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])"), "openid:***"),
)


class Masking:
    """Takes the configured secrets and whatever looks like a token or openid out of an event."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secret for secret in secrets if len(secret) >= 3)

    def mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def __call__(
        self, _logger: Any, _name: str, event: MutableMapping[str, Any]
    ) -> Mapping[str, Any]:
        return {
            key: self.mask(value) if isinstance(value, str) else value
            for key, value in event.items()
        }


class _MaskedHandler(logging.StreamHandler[Any]):
    """The libraries' own log lines, masked as well."""

    def __init__(self, masking: Masking) -> None:
        super().__init__(sys.stderr)
        self._masking = masking

    def format(self, record: logging.LogRecord) -> str:
        return self._masking.mask(super().format(record))


def configure(level: str, format: Literal["json", "console"], secrets: Iterable[str] = ()) -> None:
    """Set up structlog and the standard library's logging, both to standard error."""
    masking = Masking(secrets)
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if format == "console":
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            masking,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        # Looked up at each line, so that a redirected standard error is followed.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    handler = _MaskedHandler(masking)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(
        level=max(logging.WARNING, logging.getLevelName(level)), handlers=[handler], force=True
    )
