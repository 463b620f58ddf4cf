"""A call to the API as it may be shown: without tokens and secrets."""

import json
from datetime import datetime
from typing import Any

from bot.simulator.assets import uploaded
from bot.simulator.server import Request, Response
from bot.simulator.watching import Call

_MASK = "***"
_SECRET_NAMES = ("access_token", "secret")


def call_of(
    request: Request,
    body: dict[str, Any] | None,
    response: Response,
    fault: str,
    at: datetime,
    secret: str,
) -> Call:
    """`body` is None for what is no JSON object."""
    query = {name: value for name, value in request.query.items() if name != "access_token"}
    openid = (body or {}).get("touser") or query.get("openid") or ""
    if request.content_type.startswith("multipart/"):
        name, content, _ = uploaded(request)
        asked = _text({**query, "media": f"{name}, {len(content)} bytes"})
    elif body is None:
        asked = request.body.decode(errors="replace")
    else:
        asked = _text({**query, **body})
    return Call(
        at=at,
        openid=openid if isinstance(openid, str) else "",
        path=request.path,
        request=asked.replace(secret, _MASK) if secret else asked,
        answer=_answer(response),
        fault=fault,
    )


def _text(fields: dict[str, Any]) -> str:
    shown = {name: _MASK if name in _SECRET_NAMES else fields[name] for name in fields}
    return json.dumps(shown, ensure_ascii=False)


def _answer(response: Response) -> str:
    if not response.content_type.startswith("application/json"):
        return f"{response.content_type}, {len(response.body)} bytes"
    found = json.loads(response.body)
    return _text(found) if isinstance(found, dict) else json.dumps(found, ensure_ascii=False)
