"""How far each account was compared, who is at it, and what came of each time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct
from uuid_utils.compat import uuid7

RunKind: TypeAlias = Literal["poll", "backfill"]

_KEPT_FOR: Final = timedelta(days=30)
_MOST_DRIFT: Final = 50
# 1, 2, 4, 8 and then 15 minutes after it failed.
_LONGEST_PAUSE: Final = timedelta(minutes=15)


class Sync(Struct, frozen=True, kw_only=True):
    """Since when an account is asked, and how far it was compared; None: never."""

    account_id: UUID
    began_at: datetime
    compared_until: datetime | None
    failures: int


class Run(Struct, frozen=True, kw_only=True):
    """One time that bookings are compared; `place` is from where on a broken off one continues."""

    id: UUID
    since: datetime
    until: datetime
    place: dict[str, Any] | None = None


class Page(Struct, frozen=True, kw_only=True):
    """What came of some bookings: how many healed by kind, and those that differ and can't be healed."""

    looked_at: int
    healed: Mapping[str, int]
    drift: Sequence[Mapping[str, str]]
    place: Mapping[str, Any] | None = None


async def add_accounts(connection: asyncpg.Connection, account_ids: Iterable[UUID], now: datetime) -> None:
    """Accounts that are new here are asked from now on; what was before is a matter of a backfill."""
    await connection.execute(
        """
        INSERT INTO syncs (account_id, began_at, next_at) SELECT unnest($1::uuid[]), $2, $2
        ON CONFLICT (account_id) DO NOTHING
        """,
        sorted(account_ids),
        now,
    )


async def claim_due(
    connection: asyncpg.Connection, among: Iterable[UUID], holder: UUID, now: datetime, lasts_for: timedelta
) -> Sync | None:
    """One of these accounts whose time has come and that nobody is at, for the holder alone."""
    row = await connection.fetchrow(
        """
        UPDATE syncs SET leased_by = $2, leased_until = $4 WHERE account_id = (
            SELECT account_id FROM syncs
            WHERE account_id = ANY($1::uuid[]) AND next_at <= $3 AND (leased_until IS NULL OR leased_until <= $3)
            ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING account_id, began_at, compared_until, failures
        """,
        list(among),
        holder,
        now,
        now + lasts_for,
    )
    return None if row is None else Sync(**row)


async def claim(
    connection: asyncpg.Connection, account_id: UUID, holder: UUID, now: datetime, lasts_for: timedelta
) -> bool:
    """The same for one account, due or not; False while somebody else is at it."""
    done = await connection.fetchval(
        """
        UPDATE syncs SET leased_by = $2, leased_until = $4
        WHERE account_id = $1 AND (leased_until IS NULL OR leased_until <= $3) RETURNING true
        """,
        account_id,
        holder,
        now,
        now + lasts_for,
    )
    return bool(done)


async def began_at(connection: asyncpg.Connection, account_id: UUID) -> datetime:
    """Since when the account is compared."""
    found: datetime = await connection.fetchval("SELECT began_at FROM syncs WHERE account_id = $1", account_id)
    return found


async def extend(connection: asyncpg.Connection, account_id: UUID, holder: UUID, until: datetime) -> bool:
    """Whether the holder still has the account; then until that moment."""
    done = await connection.fetchval(
        "UPDATE syncs SET leased_until = $3 WHERE account_id = $1 AND leased_by = $2 RETURNING true",
        account_id,
        holder,
        until,
    )
    return bool(done)


async def release(connection: asyncpg.Connection, account_id: UUID, holder: UUID) -> None:
    """Others may be at the account now."""
    await connection.execute(
        "UPDATE syncs SET leased_by = NULL, leased_until = NULL WHERE account_id = $1 AND leased_by = $2",
        account_id,
        holder,
    )


async def begin(
    connection: asyncpg.Connection, account_id: UUID, kind: RunKind, since: datetime, until: datetime, now: datetime
) -> Run:
    """A new time; one that was broken off before is over, and what is long ago is forgotten."""
    await _tidy_up(connection, account_id, kind, now)
    run = Run(id=uuid7(), since=since, until=until)
    await connection.execute(
        """
        INSERT INTO reconciliations (id, account_id, kind, started_at, since, until) VALUES ($1, $2, $3, $4, $5, $6)
        """,
        run.id,
        account_id,
        kind,
        now,
        since,
        until,
    )
    return run


