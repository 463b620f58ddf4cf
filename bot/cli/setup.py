"""init: a first configuration, database and organiser's code. doctor: what is wrong."""

import secrets
import string
from pathlib import Path
from typing import Any

import click

from bot.bootstrap import build, prepare_database
from bot.cli.checks import run_checks
from bot.cli.common import DEFAULT_FILE, config_option, show_table
from bot.cli.config_file import render
from bot.config import Defaults, load_settings
from bot.domain.person import Role
from bot.errors import ConfigError
from bot.services import access, community
from content import loader

_ALPHABET = string.ascii_letters + string.digits
_FACTS = """\
开始前要知道平台的两件事：
1. 公众号只会访问公网上 80 或 443 端口的地址；没有公网地址（或中转）就收不到消息。
2. 普通微信群没有官方接口，机器人进不了群；要发到群里的内容由人转发。
   要在群里打卡、提问、收提醒，用企业微信的智能机器人：长连接不用公网地址。
"""


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


@click.command()
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DEFAULT_FILE,
    show_default=True,
    help="The file to write.",
)
@click.option("--non-interactive", is_flag=True, help="Ask nothing; take options and defaults.")
@click.option("--community", "name", default="我们的支部", help="Name of the first community.")
@click.option("--pack", default=Defaults().pack, help="Folder name of its content pack.")
@click.option("--data-dir", default="data", help="Folder for the database and backups.")
@click.option("--public-url", default="", help="E.g. https://xueban.example.edu.cn")
@click.option("--app-id", default="", help="AppID of the official account; empty: no account yet.")
@click.option("--token", default="", help="Token of the push; empty: a new one.")
@click.option("--encoding-aes-key", default="", help="EncodingAESKey; empty: a new one.")
@click.option(
    "--kind",
    type=click.Choice(["subscription", "service"]),
    default="subscription",
    help="公众号（订阅号） or 服务号.",
)
@click.option("--verified", is_flag=True, help="The account is verified (已认证).")
@click.option("--wecom-bot-id", default="", help="Bot ID of a WeCom 智能机器人; empty: none yet.")
@click.option("--wecom-secret", default="", help="Its Secret, for the long connection.")
@click.option("--wecom-name", default="", help="What it is called in groups.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(output: Path, non_interactive: bool, force: bool, **answers: Any) -> None:  # fmt: skip
    """Write a commented config.toml and print the first organiser's one-time code."""
    if output.exists() and not force:
        raise ConfigError([f"{output}: is there already; edit it, or use --force to replace it"])
    click.echo(_FACTS)
    if not non_interactive:
        answers = _ask(answers)
    values = _values(answers)
    text = render(values)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.touch(mode=0o600)
    output.write_text(text, encoding="utf-8")
    click.echo(f"写好了 {output}。")
    code = _first_code(output)
    account = values.get("official_account")
    if account:
        click.echo(
            "在公众号后台“服务器配置”里填：\n"
            f"  URL：{answers['public_url'] or 'https://你的域名'}/callback/official-account\n"
            f"  Token 和 EncodingAESKey：见 {output}；消息加解密方式选安全模式，格式 XML。"
        )
    if not account and not values.get("wecom_bot"):
        click.echo("还没有接任何渠道：接好公众号或企业微信机器人，机器人才收得到消息。")
    click.echo(f"第一位组织者：私下给机器人发  绑定 {code}  （7 天内有效，只能用一次）")
    click.echo("接着运行：xueban doctor ，再运行：xueban serve")


def _ask(answers: dict[str, Any]) -> dict[str, Any]:
    ask = click.prompt
    answers["name"] = ask("组织（支部、班级、社团）的名字", default=answers["name"])
    answers["pack"] = ask("内容包", type=click.Choice(loader.load().names), default=answers["pack"])
    answers["data_dir"] = ask("数据放在哪个文件夹", default=answers["data_dir"])
    answers["app_id"] = ask("公众号的 AppID（还没有就直接回车）", default=answers["app_id"])
    if answers["app_id"]:
        answers["public_url"] = ask(
            "公网地址（如 https://…，没有就直接回车）", default=answers["public_url"]
        )
        answers["kind"] = ask(
            "subscription 公众号 / service 服务号",
            type=click.Choice(["subscription", "service"]),
            default=answers["kind"],
        )
        answers["verified"] = click.confirm("已经认证了吗", default=answers["verified"])
    answers["wecom_bot_id"] = ask(
        "企业微信智能机器人的 Bot ID（选 API 模式、长连接；还没有就直接回车）",
        default=answers["wecom_bot_id"],
    )
    if answers["wecom_bot_id"]:
        answers["wecom_secret"] = ask("它的 Secret", default=answers["wecom_secret"])
        answers["wecom_name"] = ask("它在群里叫什么", default=answers["wecom_name"])
    return answers


def _values(answers: dict[str, Any]) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {
        "storage": {"data_dir": answers["data_dir"]},
        "defaults": {"community": answers["name"], "pack": answers["pack"]},
    }
    if answers["public_url"]:
        values["server"] = {"public_url": answers["public_url"].rstrip("/")}
    if answers["app_id"]:
        values["official_account"] = {
            "app_id": answers["app_id"],
            "token": answers["token"] or _random(24),
            "encoding_aes_key": answers["encoding_aes_key"] or _random(43),
            "kind": answers["kind"],
            "verified": answers["verified"],
        }
    if answers["wecom_bot_id"]:
        values["wecom_bot"] = {
            "mode": "websocket",
            "bot_id": answers["wecom_bot_id"],
            "secret": answers["wecom_secret"],
            "name": answers["wecom_name"],
        }
    return values


def _first_code(file: Path) -> str:
    """Create the database and one code for an organiser. The file is read back as it stands."""
    try:
        application = build(load_settings(file, {}), "command")
    except ConfigError:
        file.unlink()
        raise
    try:
        prepare_database(application)
        with application.database.begin() as session:
            home = community.oldest(session)
            return access.issue_code(session, home.id, Role.ORGANISER, application.clock.now())
    finally:
        application.database.dispose()


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_context
def doctor(context: click.Context, config: Path | None, as_json: bool) -> None:
    """Check everything that can be checked from here; exit 1 when something must be done."""
    checks = run_checks(config)
    rows = [(check.state, check.subject, check.finding, check.advice) for check in checks]
    show_table("doctor", ("state", "subject", "finding", "advice"), rows, as_json)
    if any(check.state == "fail" for check in checks):
        context.exit(1)
