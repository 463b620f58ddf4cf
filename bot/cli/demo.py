"""demo: the real bot and the sandbox on this machine, with nothing to set up."""

import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from bot.bootstrap import default_community, demo_clock_file, open_database
from bot.cli.demo_bot import APP_ID, PACK, SECRET, TEMPLATE, DemoBot, demo_of, running_bot
from bot.cli.demo_past import knowing_nothing, live_through, members_of, personas_of
from bot.cli.menu import set_menu
from bot.cli.play import play, prepare
from bot.cli.play_wecom import BOT, GROUP, WecomChats, long_section
from bot.cli.tour import steps_of
from bot.clock import Clock
from bot.config import load_settings
from bot.errors import SandboxProblem
from bot.simulator.api import Api, serving_api
from bot.simulator.hand import Hand
from bot.simulator.office import Office
from bot.simulator.official_account import Platform
from bot.simulator.page import Controls, serve_page
from bot.simulator.tour import Tour
from bot.simulator.wecom.connection import LongConnection, serving_connection
from bot.simulator.wecom.enterprise import Enterprise
from bot.simulator.world import World
from content import loader
from content.schema_play import DemoFile

# The chats of the page, beside the bot's own data.
_KEPT = "sandbox.json"
# Is there once the past is whole.
_LIVED = "demo_past"
_ZONE = ZoneInfo("Asia/Shanghai")
# When the demo begins: nobody is disturbed at this hour, and the day is still long.
_BEGINS = 10
# How many of the members are in the group.
_IN_THE_GROUP = 12
_TEMPLATES = {TEMPLATE: ("每月一视频", {"thing1": "标题", "thing2": "说明"})}


