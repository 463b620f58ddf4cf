"""What doctor looks at for a WeCom app and for group robots."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from bot.bootstrap import open_database, wecom_app_client
from bot.cli.check import Check
from bot.cli.check_callback import callback_check, stamp
from bot.cli.check_sending import TokensOfOneRun
from bot.clock import Clock
from bot.config import Settings, WecomAppSettings, WecomBotSettings
from bot.errors import DatabaseProblem, PlatformRefused, PlatformSilent
from bot.platforms.crypto import MessageKey, signature
from bot.platforms.wecom_app import endpoints
from bot.services import community, heartbeat
from bot.storage import schema

_SENDING = "WeCom sending"
# Seconds; while it is up it says so every ten.
_LINE_LIMIT = 60
# What to do about the codes that a first set-up meets.
_ADVICE = {
    40001: "correct wecom_app.secret",
    40013: "correct wecom_app.corp_id",
    40056: "correct wecom_app.agent_id",
    40091: "correct wecom_app.secret: it is another enterprise's",
    50003: "switch the app on in the admin console",
    60020: "add this machine's public address to the app's trusted addresses (企业可信IP)",
    301002: "wecom_app.agent_id and secret must be those of one app",
}


def wecom_app_checks(settings: Settings, app: WecomAppSettings) -> Iterator[Check]:
    """Whether the app may send, and whether the platform reaches our callback."""
    yield Check("ok", "WeCom app", f"agent {app.agent_id}; only encrypted messages are taken")
    if app.secret.get_secret_value():
        yield _sending(app)
    else:
        advice = "set wecom_app.secret to push messages"
        yield Check("warn", _SENDING, "no secret is configured", advice)
    timestamp, nonce, echo = stamp()
    key = MessageKey(app.encoding_aes_key.get_secret_value(), app.corp_id)
    encrypted = key.encrypt(echo)
    signed = signature(app.token.get_secret_value(), timestamp, nonce, encrypted)
    query = {"msg_signature": signed, "timestamp": timestamp, "nonce": nonce, "echostr": encrypted}
    yield callback_check(settings, "WeCom callback", "/callback/wecom-app", query, echo)


def wecom_bot_checks(settings: Settings, bot: WecomBotSettings) -> Iterator[Check]:
    """Whether the long connection is up, or the platform reaches our callback."""
    if bot.mode == "websocket":
        yield _line(settings)
        return
    timestamp, nonce, echo = stamp()
    encrypted = MessageKey(bot.encoding_aes_key.get_secret_value(), "").encrypt(echo)
    signed = signature(bot.token.get_secret_value(), timestamp, nonce, encrypted)
    query = {"msg_signature": signed, "timestamp": timestamp, "nonce": nonce, "echostr": encrypted}
    yield callback_check(settings, "WeCom bot", "/callback/wecom-bot", query, echo)


def _line(settings: Settings) -> Check:
    advice = "start xueban serve; see its log: wrong bot_id or secret, or another program has it"
    database = open_database(settings, "command")
    try:
        schema.require_current(database.engine)
        with database.read() as session:
            last = heartbeat.last(session, heartbeat.LINE)
    except (DatabaseProblem, SQLAlchemyError):
        return Check(
            "warn", "WeCom bot", "the database does not say whether it is connected", advice
        )
    finally:
        database.dispose()
    if last is None:
        return Check("warn", "WeCom bot", "its long connection has not been up yet", advice)
    age = (Clock().now() - last).total_seconds()
    if age > _LINE_LIMIT:
        return Check("warn", "WeCom bot", f"its long connection was up {age:.0f} s ago", advice)
    return Check("ok", "WeCom bot", "its long connection is up")


def _sending(app: WecomAppSettings) -> Check:
    client = wecom_app_client(app, TokensOfOneRun(), Clock())
    try:
        is_on = endpoints.is_app_on(client)
    except PlatformRefused as refused:
        advice = _ADVICE.get(refused.code, "see the platform's page of return codes")
        return Check("fail", _SENDING, str(refused), advice)
    except PlatformSilent as silent:
        return Check("warn", _SENDING, str(silent), f"let this machine reach {app.api_base}")
    if not is_on:
        return Check("fail", _SENDING, "the app is switched off", _ADVICE[50003])
    return Check("ok", _SENDING, "the platform knows the app and this machine")


def robot_checks(settings: Settings) -> Iterator[Check]:
    """Whom each robot speaks to. Its address was looked at with the configuration; to try it would
    be to say something.
    """
    if not settings.group_robot:
        return
    names = _communities(settings)
    for robot in settings.group_robot:
        whom = robot.community or "the first community"
        if robot.community and names and robot.community not in names:
            advice = "correct group_robot.community; see: xueban community list"
            finding = f"{robot.name}: there is no community {robot.community}"
            yield Check("warn", "group robot", finding, advice)
        else:
            yield Check("ok", "group robot", f"{robot.name} speaks to {whom}")


def _communities(settings: Settings) -> frozenset[str]:
    """Their names; none where the database cannot tell, which another check has said."""
    database = open_database(settings, "command")
    try:
        schema.require_current(database.engine)
        with database.read() as session:
            return frozenset(one.name for one in community.all_of(session))
    except (DatabaseProblem, SQLAlchemyError):
        return frozenset()
    finally:
        database.dispose()
