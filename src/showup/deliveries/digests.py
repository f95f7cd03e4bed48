"""Which digest is due: once a day and once a week, at a time of day in the workspace's zone. Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

DAILY: Final = "digest.daily"
WEEKLY: Final = "digest.weekly"
_USUALLY_AT: Final = time(8)
_MONDAY: Final = 0
# Whoever was down all morning tells of it later, but not in the evening.
_WORTH_TELLING_FOR: Final = timedelta(hours=12)
_HOUR: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class Span(Struct, frozen=True, kw_only=True):
    """From `since` on and before `until`; both aware."""

    since: datetime
    until: datetime


class Digest(Struct, frozen=True, kw_only=True):
    """One that is due at a moment: of the days before its date, with what is ahead from that date on."""

    kind: str
    day: date
    due_at: datetime
    before: Span
    ahead: Span

    @property
    def key(self) -> str:
        """Which one it is, once and for all."""
        return f"{self.kind}:{self.day}"

    @property
    def expires_at(self) -> datetime:
        """From then on it is old."""
        return self.due_at + _WORTH_TELLING_FOR


def due(kind: str, digest_at: str | None, time_zone: str, now: datetime) -> Digest | None:
    """The digest of this kind that is to be told now, if there is one."""
    zone, at = _zone(time_zone), _time_of_day(digest_at)
    today = now.astimezone(zone).date()
    # That of yesterday may have its time late in the evening.
    for day in (today, today - timedelta(days=1)):
        due_at = datetime.combine(day, at, zone).astimezone(UTC)
        is_its_day = kind == DAILY or day.weekday() == _MONDAY
        if is_its_day and due_at <= now < due_at + _WORTH_TELLING_FOR:
            return _of_day(kind, day, due_at, zone)
    return None


def _of_day(kind: str, day: date, due_at: datetime, zone: ZoneInfo) -> Digest:
    days = timedelta(days=7 if kind == WEEKLY else 1)
    return Digest(
        kind=kind,
        day=day,
        due_at=due_at,
        before=Span(since=_midnight(day - days, zone), until=_midnight(day, zone)),
        ahead=Span(since=_midnight(day, zone), until=_midnight(day + days, zone)),
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _time_of_day(text: str | None) -> time:
    found = _HOUR.fullmatch(text or "")
    return time(int(found[1]), int(found[2])) if found else _USUALLY_AT
