"""Digests: what happened and what is ahead, once a day and once a week, at a time of day in the workspace's zone.

Each is a delivery whose key has its date, so that however many processes look, it is written once.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import asyncpg
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import raw, transaction
from showup.database.fault import is_away
from showup.deliveries.delivery import Lane
from showup.deliveries.sequels import Sequel, tell

DAILY: Final = "digest.daily"
WEEKLY: Final = "digest.weekly"
_USUALLY_AT: Final = time(8)
_MONDAY: Final = 0
# Whoever was down all morning tells of it later, but not in the evening.
_WORTH_TELLING_FOR: Final = timedelta(hours=12)
_HOUR: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")

_log = structlog.get_logger()


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


Reading: TypeAlias = Callable[[asyncpg.Connection, UUID, Digest], Awaitable[dict[str, Any]]]
"""What a digest says of a workspace: plain JSON values."""


class _Listener(Struct, frozen=True, kw_only=True):
    workspace_id: UUID
    destination: str
    kinds: Sequence[str]
    since: datetime
    time_zone: str
    digest_at: str | None


def due(kind: str, digest_at: str | None, time_zone: str, now: datetime) -> Digest | None:
    """The digest of this kind that is to be told now, if there is one. Pure."""
    zone, at = _zone(time_zone), _time_of_day(digest_at)
    today = now.astimezone(zone).date()
    due_at = datetime.combine(today, at, zone).astimezone(UTC)
    weekly = kind == WEEKLY
    if not due_at <= now < due_at + _WORTH_TELLING_FOR or (weekly and today.weekday() != _MONDAY):
        return None
    days = timedelta(days=7 if weekly else 1)
    return Digest(
        kind=kind,
        day=today,
        due_at=due_at,
        before=Span(since=_midnight(today - days, zone), until=_midnight(today, zone)),
        ahead=Span(since=_midnight(today, zone), until=_midnight(today + days, zone)),
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


class Digesting:
    """Writes the digests of all workspaces that somebody listens to, when they are due."""

    def __init__(self, engine: AsyncEngine, clock: Clock, read: Reading) -> None:
        self._engine = engine
        self._clock = clock
        self._read = read

    async def write_due(self) -> None:
        """Those that are due and not written yet; what fails for one workspace is no matter of the others."""
        async with transaction(self._engine) as tx:
            rows = await (await raw(tx)).fetch(_LISTENERS, [DAILY, WEEKLY])
        for row in rows:
            listener = _Listener(**row)
            try:
                await self._write(listener)
            except Exception as fault:
                if is_away(fault):
                    raise
                _log.exception("a digest could not be written", workspace_id=str(listener.workspace_id))

    async def _write(self, listener: _Listener) -> None:
        now = self._clock()
        for kind in (DAILY, WEEKLY):
            digest = due(kind, listener.digest_at, listener.time_zone, now) if kind in listener.kinds else None
            # Whoever was connected after its time waits for the next one.
            if digest is None or listener.since > digest.due_at:
                continue
            async with transaction(self._engine) as tx:
                await self._write_one(await raw(tx), listener, digest, now)

    async def _write_one(
        self, connection: asyncpg.Connection, listener: _Listener, digest: Digest, now: datetime
    ) -> None:
        if await connection.fetchval(_IS_WRITTEN, listener.workspace_id, f"{listener.destination}/{digest.key}"):
            return
        said = await self._read(connection, listener.workspace_id, digest)
        sequel = Sequel(
            kind=digest.kind,
            key=digest.key,
            details={"date": f"{digest.day}", **said},
            expires_at=digest.expires_at,
        )
        lane = Lane(workspace_id=listener.workspace_id, destination=listener.destination)
        await tell(connection, lane, sequel, now)


_LISTENERS: Final = """
    SELECT s.workspace_id, s.destination, s.kinds, s.since, w.time_zone, c.settings->>'digest_at' AS digest_at
    FROM subscriptions s JOIN workspaces w ON w.id = s.workspace_id
    LEFT JOIN connections c ON c.workspace_id = s.workspace_id AND c.kind = s.destination
    WHERE s.until IS NULL AND s.kinds && $1::text[] ORDER BY w.slug, s.destination, c.name
"""
_IS_WRITTEN: Final = "SELECT true FROM deliveries WHERE workspace_id = $1 AND key = $2"
