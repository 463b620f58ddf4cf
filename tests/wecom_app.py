"""A WeCom enterprise in tests: its values, the application with the app, the platform."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bot.bootstrap import Application, build, prepare_database
from bot.clock import Clock
from bot.config import Settings
from bot.platforms.calls import TIMEOUT
from bot.platforms.wecom_app.client import Client
from bot.ports import TokenStore
from bot.simulator.wecom.app import AppPlatform
from bot.simulator.wecom.app_api import AppApi
from tests.conftest import HandClock
from tests.platform import serving
from tests.sending import MemoryTokens

CORP, AGENT = "ww0123456789abcdef", 1000002
SECRET = "s3cr3t-of-the-app"
TOKEN, KEY = "wecomapp1", "A1b2" * 10 + "C3d"
USER, OTHER = "ZhangSan", "li.si-4@b"
SECTION = {
    "corp_id": CORP, "agent_id": AGENT, "secret": SECRET, "token": TOKEN, "encoding_aes_key": KEY,
}  # fmt: skip


@contextmanager
def wecom_app(settings: Settings, clock: Clock, **section: object) -> Iterator[Application]:
    """The application with [wecom_app], and its database."""
    values = settings.model_dump() | {"wecom_app": SECTION | section}
    built = replace(build(Settings.model_validate(values), "web"), clock=clock)
    prepare_database(built)
    yield built
    built.database.dispose()


@contextmanager
def serving_app_callback(application: Application) -> Iterator[str]:
    """The callback's URL."""
    with serving(application) as callback:
        yield callback.replace("official-account", "wecom-app")


def platform_at(callback: str, clock: Clock) -> AppPlatform:
    return AppPlatform(callback, TOKEN, KEY, CORP, AGENT, clock, attempts=1)


def app_api(clock: Clock, *members: str) -> AppApi:
    """With these members; with none given, everybody is one."""
    return AppApi(CORP, AGENT, SECRET, set(members) or None, clock=clock)


def app_client(
    base: str,
    clock: HandClock,
    tokens: TokenStore | None = None,
    timeout: tuple[float, float] = TIMEOUT,
    secret: str = SECRET,
) -> Client:
    tokens = tokens or MemoryTokens(clock.now)
    return Client(CORP, AGENT, secret, base, tokens, clock.now, timeout)
