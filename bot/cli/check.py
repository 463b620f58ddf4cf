"""One finding of doctor."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    state: Literal["ok", "warn", "fail"]
    subject: str
    finding: str
    advice: str = ""
