"""What doctor asks the public address: what the platform's page asks when it is saved."""

import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests

from bot.cli.check import Check
from bot.clock import Clock
from bot.config import Settings

TIMEOUT = 5.0


def stamp() -> tuple[str, str, str]:
    """A timestamp, a nonce and something to be echoed."""
    now = str(int(Clock().now().timestamp()))
    return now, secrets.token_hex(5), secrets.token_hex(8)


def callback_check(
    settings: Settings, subject: str, path: str, query: Mapping[str, str], echo: str
) -> Check:
    """Whether the public address answers this with the echo."""
    base = settings.server.public_url
    if not base:
        advice = "set server.public_url; the platform calls port 80 or 443 only"
        return Check("warn", subject, "no public address is configured", advice)
    if urlsplit(base).port not in (None, 80, 443):
        advice = "put a reverse proxy on port 80 or 443 in front"
        return Check("fail", subject, f"{base}: the platform calls port 80 or 443 only", advice)
    url = f"{base}{path}"
    try:
        response = requests.get(url, params=query, timeout=TIMEOUT)
    except requests.RequestException as error:
        reason = type(error).__name__
        advice = "start xueban serve; check the proxy and DNS"
        return Check("fail", subject, f"{url}: {reason}", advice)
    if response.status_code != 200 or response.text != echo:
        advice = "the proxy must pass path, query and body unchanged"
        finding = f"{url} answers {response.status_code}, not the echo"
        return Check("fail", subject, finding, advice)
    return Check("ok", subject, url)
