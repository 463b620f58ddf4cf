"""What WeCom's error codes mean for us, of apps and group robots alike.

Meanings: developer.work.weixin.qq.com/document/path/90455 (全局错误码). What to do about each is
this project's policy.
"""

from collections.abc import Mapping

from bot.domain.delivery import Remedy

# No code stands for UNCLEAR: that is what silence means.
_REMEDIES: Mapping[Remedy, tuple[int, ...]] = {
    Remedy.DONE: (0,),
    Remedy.TOKEN: (40014, 41001, 42001),
    # 45033: too many calls at once.
    Remedy.RETRY: (-1, 45033),
    # The same code for a minute, an hour and a day (path/90454): what is blocked for longer is
    # refused again after a minute.
    Remedy.FREQUENCY: (45009,),
    Remedy.RECIPIENT: (40003, 40031, 46004, 50002, 60011, 60111, 81013, 82001),
    Remedy.CONTENT: (
        40004, 40005, 40006, 40007, 40008, 40009, 40032, 40033, 40035, 40058, 40063, 44001, 44004,
        45001, 45002, 45004, 45008, 47001, 85002,
    ),
    Remedy.CAPABILITY: (48002, 48004, 48005),
    # 93000: a group robot's key is wrong, or it is gone (developers' reports; not on the page).
    Remedy.CONFIGURATION: (
        40001, 40013, 40056, 40091, 41002, 41004, 41011, 50003, 60020, 93000, 301002, 2000002,
    ),
}  # fmt: skip
_BY_CODE = {code: remedy for remedy, codes in _REMEDIES.items() for code in codes}


def remedy_of(code: int) -> Remedy:
    """A code that nobody has written down is final and lies with the content: it is shown."""
    return _BY_CODE.get(code, Remedy.CONTENT)
