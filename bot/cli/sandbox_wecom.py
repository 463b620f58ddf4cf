"""The WeCom side of `xueban sandbox`: any bot's long connection, or any bot's callback."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import click

from bot.simulator.office import Office
from bot.simulator.wecom.callback import serving_callback
from bot.simulator.wecom.connection import serving_connection
from bot.simulator.wecom.enterprise import Bot, Enterprise
from bot.simulator.world import World

GROUP = "wrSANDBOX000001"
_KEY = re.compile(r"[A-Za-z0-9]{43}")


@contextmanager
def serving_wecom(world: World, bot: Bot, target: str, port: int) -> Iterator[tuple[Office, str]]:
    """WeCom with everybody who can be played, in one group; and what the bot has to know of it.

    It calls the bot's callback at `target`, or, without one, serves the long connection.
    """
    enterprise = Enterprise(bot, world.clock)
    store = partial(world.api.receive, "image")
    if target:
        with serving_callback(enterprise, target, attempts=1) as callback:
            office = Office(enterprise, callback, world.feed, store)
            _fill(office, world)
            said = f"文件和补发回复的地址在 {callback.files.base}，代替 https://qyapi.weixin.qq.com"
            yield office, f"企业微信：消息送到 {target}\n{said}"
        return
    with serving_connection(enterprise, port=port) as line:
        office = Office(enterprise, line, world.feed, store)
        _fill(office, world)
        yield office, f"企业微信长连接：bot_id={bot.id} secret={bot.secret} ws_url={line.url}"


def bot_of(id: str, name: str, secret: str, token: str, key: str, *, callback: bool) -> Bot:
    """Raises click.BadParameter for half of what a callback needs."""
    if callback and not token:
        raise click.BadParameter("is needed with --wecom-target", param_hint="--wecom-token")
    if callback and not _KEY.fullmatch(key):
        problem = "must be the 43 letters and digits of the bot's EncodingAESKey"
        raise click.BadParameter(problem, param_hint="--wecom-aes-key")
    return Bot(id, name, secret, token, key)


def _fill(office: Office, world: World) -> None:
    office.enterprise.add_group(GROUP, "示例群")
    for persona in world.personas.values():
        office.add(persona.name)
