"""config.toml and the environment, to frozen Settings; every problem at once.

Each key can come from the environment as XUEBAN_SECTION__KEY (it wins over the file), a secret
also from the file that XUEBAN_SECTION__KEY_FILE names. The tables of an array are numbered from 0:
XUEBAN_SECTION__0__KEY, XUEBAN_SECTION__KEY__0__NAME.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from bot.domain.calendar import quiet_hours_problem, timezone_problem
from bot.domain.delivery import POLICIES
from bot.domain.webhook import webhook_key, webhook_problem
from bot.errors import ConfigError

PREFIX = "XUEBAN_"
# Names in the environment that are no keys: which file to read, and what tests are told.
_NOT_KEYS = ("CONFIG", "TEST_", "DEMO_")


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _checked_by(problem_of: Callable[[str], str | None]) -> AfterValidator:
    """A rule of the domain as a validator."""

    def check(text: str) -> str:
        if problem := problem_of(text):
            raise ValueError(problem)
        return text

    return AfterValidator(check)


class Server(Section):
    host: str = "127.0.0.1"
    """在哪个地址上监听；前面有 nginx 或 Caddy 时保持 127.0.0.1。"""
    port: int = Field(default=8000, ge=1, le=65535)
    """监听的端口。"""
    public_url: str = Field(default="", pattern=r"^(https?://[^\s/]+)?$")
    """公网地址，如 https://xueban.example.edu.cn；公众号只访问 80 或 443，日历要 https。"""
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    """前面有几层自己的反向代理；没有就写 0。"""


class Storage(Section):
    url: str = ""
    """数据库；空着就用 data_dir 里的 SQLite。例：postgresql://xueban@localhost/xueban"""
    data_dir: Path = Path("data")
    """数据库、备份和上传的文件放在这个文件夹里。"""
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """SQLite 提交时的落盘方式：FULL 断电也不丢；NORMAL 更快，断电可能丢最后几条。"""

    @field_validator("url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if not url:
            return url
        try:
            backend = make_url(url).get_backend_name()
        except ArgumentError as error:
            raise ValueError(
                "is no database URL; write e.g. postgresql://user@host/xueban"
            ) from error
        if backend not in ("sqlite", "postgresql"):
            raise ValueError(f"{backend} is not supported; use sqlite or postgresql")
        return url

    @property
    def database_url(self) -> str:
        """The configured URL, or the SQLite file in data_dir."""
        return self.url or f"sqlite:///{self.data_dir.resolve() / 'xueban.db'}"


class Defaults(Section):
    """What a community is created with."""

    community: str = Field(default="我们的支部", min_length=1)
    """第一个组织（支部、班级、社团）的名字。"""
    timezone: Annotated[str, _checked_by(timezone_problem)] = "Asia/Shanghai"
    """算“今天”用的时区。"""
    quiet_hours: Annotated[str, _checked_by(quiet_hours_problem)] = "22:00-08:00"
    """不打扰的时段，从几点到几点。"""
    daily_message_budget: int = Field(default=3, ge=1, le=20)
    """每人每天最多主动发几条。"""
    pack: str = "party-branch"
    """内容包：content/packs 下的文件夹名。"""


def _field_problem(text: str) -> str | None:
    known = re.fullmatch(r"title|line[1-9]", text)
    return None if known else "must be title or line1 to line9"


TemplateField = Annotated[str, _checked_by(_field_problem)]


class TemplateSettings(Section):
    topic: str = Field(examples=["meeting"])
    """哪一类消息用它，如 meeting 会议、video 视频。"""
    way: Literal["template", "subscription"] = Field(examples=["template"])
    """template 是模板消息，subscription 是订阅通知；都要已认证的服务号。"""
    id: str = Field(pattern=r"^[\w-]{1,128}$", examples=["公众号后台的模板编号"])
    """公众号后台给的模板 ID。"""
    fields: dict[str, TemplateField] = Field(
        min_length=1, examples=[{"thing1": "title", "time2": "line1"}]
    )
    """模板的每个字段填什么：title 是标题，line1 到 line9 是第几行；只能写在文件里。"""

    @model_validator(mode="after")
    def _topic_goes_out_so(self) -> "TemplateSettings":
        possible = [topic for topic, policy in POLICIES.items() if self.way in policy.ways]
        if self.topic not in possible:
            raise ValueError(
                f"nothing about {self.topic[:32]!r} goes out as a {self.way} message; "
                f"topic must be {' or '.join(possible)}"
            )
        return self

    @field_validator("fields", mode="before")
    @classmethod
    def _from_the_file(cls, fields: Any) -> Any:
        if isinstance(fields, str):
            raise ValueError("is a table; write it in config.toml, not in the environment")
        return fields


def _check_token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9]{3,32}", token.get_secret_value()):
        raise ValueError("must be 3 to 32 letters and digits, the same as on the platform")
    return token


