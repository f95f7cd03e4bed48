"""Formats times for an attendee: in their own time zone, in a form that is the same in every language."""

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class LocalTime(Struct, frozen=True, kw_only=True):
    """A formatted time.

    `day` is `Tue 2026-03-10`, `hours` is `09:15-09:45` (24 hours), `zone` is `Europe/Berlin, UTC+01:00`.
    """

    day: str
    hours: str
    zone: str

    def __str__(self) -> str:
        return f"{self.day}, {self.hours}"


def local_time(start: datetime, end: datetime | None, zone: ZoneInfo) -> LocalTime:
    """Formats an aware time, or a time span, in a zone."""
    begins = start.astimezone(zone)
    offset = _offset(begins)
    hours = f"{begins:%H:%M}"
    if end is not None:
        hours += _until(begins, end.astimezone(zone))
    return LocalTime(day=_day(begins), hours=hours, zone=zone.key if zone.key == "UTC" else f"{zone.key}, {offset}")


def _until(begins: datetime, ends: datetime) -> str:
    until = f"-{ends:%H:%M}" if begins.date() == ends.date() else f" - {_day(ends)}, {ends:%H:%M}"
    # A clock change falls inside the span: the end time alone would look wrong by an hour.
    return until if _offset(begins) == _offset(ends) else f"{until} {_offset(ends)}"


def _day(moment: datetime) -> str:
    return f"{_WEEKDAYS[moment.weekday()]} {moment:%Y-%m-%d}"


def _offset(moment: datetime) -> str:
    written = f"{moment:%z}"
    return f"UTC{written[:3]}:{written[3:5]}"
