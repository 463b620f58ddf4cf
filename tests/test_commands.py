"""The command line as a new user runs it: real processes, real files."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from click.testing import CliRunner, Result
from sqlalchemy import text

from bot.bootstrap import demo_clock_file, open_database
from bot.cli import demo_bot, main
from bot.cli.config_file import render
from bot.cli.demo import staged
from bot.cli.demo_bot import DemoBot, free_port
from bot.cli.play_wecom import BOT, GROUP, long_section
from bot.cli.sandbox_wecom import GROUP as SANDBOX_GROUP
from bot.clock import Clock, elapsed, pause
from bot.config import load_settings
from bot.domain.messages import Notice
from bot.errors import SandboxProblem
from bot.services import deliveries
from bot.services.deliveries import Saying
from bot.simulator.api import Api, serving_api
from bot.simulator.hand import Hand
from bot.simulator.official_account import Platform
from bot.simulator.world import openid_of
from bot.storage.models import Person
from tests.platform import AES_KEY, APP_ID, OPENID, TOKEN, account


def environment() -> dict[str, str]:
    """A new user's: nothing of ours is set."""
    return {name: value for name, value in os.environ.items() if not name.startswith("XUEBAN_")}


def xueban(*arguments: str | Path, cwd: Path, typed: str = "") -> Result:
    """One command in this process: the real command on the real database. `typed` are its keys."""
    with chdir(cwd):
        return CliRunner().invoke(main, [str(argument) for argument in arguments], input=typed)


def good(*arguments: str | Path, cwd: Path) -> str:
    done = xueban(*arguments, cwd=cwd)
    assert done.exit_code == 0, done.output
    return done.stdout


def bad(code: int, *arguments: str | Path, cwd: Path) -> str:
    """What a failing command says on standard error; never an exception of its own."""
    done = xueban(*arguments, cwd=cwd)
    assert done.exit_code == code, done.output
    assert isinstance(done.exception, SystemExit)
    return done.stderr


def write_config(folder: Path, url: str = "", port: int = 8000) -> Path:
    file = folder / "config.toml"
    values: dict[str, dict[str, Any]] = {
        "server": {"port": port},
        "storage": {"data_dir": str(folder / "data"), "url": url},
        "official_account": {"app_id": APP_ID, "token": TOKEN, "encoding_aes_key": AES_KEY},
    }
    file.write_text(render(values), encoding="utf-8")
    return file


