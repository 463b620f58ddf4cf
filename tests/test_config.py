"""config.toml and the environment: what is taken, and every problem at once."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.cli.config_file import render
from bot.config import Settings, load_settings
from bot.errors import ConfigError

ROOT = Path(__file__).parent.parent
ACCOUNT = {
    "XUEBAN_OFFICIAL_ACCOUNT__APP_ID": "wx1",
    "XUEBAN_OFFICIAL_ACCOUNT__TOKEN": "token1",
}


def write(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(file: Path | None, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(file, environ)
    return list(caught.value.problems)


def test_without_a_file_the_defaults_hold() -> None:
    settings = load_settings(None, {"HOME": "/", "XUEBAN_CONFIG": "x"})
    assert settings == Settings()
    assert settings.official_account is None


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, '[server]\nport = 1\nhost = "::1"\n')
    settings = load_settings(file, {"XUEBAN_SERVER__PORT": "9000", **ACCOUNT})

    assert (settings.server.port, settings.server.host) == (9000, "::1")
    assert settings.official_account is not None
    assert settings.official_account.token.get_secret_value() == "token1"


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("fromfile1\n")
    environ = {**ACCOUNT, "XUEBAN_OFFICIAL_ACCOUNT__TOKEN_FILE": str(secret)}
    settings = load_settings(None, environ)

    assert settings.official_account is not None
    assert settings.official_account.token.get_secret_value() == "fromfile1"
    assert "fromfile1" in settings.secrets()
    assert "fromfile1" not in repr(settings)


def test_every_problem_is_named_with_its_key_and_no_secret(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """
        [server]
        port = 70000
        colour = "red"
        [storage]
        url = "mysql://root:sesame@host/x"
        [defaults]
        timezone = "Asia/Peking"
        quiet_hours = "late"
        [official_account]
        token = "no spaces"
        encoding_aes_key = "sesame-too-short"
        [wechat]
        x = 1
        """,
    )
    found = problems(file, XUEBAN_LOG__LEVEL="LOUD", XUEBAN_PORT="1", XUEBAN_LOG__X_FILE="/none")

    keys = {problem.split(":")[0] for problem in found}
    assert keys == {
        "server.port", "server.colour", "storage.url", "defaults.timezone", "defaults.quiet_hours",
        "official_account.app_id", "official_account.token", "official_account.encoding_aes_key",
        "wechat", "log.level", "XUEBAN_PORT", "XUEBAN_LOG__X_FILE",
    }  # fmt: skip
    assert "sesame" not in "".join(found)


@pytest.mark.parametrize("text", ["[server", "a = \n", "\x00"])
def test_a_file_that_is_no_toml(tmp_path: Path, text: str) -> None:
    assert str(tmp_path / "config.toml") in problems(write(tmp_path, text))[0]


def test_a_missing_file_names_the_command_that_writes_one(tmp_path: Path) -> None:
    assert "xueban init" in problems(tmp_path / "none.toml")[0]


def test_a_previous_key_alone_is_refused() -> None:
    found = problems(None, **ACCOUNT, XUEBAN_OFFICIAL_ACCOUNT__PREVIOUS_ENCODING_AES_KEY="A" * 43)
    assert "needs encoding_aes_key" in found[0]


def test_the_example_is_what_init_writes_and_names_every_key() -> None:
    example = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    assert example == render({})
    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
        for line in example.splitlines()
        if not line.startswith("# 密钥") and not line.startswith("# 学伴")
    )
    sections = tomllib.loads(uncommented)
    assert set(sections) == set(Settings.model_fields)
    for name, values in sections.items():
        annotation = str(Settings.model_fields[name].annotation)
        assert values.keys(), annotation
    assert "official_account" in sections
    assert sections["official_account"].keys() >= {"app_id", "token", "encoding_aes_key"}


def test_a_commented_file_with_values_loads_back(tmp_path: Path) -> None:
    values: dict[str, dict[str, Any]] = {
        "server": {"port": 8080},
        "storage": {"data_dir": 'odd "name" \\ 数据'},
        "official_account": {"app_id": "wx1", "token": "abc", "verified": True},
    }
    settings = load_settings(write(tmp_path, render(values)), {})

    assert settings.server.port == 8080
    assert settings.storage.data_dir == Path('odd "name" \\ 数据')
    assert settings.official_account is not None
    assert settings.official_account.verified
