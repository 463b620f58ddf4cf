"""Template cards: a menu whose options can be tapped.

Source: developer.work.weixin.qq.com/document/path/101032 (模板卡片类型).
"""

from typing import Any

from bot.domain.messages import Notice, Option

_BUTTONS = 6
_TITLE, _LABEL = 26, 20


def menu(notice: Notice, task_id: str, ask: str) -> dict[str, Any] | None:
    """The notice's options as buttons under `ask`; None where there are none, or too many."""
    if not 0 < len(notice.options) <= _BUTTONS:
        return None
    return _card(ask, task_id, [_button(option) for option in notice.options])


def chosen(event_key: str, task_id: str, chose: str) -> dict[str, Any]:
    """The card after a tap, with nothing left to tap for; `chose` has the field {label}."""
    _, _, label = event_key.partition(" ")
    title = chose.format(label=_cut(label or event_key, _LABEL))
    return _card(title, task_id, [{"text": "✓", "style": 2, "key": "-"}])


def _card(title: str, task_id: str, buttons: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "card_type": "button_interaction",
        "main_title": {"title": _cut(title, _TITLE)},
        "task_id": task_id,
        "button_list": buttons,
    }


def _button(option: Option) -> dict[str, Any]:
    """What it does stands in its key, and its label for whoever has tapped it."""
    style = 2 if option.send == "0" else 1
    return {
        "text": _cut(option.label, _LABEL),
        "style": style,
        "key": f"{option.send} {option.label}"[:200],
    }


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