@contextmanager
def process(*arguments: str | Path, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(
        [sys.executable, "-m", "bot", *map(str, arguments)],
        cwd=cwd, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    try:
        yield running
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def wait_for(url: str, seconds: float = 20) -> requests.Response:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return requests.get(url, timeout=2)
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_serve_answers_ticks_and_stops(empty_url: str, tmp_path: Path) -> None:
    """An empty database is created; the worker runs beside; SIGTERM ends all of it."""
    port = free_port()
    config = write_config(tmp_path, empty_url, port)
    with process("serve", "--config", config, cwd=tmp_path) as running:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        platform = Platform(account(f"http://127.0.0.1:{port}/callback/official-account"), Clock())
        assert "打卡成功" in first_check_in(platform)
        assert in_chunks(platform, b" " * 100) == 200
        assert in_chunks(platform, b" " * 100_000) == 400
        deadline = time.monotonic() + 20
        while "worker" in doctor(config, tmp_path):
            assert time.monotonic() < deadline, "the worker never ticked"
            time.sleep(0.2)
        metrics = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
        assert (
            'xueban_messages_total{channel="official_account",outcome="answered",type="text"} 3.0'
            in metrics
        )
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
        assert running.stdout is not None
        assert "Traceback" not in running.stdout.read()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2)


def test_nothing_outlives_a_killed_server(tmp_path: Path) -> None:
    port = free_port()
    with process("serve", "--config", write_config(tmp_path, port=port), cwd=tmp_path) as running:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        children = psutil.Process(running.pid).children(recursive=True)
        running.kill()
        gone, alive = psutil.wait_procs(children, timeout=10)
    assert len(gone) >= 2
    assert alive == []


def in_chunks(platform: Platform, padding: bytes) -> int:
    """The status of a message that comes without a length, as some proxies send it."""
    stamp = str(int(Clock().now().timestamp()))
    message = {"ToUserName": "gh", "FromUserName": OPENID, "CreateTime": stamp, "MsgType": "text",
               "Content": "帮助", "MsgId": platform.new_id()}  # fmt: skip
    query, body = platform.request(OPENID, message)
    whole = body + padding
    pieces = (whole[start : start + 1000] for start in range(0, len(whole), 1000))
    return requests.post(
        platform._account.callback, params=query, data=pieces, timeout=5
    ).status_code


def first_check_in(platform: Platform) -> str:
    """What somebody unknown gets who agrees to the notice."""
    assert "同意并打卡" in platform.text(OPENID, "打卡").text
    return platform.text(OPENID, "1").text


def doctor(config: Path, cwd: Path) -> dict[str, str]:
    """Subject to finding, of the checks that did not pass."""
    done = xueban("doctor", "--json", "--config", config, cwd=cwd)
    return {
        row["subject"]: row["finding"] for row in json.loads(done.stdout) if row["state"] != "ok"
    }


def test_serve_refuses_an_older_schema_and_upgrade_backs_up_first(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    good(
        "init",
        "--non-interactive",
        "--force",
        "--output",
        config,
        "--data-dir",
        tmp_path / "data",
        cwd=tmp_path,
    )
    with sqlite3.connect(tmp_path / "data" / "xueban.db") as database:
        for (table,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            database.execute(f'DROP TABLE "{table}"')
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    database.close()

    for command in ("serve", "worker"):
        assert "xueban db upgrade" in bad(1, command, "--config", config, cwd=tmp_path)
    assert "Upgraded from None" in good("db", "upgrade", "--config", config, cwd=tmp_path)
    assert len(list((tmp_path / "data" / "backups").glob("*-before-upgrade.backup"))) == 1
    assert "up to date" in good("db", "upgrade", "--config", config, cwd=tmp_path)


def test_init_writes_a_configuration_that_serves_and_a_code_that_binds(tmp_path: Path) -> None:
    said = good("init", "--non-interactive", "--app-id", APP_ID, "--token", TOKEN, "--data-dir",
                tmp_path / "d", "--encoding-aes-key", AES_KEY, cwd=tmp_path)  # fmt: skip
    found = re.search(r"绑定 (\w{8})", said)
    assert found
    assert "80 或 443" in said
    config = tmp_path / "config.toml"
    assert config.stat().st_mode & 0o077 == 0
    assert AES_KEY not in said
    assert "is there already" in bad(2, "init", "--non-interactive", cwd=tmp_path)

    port = free_port()
    config.write_text(config.read_text().replace("# port = 8000", f"port = {port}"))
    with process("serve", "--web-only", cwd=tmp_path):
        wait_for(f"http://127.0.0.1:{port}/healthz")
        platform = Platform(account(f"http://127.0.0.1:{port}/callback/official-account"), Clock())
        assert "先说清楚" in platform.text(OPENID, f"绑定 {found[1]}").text
        said_first = platform.text(OPENID, "1").text
        said_again = platform.text(OPENID, f"绑定 {found[1]}").text
    assert "组织者" in said_first
    assert "口令不对" in said_again


def test_init_asks(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "init"], cwd=tmp_path, env=environment(), text=True, timeout=60,
        input="读书会\nreading-club\nmydata\nwx123\nhttps://bot.example.edu\nservice\ny\nBOT1\nsek\n学伴\n", capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "config.toml").read_text()
    for line in ('community = "读书会"', 'pack = "reading-club"', 'data_dir = "mydata"', 'app_id = "wx123"', 'kind = "service"',
                 "verified = true", 'public_url = "https://bot.example.edu"',
                 'mode = "websocket"', 'bot_id = "BOT1"', 'secret = "sek"'):  # fmt: skip
        assert f"\n{line}\n" in text
    assert "https://bot.example.edu/callback/official-account" in done.stdout


def test_communities(empty_url: str, tmp_path: Path) -> None:
    config = write_config(tmp_path, empty_url)
    assert "xueban serve creates it" in bad(
        1, "community", "list", "--config", config, cwd=tmp_path
    )
    port = free_port()
    config = write_config(tmp_path, empty_url, port)
    with process("serve", "--web-only", "--config", config, cwd=tmp_path):
        wait_for(f"http://127.0.0.1:{port}/healthz")

    def command(*arguments: str) -> str:
        return good("community", *arguments, "--config", str(config), cwd=tmp_path)

    command("add", "一支部", "--parent", "我们的支部", "--quiet-hours", "23:00-07:00")
    command("set", "一支部", "--name", "第一支部", "--daily-message-budget", "5",
            "--crisis-line", "校心理中心 8800")  # fmt: skip
    assert "第一支部" in command("list")
    command("add", "边城读书会", "--pack", "reading-club")
    assert re.search(
        r"「第一支部」mentor：.*绑定 \w{8}", command("code", "第一支部", "--role", "mentor")
    )
    assert "「我们的支部」organiser" in command("code")
    rows = json.loads(command("list", "--json"))
    assert [row["pack"] for row in rows] == ["party-branch", "party-branch", "reading-club"]
    assert rows[1] == {"name": "第一支部", "parent": "我们的支部", "pack": "party-branch",
                       "timezone": "Asia/Shanghai", "quiet_hours": "23:00-07:00",
                       "daily_message_budget": 5, "crisis_line": "校心理中心 8800",
                       "complaint_line": ""}  # fmt: skip
    wrong = bad(1, "community", "add", "第一支部", "--timezone", "Mars", "--quiet-hours", "x",
                "--pack", "none", "--daily-message-budget", "99", "--config", config, cwd=tmp_path)  # fmt: skip
    for key in ("name", "timezone", "quiet_hours", "pack", "daily_message_budget"):
        assert f"- {key}: " in wrong
    assert "there are" in bad(
        1, "community", "set", "无", "--name", "x", "--config", config, cwd=tmp_path
    )
    assert bad(2, "community", "set", "第一支部", "--config", config, cwd=tmp_path)


def test_backup_and_restore(empty_url: str, tmp_path: Path, postgres: object) -> None:
    port = free_port()
    config = write_config(tmp_path, empty_url, port)
    assert "no database yet" in bad(1, "db", "backup", "x", "--config", config, cwd=tmp_path)
    with process("serve", "--config", config, cwd=tmp_path):
        wait_for(f"http://127.0.0.1:{port}/healthz")
        assert "Wrote" in good(
            "db", "backup", tmp_path / "a.backup", "--config", config, cwd=tmp_path
        )
        good("community", "add", "后来的", "--config", config, cwd=tmp_path)
        refused = xueban("db", "restore", tmp_path / "a.backup", "--config", config, cwd=tmp_path)
        assert refused.exit_code == 1  # nobody said yes
        said = good(
            "db", "restore", tmp_path / "a.backup", "--yes", "--config", config, cwd=tmp_path
        )
        assert "before-restore.backup" in said
        assert "后来的" not in good("community", "list", "--config", config, cwd=tmp_path)
        platform = Platform(account(f"http://127.0.0.1:{port}/callback/official-account"), Clock())
        assert "打卡成功" in first_check_in(platform)
    (tmp_path / "junk").write_text("x")
    assert bad(1, "db", "restore", tmp_path / "junk", "--yes", "--config", config, cwd=tmp_path)
    assert "no backup" in bad(
        1, "db", "restore", tmp_path / "no", "--yes", "--config", config, cwd=tmp_path
    )


@pytest.mark.parametrize(
    "command",
    [
        "schedule preview",
        "deliveries list",
        "deliveries show 1",
        "deliveries retry 1",
        "video list",
    ],
)
def test_without_a_database_nothing_is_made(command: str, tmp_path: Path) -> None:
    said = bad(1, *command.split(), cwd=tmp_path)
    assert "There is no database yet; xueban serve creates it" in said
    assert list(tmp_path.iterdir()) == []


def with_deliveries(folder: Path) -> None:
    """A database with a person, and two study cards for them: one failed, one waits."""
    good("init", "--non-interactive", "--data-dir", folder / "data", cwd=folder)
    database = open_database(load_settings(folder / "config.toml", {}), "command")
    now = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
    with database.begin() as session:
        session.add(Person(name="成员01", created_at=now))
        session.flush()
        card = Notice("study_card", title="学习卡", lines=("问：多久？",), source="依据：某条例")
        for key in ("x", "y"):
            deliveries.tell(session, [1], 1, Saying("study_card", key, card), now)
        session.execute(text("UPDATE delivery SET state = 'failed', reason = 'no answer at all, '"
                             " || 'tried for four hours' WHERE id = 1"))  # fmt: skip
    database.dispose()


def test_deliveries_for_people_and_for_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with_deliveries(tmp_path)

    def said(*arguments: str) -> str:
        return good("deliveries", *arguments, cwd=tmp_path)

    lines = said("list").splitlines()
    assert len([line for line in lines if "study_card" in line and "11-23 04:00" in line]) == 2
    assert len(lines) == 2 + 5
    assert any("failed: no answer" in line and "成员01" in line for line in lines)
    rows = json.loads(said("list", "--json"))
    assert rows[1]["reason"] == "no answer at all, tried for four hours"
    assert rows[1]["created"] == "2026-11-22 20:00:00"
    counted = json.loads(said("list", "--counts", "--state", "failed", "--json"))
    assert counted == [{"topic": "study_card", "state": "failed", "count": 1}]
    assert json.loads(said("list", "--counts", "--topic", "video", "--json")) == []
    shown = said("show", "1")
    assert shown.index("多久") < shown.index("依据：某条例")


def test_deliveries_that_there_are_not(tmp_path: Path) -> None:
    with_deliveries(tmp_path)
    for counts in ((), ("--counts",)):
        refused = bad(1, "deliveries", "list", "--topic", "nonsense", *counts, cwd=tmp_path)
        assert "meeting, study_card" in refused
        refused = bad(1, "deliveries", "list", "--community", "没有", *counts, cwd=tmp_path)
        assert "我们的支部" in refused
    done = xueban("deliveries", "retry", "1", "2", "999", cwd=tmp_path)
    assert (done.exit_code, done.stdout) == (0, "Planned 1 of 3 anew.\n")
    assert "There is no delivery 999" in done.stderr
    assert "Only what has failed" in done.stderr
    assert "There is no delivery 998, 999" in bad(
        1, "deliveries", "retry", "998", "999", cwd=tmp_path
    )


def test_a_broken_configuration_lists_every_problem(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[server]\nport = "x"\n[log]\nlevel = "LOUD"\n[nothing]\n'
    )
    for command in (("serve",), ("worker",), ("db", "upgrade"), ("community", "list")):
        said = bad(2, *command, cwd=tmp_path)
        assert all(f"- {key}: " in said for key in ("server.port", "log.level", "nothing"))
    assert xueban("doctor", cwd=tmp_path).exit_code == 1


def test_doctor_says_what_to_do(tmp_path: Path) -> None:
    found = json.loads(good("doctor", "--json", cwd=tmp_path))
    states = {row["subject"]: row["state"] for row in found}
    assert states["config"] == states["content"] == "ok"
    assert states["channels"] == states["database"] == "warn"
    assert all(row["advice"] for row in found if row["state"] != "ok")

    config = write_config(tmp_path)
    text = config.read_text().replace('# public_url = ""', 'public_url = "http://127.0.0.1:9"')
    config.write_text(
        text.replace('# api_base = "https://api.weixin.qq.com"', 'api_base = "http://127.0.0.1:9"')
    )
    assert xueban("doctor", "--config", config, cwd=tmp_path).exit_code == 1
    checks = doctor(config, tmp_path)
    assert "80 or 443" in checks["callback"]
    assert "could not be asked" in checks["clock"]


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """As a user without rights: root may write everywhere, so a child gives them up."""
    folder = tmp_path / "locked"
    folder.mkdir()
    config = write_config(tmp_path)
    config.write_text(config.read_text().replace(str(tmp_path / "data"), str(folder)))
    folder.chmod(0o555)
    script = (
        "import os, sys\nfrom alembic.ddl import sqlite, postgresql\nfrom bot.cli import main, operate\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        f"main(['serve', '--config', {str(config)!r}])"
    )
    for parent in (config, *tmp_path.parents[:3], tmp_path):
        parent.chmod(parent.stat().st_mode | 0o055)
    done = subprocess.run([sys.executable, "-c", script], env=environment(), cwd="/", text=True,
                          capture_output=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 1
    assert "The database cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("pack", "others"), [("party-branch", "共读会"), ("reading-club", "主题党日")]
)
def test_demo_play_prints_a_day(pack: str, others: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "bot", "demo", "--play", "--pack", pack], cwd=tmp_path,
                          text=True, env=environment(), capture_output=True, timeout=60, check=True)  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) >= 20
    assert any("打卡成功" in line for line in lines)
    assert others not in done.stdout


