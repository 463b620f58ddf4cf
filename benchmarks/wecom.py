"""The WeCom bot: its callback beside the official account's, and its long connection.

uv run python -m benchmarks.wecom [--rounds 5] [--seconds 3]

One server of ours under granian on core 0 answers both callbacks, SQLite with FULL: the same
check-ins of the same number of members, as encrypted XML and as encrypted JSON, round by round in
turn. Then 1,000 messages over 50 conversations by the long connection, all at once, to the worker's
side in this process.
"""

import argparse
import itertools
import json
import os
import secrets
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table
from sqlalchemy import insert, select

from benchmarks import facts, servers
from benchmarks.load import CONNECTIONS, saturate
from benchmarks.pushes import AES_KEY, TOKEN, Pushes, openid
from benchmarks.rows import LOAD_CORE, SERVER_CORE
from bot.bootstrap import build, build_line, prepare_database
from bot.clock import Clock, elapsed
from bot.config import Settings
from bot.domain.messages import Channel
from bot.simulator import crypto
from bot.simulator.wecom.connection import serving_connection
from bot.simulator.wecom.enterprise import Bot, Enterprise
from bot.simulator.wecom.people import People
from bot.storage.models import Address

_BOT_ID = "aibBENCH"
_PATH = "/callback/wecom-bot"
_WARM = 500
_RATE = 1500
_CONVERSATIONS, _EACH = 50, 20


class JsonPushes:
    """The same check-ins as Pushes makes, in the WeCom bot's envelope, by as many others."""

    def __init__(self, members: int) -> None:
        self._members = itertools.cycle(range(members, 2 * members))
        self._ids = itertools.count(1)

    def take(self, count: int) -> list[bytes]:
        return [self._request(openid(next(self._members))) for _ in range(count)]

    def _request(self, sender: str) -> bytes:
        message = {
            "msgid": f"M{next(self._ids)}", "aibotid": _BOT_ID, "chattype": "single",
            "from": {"userid": sender}, "msgtype": "text", "text": {"content": "打卡 读完第3章"},
        }  # fmt: skip
        encrypted = crypto.encrypt(AES_KEY, json.dumps(message, ensure_ascii=False), "")
        timestamp, nonce = str(int(Clock().now().timestamp())), secrets.token_hex(5)
        signed = crypto.sign(TOKEN, timestamp, nonce, encrypted)
        query = {"msg_signature": signed, "timestamp": timestamp, "nonce": nonce}
        body = json.dumps({"encrypt": encrypted}).encode()
        head = (
            f"POST {_PATH}?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def callbacks(folder: Path, rounds: int, seconds: float) -> Table:
    """Both callbacks in turn. Raises AssertionError unless everything answered is stored."""
    members = rounds * int(seconds * _RATE) + _WARM
    bot = {"mode": "callback", "token": TOKEN, "encoding_aes_key": AES_KEY}
    config, port = servers.write_config(folder, more={"wecom_bot": bot})
    servers.add_members(config, 2 * members)
    _move(config, members)
    xml, jsons = Pushes(members), JsonPushes(members)
    rates: dict[str, list[float]] = {"xml": [], "json": []}
    command = ["bot", "serve", "--web-only", "--config", str(config)]
    with servers.running(command, folder, SERVER_CORE) as process:
        servers.wait_until_up(port, process, folder)
        answered = 0
        for warm in (xml.take(_WARM // 2), jsons.take(_WARM // 2)):
            answered += len(saturate(port, warm, 10).latencies)
        for number in range(rounds):
            both: list[tuple[str, Pushes | JsonPushes]] = [("xml", xml), ("json", jsons)]
            for name, pushes in both if number % 2 == 0 else reversed(both):
                phase = saturate(port, pushes.take(int(seconds * _RATE)), seconds)
                assert not phase.wrong, servers.errors(folder)
                rates[name].append(phase.rate)
                answered += len(phase.latencies)
    assert servers.stored(config)[0] == answered
    table = Table(title="Check-ins a second on one core", title_justify="left")
    for title in ("callback", "msg/s", "x XML"):
        table.add_column(title)
    ratios = [mine / theirs for mine, theirs in zip(rates["json"], rates["xml"], strict=True)]
    table.add_row("official account, XML", f"{median(rates['xml']):.0f}", "")
    table.add_row("WeCom bot, JSON", f"{median(rates['json']):.0f}", f"{median(ratios):.2f}")
    return table


def _move(config: Path, members: int) -> None:
    """Let the second half of the people be the WeCom bot's."""
    with servers.database_of(config) as database, database.begin() as session:
        rows = session.execute(select(Address.person_id, Address.value).order_by(Address.id)).all()
        now = Clock().now()
        here = {"channel": Channel.WECOM_BOT, "account": _BOT_ID, "created_at": now}
        session.execute(
            insert(Address),
            [{**here, "value": row.value, "person_id": row.person_id} for row in rows[members:]],
        )


def long_connection(folder: Path) -> str:
    """A thousand messages at once. Raises AssertionError for one that is lost or out of order."""
    clock = Clock()
    enterprise = Enterprise(Bot(id=_BOT_ID, secret="s"), clock)
    chats = [f"U{number}" for number in range(_CONVERSATIONS)]
    for chat in chats:
        enterprise.add_member(chat)
    with serving_connection(enterprise) as platform:
        section = {"bot_id": _BOT_ID, "secret": "s", "ws_url": platform.url}
        values = {"storage": {"data_dir": str(folder)}, "wecom_bot": section}
        application = replace(build(Settings.model_validate(values), "worker"), clock=clock)
        prepare_database(application)
        line = build_line(application)
        assert line is not None
        line.lead(True)
        assert platform.wait_live(30)
        people = People(enterprise, platform)
        people.say(chats[0], "帮助").wait(30)
        begun = elapsed()
        asked = [people.say(chat, f"{turn}个人") for turn in range(_EACH) for chat in chats]
        answered = [exchange.wait(60).finished for exchange in asked]
        seconds = elapsed() - begun
        line.lead(False)
        application.database.dispose()
    assert all(answered), f"{answered.count(False)} were lost"
    for chat in chats:
        streams = [one.stream for one in enterprise.messages(chat) if not one.sender]
        expected = [one.stream for one in asked if one.chat == chat]
        assert streams[-_EACH:] == expected, f"{chat}: out of order"
    over = sum(bool(one.code) for one in enterprise.ledger)
    return (
        f"long connection: {len(asked)} messages over {len(chats)} conversations answered in order "
        f"within each in {seconds:.1f} s ({len(asked) / seconds:.0f}/s), 0 lost, {over} refused"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    console = Console(width=120, highlight=False)
    with tempfile.TemporaryDirectory(prefix="xueban-bench-") as name:
        folder = Path(name)
        for line in facts.lines(folder):
            console.print(line)
        console.print(
            f"{options.rounds} rounds of {options.seconds:g} s, {CONNECTIONS} connections"
        )
        (folder / "web").mkdir()
        console.print(callbacks(folder / "web", options.rounds, options.seconds))
        (folder / "line").mkdir()
        console.print(long_connection(folder / "line"))


if __name__ == "__main__":
    main()
