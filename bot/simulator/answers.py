"""What the API says to a call."""

import secrets
from collections.abc import Mapping
from typing import Any

from bot.simulator.ledger import File

# JSON, or a file as it is.
Said = dict[str, Any] | File
_SAYINGS: Mapping[int, str] = {
    40001: "invalid credential, access_token is invalid or not latest",
    42001: "access_token expired",
    45009: "reach max api daily quota limit",
    45011: "api freq out of limit",
    45015: "response out of time limit or subscription is canceled",
    45028: "has no masssend quota",
    45047: "out of response count limit",
    45065: "clientmsgid exist",
    48001: "api unauthorized",
    -1: "system error",
}


def accepted(**more: Any) -> dict[str, Any]:
    return {"errcode": 0, "errmsg": "ok", **more}


def refused(code: int, **more: Any) -> dict[str, Any]:
    rid = "-".join(secrets.token_hex(4) for _ in range(3))
    said = _SAYINGS.get(code, f"sandbox says {code}")
    return {"errcode": code, "errmsg": f"{said} rid: {rid}", **more}