def test_demo_needs_a_pack_that_has_one(tmp_path: Path) -> None:
    none = bad(1, "demo", "--play", "--pack", "base", cwd=tmp_path)
    assert "these have one: party-branch, reading-club" in none


def said_to(url: str, who: str, text: str, expected: str) -> None:
    """Send a text by the page, and wait for the answer there."""
    openid, headers = openid_of(who), {"X-Sandbox": "1"}
    fields = {"openid": openid, "text": text}
    assert requests.post(f"{url}api/say", json=fields, headers=headers, timeout=5).ok
    deadline = elapsed() + 20
    while expected not in str(requests.get(f"{url}api/chat/{openid}", timeout=5).json()):
        assert elapsed() < deadline
        pause(0.05)


def said_in_wecom(url: str, chat: str, text: str, expected: str) -> str:
    """Somebody says it in a group, once the bot is there: all that stands in the group then."""
    headers = {"X-Sandbox": "1"}
    fields = {"name": "成员03", "chat": chat, "text": text}
    deadline = elapsed() + 30
    while not requests.get(f"{url}api/state", timeout=5).json()["wecom"]["live"]:
        assert elapsed() < deadline
        pause(0.05)
    assert requests.post(f"{url}api/wecom/say", json=fields, headers=headers, timeout=5).ok
    while True:
        shown = str(requests.get(f"{url}api/wecom/chat/{chat}", timeout=5).json())
        if expected in shown:
            return shown
        assert elapsed() < deadline
        pause(0.05)