async def _tidy_up(connection: asyncpg.Connection, account_id: UUID, kind: RunKind, now: datetime) -> None:
    await connection.execute(
        """
        UPDATE reconciliations SET state = 'failed', because = 'it was broken off', ended_at = $3
        WHERE account_id = $1 AND kind = $2 AND state = 'running'
        """,
        account_id,
        kind,
        now,
    )
    await connection.execute(
        "DELETE FROM reconciliations WHERE account_id = $1 AND kind = 'poll' AND started_at < $2",
        account_id,
        now - _KEPT_FOR,
    )


async def broken_off(connection: asyncpg.Connection, account_id: UUID, since: datetime, until: datetime) -> Run | None:
    """The newest backfill of this span, if it is not done: it goes on from its place."""
    row = await connection.fetchrow(
        """
        UPDATE reconciliations SET state = 'running', because = NULL, ended_at = NULL WHERE id = (
            SELECT id FROM reconciliations
            WHERE account_id = $1 AND kind = 'backfill' AND since = $2 AND until = $3
            ORDER BY started_at DESC, id DESC LIMIT 1) AND state <> 'done'
        RETURNING id, since, until, place::text
        """,
        account_id,
        since,
        until,
    )
    if row is None:
        return None
    place = None if row["place"] is None else msgspec.json.decode(row["place"], type=dict[str, Any])
    return Run(id=row["id"], since=row["since"], until=row["until"], place=place)


async def add_page(connection: asyncpg.Connection, run_id: UUID, page: Page) -> None:
    """Counts a page, in the transaction in which its events are kept."""
    await connection.execute(
        f"""
        UPDATE reconciliations SET looked_at = looked_at + $2, place = $5::text::jsonb, drifting = drifting + $6,
            healed = (SELECT coalesce(jsonb_object_agg(kind, many), '{{}}') FROM (
                SELECT kind, sum(many::int) AS many FROM (
                    SELECT * FROM jsonb_each_text(healed) UNION ALL SELECT * FROM jsonb_each_text($3::text::jsonb)
                ) AS counted(kind, many) GROUP BY kind) AS summed),
            drift = jsonb_path_query_array(drift || $4::text::jsonb, '$[0 to {_MOST_DRIFT - 1}]')
        WHERE id = $1
        """,  # noqa: S608  # the number is a constant
        run_id,
        page.looked_at,
        msgspec.json.encode(page.healed).decode(),
        msgspec.json.encode(page.drift).decode(),
        None if page.place is None else msgspec.json.encode(page.place).decode(),
        len(page.drift),
    )


async def end(connection: asyncpg.Connection, run_id: UUID, now: datetime, because: str | None = None) -> None:
    """It is done, or failed for this reason."""
    await connection.execute(
        "UPDATE reconciliations SET state = $2, because = $3, ended_at = $4 WHERE id = $1",
        run_id,
        "done" if because is None else "failed",
        because,
        now,
    )


async def passed(
    connection: asyncpg.Connection, account_id: UUID, now: datetime, *, until: datetime | None, next_at: datetime | None
) -> None:
    """Cal.com answered to the end; `until` is how far the account is compared, None for no further than before."""
    await connection.execute(
        """
        UPDATE syncs SET last_ok_at = $2, failing_since = NULL, failures = 0, because = NULL,
            compared_until = coalesce($3, compared_until), next_at = coalesce($4, next_at)
        WHERE account_id = $1
        """,
        account_id,
        now,
        until,
        next_at,
    )


async def failed(
    connection: asyncpg.Connection, sync: Sync, now: datetime, because: str, not_before: datetime | None
) -> None:
    """Cal.com did not answer, or refused: it is asked again after ever longer pauses."""
    pause = min(timedelta(minutes=2 ** min(sync.failures, 10)), _LONGEST_PAUSE)
    await connection.execute(
        """
        UPDATE syncs SET failures = failures + 1, failing_since = coalesce(failing_since, $2), because = $3,
            next_at = $4
        WHERE account_id = $1
        """,
        sync.account_id,
        now,
        because,
        max(now + pause, not_before or now),
    )
