"""The address of a group robot: who knows it can speak in the group.

Source: developer.work.weixin.qq.com/document/path/91770 (消息推送配置说明).
"""

from urllib.parse import parse_qsl, urlsplit

_HOST = "qyapi.weixin.qq.com"
WEBHOOK_PATH = "/cgi-bin/webhook/send"
# Where a platform that is played may stand.
_HERE = ("127.0.0.1", "::1", "localhost")


def webhook_problem(url: str) -> str | None:
    """What is wrong with a webhook's address; nothing of it is repeated."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no address"
    # What parsers read differently, or what a browser would add.
    if "\\" in url or "@" in parts.netloc or parts.fragment or any(map(str.isspace, url)):
        return "is no webhook's address"
    if host != _HOST and host not in _HERE:
        return f"must lead to {_HOST}"
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _HERE):
        return "must begin with https://"
    if parts.path != WEBHOOK_PATH or not webhook_key(url):
        return f"must be the whole address, with {WEBHOOK_PATH}?key= and the key"
    return None


def webhook_key(url: str) -> str:
    """What is secret in it; "" for none."""
    return dict(parse_qsl(urlsplit(url).query)).get("key", "")