@pytest.mark.browser
def test_demo_serves_a_chat_page_and_keeps_its_state(tmp_path: Path) -> None:
    for words, expected in (("打卡 第一章", "打卡成功"), ("打卡", "今天已经打过卡了")):
        with process("demo", "--state", tmp_path / "state", cwd=tmp_path) as running:
            assert running.stdout is not None
            ready = running.stdout.readline()
            assert ready.startswith("READY http://127.0.0.1:")
            url = ready.split()[1]
            assert "沙盒" in requests.get(url, timeout=5).text
            said_to(url, "成员03", words, expected)
            chat = requests.get(f"{url}api/chat/{openid_of('成员03')}", timeout=5).json()
            assert "第一章" in str(chat)
            group = said_in_wecom(url, GROUP, f"{words} 在群里", "打卡成功")
            assert "第一章 在群里" in group
            running.send_signal(signal.SIGINT)
            assert running.wait(20) == 0


@pytest.mark.browser
def test_the_tour_of_another_pack(tmp_path: Path) -> None:
    with staged(tmp_path, Hand(demo_clock_file(tmp_path)), "reading-club") as controls:
        assert controls.tour is not None
        for number, _ in enumerate(controls.tour.steps, start=1):
            controls.tour.play(number)
        controls.world.close()
    with (
        pytest.raises(SandboxProblem, match="one of reading-club"),
        staged(tmp_path, Hand(demo_clock_file(tmp_path)), "party-branch"),
    ):
        pass