def _check_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9]{43}", key.get_secret_value()):
        raise ValueError("must be the 43 letters and digits of the platform's EncodingAESKey")
    return key


def _check_any_token(token: SecretStr) -> SecretStr:
    return _check_token(token) if token.get_secret_value() else token


def _check_any_key(key: SecretStr) -> SecretStr:
    return _check_key(key) if key.get_secret_value() else key


class OfficialAccountSettings(Section):
    app_id: str = Field(pattern=r"^\w{1,64}$")
    """公众号后台“设置与开发”里的 AppID。"""
    token: SecretStr
    """服务器配置里自己定的 Token，3 到 32 位字母或数字。"""
    encoding_aes_key: SecretStr = SecretStr("")
    """EncodingAESKey，43 位；填了就只收加密消息（安全模式或兼容模式）。"""
    previous_encoding_aes_key: SecretStr = SecretStr("")
    """换密钥期间的上一个 EncodingAESKey；平时空着。"""
    secret: SecretStr = SecretStr("")
    """AppSecret；填了才能主动发消息，没认证的号用不上。"""
    kind: Literal["subscription", "service"] = "subscription"
    """subscription 是公众号（订阅号），service 是服务号。"""
    verified: bool = False
    """是否已认证；没认证的号只能被动回复。"""
    api_base: str = Field(default="https://api.weixin.qq.com", pattern=r"^https?://[^\s/]+$")
    """平台接口的地址，一般不用改。"""
    template: tuple[TemplateSettings, ...] = ()
    """主动发消息用的模板，每个写一段；没有模板的消息只能在对方说话后 48 小时内发。"""

    @field_validator("template")
    @classmethod
    def _one_for_each(cls, template: tuple[TemplateSettings, ...]) -> tuple[TemplateSettings, ...]:
        pairs = [(one.topic, one.way) for one in template]
        if twice := {f"{topic} ({way})" for topic, way in pairs if pairs.count((topic, way)) > 1}:
            raise ValueError(f"has more than one for {', '.join(sorted(twice))}; keep one")
        return template

    _token_shape = field_validator("token")(_check_token)
    _key_shape = field_validator("encoding_aes_key", "previous_encoding_aes_key")(_check_any_key)

    @model_validator(mode="after")
    def _previous_needs_current(self) -> "OfficialAccountSettings":
        if self.previous_encoding_aes_key.get_secret_value() and not self.encryption:
            raise ValueError("previous_encoding_aes_key needs encoding_aes_key beside it")
        return self

    @property
    def encryption(self) -> bool:
        return bool(self.encoding_aes_key.get_secret_value())

    @property
    def aes_keys(self) -> tuple[str, ...]:
        """The current key, then the previous one; empty in plaintext mode."""
        keys = (self.encoding_aes_key, self.previous_encoding_aes_key)
        return tuple(key.get_secret_value() for key in keys if key.get_secret_value())


def _unread_on_the_way(url: str, scheme: str) -> str:
    here = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    if not here and not url.startswith(scheme):
        raise ValueError(f"must begin with {scheme}, or the secret would be read on the way")
    return url


