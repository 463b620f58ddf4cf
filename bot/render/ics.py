"""A calendar that phones subscribe to (RFC 5545, RFC 7986)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, Timezone

# Nobody says when a meeting ends.
_LENGTH = timedelta(hours=1)
_ALARM = timedelta(hours=-1)
_REFRESH = timedelta(hours=4)
_ZONE_FROM, _ZONE_UNTIL = date(2020, 1, 1), date(2038, 1, 1)


@dataclass(frozen=True, slots=True)
class Appointment:
    """`starts_at` is aware, `timezone` a name of the IANA database; `changed_at` is when this
    version (`sequence`) came to be.
    """

    uid: str
    title: str
    place: str
    note: str
    timezone: str
    starts_at: datetime
    cancelled: bool
    sequence: int
    changed_at: datetime


def calendar(name: str, appointments: Iterable[Appointment]) -> bytes:
    """The same bytes for the same appointments, in UTF-8."""
    made = Calendar()
    made.add("prodid", "-//xueban//calendar feed//")
    made.add("version", "2.0")
    made.add("name", name)
    made.add("x-wr-calname", name)
    made.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", "PT4H")
    events = list(appointments)
    for timezone in sorted({event.timezone for event in events}):
        made.add_component(_zone(timezone))
    for event in events:
        made.add_component(_event(event))
    body: bytes = made.to_ical()
    return body


@lru_cache(maxsize=16)
def _zone(timezone: str) -> Timezone:
    return Timezone.from_tzid(timezone, first_date=_ZONE_FROM, last_date=_ZONE_UNTIL)


def _event(appointment: Appointment) -> Event:
    start = appointment.starts_at.astimezone(ZoneInfo(appointment.timezone))
    event = Event()
    event.add("uid", appointment.uid)
    event.add("summary", appointment.title)
    event.add("dtstart", start)
    event.add("dtend", start + _LENGTH)
    event.add("sequence", appointment.sequence)
    event.add("status", "CANCELLED" if appointment.cancelled else "CONFIRMED")
    # Without a METHOD, DTSTAMP is when what stands here was last changed (RFC 5545, 3.8.7.2).
    event.add("dtstamp", appointment.changed_at)
    event.add("last-modified", appointment.changed_at)
    if appointment.place:
        event.add("location", appointment.place)
    if appointment.note:
        event.add("description", appointment.note)
    if not appointment.cancelled:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", appointment.title)
        alarm.add("trigger", _ALARM)
        event.add_component(alarm)
    return event
