"""Decides which digest is due: once a day and once a week, at a time of day in the workspace's zone. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from showup.outbox import expiry
from showup.values.invalid_value import InvalidValue
from showup.values.time_of_day import parse_time_of_day
from showup.values.time_zone import zone_of

DAILY: Final = "digest.daily"
WEEKLY: Final = "digest.weekly"
_DEFAULT_TIME: Final = time(8)
_MONDAY: Final = 0


class DigestPeriod(Struct, frozen=True, kw_only=True):
    """A period from `since` until before `until`; both aware."""

    since: datetime
    until: datetime


class Digest(Struct, frozen=True, kw_only=True):
    """A digest due at a moment: it covers the days before its date, and lists what is ahead from that date."""

    kind: str
    day: date
    due_at: datetime
    before: DigestPeriod
    ahead: DigestPeriod

    @property
    def key(self) -> str:
        """Returns the idempotency key of the digest."""
        return f"{self.kind}:{self.day}"

    @property
    def expires_at(self) -> datetime:
        """Returns when the digest is out of date."""
        return expiry.of_kind(self.kind, self.due_at)


def due(kind: str, digest_at: str | None, time_zone: str, now: datetime) -> Digest | None:
    """Returns the digest of this kind that is due now, or None."""
    zone, at = zone_of(time_zone), _time_of_day(digest_at)
    today = now.astimezone(zone).date()
    # Yesterday's digest may be due late in the evening.
    for day in (today, today - timedelta(days=1)):
        due_at = datetime.combine(day, at, zone).astimezone(UTC)
        is_its_day = kind == DAILY or day.weekday() == _MONDAY
        if is_its_day and due_at <= now < expiry.of_kind(kind, due_at):
            return _digest_of(kind, day, due_at, zone)
    return None


def _digest_of(kind: str, day: date, due_at: datetime, zone: ZoneInfo) -> Digest:
    days = timedelta(days=7 if kind == WEEKLY else 1)
    return Digest(
        kind=kind,
        day=day,
        due_at=due_at,
        before=DigestPeriod(since=_midnight(day - days, zone), until=_midnight(day, zone)),
        ahead=DigestPeriod(since=_midnight(day, zone), until=_midnight(day + days, zone)),
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _time_of_day(text: str | None) -> time:
    try:
        return parse_time_of_day(text or "")
    except InvalidValue:
        return _DEFAULT_TIME
