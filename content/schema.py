"""The shape of a pack's files; unknown keys are refused so that a typo is found."""

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Turn(Strict):
    """One message of a dialogue and what its answer must contain.

    `at` moves the dialogue's clock forward: "+2h", "+1d", "+30s". `send` is a text, or one of
    the events "<subscribe>" and "<unsubscribe>". No `expect` means that nothing is answered.
    """

    who: str = Field(min_length=1)
    send: str
    at: str = Field(default="", pattern=r"^(\+\d+[smhd])?$")
    expect: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()


class Dialogue(Strict):
    """A conversation as data: tests play it, `demo --play` shows it."""

    title: str = Field(min_length=1)
    starts_at: str = Field(default="2026-11-23T09:00:00+08:00")
    in_demo: bool = False
    turns: tuple[Turn, ...] = Field(min_length=1)