@click.command()
@click.option("--port", type=int, default=0, help="Port of the chat page (default: a free one).")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the demo's data in this folder (default: forget it).",
)
@click.option("--play", "play_it", is_flag=True, help="Play a scripted day, print it, and exit.")
@click.option("--pack", default=PACK, show_default=True, help="Whose people, words and tour.")
def demo(port: int, state: Path | None, play_it: bool, pack: str) -> None:
    """Try it here: WeChat is played by the sandbox, everything else is real."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    question = demo_of(pack).question
    with tempfile.TemporaryDirectory(prefix="xueban-demo-") as temporary:
        folder = (state or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        hand = Hand(demo_clock_file(folder))
        if play_it:
            _play_all(hand, folder, pack)
            return
        with staged(folder, hand, pack) as controls:
            _serve(controls, port, question)


def _serve(controls: Controls, port: int, question: str) -> None:
    def ready(url: str) -> None:
        click.echo(f"READY {url}")
        steps = len(controls.tour.steps) if controls.tour else 0
        click.echo(f"用浏览器打开上面的网址，点“导览”的“下一步”，{steps} 步看完学伴能做什么。")
        click.echo(f"也可以自己选一个人聊：发“打卡”“帮助”，或者问“{question}”。按 Ctrl-C 结束。")

    try:
        serve_page(controls, port, ready)
    except KeyboardInterrupt:
        click.echo("再见。")


@contextmanager
def staged(folder: Path, hand: Hand, pack: str = PACK) -> Iterator[Controls]:
    """The bot, its platform and made-up people with three weeks behind them, ready for the page."""
    demo_file = demo_of(pack)
    api = Api(APP_ID, SECRET, hand.clock)
    with serving_api(api) as base, serving_connection(Enterprise(BOT, hand.clock)) as line:
        bot = DemoBot(folder, base, long_section(line.url), pack=pack)
        bot.configure()
        _begin(bot, demo_file, api, hand)
        controls = _controls(bot, demo_file, api, hand, line)
        try:
            _recall(controls, folder / _KEPT)
            set_menu(bot.config, hand.clock)
            bot.wait_until_up()
            yield controls
        finally:
            bot.stop()
            _keep(controls, folder / _KEPT)


def _recall(controls: Controls, file: Path) -> None:
    """The chats of a demo before, where there was one."""
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if kept:
        controls.world.recall(kept)
    if controls.office and "wecom" in kept:
        controls.office.recall(kept["wecom"])


def _keep(controls: Controls, file: Path) -> None:
    kept = controls.world.kept()
    if controls.office:
        kept["wecom"] = controls.office.kept()
    part = file.with_suffix(".part")
    part.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    part.replace(file)


def _begin(bot: DemoBot, demo_file: DemoFile, api: Api, hand: Hand) -> None:
    """Start the bot; where it is new, its people have a past first.

    Raises SandboxProblem for a folder whose past was never finished, or is another pack's.
    """
    lived = bot.folder / _LIVED
    new = not lived.exists()
    if new and (bot.folder / "xueban.db").exists():
        raise SandboxProblem(
            f"The demo in {bot.folder} is not a whole one. Delete that folder, or choose another."
        )
    if not new and (before := lived.read_text(encoding="utf-8") or PACK) != bot.pack:
        raise SandboxProblem(f"The demo in {bot.folder} is one of {before}. Choose another folder.")
    if new:
        local = Clock().now().astimezone(_ZONE)
        begins = local.replace(hour=_BEGINS, minute=0, second=0, microsecond=0)
        hand.set(begins - local)
    application = bot.prepare(knowing_nothing(loader.load()))
    try:
        bot.start_web()
        if new:
            last = live_through(application, demo_file, api.id, hand.clock.now())
            for openid, at in last.items():
                api.heard(openid, "message", at)
            api.followers = set(last)
            lived.write_text(bot.pack, encoding="utf-8")
        bot.start_worker()
    except BaseException:
        bot.stop()
        raise
    finally:
        application.database.dispose()


def _controls(
    bot: DemoBot, demo_file: DemoFile, api: Api, hand: Hand, line: LongConnection
) -> Controls:
    platform = Platform(bot.account, hand.clock)
    world = World(platform, api, hand.clock, personas_of(demo_file), _TEMPLATES)
    office = _office(world, line, demo_file)

    def profile(kind: str, verified: bool) -> None:
        """The account's kind in the bot's configuration as well."""
        world.become(kind, verified)
        try:
            bot.change(kind, verified=verified)
        except SandboxProblem as problem:
            world.note(str(problem))

    tour = Tour(world, steps_of(demo_file), hand, profile, office)
    return Controls(world, hand, tour, profile, office)


def _office(world: World, line: LongConnection, demo_file: DemoFile) -> Office:
    """One group, with whoever can be played and the first of the others."""
    office = Office(line.enterprise, line, world.feed, partial(world.api.receive, "image"))
    line.enterprise.add_group(GROUP, demo_file.group)
    names = [persona.name for persona in world.personas.values()]
    for name in dict.fromkeys([*names, *islice(members_of(demo_file), _IN_THE_GROUP)]):
        office.add(name)
    return office


def _play_all(hand: Hand, folder: Path, pack: str) -> None:
    """Every dialogue that is meant for it, one after the other, with the clock moved on."""
    with running_bot(folder, pack) as (account, wecom):
        _play_each(Platform(account, hand.clock), wecom, hand, folder)


def _play_each(platform: Platform, wecom: WecomChats, hand: Hand, folder: Path) -> None:
    settings = load_settings(folder / "config.toml", {})
    database = open_database(settings, "command")
    for dialogue in loader.load().packs[settings.defaults.pack].dialogues.values():
        if not dialogue.in_demo:
            continue
        click.echo(f"—— {dialogue.title} ——")
        start = datetime.fromisoformat(dialogue.starts_at).astimezone(UTC)
        hand.set(start - Clock().now())
        names = prepare(database, dialogue, default_community(settings), hand.clock.now())
        for line in play(platform, dialogue, hand.forward, names, wecom):
            click.echo(line)
    database.dispose()
