"""Settings to the platforms' own classes: what comes in, calls, and what can be pushed."""

from collections.abc import Mapping

from bot.clock import Clock
from bot.config import OfficialAccountSettings, Settings, WecomAppSettings, WecomBotSettings
from bot.domain.delivery import PROFILES, Capability, Way
from bot.platforms.crypto import MessageKey
from bot.platforms.official_account.channel import OfficialAccount
from bot.platforms.official_account.client import Client
from bot.platforms.official_account.transport import Template
from bot.platforms.wecom_app.channel import WecomApp
from bot.platforms.wecom_app.client import Client as WecomAppClient
from bot.platforms.wecom_bot.channel import WecomBot
from bot.platforms.wecom_bot.replies import Phrases
from bot.ports import TokenStore
from content.loader import Library


def official_account_of(
    section: OfficialAccountSettings | None, library: Library, settings: Settings
) -> OfficialAccount | None:
    if section is None:
        return None
    keys = tuple(MessageKey(key, section.app_id) for key in section.aes_keys)
    more = library.packs[settings.defaults.pack].messages.say("paging.more")
    return OfficialAccount(section.token.get_secret_value(), keys, more)


def wecom_bot_of(
    section: WecomBotSettings | None, library: Library, settings: Settings
) -> WecomBot | None:
    """The callback's side; None where there is none, or the long connection is used."""
    if section is None or section.mode != "callback":
        return None
    key, phrases = section.encoding_aes_key.get_secret_value(), phrases_of(library, settings)
    return WecomBot(section.token.get_secret_value(), key, section.name, phrases)


def phrases_of(library: Library, settings: Settings) -> Phrases:
    say = library.packs[settings.defaults.pack].messages.say
    keys = ("paging.more", "conversation.card_ask", "conversation.card_chose")
    return Phrases(*map(say, (*keys, "conversation.working")))


def wecom_app_of(
    section: WecomAppSettings | None, library: Library, settings: Settings
) -> WecomApp | None:
    if section is None:
        return None
    more = library.packs[settings.defaults.pack].messages.say("paging.more")
    key = section.encoding_aes_key.get_secret_value()
    return WecomApp(section.token.get_secret_value(), key, section.corp_id, more)


def wecom_app_client(app: WecomAppSettings, tokens: TokenStore, clock: Clock) -> WecomAppClient:
    """Calls to the WeCom app's API; no call is made yet."""
    secret = app.secret.get_secret_value()
    return WecomAppClient(app.corp_id, app.agent_id, secret, app.api_base, tokens, clock.now)


def platform_client(account: OfficialAccountSettings, tokens: TokenStore, clock: Clock) -> Client:
    """Calls to the official account's API; no call is made yet."""
    secret = account.secret.get_secret_value()
    return Client(account.app_id, secret, account.api_base, tokens, clock.now)


def capabilities_of(account: OfficialAccountSettings | None) -> frozenset[Capability]:
    """What the configured account may ask the platform for; nothing without its secret."""
    if account is None or not account.secret.get_secret_value():
        return frozenset()
    return PROFILES[account.kind, account.verified]


def ways_of(settings: Settings) -> frozenset[Way]:
    """How the configured channels can push; by template only where one is configured."""
    account, bot = settings.official_account, settings.wecom_bot
    templates = account.template if account else ()
    configured = {Way.CUSTOMER, *(Way(item.way) for item in templates)}
    ways = {way for way in configured if Capability(way) in capabilities_of(account)}
    if bot is not None and bot.mode == "websocket":
        ways.add(Way.WECOM_BOT)
    if settings.wecom_app is not None and settings.wecom_app.secret.get_secret_value():
        ways.add(Way.WECOM_APP)
    if settings.group_robot:
        ways.add(Way.GROUP_ROBOT)
    return frozenset(ways)


def templates_of(settings: Settings) -> Mapping[tuple[str, Way], Template]:
    """The configured templates by topic and way."""
    account = settings.official_account
    listed = account.template if account else ()
    return {(item.topic, Way(item.way)): Template(item.id, item.fields) for item in listed}