class WecomBotSettings(Section):
    mode: Literal["websocket", "callback"] = "websocket"
    """websocket 是长连接，不用公网地址，能主动发；callback 要公网地址，只能回复。"""
    bot_id: str = Field(default="", max_length=128)
    """长连接用：智能机器人的 Bot ID。"""
    secret: SecretStr = SecretStr("")
    """长连接用：同一页的 Secret。"""
    token: SecretStr = SecretStr("")
    """回调用：“接收消息”里的 Token，3 到 32 位字母或数字。"""
    encoding_aes_key: SecretStr = SecretStr("")
    """回调用：同一页的 EncodingAESKey，43 位。"""
    name: str = Field(default="", max_length=64)
    """机器人在群里叫什么；名字里有空格时要填，才认得出 @ 后面的话。"""
    ws_url: str = Field(default="wss://openws.work.weixin.qq.com", pattern=r"^wss?://[^\s]+$")
    """长连接的地址，一般不用改。"""
    api_base: str = Field(default="https://qyapi.weixin.qq.com", pattern=r"^https?://[^\s/]+$")
    """回调用：只往这个地址补发回复，一般不用改。"""

    _token_shape = field_validator("token")(_check_any_token)
    _key_shape = field_validator("encoding_aes_key")(_check_any_key)

    @field_validator("ws_url")
    @classmethod
    def _secret_on_the_way(cls, ws_url: str) -> str:
        return _unread_on_the_way(ws_url, "wss://")

    @model_validator(mode="after")
    def _what_the_mode_needs(self) -> "WecomBotSettings":
        needed = {
            "websocket": {"bot_id": self.bot_id, "secret": self.secret.get_secret_value()},
            "callback": {
                "token": self.token.get_secret_value(),
                "encoding_aes_key": self.encoding_aes_key.get_secret_value(),
            },
        }[self.mode]
        if missing := [name for name, value in needed.items() if not value]:
            raise ValueError(f"mode {self.mode} needs {' and '.join(missing)}")
        return self


class WecomAppSettings(Section):
    corp_id: str = Field(pattern=r"^\w{1,64}$")
    """企业微信管理后台“我的企业”里的企业 ID。"""
    agent_id: int = Field(ge=1, examples=[1000002])
    """自建应用的 AgentId，一串数字。"""
    secret: SecretStr = SecretStr("")
    """应用的 Secret；填了才能主动发消息，还要在“企业可信IP”里加上本机的公网地址。"""
    token: SecretStr
    """应用“接收消息”里的 Token，3 到 32 位字母或数字。"""
    encoding_aes_key: SecretStr
    """同一页的 EncodingAESKey，43 位。"""
    api_base: str = Field(default="https://qyapi.weixin.qq.com", pattern=r"^https?://[^\s/]+$")
    """平台接口的地址，一般不用改。"""

    _token_shape = field_validator("token")(_check_token)
    _key_shape = field_validator("encoding_aes_key")(_check_key)

    @field_validator("api_base")
    @classmethod
    def _secret_on_the_way(cls, api_base: str) -> str:
        return _unread_on_the_way(api_base, "https://")


def _check_webhook(url: SecretStr) -> SecretStr:
    if problem := webhook_problem(url.get_secret_value()):
        raise ValueError(problem)
    return url


class GroupRobotSettings(Section):
    name: str = Field(min_length=1, max_length=64, examples=["一支部群"])
    """自己取的名字，每个机器人不同。"""
    url: SecretStr
    """群里“消息推送”（群机器人）给的 Webhook 地址；谁知道它都能在群里说话，不要外传。"""
    community: str = ""
    """说给哪个组织；空着就是第一个。"""

    _url_shape = field_validator("url")(_check_webhook)


class Retention(Section):
    inbox_text_hours: int = Field(default=24, ge=1, le=24 * 30)
    """收到的消息，几小时后抹去正文和回复。"""
    inbox_row_days: int = Field(default=7, ge=1, le=90)
    """收到的消息，几天后整条删除。"""


