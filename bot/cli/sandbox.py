"""sandbox: the platform on this machine, for any bot that speaks its protocol."""

import re
import signal
import sys
import tempfile
from pathlib import Path
from typing import Literal

import click

from bot.bootstrap import demo_clock_file
from bot.simulator.api import Api, serving_api
from bot.simulator.hand import Hand
from bot.simulator.official_account import Account, Platform
from bot.simulator.page import Controls, serve_page
from bot.simulator.world import Persona, World

_KEY = "must be the 43 letters and digits of the bot's EncodingAESKey"
_PEOPLE = (
    Persona("成员01"),
    Persona("成员02"),
    Persona("成员03"),
    Persona("新同学", "新同学", "还没关注", following=False),
)


@click.command()
@click.option("--target", required=True, help="The bot's callback, e.g. http://127.0.0.1:8000/wx")
@click.option("--token", required=True, help="The token that the bot is set up with.")
@click.option("--aes-key", default="", help="Its EncodingAESKey; without it messages are plain.")
@click.option("--app-id", default="wxsandbox", show_default=True)
@click.option("--secret", default="sandbox", show_default=True, help="For the calls of the bot.")
@click.option(
    "--mode",
    type=click.Choice(["safe", "compatible", "plain"]),
    help="Default: safe with --aes-key, else plain.",
)
@click.option("--format", "format_", type=click.Choice(["xml", "json"]), default="xml")
@click.option("--kind", type=click.Choice(["service", "subscription"]), default="service")
@click.option("--unverified", is_flag=True, help="An account that may do next to nothing.")
@click.option("--template", multiple=True, help="Id of a template that people can agree to.")
@click.option("--port", type=int, default=0, help="Port of the chat page (default: a free one).")
@click.option("--api-port", type=int, default=0, help="Port of the platform's API.")
def sandbox(
    target: str,
    token: str,
    aes_key: str,
    app_id: str,
    secret: str,
    mode: Literal["safe", "compatible", "plain"] | None,
    format_: Literal["xml", "json"],
    kind: Literal["service", "subscription"],
    unverified: bool,
    template: tuple[str, ...],
    port: int,
    api_port: int,
) -> None:
    """Play WeChat against the bot at --target: chat with it, see what goes over the wire."""
    mode = mode or ("safe" if aes_key else "plain")
    if mode != "plain" and not re.fullmatch(r"[A-Za-z0-9]{43}", aes_key):
        raise click.BadParameter(_KEY, param_hint="--aes-key")
    if not re.match(r"https?://[^/]", target):
        raise click.BadParameter("must begin with http:// or https://", param_hint="--target")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="xueban-sandbox-") as temporary:
        hand = Hand(demo_clock_file(Path(temporary)))
        api = Api(app_id, secret, hand.clock, kind=kind, verified=not unverified)
        with serving_api(api, api_port) as base:
            account = Account(target, token, app_id, aes_key, api.id)
            platform = Platform(account, hand.clock, mode=mode, format=format_)
            cards = {id: ("服务通知", dict[str, str]()) for id in template}
            world = World(platform, api, hand.clock, _PEOPLE, cards, name="公众号")
            _serve(Controls(world, hand), port, base)


def _serve(controls: Controls, port: int, base: str) -> None:
    def ready(url: str) -> None:
        click.echo(f"READY {url}")
        click.echo(f"平台接口在 {base}：让被测的程序用它代替 https://api.weixin.qq.com")
        click.echo("拨时钟只拨沙盒这一边，被测程序的时钟不会动。按 Ctrl-C 结束。")

    try:
        serve_page(controls, port, ready)
    except KeyboardInterrupt:
        click.echo("再见。")
