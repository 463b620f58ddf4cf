"""A bot's WeCom callback, and the sandbox's platform that calls it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bot.bootstrap import Application, build, prepare_database
from bot.cli.play_wecom import BOT, callback_section
from bot.config import Settings
from bot.simulator.server import Request, Response
from bot.simulator.server import serving as serving_files
from bot.simulator.wecom.callback import Callback
from bot.simulator.wecom.enterprise import Enterprise
from tests.conftest import HandClock
from tests.platform import serving


@contextmanager
def with_callback(
    settings: Settings, clock: HandClock
) -> Iterator[tuple[Application, str, Callback]]:
    """The application with both channels, the URL for its official account, and WeCom's side."""
    lines: list[Callback] = []

    def answer(request: Request) -> Response:
        return lines[0].answer(request)

    with serving_files(answer) as base:
        values = settings.model_dump() | {"wecom_bot": callback_section(base)}
        application = replace(build(Settings.model_validate(values), "web"), clock=clock)
        prepare_database(application)
        try:
            with serving(application) as callback:
                url = callback.replace("official-account", "wecom-bot")
                line = Callback(Enterprise(BOT, clock), url, attempts=1)
                line.files.base = line.responses.base = base
                lines.append(line)
                yield application, callback, line
        finally:
            application.database.dispose()
