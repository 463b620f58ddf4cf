"""What the platform's error codes mean for us.

Meanings: https://developers.weixin.qq.com/doc/service/en/guide/dev/api/errcode.html (global return
codes). What to do about each is this project's policy.
"""

from collections.abc import Mapping

from bot.domain.delivery import Remedy

# No code stands for UNCLEAR: that is what silence means.
_REMEDIES: Mapping[Remedy, tuple[int, ...]] = {
    # 45065: this clientmsgid was sent before, which is what we wanted.
    Remedy.DONE: (0, 45065),
    Remedy.TOKEN: (40001, 40014, 41001, 42001),
    Remedy.RETRY: (-1, 45066),
    Remedy.DEFER: (43101, 45015, 45047),
    Remedy.FREQUENCY: (45011,),
    Remedy.QUOTA: (45009, 45028),
    Remedy.RECIPIENT: (40003, 43004, 43019, 48002),
    Remedy.CONTENT: (
        40004, 40005, 40006, 40007, 40008, 40009, 40035, 40037, 44004, 45001, 45002, 45003, 45004,
        45008, 45067, 45162, 47001, 47003,
    ),
    Remedy.CAPABILITY: (48001, 48004, 48006, 50002),
    Remedy.CONFIGURATION: (40002, 40013, 40125, 40164, 40243, 41002, 41004),
}  # fmt: skip
_BY_CODE = {code: remedy for remedy, codes in _REMEDIES.items() for code in codes}


def remedy_of(code: int) -> Remedy:
    """A code that nobody has written down is final and lies with the content: it is shown."""
    return _BY_CODE.get(code, Remedy.CONTENT)
