"""Deliveries that somebody tries again, sends again or takes back.

What is refused comes back as its reason, and then nothing was changed. A delivery keeps what was rendered for it, so
one that is tried again sends the same words under the same id; only what was refused outright is rendered anew, since
somebody may have put right what was wrong with it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.deliveries import endpoints_store
from showup.deliveries.delivery import Lane
from showup.deliveries.endpoint import endpoint_id_of, is_endpoint
from showup.deliveries.waking import wake_lanes

_READ: Final = """
    SELECT id, workspace_id, destination, state, because, attempts, due_at, expires_at, withdrawn_by,
           unwanted
    FROM deliveries
"""
_GONE: Final = "there is no such delivery any more"
_SENT_WITHIN: Final = timedelta(days=1)
_UNDER_WAY: Final = "it is being sent at this moment"


class Failed(Struct, frozen=True, kw_only=True):
    """Which of the deliveries that failed are meant; None asks nothing. `since` is when they failed, inclusive."""

    workspace_id: UUID | None = None
    destination: str | None = None
    kind: str | None = None
    since: datetime | None = None


class Retried(Struct, frozen=True, kw_only=True):
    """How many are tried again, and how many stay as they are since they are not worth telling any more."""

    retried: int
    expired: int


async def retry(connection: asyncpg.Connection, delivery_id: UUID, now: datetime) -> str | None:
    """Tries one again that failed, was skipped at the last look or was withdrawn by hand; else why not."""
    row = await _held(connection, delivery_id)
    because = _why_never_again(row, now)
    if because is None and row is not None:
        await _schedule(connection, [row], now)
    return because


async def send_again(connection: asyncpg.Connection, delivery_id: UUID, now: datetime) -> str | None:
    """Sends once more what an endpoint took already, under the same id and to the letter; else why not."""
    row = await _held(connection, delivery_id)
    if row is None:
        return _GONE
    if not is_endpoint(row["destination"]):
        return "only outgoing webhooks are sent again: nobody else is told twice"
    if row["state"] != "delivered":
        return f"it is {row['state']}: only one that was delivered is sent again, and a retry is for those that failed"
    if await endpoints_store.find(connection, row["workspace_id"], endpoint_id_of(row["destination"])) is None:
        return "there is no such endpoint any more"
    await connection.execute(
        "UPDATE deliveries SET expires_at = greatest(expires_at, $2) WHERE id = $1", delivery_id, now + _SENT_WITHIN
    )
    await _schedule(connection, [row], now)
    return None


async def retry_failed(connection: asyncpg.Connection, wanted: Failed, now: datetime) -> Retried:
    """Tries all again that failed and are still worth telling."""
    rows = await connection.fetch(
        f"""
        {_READ} WHERE state = 'failed' AND ($1::uuid IS NULL OR workspace_id = $1)
        AND ($2::text IS NULL OR destination = $2) AND ($3::text IS NULL OR kind = $3)
        AND ($4::timestamptz IS NULL OR updated_at >= $4)
        ORDER BY id FOR UPDATE
        """,
        wanted.workspace_id,
        wanted.destination,
        wanted.kind,
        wanted.since,
    )
    again = [row for row in rows if _why_never_again(row, now) is None]
    await _schedule(connection, again, now)
    return Retried(retried=len(again), expired=len(rows) - len(again))


async def withdraw(connection: asyncpg.Connection, delivery_id: UUID, actor: str, now: datetime) -> str | None:
    """Takes back a scheduled one, for good unless somebody tries it again; else why not."""
    row = await _held(connection, delivery_id)
    if row is None:
        return _GONE
    if row["state"] != "scheduled":
        return _UNDER_WAY if row["state"] == "sending" else f"it is {row['state']} already"
    await connection.execute(
        """
        UPDATE deliveries SET state = 'withdrawn', withdrawn_by = $2, because = 'withdrawn by ' || $2, updated_at = $3
        WHERE id = $1
        """,
        delivery_id,
        actor,
        now,
    )
    return None


async def _held(connection: asyncpg.Connection, delivery_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(f"{_READ} WHERE id = $1 FOR UPDATE", delivery_id)


def _why_never_again(row: Mapping[str, Any] | None, now: datetime) -> str | None:
    if row is None:
        return _GONE
    if (because := _why_not_in_its_state(row)) is not None:
        return because
    if row["unwanted"] is not None:
        return f"nothing calls for it any more: {row['unwanted']}"
    if row["expires_at"] is not None and row["expires_at"] <= now:
        return f"it is not worth telling any more since {row['expires_at']:%Y-%m-%d %H:%M:%S} UTC"
    return None


def _why_not_in_its_state(row: Mapping[str, Any]) -> str | None:
    match row["state"]:
        case "sending":
            return _UNDER_WAY
        case "scheduled":
            return "it is scheduled already"
        case "delivered":
            return "it was delivered, and nobody is told twice"
        case "withdrawn" if row["withdrawn_by"] is None:
            return f"nothing calls for it any more: {row['because']}"
        # Skipped before anybody tried: its story says so, and would say so again with the next news (PI13).
        case "skipped" if not row["attempts"]:
            return f"it was never to be sent: {row['because']}"
        case _:
            return None


async def _schedule(connection: asyncpg.Connection, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    await _forget_refused(connection, [row["id"] for row in rows])
    # What was withdrawn before its time is still told at its time.
    moments = {row["id"]: max(now, row["due_at"]) for row in rows}
    await connection.execute(
        """
        UPDATE deliveries d SET state = 'scheduled', failures = 0, wake_at = given.wake_at, because = NULL,
                                withdrawn_by = NULL, updated_at = $3
        FROM unnest($1::uuid[], $2::timestamptz[]) AS given(id, wake_at) WHERE d.id = given.id
        """,
        list(moments),
        list(moments.values()),
        now,
    )
    lanes = {
        (Lane(workspace_id=row["workspace_id"], destination=row["destination"]), moments[row["id"]]) for row in rows
    }
    await wake_lanes(connection, lanes, now)


async def _forget_refused(connection: asyncpg.Connection, delivery_ids: Sequence[UUID]) -> None:
    """Drops the words of those of which no attempt can have been taken: under the same id others are then no lie."""
    await connection.execute(
        """
        DELETE FROM delivery_contents c WHERE c.delivery_id = ANY($1::uuid[]) AND NOT EXISTS (
            SELECT FROM delivery_attempts a
            WHERE a.delivery_id = c.delivery_id AND coalesce(a.outcome, 'lost') NOT IN ('gave_up', 'stopped')
        )
        """,
        delivery_ids,
    )
