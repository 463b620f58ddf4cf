"""`xueban serve` as a process of its own, which a demo can start, stop and set up anew."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from bot.bootstrap import Application, build, demo_clock_file, prepare_database
from bot.cli.config_file import render
from bot.cli.play_wecom import BOT, WecomChats, callback_section
from bot.clock import OffsetClock, elapsed, pause
from bot.config import Defaults, load_settings
from bot.errors import SandboxProblem
from bot.simulator.official_account import Account
from bot.simulator.wecom.callback import serving_callback
from bot.simulator.wecom.enterprise import Enterprise
from content import loader
from content.loader import Library
from content.schema_play import DemoFile

# Known to everybody, and good for this machine's own demo only: nothing else listens.
TOKEN = "demotoken"  # noqa: S105
AES_KEY = "demo0demo1demo2demo3demo4demo5demo6demo7dem"
APP_ID, SECRET = "wxdemo", "demosecret"
PACK = Defaults().pack
TEMPLATE = "tm-demo-video"
_START_SECONDS, _STOP_SECONDS = 20.0, 20.0


@dataclass
class DemoBot:
    """The bot, with its data in `folder` and the community of the pack's demo. `api_base` is the
    platform's; "" for none: then it only answers. `wecom` is the section of its WeCom bot, {} for
    none.
    """

    folder: Path
    api_base: str = ""
    wecom: Mapping[str, Any] = field(default_factory=dict)
    port: int = field(default_factory=lambda: free_port())
    pack: str = PACK
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _changing: threading.Lock = field(default_factory=threading.Lock)
    _over: bool = False

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def account(self) -> Account:
        callback = f"http://127.0.0.1:{self.port}/callback/official-account"
        return Account(callback, TOKEN, APP_ID, AES_KEY)

    def configure(self, kind: str = "service", *, verified: bool = True) -> None:
        """Write its configuration, for an account of this kind."""
        account: dict[str, Any] = {
            "app_id": APP_ID, "token": TOKEN, "encoding_aes_key": AES_KEY, "kind": kind,
            "verified": verified,
        }  # fmt: skip
        if self.api_base:
            account |= {"secret": SECRET, "api_base": self.api_base}
        if self.api_base and kind == "service" and verified:
            fields = {"thing1": "title", "thing2": "line1"}
            account["template"] = [
                {"topic": "video", "way": "template", "id": TEMPLATE, "fields": fields}
            ]
        values: dict[str, Mapping[str, Any]] = {
            "server": {"port": self.port, "public_url": f"http://127.0.0.1:{self.port}"},
            "storage": {"data_dir": str(self.folder), "synchronous": "NORMAL"},
            "defaults": {"community": demo_of(self.pack).community, "pack": self.pack},
            "official_account": account,
            "log": {"level": "WARNING"},
        }
        if self.wecom:
            values["wecom_bot"] = self.wecom
        self.config.write_text(render(values), encoding="utf-8")

    def prepare(self, library: Library | None = None) -> Application:
        """Its database, made where there is none; the caller disposes of it."""
        settings = load_settings(self.config, {})
        application = build(settings, "command", demo=True, library=library)
        prepare_database(application)
        return application

    def start(self) -> None:
        """Web server and worker, as `serve` starts them. Raises SandboxProblem when it does not
        come up.
        """
        self.start_web()
        self.start_worker()
        self.wait_until_up()

    def start_web(self) -> None:
        """It takes a moment; a new demo's past is made meanwhile, before anything is sent."""
        self._run("serve", "--web-only")

    def start_worker(self) -> None:
        self._run("worker")

    def _run(self, *command: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("XUEBAN_")}
        line = [sys.executable, "-m", "bot", *command, "--config", str(self.config)]
        process = subprocess.Popen(  # noqa: S603
            [*line, "--parent", str(os.getpid())],
            env={**kept, "XUEBAN_DEMO_CLOCK": "1"},
            start_new_session=True,
        )
        self._processes.append(process)

    def stop(self) -> None:
        """For good, also while it is being changed."""
        with self._changing:
            self._over = True
            self._end()

    def _end(self) -> None:
        processes, self._processes = self._processes, []
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    def change(self, kind: str, *, verified: bool) -> None:
        """Another kind of account, as an operator would set it: new configuration, new start.

        Raises SandboxProblem when it does not come up again.
        """
        with self._changing:
            if self._over:
                return
            self._end()
            self.configure(kind, verified=verified)
            self.start()

    def wait_until_up(self) -> None:
        """Until the web server answers. Raises SandboxProblem when it ends instead."""
        session = requests.Session()
        session.trust_env = False
        deadline = elapsed() + _START_SECONDS
        while elapsed() < deadline and all(process.poll() is None for process in self._processes):
            try:
                session.get(f"http://127.0.0.1:{self.port}/healthz", timeout=1)
            except requests.RequestException:
                pause(0.02)
            else:
                return
        raise SandboxProblem("The bot did not start; its messages above say why.")


@contextmanager
def running_bot(folder: Path, pack: str = PACK) -> Iterator[tuple[Account, WecomChats]]:
    """A bot that only answers, on a free port of 127.0.0.1, with its data in `folder`: its account,
    and who talks to it in WeCom.
    """
    bot = DemoBot(folder, pack=pack)
    enterprise = Enterprise(BOT, OffsetClock(demo_clock_file(folder)))
    with serving_callback(enterprise, f"http://127.0.0.1:{bot.port}/callback/wecom-bot") as line:
        bot.wecom = callback_section(line.files.base)
        bot.configure("subscription", verified=False)
        bot.prepare().database.dispose()
        bot.start()
        try:
            yield bot.account, WecomChats(enterprise, line)
        finally:
            bot.stop()


def demo_of(pack: str) -> DemoFile:
    """What the pack has for the demo. Raises SandboxProblem where it has nothing."""
    packs = loader.load().packs
    found = packs[pack].demo if pack in packs else None
    if found is None:
        able = ", ".join(name for name, each in packs.items() if each.demo)
        raise SandboxProblem(f"The pack {pack} has no demo.toml; these have one: {able}.")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
