"""sandbox: the platform on this machine, for any bot that speaks its protocol."""

import re
import signal
import sys
import tempfile
from pathlib import Path
from typing import Literal

import click

from bot.bootstrap import demo_clock_file
from bot.cli.sandbox_wecom import bot_of, serving_wecom
from bot.simulator.api import Api, serving_api
from bot.simulator.hand import Hand
from bot.simulator.official_account import Account, Platform
from bot.simulator.page import Controls, serve_page
from bot.simulator.wecom.enterprise import Bot
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
@click.option("--wecom", "with_wecom", is_flag=True, help="Serve WeCom's long connection as well.")
@click.option("--wecom-target", default="", help="Play WeCom against this callback of the bot.")
@click.option("--wecom-bot", default=Bot.id, show_default=True, help="The WeCom bot's id.")
@click.option("--wecom-name", default="学伴", show_default=True, help="Its name in groups.")
@click.option("--wecom-secret", default="sandbox", show_default=True, help="Long connection's.")
@click.option("--wecom-token", default="", help="The token of its callback.")
@click.option("--wecom-aes-key", default="", help="The EncodingAESKey of its callback.")
@click.option("--ws-port", type=int, default=0, help="Port of the long connection.")
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
    with_wecom: bool,
    wecom_target: str,
    wecom_bot: str,
    wecom_name: str,
    wecom_secret: str,
    wecom_token: str,
    wecom_aes_key: str,
    ws_port: int,
) -> None:
    """Play WeChat against the bot at --target: chat with it, see what goes over the wire."""
    mode = mode or ("safe" if aes_key else "plain")
    if mode != "plain" and not re.fullmatch(r"[A-Za-z0-9]{43}", aes_key):
        raise click.BadParameter(_KEY, param_hint="--aes-key")
    for name, url in (("--target", target), ("--wecom-target", wecom_target or target)):
        if not re.match(r"https?://[^/]", url):
            raise click.BadParameter("must begin with http:// or https://", param_hint=name)
    bot = bot_of(
        wecom_bot, wecom_name, wecom_secret, wecom_token, wecom_aes_key, callback=bool(wecom_target)
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="xueban-sandbox-") as temporary:
        hand = Hand(demo_clock_file(Path(temporary)))
        api = Api(app_id, secret, hand.clock, kind=kind, verified=not unverified)
        with serving_api(api, api_port) as base:
            account = Account(target, token, app_id, aes_key, api.id)
            platform = Platform(account, hand.clock, mode=mode, format=format_)
            cards = {id: ("服务通知", dict[str, str]()) for id in template}
            world = World(platform, api, hand.clock, _PEOPLE, cards, name="公众号")
            if not with_wecom and not wecom_target:
                _serve(Controls(world, hand), port, base)
                return
            with serving_wecom(world, bot, wecom_target, ws_port) as (office, said):
                _serve(Controls(world, hand, office=office), port, base, said)


def _serve(controls: Controls, port: int, base: str, more: str = "") -> None:
    def ready(url: str) -> None:
        click.echo(f"READY {url}")
        click.echo(f"平台接口在 {base}：让被测的程序用它代替 https://api.weixin.qq.com")
        if more:
            click.echo(more)
        click.echo("拨时钟只拨沙盒这一边，被测程序的时钟不会动。按 Ctrl-C 结束。")

    try:
        serve_page(controls, port, ready)
    except KeyboardInterrupt:
        click.echo("再见。")
