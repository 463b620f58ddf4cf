"""What a group robot can say. All raise what Robot raises, and OverLimit.

Source: developer.work.weixin.qq.com/document/path/91770 (消息推送配置说明).
"""

import base64
import hashlib
from collections.abc import Sequence

from bot.errors import OverLimit
from bot.platforms.fields import sendable
from bot.platforms.group_robot.client import Robot

# Bytes; a picture's before base64.
TEXT_LIMIT, MARKDOWN_LIMIT, PICTURE_LIMIT = 2048, 4096, 2 * 1024 * 1024
EVERYBODY = "@all"


def send_text(robot: Robot, text: str, mentioned: Sequence[str] = ()) -> None:
    """A text of at most 2,048 bytes; `mentioned` are userids, or EVERYBODY."""
    content = _fitting("A text", sendable(text), TEXT_LIMIT)
    more = {"mentioned_list": list(mentioned)} if mentioned else {}
    robot.post({"msgtype": "text", "text": {"content": content, **more}})


def send_markdown(robot: Robot, text: str) -> None:
    """Markdown of at most 4,096 bytes: bold, links, quotes, headings, code and three colours."""
    content = _fitting("A text", sendable(text), MARKDOWN_LIMIT)
    robot.post({"msgtype": "markdown", "markdown": {"content": content}})


def send_picture(robot: Robot, picture: bytes) -> None:
    """A JPG or PNG of at most 2 MB."""
    if len(picture) > PICTURE_LIMIT:
        raise OverLimit(f"A picture of {len(picture)} bytes", f"{PICTURE_LIMIT} bytes")
    image = {
        "base64": base64.b64encode(picture).decode(),
        "md5": hashlib.md5(picture, usedforsecurity=False).hexdigest(),
    }
    robot.post({"msgtype": "image", "image": image})


def _fitting(what: str, text: str, limit: int) -> str:
    if (size := len(text.encode())) > limit:
        raise OverLimit(f"{what} of {size} bytes", f"{limit} bytes")
    return text
