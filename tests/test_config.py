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
        first = values[0] if isinstance(values, list) else values
        assert first.keys(), annotation
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


TEMPLATE = """
[official_account]
app_id = "wx1"
token = "token1"
[[official_account.template]]
topic = "meeting"
way = "template"
id = "from-the-file"
fields = { thing1 = "title", time2 = "line1" }
"""


def test_templates_come_from_the_file_and_the_environment_lays_over_them(tmp_path: Path) -> None:
    file = write(tmp_path, TEMPLATE)
    environ = {"XUEBAN_OFFICIAL_ACCOUNT__TEMPLATE__0__ID": "from-outside"}
    for given, id in (({}, "from-the-file"), (environ, "from-outside")):
        account = load_settings(file, given).official_account
        assert account is not None
        assert [(one.topic, one.way, one.id) for one in account.template] == [
            ("meeting", "template", id)
        ]
        assert account.template[0].fields == {"thing1": "title", "time2": "line1"}


def test_numbered_tables_of_the_environment_keep_their_order(tmp_path: Path) -> None:
    """Told by the numbers that the problems name: the eleventh stands behind the second."""
    environ = {
        f"XUEBAN_OFFICIAL_ACCOUNT__TEMPLATE__{number}__WAY": f"w{number}" for number in range(12)
    }
    found = problems(None, **ACCOUNT, **environ)
    named = {problem.split(":")[0] for problem in found}
    assert {f"official_account.template.{number}.way" for number in range(12)} <= named
    assert not any(problem.startswith("XUEBAN_") for problem in found)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("XUEBAN_OFFICIAL_ACCOUNT__TEMPLATE__1__ID", "without gaps"),
        ("XUEBAN_OFFICIAL_ACCOUNT__TOKEN__0__ID", "no array of tables"),
        ("XUEBAN_SERVER__0__PORT", "no array of tables"),
        ("XUEBAN_OFFICIAL_ACCOUNT__TEMPLATE__0__FIELDS__THING1", "can only be in config.toml"),
        ("XUEBAN_OFFICIAL_ACCOUNT__TEMPLATE__ID", "can only be in config.toml"),
        ("XUEBAN_OFFICIAL_ACCOUNT__TEMPLATE__0", "can only be in config.toml"),
        ("XUEBAN_0__ID", "can only be in config.toml"),
        ("XUEBAN_SERVER____PORT", "can only be in config.toml"),
        ("XUEBAN_GROUP_ROBOTS__0__URL", "there is no such key"),
    ],
)
def test_a_name_that_leads_nowhere_says_why(tmp_path: Path, name: str, reason: str) -> None:
    file = write(
        tmp_path, '[server]\nport = 1\n[official_account]\napp_id = "wx1"\ntoken = "abc"\n'
    )
    assert any(reason in problem for problem in problems(file, **{name: "1"}))


def test_a_secret_of_a_numbered_table_comes_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "id"
    secret.write_text("kept-elsewhere\n")
    file = write(tmp_path, TEMPLATE)
    settings = load_settings(file, {"XUEBAN_OFFICIAL_ACCOUNT__TEMPLATE__0__ID_FILE": str(secret)})
    assert settings.official_account is not None
    assert settings.official_account.template[0].id == "kept-elsewhere"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"line1"', '"line10"', "fields.time2"),
        ('"line1"', '"body"', "fields.time2"),
        ('way = "template"', 'way = "mail"', "way"),
        ('{ thing1 = "title", time2 = "line1" }', "{}", "fields"),
        ('id = "from-the-file"', 'id = ""', "id"),
        ("id =", "name =", "name"),
    ],
)
def test_what_is_wrong_with_a_template(tmp_path: Path, old: str, new: str, key: str) -> None:
    found = problems(write(tmp_path, TEMPLATE.replace(old, new)))
    assert any(problem.startswith(f"official_account.template.0.{key}:") for problem in found)


def test_a_field_of_a_template_is_named_in_plain_words(tmp_path: Path) -> None:
    found = problems(write(tmp_path, TEMPLATE.replace('"line1"', '"line10"')))
    assert found == ["official_account.template.0.fields.time2: must be title or line1 to line9"]


@pytest.mark.parametrize("topic", ["meetings", "study_card", "Meeting", ""])
def test_a_template_is_for_a_topic_that_goes_out_so(tmp_path: Path, topic: str) -> None:
    found = problems(write(tmp_path, TEMPLATE.replace('"meeting"', f'"{topic}"')))
    assert len(found) == 1
    assert found[0].startswith("official_account.template.0: ")
    assert repr(topic) in found[0]
    assert "topic must be meeting or video" in found[0]


def test_fields_are_not_taken_from_the_environment(tmp_path: Path) -> None:
    name = "XUEBAN_OFFICIAL_ACCOUNT__TEMPLATE__0__FIELDS"
    found = problems(write(tmp_path, TEMPLATE), **{name: "{}"})
    assert "not in the environment" in found[0]


def test_two_templates_for_the_same_are_refused(tmp_path: Path) -> None:
    twice = TEMPLATE + TEMPLATE[TEMPLATE.index("[[") :]
    assert "more than one for meeting (template)" in problems(write(tmp_path, twice))[0]


def test_the_secret_is_masked(tmp_path: Path) -> None:
    settings = load_settings(None, {**ACCOUNT, "XUEBAN_OFFICIAL_ACCOUNT__SECRET": "sesame-open"})
    assert "sesame-open" in settings.secrets()
    assert "sesame-open" not in repr(settings)


def test_templates_are_written_and_loaded_back(tmp_path: Path) -> None:
    table = {
        "topic": "meeting", "way": "subscription", "id": "abc",
        "fields": {"thing1": "title", "time2": "line1"},
    }  # fmt: skip
    values: dict[str, dict[str, Any]] = {
        "official_account": {
            "template": [table, {**table, "topic": "video"}],
            "app_id": "wx1",
            "token": "abc",
        },
    }
    account = load_settings(write(tmp_path, render(values)), {}).official_account
    assert account is not None
    assert [one.model_dump() for one in account.template] == [table, {**table, "topic": "video"}]


def test_the_examples_template_can_be_read() -> None:
    example = tomllib.loads(
        "\n".join(
            line.removeprefix("# ")
            for line in render({}).splitlines()
            if line.startswith("# [[") or (" = " in line and "fields" in line)
        )
    )
    fields = example["official_account"]["template"][0]["fields"]
    assert fields == {"thing1": "title", "time2": "line1"}
