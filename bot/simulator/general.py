"""Tokens, addresses, quotas, and who follows the account."""

from collections.abc import Mapping
from typing import Any

from bot.simulator.answers import Said, accepted, refused
from bot.simulator.ledger import day_of
from bot.simulator.server import Request
from bot.simulator.state import State

_PAGE = 10_000
_CLEARED_A_MONTH = 10
# Of the ranges that are kept for documents, so that nobody can be behind them.
_CALLING_ADDRESSES = ["203.0.113.10", "203.0.113.11"]
_API_ADDRESSES = ["198.51.100.10", "198.51.100.11"]


def stable_token(state: State, body: dict[str, Any], request: Request) -> Said:
    if code := _caller_refusal(state, body, request):
        return refused(code)
    given = state._tokens.stable(state.clock.now(), force=body.get("force_refresh") is True)
    return refused(45009) if given is None else _token(*given)


def classic_token(state: State, _body: dict[str, Any], request: Request) -> Said:
    if code := _caller_refusal(state, request.query, request):
        return refused(code)
    return _token(*state._tokens.classic(state.clock.now()))


def _token(token: str, seconds: int) -> dict[str, Any]:
    return {"access_token": token, "expires_in": seconds}


def _caller_refusal(state: State, given: Mapping[str, Any], request: Request) -> int:
    if given.get("grant_type") != "client_credential":
        return 40002
    if given.get("appid") != state.app_id:
        return 40013
    if given.get("secret") != state.secret:
        return 40125
    if state.allowed is not None and request.address not in state.allowed:
        return 40164
    return state.quotas.take(request.path, state.clock.now())


def calling_addresses(_state: State, _body: dict[str, Any], _request: Request) -> Said:
    return {"ip_list": list(_CALLING_ADDRESSES)}


def api_addresses(_state: State, _body: dict[str, Any], _request: Request) -> Said:
    return {"ip_list": list(_API_ADDRESSES)}


def clear_quota(state: State, body: dict[str, Any], _request: Request) -> Said:
    if body.get("appid") != state.app_id:
        return refused(40013)
    today = day_of(state.clock.now())
    this_month = [
        day for day in state.cleared if (day.year, day.month) == (today.year, today.month)
    ]
    if len(this_month) >= _CLEARED_A_MONTH:
        return refused(48006)
    state.cleared = [*this_month, today]
    state.quotas.clear()
    return accepted()


def followers(state: State, _body: dict[str, Any], request: Request) -> Said:
    people = state.people()
    after = request.query.get("next_openid", "")
    if after and after not in people:
        return refused(40003)
    start = people.index(after) + 1 if after else 0
    page = people[start : start + _PAGE]
    answer = {"total": len(people), "count": len(page), "next_openid": page[-1] if page else ""}
    return answer | ({"data": {"openid": page}} if page else {})


def user_info(state: State, _body: dict[str, Any], request: Request) -> Said:
    """Names and pictures of members are empty on the platform as well."""
    openid = request.query.get("openid", "")
    if not openid.startswith("o"):
        return refused(40003)
    if state.followers is not None and openid not in state.followers:
        return {"subscribe": 0, "openid": openid}
    since = state.heard_at[openid][0] if openid in state.heard_at else state.clock.now()
    return {
        "subscribe": 1,
        "openid": openid,
        "language": "zh_CN",
        "subscribe_time": int(since.timestamp()),
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": "ADD_SCENE_OTHERS",
        "qr_scene": 0,
        "qr_scene_str": "",
    }
