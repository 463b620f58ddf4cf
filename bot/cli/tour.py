"""The tour of a pack's demo.toml, as the sandbox plays it."""

from bot.cli.play import step_of
from bot.simulator.tour import Act, Step
from content.schema_play import DemoFile, TourStep, Turn


def steps_of(demo: DemoFile) -> tuple[Step, ...]:
    return tuple(_step(step) for step in demo.tour)


def _step(step: TourStep) -> Step:
    return Step(
        title=step.title,
        text=step.text,
        done=step.done,
        acts=tuple(_act(turn) for turn in step.turns),
        profile=(step.kind, step.verified),
        until=_until(step.until),
    )


def _act(turn: Turn) -> Act:
    if turn.at:
        return Act(forward=step_of(turn.at))
    return Act(turn.who, turn.send, turn.expect, turn.capture, place=turn.place)


def _until(text: str) -> tuple[int, int, int] | None:
    if not text:
        return None
    day, _, at = text.partition(" ")
    hour, _, minute = at.partition(":")
    return int(day), int(hour), int(minute)
