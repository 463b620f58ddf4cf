"""A commented config.toml, written from the settings themselves so that it cannot drift."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bot.config import Section, Settings

_HEADING = """\
# 学伴的配置。每一项都可以用环境变量 XUEBAN_段__键 覆盖（如 XUEBAN_SERVER__PORT=9000）；
# 密钥也可以放在文件里，用 XUEBAN_段__键_FILE 指明。前面带 # 的行就是默认值。
"""
_SECTIONS: Mapping[str, str] = {
    "server": "网页和回调",
    "storage": "数据放在哪里",
    "defaults": "新建组织时用的设置；以后用 xueban community set 改",
    "official_account": "微信公众号或服务号；整段不写就是不接",
    "wecom_bot": "企业微信智能机器人，在群里用；整段不写就是不接",
    "wecom_app": "企业微信自建应用，和成员一对一；整段不写就是不接",
    "group_robot": "企业微信群里的消息推送（群机器人），每个写一段；不写就没有",
    "content": "内容包",
    "retention": "保留多久",
    "log": "日志",
}


_CHANNELS = ("official_account", "wecom_bot", "wecom_app")


def render(values: Mapping[str, Any]) -> str:
    """The whole file: `values` as they are given, every other key as a comment."""
    parts = [_HEADING]
    for name, title in _SECTIONS.items():
        if table := _table_of(Settings.model_fields[name]):
            tables = (_table(table, name, one) for one in values.get(name, [None]))
            parts.append("\n".join([f"# {title}", *tables, ""]))
            continue
        given = values.get(name, {})
        optional = Settings.model_fields[name].is_required() is False and name in _CHANNELS
        header = f"[{name}]" if given or not optional else f"# [{name}]"
        parts.append(f"# {title}\n{header}\n{_section(_model_of(name), given, name)}")
    return "\n".join(parts)


def _model_of(name: str) -> type[Section]:
    annotation = Settings.model_fields[name].annotation
    options = [annotation, *get_args(annotation)]
    return next(
        option for option in options if isinstance(option, type) and issubclass(option, Section)
    )


def _section(model: type[Section], given: Mapping[str, Any], name: str) -> str:
    lines, tables = [], []
    for key, field in model.model_fields.items():
        if table := _table_of(field):
            # In TOML these stand behind all other keys of their section.
            tables.append(f"\n# {field.description}")
            tables += [_table(table, f"{name}.{key}", one) for one in given.get(key, [None])]
            continue
        lines.append(f"# {field.description}")
        if key in given:
            lines.append(f"{key} = {_literal(given[key])}")
        else:
            lines.append(f"# {key} = {_literal(_default(field))}")
    return "\n".join(lines + tables) + "\n"


def _table_of(field: FieldInfo) -> type[Section] | None:
    """What a field is an array of, when it is one of tables."""
    inner = next(iter(get_args(field.annotation)), None)
    is_table = isinstance(inner, type) and issubclass(inner, Section)
    return inner if is_table and get_origin(field.annotation) is tuple else None


def _table(model: type[Section], name: str, given: Mapping[str, Any] | None) -> str:
    """One table of an array; None makes the example, as a comment."""
    lines = [f"[[{name}]]" if given is not None else f"# [[{name}]]"]
    for key, field in model.model_fields.items():
        if given is None:
            lines.append(f"# {field.description}\n# {key} = {_literal(_default(field))}")
        elif key in given:
            lines.append(f"{key} = {_literal(given[key])}")
    return "\n".join(lines)


def _default(field: FieldInfo) -> Any:
    if field.is_required() and field.examples:
        return field.examples[0]
    value = "" if field.is_required() or field.default is None else field.default
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _literal(value: Any) -> str:
    """A TOML literal; JSON's strings, numbers and booleans are TOML's as well."""
    if isinstance(value, Mapping):
        pairs = (f"{_literal(key)} = {_literal(item)}" for key, item in value.items())
        return f"{{ {', '.join(pairs)} }}"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