class Log(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """写多少日志。"""
    format: Literal["json", "console"] = "console"
    """console 给人看，json 给日志系统收。"""


class Content(Section):
    dir: Path | None = None
    """自己的内容包放在哪个文件夹；空着就用自带的。"""
    precision: float = Field(default=0.97, ge=0.8, le=0.999)
    """回答里要有多大一部分是对的；越高，问得不像的就越多反问、越少回答。"""


class Settings(Section):
    """Everything that can be configured. A channel's section that is absent is off."""

    server: Server = Server()
    storage: Storage = Storage()
    defaults: Defaults = Defaults()
    official_account: OfficialAccountSettings | None = None
    wecom_bot: WecomBotSettings | None = None
    wecom_app: WecomAppSettings | None = None
    group_robot: tuple[GroupRobotSettings, ...] = ()
    content: Content = Content()
    retention: Retention = Retention()
    log: Log = Log()

    @field_validator("group_robot")
    @classmethod
    def _each_its_own(
        cls, robots: tuple[GroupRobotSettings, ...]
    ) -> tuple[GroupRobotSettings, ...]:
        for key in ("name", "url"):
            if len({getattr(robot, key) for robot in robots}) < len(robots):
                raise ValueError(f"has two with the same {key}; keep one")
        return robots

    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for masking."""
        found = [make_url(self.storage.url).password] if self.storage.url else []
        if self.official_account:
            found += [self.official_account.token.get_secret_value()]
            found += [self.official_account.secret.get_secret_value()]
            found += self.official_account.aes_keys
        if self.wecom_bot:
            bot = self.wecom_bot
            found += [
                one.get_secret_value() for one in (bot.token, bot.encoding_aes_key, bot.secret)
            ]
        if self.wecom_app:
            found += [self.wecom_app.token.get_secret_value()]
            found += [self.wecom_app.secret.get_secret_value()]
            found += [self.wecom_app.encoding_aes_key.get_secret_value()]
        for robot in self.group_robot:
            url = robot.url.get_secret_value()
            found += [url, webhook_key(url)]
        return tuple(str(secret) for secret in found if secret)


def load_settings(file: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the file (None: the environment alone) and lay the environment over it.

    Raises ConfigError that lists every problem with its key and reason.
    """
    problems: list[str] = []
    values = _read(file, problems) if file else {}
    for name, path, value in _from_environment(environ, problems):
        if problem := _lay(values, path, value):
            problems.append(f"{name}: {problem}")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [_sentence(item) for item in error.errors()]
    if problems:
        raise ConfigError(problems)
    return settings


def _read(file: Path, problems: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.append(f"{file}: there is no such file; write one with: xueban init")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{file}: {error}")
    except OSError as error:
        problems.append(f"{file}: {error.strerror}")
    return {}


_Path = tuple[str | int, ...]


def _from_environment(
    environ: Mapping[str, str], problems: list[str]
) -> Iterator[tuple[str, _Path, str]]:
    """Each name with its path and value, the tables of an array in their order."""
    found: list[tuple[_Path, str, str]] = []
    for name, value in environ.items():
        key = name.removeprefix(PREFIX)
        if key == name or key.startswith(_NOT_KEYS):
            continue
        path = _path(key.lower())
        if path is None:
            problems.append(
                f"{name}: write it as {PREFIX}SECTION__KEY, {PREFIX}SECTION__0__KEY or "
                f"{PREFIX}SECTION__KEY__0__NAME; tables within those can only be in config.toml"
            )
            continue
        *above, last = path
        if str(last).endswith("_file"):
            try:
                value = Path(value).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{name}: cannot be read: {error}")
                continue
            path = (*above, str(last).removesuffix("_file"))
        found.append((path, name, value))
    for path, name, value in sorted(
        found, key=lambda item: [str(part).zfill(9) for part in item[0]]
    ):
        yield name, path, value


def _path(key: str) -> _Path | None:
    """section__key, section__0__key or section__key__0__name; None for anything else."""
    path: _Path = tuple(
        int(part) if re.fullmatch(r"[0-9]{1,3}", part) else part for part in key.split("__")
    )
    shape = "".join("n" if isinstance(part, int) else "k" for part in path if part != "")
    return path if len(shape) == len(path) and shape in ("kk", "knk", "kknk") else None


def _lay(values: dict[str, Any], path: _Path, value: str) -> str | None:
    """Put `value` where `path` leads; else what is wrong with the path.

    Where the file has a value instead of a section, the settings' own check says so.
    """
    here: Any = values
    for key, after in pairwise(path):
        empty: Any = [] if isinstance(after, int) else {}
        if isinstance(key, int):
            if not isinstance(here, list):
                return "config.toml has no array of tables there; leave the number out"
            if key > len(here):
                return "the tables are numbered from 0, without gaps"
            if key == len(here):
                here.append(empty)
            here = here[key]
        elif isinstance(here, dict):
            here = here.setdefault(key, empty)
    if isinstance(here, dict):
        here[path[-1]] = value
    return None


def _sentence(item: Any) -> str:
    """One problem as key: reason. The value is left out: it may be a secret."""
    key = ".".join(str(part) for part in item["loc"]) or "config"
    if item["type"] == "extra_forbidden":
        return f"{key}: there is no such key"
    if item["type"] == "missing":
        return f"{key}: is missing"
    return f"{key}: {item['msg'].removeprefix('Value error, ')}"
