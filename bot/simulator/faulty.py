"""Calls as they are answered, with what can go wrong with it."""

import json
from collections.abc import Callable
from typing import Any

from bot.simulator.answers import Said
from bot.simulator.ledger import Fault, Faults, File
from bot.simulator.server import Response


def response_of(
    answer: Callable[[], Said], fault: Fault | None, faults: Faults, round_trip: float
) -> Response:
    """What `answer` says, which is not asked behind a broken gateway; `round_trip` in seconds."""
    if fault == "http_error":
        return Response(b"<html>Bad Gateway</html>", "text/html", 502, round_trip)
    said = answer()
    delay = round_trip + (faults.slow_seconds if fault == "slow" else 0.0)
    drop = fault == "drop"
    if isinstance(said, File):
        return Response(said.content, said.content_type, delay=delay, drop=drop)
    text = json.dumps(said, ensure_ascii=False).encode(errors="replace")
    return Response(text, delay=delay, drop=drop)


def json_object(body: bytes) -> dict[str, Any] | None:
    """None for what is no JSON object."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
