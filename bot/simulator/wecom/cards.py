"""The limits of template cards.

Source: developer.work.weixin.qq.com/document/path/101032 (模板卡片类型).
"""

import re
from collections.abc import Mapping
from typing import Any

from bot.errors import SandboxProblem

TYPES = (
    "text_notice",
    "news_notice",
    "button_interaction",
    "vote_interaction",
    "multiple_interaction",
)
_INTERACTIVE = TYPES[2:]
_TASK_ID = re.compile(r"[0-9A-Za-z_@-]{1,128}")
_KEY_LIMIT = 1024
# The most items of each list.
_LISTS: Mapping[str, int] = {
    "horizontal_content_list": 6,
    "vertical_content_list": 4,
    "jump_list": 3,
    "button_list": 6,
    "select_list": 3,
}


def check(card: Mapping[str, Any]) -> None:
    """Raises SandboxProblem for a card that the platform would refuse."""
    type = card.get("card_type")
    if type not in TYPES:
        raise SandboxProblem(f"没有 {type!r} 这种卡片")
    for name, most in _LISTS.items():
        _items(card, name, most)
    menu = card.get("action_menu")
    if menu is not None and not (isinstance(menu, Mapping) and _items(menu, "action_list", 3)):
        raise SandboxProblem("action_menu 没有 1 到 3 个操作")
    task_id = card.get("task_id", "" if menu is not None or type in _INTERACTIVE else None)
    if task_id is not None and not (isinstance(task_id, str) and _TASK_ID.fullmatch(task_id)):
        raise SandboxProblem("卡片的 task_id 不是 128 字节以内的数字、字母和 _-@")
    _check_choices(type, card)
    found = keys(card)
    if not all(_is_key(key) for key in found):
        raise SandboxProblem(f"卡片上的 key 不是 {_KEY_LIMIT} 字节以内的文字")
    if len(set(found)) != len(found):
        raise SandboxProblem("卡片上的 key 有重复")


def keys(card: Mapping[str, Any]) -> list[Any]:
    """What can be tapped: the keys of buttons, of the submit button and of the menu."""
    found = [item.get("key") for item in _items(card, "button_list", 6)]
    if isinstance(submit := card.get("submit_button"), Mapping):
        found.append(submit.get("key"))
    if isinstance(menu := card.get("action_menu"), Mapping):
        found += [item.get("key") for item in _items(menu, "action_list", 3)]
    return found


def _is_key(key: Any) -> bool:
    return isinstance(key, str) and 0 < len(key.encode(errors="replace")) <= _KEY_LIMIT


def _check_choices(type: str, card: Mapping[str, Any]) -> None:
    if type == "button_interaction" and not _items(card, "button_list", 6):
        raise SandboxProblem("按钮卡片没有按钮")
    chosen = type in ("vote_interaction", "multiple_interaction")
    if chosen and not isinstance(card.get("submit_button"), Mapping):
        raise SandboxProblem("选择卡片没有 submit_button")
    if type == "vote_interaction":
        box = card.get("checkbox")
        if not isinstance(box, Mapping) or not _items(box, "option_list", 20):
            raise SandboxProblem("投票卡片没有 1 到 20 个选项")
    if type == "multiple_interaction":
        selects = _items(card, "select_list", 3)
        if not selects or not all(_items(select, "option_list", 10) for select in selects):
            raise SandboxProblem("多选卡片没有 1 到 3 个选择器，每个 1 到 10 个选项")


def _items(inside: Mapping[str, Any], name: str, most: int) -> list[Mapping[str, Any]]:
    found = inside.get(name, [])
    if not isinstance(found, list) or len(found) > most:
        raise SandboxProblem(f"卡片的 {name} 不是最多 {most} 项的列表")
    if not all(isinstance(item, Mapping) for item in found):
        raise SandboxProblem(f"卡片的 {name} 里有一项不是对象")
    return found
