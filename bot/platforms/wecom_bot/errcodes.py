"""What the error codes of a WeCom 智能机器人 mean for us.

853000, 846605, 846608 and 93006: /document/path/101463 and reports of its users. The page names no
code for what is too much in a minute; anything unknown lies with the content, and is shown.
"""

from collections.abc import Mapping

from bot.domain.delivery import Remedy

_REMEDIES: Mapping[int, Remedy] = {
    0: Remedy.DONE,
    -1: Remedy.RETRY,
    6000: Remedy.RETRY,
    45009: Remedy.RETRY,
    45033: Remedy.RETRY,
    846607: Remedy.RETRY,
    # Has never written to the bot, or has left.
    93006: Remedy.DEFER,
    40003: Remedy.RECIPIENT,
    853000: Remedy.CONFIGURATION,
}


def remedy_of(code: int) -> Remedy:
    return _REMEDIES.get(code, Remedy.CONTENT)
