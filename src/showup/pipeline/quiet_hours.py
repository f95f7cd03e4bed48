"""Quiet hours: when Showup sends no unrequested mail, in the recipient's local time.

Clocks go forward and back: an hour of the day may occur twice, or not at all.
"""

from datetime import datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Meta

HourOfDay: TypeAlias = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of day such as `21:00`."""

_MINUTE = timedelta(minutes=1)
_UTC = ZoneInfo("UTC")


# Names come from outside and may be invalid.
@lru_cache(maxsize=1024)
def _find_zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


def zone_of(*names: str | None) -> ZoneInfo:
    """Return the first valid IANA time zone of these names, or UTC if none is valid."""
    return next((zone for name in names if name and (zone := _find_zone(name)) is not None), _UTC)


def end_of_quiet_hours(at: datetime, zone: tzinfo, quiet: tuple[str, str]) -> datetime:
    """Return `at`, or the first later moment outside quiet hours in `zone`.

    Input and output are aware datetimes in the zone of `at`. `quiet` holds the start and the end of the quiet hours;
    the end itself is not quiet. Equal values mean no quiet hours.
    """
    begins, ends = (time.fromisoformat(one) for one in quiet)
    local = at.astimezone(zone)
    if not _is_quiet(local, begins, ends):
        return at
    end_at = at + _time_until(local, ends)
    if end_at.astimezone(zone).utcoffset() == local.utcoffset():
        return end_at
    # The clocks change before then, so check minute by minute.
    moment = at - timedelta(seconds=at.second, microseconds=at.microsecond)
    while _is_quiet(moment.astimezone(zone), begins, ends):
        moment += _MINUTE
    return moment


def _is_quiet(local: datetime, begins: time, ends: time) -> bool:
    now = local.time()
    return begins <= now < ends if begins <= ends else now >= begins or now < ends


def _time_until(local: datetime, ends: time) -> timedelta:
    """Return the time until the clock shows `ends`, ignoring clock changes."""
    naive = local.replace(tzinfo=None)
    today = datetime.combine(naive.date(), ends)
    return (today if today > naive else today + timedelta(days=1)) - naive
