"""What a pack does by itself: its routines, days of remembrance and reminders of meetings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from content.schema import RememberedDay, Reminder, RoutineFile


@dataclass(frozen=True, slots=True)
class Routines:
    """`rules` by kind, in the order of the files; `days` by month and day ("09-18").

    No study card is made of the `skipped_topics`.
    """

    rules: Mapping[str, str] = field(default_factory=dict)
    days: Mapping[str, RememberedDay] = field(default_factory=dict)
    reminders: tuple[Reminder, ...] = ()
    skipped_topics: frozenset[str] = frozenset()

    def is_plain(self, day: date) -> bool:
        """Whether what is pushed on this day is said plainly."""
        found = self.days.get(f"{day:%m-%d}")
        return found is not None and found.manner == "plain"


def merged(layers: Sequence[RoutineFile]) -> Routines:
    """The base's first: a later rule of the same kind wins, and a later list of reminders."""
    reminders = [layer.reminder for layer in layers if layer.reminder is not None]
    return Routines(
        rules={one.kind: one.rule for layer in layers for one in layer.routine},
        days={one.date: one for layer in layers for one in layer.day},
        reminders=reminders[-1] if reminders else (),
        skipped_topics=frozenset(
            topic for layer in layers for topic in layer.study_card.skipped_topics
        ),
    )


def problems_of(own: RoutineFile) -> Iterator[str]:
    """What is said twice in one file."""
    for name, keys in (
        ("routine", [one.kind for one in own.routine]),
        ("day", [one.date for one in own.day]),
    ):
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            yield f"{name}: {key}: used twice"