@pytest.mark.interop
def test_sandbox_plays_the_platform_against_any_bot(tmp_path: Path) -> None:
    """Here against our own, in plain mode, as a bot by somebody else would be."""
    port = free_port()
    ws_port = free_port()
    bot = DemoBot(tmp_path, port=port, wecom=long_section(f"ws://127.0.0.1:{ws_port}"))
    bot.configure("subscription", verified=False)
    bot.config.write_text(bot.config.read_text().replace(demo_bot.AES_KEY, ""))
    bot.prepare().database.dispose()
    bot.start()
    try:
        target = ("--target", bot.account.callback, "--token", demo_bot.TOKEN)
        wecom = ("--wecom", "--wecom-bot", BOT.id, "--wecom-secret", BOT.secret)
        options = (*target, "--app-id", demo_bot.APP_ID, *wecom, "--ws-port", str(ws_port))
        with process("sandbox", *options, cwd=tmp_path) as running:
            assert running.stdout is not None
            ready = running.stdout.readline()
            said_to(ready.split()[1], "成员01", "帮助", "打卡")
            assert "http://127.0.0.1:" in running.stdout.readline()
            assert f"ws_url=ws://127.0.0.1:{ws_port}" in running.stdout.readline()
            said_in_wecom(ready.split()[1], SANDBOX_GROUP, "预备期多久", "预备期为 1 年")
            running.send_signal(signal.SIGINT)
            assert running.wait(20) == 0
    finally:
        bot.stop()


