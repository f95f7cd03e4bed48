"""Formats a meeting's time in English for its attendee: order and clock of their region."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MONTH_FIRST_REGIONS: Final = frozenset({"US", "CA", "PH"})
_TWELVE_HOUR_REGIONS: Final = _MONTH_FIRST_REGIONS | {"AU", "NZ", "IN", "PK", "EG", "MX"}


class MeetingTime(Struct, frozen=True, kw_only=True):
    """A formatted time.

    In New York: `weekday` is `Thursday`, `date` is `Thursday, December 3`, `time` is `10:00 AM`, `hours` is
    `10:00–10:30 AM`, `zone` is `New York time` and `tile` is `("Thu", "3", "Dec")`. `days_ahead` is 0 for today.
    """

    weekday: str
    date: str
    time: str
    hours: str
    zone: str
    tile: tuple[str, str, str]
    days_ahead: int


def meeting_time(
    start: datetime, end: datetime | None, zone: ZoneInfo, *, locale: str | None, now: datetime
) -> MeetingTime:
    """Format an aware time, or a span; without a region in the locale, the zone's continent decides."""
    begins = start.astimezone(zone)
    region = _region(locale, zone)
    weekday, month = _WEEKDAYS[begins.weekday()], _MONTHS[begins.month - 1]
    day = f"{month} {begins.day}" if region in _MONTH_FIRST_REGIONS else f"{begins.day} {month}"
    return MeetingTime(
        weekday=weekday,
        date=f"{weekday}, {day}",
        time=_clock(begins, region),
        hours=_hours(begins, None if end is None else end.astimezone(zone), region),
        zone=_zone_name(begins, zone),
        tile=(weekday[:3], str(begins.day), month[:3]),
        days_ahead=(begins.date() - now.astimezone(zone).date()).days,
    )


def _region(locale: str | None, zone: ZoneInfo) -> str:
    last = (locale or "").replace("_", "-").rpartition("-")[2]
    if len(last) == 2 and last.isupper():
        return last
    return "US" if zone.key.startswith(("America/", "US/")) else ""


def _hours(begins: datetime, ends: datetime | None, region: str) -> str:
    if ends is None:
        return _clock(begins, region)
    later = "" if begins.date() == ends.date() else f", ends {_WEEKDAYS[ends.weekday()][:3]}"
    first, last = _clock(begins, region), _clock(ends, region)
    if not later and first[-2:] == last[-2:] and region in _TWELVE_HOUR_REGIONS:
        first = first[:-3]
    return f"{first}–{last}{later}"


def _clock(moment: datetime, region: str) -> str:
    if region not in _TWELVE_HOUR_REGIONS:
        return f"{moment:%H:%M}"
    return f"{moment.hour % 12 or 12}:{moment:%M}\u00a0{'AM' if moment.hour < 12 else 'PM'}"


def _zone_name(moment: datetime, zone: ZoneInfo) -> str:
    continent, _, city = zone.key.rpartition("/")
    if not continent or continent == "Etc":
        offset = f"{moment:%z}"
        return "UTC" if zone.key == "UTC" else f"UTC{offset[:3]}:{offset[3:]}"
    return f"{city.replace('_', ' ')} time"
