"""How a message travels to the bot's callback and its reply back.

Source: developer.work.weixin.qq.com/document/path/101033 (加解密方案).
"""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.errors import SandboxProblem
from bot.simulator import crypto
from bot.simulator.wecom.enterprise import Bot

# Of an in-house bot.
_RECEIVE_ID = ""
# What stands for nothing to say; "success" is in the vendor's own example of a bot only.
_EMPTY = (b"", b"success")


def query_of(bot: Bot, encrypted: str, now: datetime) -> dict[str, str]:
    """Signature, timestamp and nonce."""
    timestamp, nonce = str(int(now.timestamp())), str(secrets.randbelow(10**10))
    signed = crypto.sign(bot.token, timestamp, nonce, encrypted)
    return {"msg_signature": signed, "timestamp": timestamp, "nonce": nonce}


def encrypt(bot: Bot, text: str) -> str:
    return crypto.encrypt(bot.encoding_aes_key, text.encode(errors="replace"), _RECEIVE_ID)


def seal(bot: Bot, fields: Mapping[str, Any], now: datetime) -> tuple[dict[str, str], bytes]:
    """The query and the body of one request."""
    encrypted = encrypt(bot, json.dumps(fields, ensure_ascii=False))
    return query_of(bot, encrypted, now), json.dumps({"encrypt": encrypted}).encode()


def open_reply(bot: Bot, body: bytes, nonce: str) -> dict[str, Any]:
    """The fields of a reply, {} for an empty one. Raises SandboxProblem for what the platform
    would not understand; `nonce` is the request's.
    """
    if body.strip() in _EMPTY:
        return {}
    envelope = _object(body)
    if unknown := set(envelope) - {"encrypt", "msgsignature", "timestamp", "nonce"}:
        raise SandboxProblem(f"回复的信封里没有 {'、'.join(sorted(unknown))} 这样的字段")
    encrypted, signed = envelope.get("encrypt"), envelope.get("msgsignature")
    timestamp = envelope.get("timestamp")
    if not isinstance(encrypted, str) or not isinstance(signed, str):
        raise SandboxProblem("回复的信封里没有 encrypt 或 msgsignature")
    # The page asks for a number; the vendor's own plugin sends the text that it got.
    if not str(timestamp).isdigit() or isinstance(timestamp, bool):
        raise SandboxProblem("回复的 timestamp 不是秒数")
    if envelope.get("nonce") != nonce:
        raise SandboxProblem("回复的 nonce 不是请求里的")
    if crypto.sign(bot.token, str(timestamp), nonce, encrypted) != signed:
        raise SandboxProblem("回复的签名不对")
    plain = crypto.decrypt(bot.encoding_aes_key, encrypted, _RECEIVE_ID)
    return _object(plain) if plain.strip() else {}


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SandboxProblem(f"回复不是 JSON：{error}") from error
    if not isinstance(found, dict):
        raise SandboxProblem("回复不是 JSON 对象")
    return found
