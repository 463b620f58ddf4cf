"""How many messages a second the sandbox sends to a bot that does nothing.

uv run python -m benchmarks.sandbox [--messages 5000] [--runs 5]

The bot is a process of its own that has its two replies ready: `success`, and an encrypted text.
In safe mode each message is encrypted and signed, and the text checked and decrypted.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks import facts
from benchmarks.pushes import ACCOUNT_ID, AES_KEY, APP_ID, TEXT, TOKEN, openid
from bot.clock import Clock, elapsed
from bot.simulator import crypto
from bot.simulator.official_account import Account, Platform

_SENDER = openid(0)
_REPLY = "打卡成功"


class _Bot(asyncio.Protocol):
    """Answers each request on a connection with the same bytes."""

    def __init__(self, reply: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(reply)}\r\n\r\n"
        self._reply = head.encode() + reply
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._buffer.endswith(b"</xml>"):
            self._buffer = b""
            self._transport.write(self._reply)


def _text_reply() -> bytes:
    plain = (
        f"<xml><ToUserName>{_SENDER}</ToUserName><FromUserName>{ACCOUNT_ID}</FromUserName>"
        f"<CreateTime>1</CreateTime><MsgType>text</MsgType><Content>{_REPLY}</Content></xml>"
    )
    encrypted = crypto.encrypt(AES_KEY, plain, APP_ID)
    signature = crypto.sign(TOKEN, "1", "n", encrypted)
    return (
        f"<xml><Encrypt>{encrypted}</Encrypt><MsgSignature>{signature}</MsgSignature>"
        "<TimeStamp>1</TimeStamp><Nonce>n</Nonce></xml>"
    ).encode()


async def _serve(reply: bytes) -> None:
    """Print the port and answer until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Bot(reply), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def _bot(name: str) -> Iterator[str]:
    """The process; yields its address."""
    command = [sys.executable, "-m", "benchmarks.sandbox", "--serve", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
        process.terminate()


def rate(name: str, messages: int, threads: int) -> float:
    """Messages a second. Raises AssertionError for an answer that is not the reply."""
    expected = _REPLY if name == "text" else ""
    with _bot(name) as address, ThreadPoolExecutor(threads) as pool:
        platform = Platform(Account(address, TOKEN, APP_ID, AES_KEY, ACCOUNT_ID), Clock())

        def send(count: int) -> None:
            for _ in range(count):
                answer = platform.text(_SENDER, TEXT)
                assert (answer.text, answer.attempts) == (expected, 1), answer

        list(pool.map(send, [50] * threads))
        begun = elapsed()
        list(pool.map(send, [messages // threads] * threads))
        return messages // threads * threads / (elapsed() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--serve", choices=("nothing", "text"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(_serve(_text_reply() if options.serve == "text" else b"success"))
        return
    console = Console(width=120, highlight=False)
    with tempfile.TemporaryDirectory(prefix="xueban-bench-") as name:
        for line in facts.lines(Path(name)):
            console.print(line)
    table = Table(title="messages a second in safe mode", title_justify="left")
    table.add_column("the bot replies with")
    for title in ("threads", "runs", "median", "slowest", "fastest"):
        table.add_column(title, justify="right")
    for reply in ("nothing", "text"):
        for threads in (1, 4):
            rates = [rate(reply, options.messages, threads) for _ in range(options.runs)]
            numbers = [f"{value:.0f}" for value in (median(rates), min(rates), max(rates))]
            table.add_row(reply, str(threads), str(options.runs), *numbers)
    console.print(table)


if __name__ == "__main__":
    main()
