"""What the platform's error codes mean for us.

Meanings: https://developers.weixin.qq.com/doc/service/en/guide/dev/api/errcode.html (global return
codes). What to do about each is this project's policy.
"""

from collections.abc import Mapping
from enum import StrEnum


class Remedy(StrEnum):
    """What to do after a refused call.

    TOKEN: a new token, and once again. RETRY: again after a while. DEFER: not before the member
    writes again, or the quota's next day. The rest is final: it lies with this recipient, this
    content, what the account may do, or how it is configured.
    """

    DONE = "done"
    TOKEN = "token"  # noqa: S105
    RETRY = "retry"
    DEFER = "defer"
    RECIPIENT = "recipient"
    CONTENT = "content"
    CAPABILITY = "capability"
    CONFIGURATION = "configuration"


_REMEDIES: Mapping[Remedy, tuple[int, ...]] = {
    # 45065: this clientmsgid was sent before, which is what we wanted.
    Remedy.DONE: (0, 45065),
    Remedy.TOKEN: (40001, 40014, 41001, 42001),
    Remedy.RETRY: (-1, 45011, 45066),
    Remedy.DEFER: (45009, 45015, 45028, 45047),
    Remedy.RECIPIENT: (40003, 43004, 43019, 43101, 48002),
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
