"""The sandbox's way to a bot: connections that stay open, and an end for every call."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.simulator.caller import Caller
from bot.simulator.official_account import UNAVAILABLE, Platform
from bot.simulator.server import Request, Response, serving
from tests.conftest import HandClock
from tests.platform import OPENID, account

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n"


@contextmanager
def listening(handle: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server whose every connection is given to `handle`; yields its host and port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, suppress(OSError):
                        handle(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def replying(*parts: bytes, after: float = 0.0) -> Callable[[socket.socket], None]:
    """Reads a request and sends the parts, each so many seconds after the one before."""

    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        for part in parts:
            time.sleep(after)
            connection.sendall(part)

    return handle


def post(address: str, seconds: float = 5.0) -> tuple[int, bytes]:
    return Caller(f"http://{address}/", seconds).post({"a": "好"}, b"body", "text/xml")


def drip(whole: bytes) -> list[bytes]:
    return [whole[i : i + 1] for i in range(len(whole))]


@pytest.mark.parametrize(
    "parts", [drip(HEAD + b"\r\nsuccess"), [HEAD + b"\r\n", *drip(b"success")], [b"HTTP/1.1 200 OK\r\n", *drip(b"A: b\r\n" * 9)]]
)  # fmt: skip
def test_a_bot_that_drips_is_cut_in_time(parts: list[bytes]) -> None:
    with listening(replying(*parts, after=0.2)) as address:
        begin = time.perf_counter()
        with pytest.raises(TimeoutError):
            post(address, seconds=0.5)
        assert 0.45 < time.perf_counter() - begin < 3


def test_the_platform_waits_five_seconds(clock: HandClock) -> None:
    done = threading.Event()

    def silent(_connection: socket.socket) -> None:
        done.wait(20)

    with listening(silent) as address:
        begin = time.perf_counter()
        platform = Platform(account(f"http://{address}/"), clock, attempts=1)
        answer = platform.text(OPENID, "好")
        assert 4.9 < time.perf_counter() - begin < 7
        done.set()
    assert (answer.text, answer.attempts) == (UNAVAILABLE, 1)
    assert "5 秒" in answer.problem


def test_threads_keep_their_connections() -> None:
    threads: set[int] = set()

    def answer(request: Request) -> Response:
        threads.add(threading.get_ident())  # the server has a thread for each connection
        return Response(request.body + request.query["a"].encode())

    with serving(answer) as base:
        caller = Caller(f"{base}/x", 5.0)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda i: caller.post({"a": "好"}, b"%d" % i, ""), range(400)))
    assert found == [(200, f"{i}好".encode()) for i in range(400)]
    assert len(threads) <= 8


def test_a_connection_that_the_bot_closed_is_not_used_again() -> None:
    with listening(replying(HEAD + b"\r\nsuccess")) as address:
        caller = Caller(f"http://{address}/", 5.0)
        for _ in range(3):
            assert caller.post({}, b"", "text/xml") == (200, b"success")
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\nsuccess", b"success"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\nsuccess", b"success"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nsuc\r\n4\r\ncess\r\n0\r\n\r\n", b"success"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsuccess", None),
        (b"HTTP/1.0 200 OK\r\n\r\n" + bytes(1024 * 1024 + 1), None),
        (b"nonsense\r\n\r\n", None),
        (b"", None),
    ],
)  # fmt: skip
def test_what_servers_say(reply: bytes, body: bytes | None) -> None:
    with listening(replying(reply)) as address:
        if body is None:
            with pytest.raises((OSError, HTTPException)):
                post(address)
        else:
            assert post(address) == (200, body)


def test_the_environments_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:1")
    with listening(replying(HEAD + b"\r\nsuccess")) as address:
        assert post(address) == (200, b"success")


def certificate(folder: Path) -> Path:
    """A file with a key and its own certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sandbox")])
    now = datetime(2020, 1, 1, tzinfo=UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=36500))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    encoding = serialization.Encoding.PEM
    file.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(encoding)
    )
    return file


def test_https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a certificate that the machine trusts, and with one that it does not."""
    file = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            for _ in range(2):
                secure.recv(65536)
                secure.sendall(HEAD + b"\r\nsuccess")

    with listening(handle) as address:
        with pytest.raises(ssl.SSLCertVerificationError):
            Caller(f"https://{address}/", 5.0).post({}, b"", "text/xml")
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        caller = Caller(f"https://{address}/", 5.0)
        for _ in range(2):
            assert caller.post({}, b"", "text/xml") == (200, b"success")


def test_a_handshake_that_never_ends_is_cut() -> None:
    done = threading.Event()

    def silent(_connection: socket.socket) -> None:
        done.wait(20)

    with listening(silent) as address:
        begin = time.perf_counter()
        with pytest.raises(TimeoutError):
            Caller(f"https://{address}/", 0.5).post({}, b"", "text/xml")
        assert time.perf_counter() - begin < 3
        done.set()
