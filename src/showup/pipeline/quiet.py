"""The hours in which nobody is written to unasked, by the clock where they are.

Clocks are put forward and back: an hour of the day may come twice, or not at all.
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


# Names come from outside, and may be any.
@lru_cache(maxsize=1024)
def _known(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


def zone_of(*names: str | None) -> ZoneInfo:
    """The first of the IANA names that is one; UTC when none is."""
    return next((zone for name in names if name and (zone := _known(name)) is not None), _UTC)


def after_quiet(at: datetime, zone: tzinfo, quiet: tuple[str, str]) -> datetime:
    """`at`, or the first moment after it at which the clocks in `zone` do not show a quiet hour.

    Aware in, aware out, in the zone of `at`. `quiet` is from and until, which is not quiet any more; the same twice is
    never.
    """
    begins, ends = (time.fromisoformat(one) for one in quiet)
    local = at.astimezone(zone)
    if not _is_quiet(local, begins, ends):
        return at
    over_at = at + _left(local, ends)
    if over_at.astimezone(zone).utcoffset() == local.utcoffset():
        return over_at
    # The clocks change until then, so they are watched minute by minute.
    moment = at - timedelta(seconds=at.second, microseconds=at.microsecond)
    while _is_quiet(moment.astimezone(zone), begins, ends):
        moment += _MINUTE
    return moment


def _is_quiet(local: datetime, begins: time, ends: time) -> bool:
    now = local.time()
    return begins <= now < ends if begins <= ends else now >= begins or now < ends


def _left(local: datetime, ends: time) -> timedelta:
    """From the local time until the clock shows `ends`, if nobody touches it."""
    naive = local.replace(tzinfo=None)
    today = datetime.combine(naive.date(), ends)
    return (today if today > naive else today + timedelta(days=1)) - naive
