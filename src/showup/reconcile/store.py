"""Stores how far each account was compared, which process holds it, and the result of each run."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct
from uuid_utils.compat import uuid7

RunKind: TypeAlias = Literal["poll", "backfill"]

_RETENTION: Final = timedelta(days=30)
_MAX_DRIFT: Final = 50
# Retries after 1, 2, 4, 8 and then 15 minutes.
_MAX_PAUSE: Final = timedelta(minutes=15)


class SyncState(Struct, frozen=True, kw_only=True):
    """Since when an account is reconciled, and how far it was compared; None: never."""

    account_id: UUID
    began_at: datetime
    compared_until: datetime | None
    failures: int


class ReconcileRun(Struct, frozen=True, kw_only=True):
    """One run of a comparison; `position` is where an interrupted run continues."""

    id: UUID
    since: datetime
    until: datetime
    position: dict[str, Any] | None = None


class RunProgress(Struct, frozen=True, kw_only=True):
    """The result for some bookings: repairs by kind, and the differences that can't be repaired."""

    looked_at: int
    repaired: Mapping[str, int]
    drift: Sequence[Mapping[str, str]]
    position: Mapping[str, Any] | None = None


async def add_accounts(connection: asyncpg.Connection, account_ids: Iterable[UUID], now: datetime) -> None:
    """Adds new accounts, reconciled from now on; earlier bookings need a backfill."""
    await connection.execute(
        """
        INSERT INTO syncs (account_id, began_at, next_at) SELECT unnest($1::uuid[]), $2, $2
        ON CONFLICT (account_id) DO NOTHING
        """,
        sorted(account_ids),
        now,
    )


async def claim_due(
    connection: asyncpg.Connection, account_ids: Iterable[UUID], holder: UUID, now: datetime, duration: timedelta
) -> SyncState | None:
    """Claims one of these accounts that is due and that no process holds."""
    row = await connection.fetchrow(
        """
        UPDATE syncs SET leased_by = $2, leased_until = $4 WHERE account_id = (
            SELECT account_id FROM syncs
            WHERE account_id = ANY($1::uuid[]) AND next_at <= $3 AND (leased_until IS NULL OR leased_until <= $3)
            ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING account_id, began_at, compared_until, failures
        """,
        list(account_ids),
        holder,
        now,
        now + duration,
    )
    return None if row is None else SyncState(**row)


async def claim_account(
    connection: asyncpg.Connection, account_id: UUID, holder: UUID, now: datetime, duration: timedelta
) -> bool:
    """Claims one account, due or not; returns False while another process holds it."""
    done = await connection.fetchval(
        """
        UPDATE syncs SET leased_by = $2, leased_until = $4
        WHERE account_id = $1 AND (leased_until IS NULL OR leased_until <= $3) RETURNING true
        """,
        account_id,
        holder,
        now,
        now + duration,
    )
    return bool(done)


async def get_began_at(connection: asyncpg.Connection, account_id: UUID) -> datetime:
    """Returns since when the account is compared."""
    result: datetime = await connection.fetchval("SELECT began_at FROM syncs WHERE account_id = $1", account_id)
    return result


async def extend_lease(connection: asyncpg.Connection, account_id: UUID, holder: UUID, until: datetime) -> bool:
    """Extends the lease until that moment; returns whether the holder still has the account."""
    done = await connection.fetchval(
        "UPDATE syncs SET leased_until = $3 WHERE account_id = $1 AND leased_by = $2 RETURNING true",
        account_id,
        holder,
        until,
    )
    return bool(done)


async def release_lease(connection: asyncpg.Connection, account_id: UUID, holder: UUID) -> None:
    """Releases the account for other processes."""
    await connection.execute(
        "UPDATE syncs SET leased_by = NULL, leased_until = NULL WHERE account_id = $1 AND leased_by = $2",
        account_id,
        holder,
    )


async def start_run(
    connection: asyncpg.Connection, account_id: UUID, kind: RunKind, since: datetime, until: datetime, now: datetime
) -> ReconcileRun:
    """Starts a run; ends an interrupted earlier one, and deletes old ones."""
    await _clean_up_runs(connection, account_id, kind, now)
    run = ReconcileRun(id=uuid7(), since=since, until=until)
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


async def _clean_up_runs(connection: asyncpg.Connection, account_id: UUID, kind: RunKind, now: datetime) -> None:
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
        now - _RETENTION,
    )


async def resume_backfill(
    connection: asyncpg.Connection, account_id: UUID, since: datetime, until: datetime
) -> ReconcileRun | None:
    """Returns the newest backfill of this span if it is not done; it continues at its position."""
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
    position = None if row["place"] is None else msgspec.json.decode(row["place"], type=dict[str, Any])
    return ReconcileRun(id=row["id"], since=row["since"], until=row["until"], position=position)


async def record_progress(connection: asyncpg.Connection, run_id: UUID, progress: RunProgress) -> None:
    """Counts a page, in the transaction that stores its events."""
    await connection.execute(
        f"""
        UPDATE reconciliations SET looked_at = looked_at + $2, place = $5::text::jsonb, drifting = drifting + $6,
            repaired = (SELECT coalesce(jsonb_object_agg(kind, many), '{{}}') FROM (
                SELECT kind, sum(many::int) AS many FROM (
                    SELECT * FROM jsonb_each_text(repaired) UNION ALL SELECT * FROM jsonb_each_text($3::text::jsonb)
                ) AS counted(kind, many) GROUP BY kind) AS summed),
            drift = jsonb_path_query_array(drift || $4::text::jsonb, '$[0 to {_MAX_DRIFT - 1}]')
        WHERE id = $1
        """,  # noqa: S608  # the number is a constant
        run_id,
        progress.looked_at,
        msgspec.json.encode(progress.repaired).decode(),
        msgspec.json.encode(progress.drift).decode(),
        None if progress.position is None else msgspec.json.encode(progress.position).decode(),
        len(progress.drift),
    )


async def finish_run(connection: asyncpg.Connection, run_id: UUID, now: datetime, because: str | None = None) -> None:
    """Marks the run as done, or as failed for this reason."""
    await connection.execute(
        "UPDATE reconciliations SET state = $2, because = $3, ended_at = $4 WHERE id = $1",
        run_id,
        "done" if because is None else "failed",
        because,
        now,
    )


async def record_success(
    connection: asyncpg.Connection, account_id: UUID, now: datetime, *, until: datetime | None, next_at: datetime | None
) -> None:
    """Records that the API answered to the end; `until` is how far the account is compared, None for no change."""
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


async def record_failure(
    connection: asyncpg.Connection, sync: SyncState, now: datetime, because: str, not_before: datetime | None
) -> None:
    """Records that the API did not answer, or refused; the retry comes after ever longer pauses."""
    pause = min(timedelta(minutes=2 ** min(sync.failures, 10)), _MAX_PAUSE)
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
