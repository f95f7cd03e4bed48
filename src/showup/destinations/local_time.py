"""Moments as an attendee reads them: in their own zone, in a form that is the same in every language."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class LocalTime(Struct, frozen=True, kw_only=True):
    """`day` is `Tue 2026-03-10`, `hours` is `09:15-09:45` (24 hours), `zone` is `Europe/Berlin, UTC+01:00`."""

    day: str
    hours: str
    zone: str

    def __str__(self) -> str:
        return f"{self.day}, {self.hours}"


def zone_of(names: Iterable[str | None]) -> tuple[str, tzinfo]:
    """The first of these IANA names that is one, and its zone; UTC when none is."""
    for name in filter(None, names):
        try:
            return name, ZoneInfo(name)
        # Names that lead out of the folder of zones, or to one of its folders, are other errors than unknown ones.
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return "UTC", UTC


def local_time(start: datetime, end: datetime | None, zone: tuple[str, tzinfo]) -> LocalTime:
    """An aware moment, or a span of time, in a zone as `zone_of` answers it."""
    name, held = zone
    begins = start.astimezone(held)
    offset = _offset(begins)
    hours = f"{begins:%H:%M}"
    if end is not None:
        hours += _until(begins, end.astimezone(held))
    return LocalTime(day=_day(begins), hours=hours, zone=name if name == "UTC" else f"{name}, {offset}")


def _until(begins: datetime, ends: datetime) -> str:
    until = f"-{ends:%H:%M}" if begins.date() == ends.date() else f" - {_day(ends)}, {ends:%H:%M}"
    # Clocks are changed meanwhile: the end alone would look too early or too late by an hour.
    return until if _offset(begins) == _offset(ends) else f"{until} {_offset(ends)}"


def _day(moment: datetime) -> str:
    return f"{_WEEKDAYS[moment.weekday()]} {moment:%Y-%m-%d}"


def _offset(moment: datetime) -> str:
    written = f"{moment:%z}"
    return f"UTC{written[:3]}:{written[3:5]}"