def test_sandbox_refuses_half_a_key(tmp_path: Path) -> None:
    options = ("--target", "http://127.0.0.1:1/", "--token", "abc", "--aes-key", "short")
    done = xueban("sandbox", *options, cwd=tmp_path)
    assert done.exit_code != 0
    assert "43" in done.output


@pytest.mark.parametrize(
    "more", [("--wecom-target", "x"), ("--wecom-target", "http://127.0.0.1:1/"),
             ("--wecom-target", "http://127.0.0.1:1/", "--wecom-token", "abc")],
)  # fmt: skip
def test_sandbox_refuses_half_a_wecom_bot(more: tuple[str, ...], tmp_path: Path) -> None:
    options = ("--target", "http://127.0.0.1:1/", "--token", "abc", *more)
    assert "--wecom-" in bad(2, "sandbox", *options, cwd=tmp_path)


@pytest.mark.parametrize("command", [
    (), ("demo",), ("sandbox",), ("menu",), ("menu", "push"), ("menu", "remove"), ("init",), ("doctor",), ("serve",), ("worker",), ("db",), ("db", "upgrade"),
    ("db", "backup"), ("db", "restore"), ("community",), ("community", "add"),
    ("community", "list"), ("community", "set"), ("roster",), ("roster", "import"),
    ("roster", "undo"), ("roster", "codes"), ("content", "check"), ("content", "review"),
    ("content",), ("content", "import"),
    ("content", "export"), ("content", "own"), ("content", "own", "list"), ("content", "own", "show"),
    ("content", "own", "approve"), ("content", "own", "withdraw"), ("content", "own", "undo"),
])  # fmt: skip
def test_every_command_explains_itself(command: Sequence[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 4


def test_doctor_tries_the_credentials(tmp_path: Path) -> None:
    api = Api("wxdoctor", "right", Clock())
    config = tmp_path / "config.toml"

    def says(secret: str, base: str) -> str:
        config.write_text(
            f'[storage]\ndata_dir = "{tmp_path / "data"}"\n[official_account]\n'
            f'app_id = "wxdoctor"\ntoken = "abcdef"\nsecret = "{secret}"\nverified = true\n'
            f'kind = "service"\napi_base = "{base}"\n'
        )
        done = xueban("doctor", "--json", "--config", config, cwd=tmp_path)
        assert secret not in done.stdout + done.stderr
        checks = {row["subject"]: row for row in json.loads(done.stdout)}
        return f"{checks['sending']['finding']} {checks['sending']['advice']}"

    def capability() -> str:
        done = xueban("doctor", "--json", "--config", config, cwd=tmp_path)
        (found,) = [row for row in json.loads(done.stdout) if row["subject"] == "capability"]
        return f"{found['state']} {found['finding']}"

    with serving_api(api) as base:
        assert "gives us a token" in says("right", base)
        assert capability().startswith("ok customer, media, menu")
        api.verified, api.kind = False, "subscription"
        assert "less than configured" in capability()
        assert "official_account.secret" in says("wrong", base)
        api.allowed = ("10.0.0.1",)
        assert "IP" in says("right", base)
    assert "did not answer" in says("right", base)


def test_ask_says_every_decision(tmp_path: Path) -> None:
    def ask(*arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(good("ask", "--json", *arguments, cwd=tmp_path))
        assert list(found) == [
            "decision",
            "class",
            "entry",
            "score",
            "answer",
            "sources",
            "candidates",
        ]
        return found

    answer = ask("正式党员不足三名怎么办？")
    assert (answer["decision"], answer["entry"], answer["class"]) == ("answer", "B02", None)
    assert answer["sources"] == [
        {
            "document": "中国共产党支部工作条例（试行）",
            "clause": "第五条",
            "version": "2018-10-28 施行",
        }
    ]
    assert answer["candidates"][0] == {"entry": "B02", "score": answer["score"]}
    clarify = ask("会议多久开一次")
    assert clarify["decision"] == "clarify"
    assert 2 <= len(clarify["candidates"]) <= 4
    assert ask("食堂几点关门")["decision"] == "escalate"
    draft = ask("党支部要开民主生活会吗")
    assert (draft["decision"], draft["entry"], draft["sources"]) == ("escalate", None, [])
    question, sentence = draft["answer"].splitlines()
    assert question == "问：党支部要开民主生活会吗？"
    assert sentence == "这一条还没有对照正式文件核对过，先不给答案，请问组织者。"
    decline = ask("我不想活了")
    assert (decline["decision"], decline["class"]) == ("decline", "crisis")
    assert "12356" in decline["answer"]
    assert ask("下次开会是哪天")["answer"] == "会议"
    assert ask("打卡 读书")["decision"] == "command"
    assert ask("打卡 我不想活了")["class"] == "crisis"
    assert ask("谢谢")["decision"] == "courtesy"
    assert ask("世界读书日是哪一天？")["entry"] is None
    elsewhere = ask("世界读书日是哪一天？", "--pack", "reading-club")
    assert (elsewhere["decision"], elsewhere["entry"]) == ("answer", "book-day")
    assert ask("正式党员不足三名怎么办？", "--pack", "reading-club")["entry"] is None
    none = bad(2, "ask", "x", "--pack", "none", cwd=tmp_path)
    assert "there are party-branch, reading-club" in none
    explained = good("ask", "团员大会多久开一次", "--explain", cwd=tmp_path)
    assert "looks like: look up" in explained
    assert "B05" in explained


def test_ask_over_a_file_is_the_matcher_alone(tmp_path: Path) -> None:
    file = tmp_path / "kb.jsonl"
    lines = [
        {
            "id": "refund",
            "question": "退款要多久到账？",
            "variants": ["多久能退款"],
            "answer": "3 天。",
        },
        {"id": "exchange", "question": "怎么换货？", "answer": "找客服。"},
    ]
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    found = json.loads(good("ask", "多久能退款呀", "--kb", file, "--json", cwd=tmp_path))
    assert (found["decision"], found["entry"], found["answer"]) == ("answer", "refund", "3 天。")
    assert found["sources"] == []
    file.write_text('{"id": 1}\nnot json\n', "utf-8")
    wrong = bad(1, "ask", "x", "--kb", file, cwd=tmp_path)
    assert "line 1" in wrong
    assert "line 2" in wrong


def test_content_check(tmp_path: Path) -> None:
    checked = good("content", "check", cwd=tmp_path)
    assert "party-branch: " in checked
    assert "reading-club: " in checked
    packs = tmp_path / "packs"
    (packs / "club" / "knowledge").mkdir(parents=True)
    (packs / "base").mkdir()
    (packs / "club" / "knowledge" / "a.toml").write_text(
        '[[entry]]\nid = "a"\nquestion = "甲？"\nanswer = ""\ntopic = "t"\nsources = []\n'
        'checked_on = "2026-13-01"\n[[entry]]\nid = "b"\nquestion = "乙？"\nanswer = "答"\n'
        'topic = "t"\nsources = []\nchecked_on = "2026-11-23"\n', "utf-8",
    )  # fmt: skip
    wrong = bad(1, "content", "check", packs, cwd=tmp_path)
    for part in (
        "a.toml: entry: a: answer",
        "entry: b: sources",
        "entry: a: checked_on",
    ):
        assert part in wrong
    assert "at least 1 item" not in wrong
    assert "no base pack" in bad(1, "content", "check", packs / "club", cwd=tmp_path)
    assert "no such folder" in bad(1, "content", "check", tmp_path / "none", cwd=tmp_path)
