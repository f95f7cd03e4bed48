"""Formats times for an attendee: in their own time zone, in a form that is the same in every language."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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


def resolve_zone(names: Iterable[str | None]) -> tuple[str, tzinfo]:
    """Returns the first valid IANA name and its zone; UTC when none is valid."""
    for name in filter(None, names):
        try:
            return name, ZoneInfo(name)
        # Names that point outside the zone folder, or to one of its folders, raise other errors than unknown names.
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return "UTC", UTC


def local_time(start: datetime, end: datetime | None, zone: tuple[str, tzinfo]) -> LocalTime:
    """Formats an aware time, or a time span, in a zone as `resolve_zone` returns it."""
    name, tz = zone
    begins = start.astimezone(tz)
    offset = _offset(begins)
    hours = f"{begins:%H:%M}"
    if end is not None:
        hours += _until(begins, end.astimezone(tz))
    return LocalTime(day=_day(begins), hours=hours, zone=name if name == "UTC" else f"{name}, {offset}")


def _until(begins: datetime, ends: datetime) -> str:
    until = f"-{ends:%H:%M}" if begins.date() == ends.date() else f" - {_day(ends)}, {ends:%H:%M}"
    # A clock change falls inside the span: the end time alone would look wrong by an hour.
    return until if _offset(begins) == _offset(ends) else f"{until} {_offset(ends)}"


def _day(moment: datetime) -> str:
    return f"{_WEEKDAYS[moment.weekday()]} {moment:%Y-%m-%d}"


def _offset(moment: datetime) -> str:
    written = f"{moment:%z}"
    return f"UTC{written[:3]}:{written[3:5]}"
