"""The log in PostgreSQL: inbox events are added and marked processed; only an erasure takes anything out."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct
from uuid_utils.compat import uuid7

from showup.database import bulk
from showup.database.tables import event_refs
from showup.inbox import chain_store, totals
from showup.inbox.inbox_event import IncomingEvent, Origin, Source, Stored
from showup.values.counted import counted

# The projection workers listen on this channel. The payload is empty, because the table says which events are due.
CHANNEL = "showup_inbox"

# One array per column, in the order of `_row`.
_NEW_ROWS = """
    SELECT id, account_id, workspace_id, 'calcom' AS source, origin, received_at, digest, body, content_type,
           webhook_version, source_address
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::bytea[],
                         $7::bytea[], $8::text[], $9::text[], $10::text[])
    AS t(id, account_id, workspace_id, origin, received_at, digest, body, content_type, webhook_version,
         source_address)
"""

_INSERT = f"""
    WITH inserted AS (
        INSERT INTO inbox_events (id, account_id, workspace_id, source, origin, received_at, digest, body,
                                  content_type, webhook_version, source_address)
        {_NEW_ROWS}
        ON CONFLICT (account_id, digest) WHERE duplicate_of IS NULL DO NOTHING
        RETURNING 1
    )
    SELECT count(*), pg_notify('{CHANNEL}', '') FROM inserted
"""  # noqa: S608  # the parts are constants

_INSERT_DUPLICATES = f"""
    WITH incoming AS ({_NEW_ROWS})
    INSERT INTO inbox_events (id, account_id, workspace_id, source, origin, received_at, digest, body, content_type,
                              webhook_version, source_address, duplicate_of, state, because, processed_at)
    SELECT i.id, i.account_id, f.workspace_id, i.source, i.origin, i.received_at, i.digest, i.body, i.content_type,
           i.webhook_version, i.source_address, f.id, 'duplicate', 'the same body was already received',
           i.received_at
    FROM incoming i JOIN inbox_events f USING (account_id, digest) WHERE f.duplicate_of IS NULL AND f.id <> i.id
    RETURNING id, duplicate_of
"""  # noqa: S608  # the parts are constants


class InboxEvent(Struct, frozen=True, kw_only=True):
    """An inbox event as the projector reads it."""

    id: UUID
    account_id: UUID | None
    source: Source
    origin: Origin
    received_at: datetime
    digest: bytes
    order_digest: bytes | None = None
    body: bytes
    attempts: int
    replayed_at: datetime | None


class ProcessedEvent(Struct, frozen=True, kw_only=True):
    """The outcome of an inbox event."""

    event_id: UUID
    state: str
    because: str | None = None
    trigger: str | None = None
    uid: str | None = None
    source_at: datetime | None = None
    booking_id: UUID | None = None


async def insert_events(connection: asyncpg.Connection, incoming: Sequence[IncomingEvent]) -> list[Stored]:
    """Stores all of them in the given order: each new body as an event, each known body as its duplicate."""
    rows = [_row(uuid7(), event) for event in incoming]
    # Every process inserts in the same order, so that two with the same bodies never deadlock.
    sorted_rows = sorted(rows, key=_account_and_digest)
    inserted = await connection.fetchval(_INSERT, *_columns(sorted_rows))
    originals: dict[UUID, UUID] = {}
    if inserted < len(rows):
        duplicates = await connection.fetch(_INSERT_DUPLICATES, *_columns(sorted_rows))
        originals = {row["id"]: row["duplicate_of"] for row in duplicates}
    if missing := len(rows) - inserted - len(originals):
        webhooks = counted(missing, "webhook is", "webhooks are")
        raise LookupError(f"{webhooks} neither new nor known, and must not be confirmed as stored")
    return [Stored(id=row[0], duplicate_of=originals.get(row[0])) for row in rows]


def _row(event_id: UUID, event: IncomingEvent) -> tuple[Any, ...]:
    return (
        event_id,
        event.account_id,
        event.workspace_id,
        event.origin,
        event.received_at,
        event.digest,
        event.body,
        event.content_type,
        event.webhook_version,
        event.source_address,
    )


def _account_and_digest(row: tuple[Any, ...]) -> tuple[UUID, bytes]:
    return row[1], row[5]


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


# A body has at most 1 MiB, and most have some 7 KB.
_BODIES_AT_ONCE = 16
PENDING_AT_ONCE = 32
MAX_BATCH_BYTES = 16 * 1024 * 1024
_FIELDS = (
    "e.id, e.account_id, e.source, e.origin, e.received_at, e.digest, e.order_digest, e.body, e.attempts, e.replayed_at"
)


async def fetch_pending(
    connection: asyncpg.Connection, workspace_id: UUID, now: datetime, limit: int
) -> list[InboxEvent]:
    """Returns the events to be applied, oldest first, including failed ones whose retry is due.

    After `MAX_BATCH_BYTES` of bodies, the others wait for the next batch. Needs a transaction.
    """
    rows = connection.cursor(
        f"""
        SELECT {_FIELDS} FROM inbox_events e
        WHERE e.workspace_id = $1 AND e.state IN ('pending', 'failed') AND (e.state = 'pending' OR e.next_try_at <= $2)
        ORDER BY e.received_at, e.id LIMIT $3
        """,  # noqa: S608  # the fields are a constant
        workspace_id,
        now,
        limit,
        prefetch=PENDING_AT_ONCE,
    )
    found: list[InboxEvent] = []
    size = 0
    async for row in rows:
        found.append(_inbox_event(row))
        size += len(found[-1].body)
        if size >= MAX_BATCH_BYTES:
            break
    return found


async def find_pending(connection: asyncpg.Connection, workspace_id: UUID, event_id: UUID) -> InboxEvent | None:
    """Returns the event if it is of this workspace and is to be applied."""
    row = await connection.fetchrow(
        f"SELECT {_FIELDS} FROM inbox_events e WHERE e.id = $1 AND e.workspace_id = $2 AND e.state = 'pending'",  # noqa: S608  # the fields are a constant
        event_id,
        workspace_id,
    )
    return None if row is None else _inbox_event(row)


async def busy_workspaces(connection: asyncpg.Connection, now: datetime) -> list[UUID]:
    """Returns the workspaces that have events to apply now."""
    # Behind EXISTS, the planner reads all waiting events, however many; with LIMIT it stops at the first.
    rows = await connection.fetch(
        """
        SELECT w.id FROM workspaces w WHERE (
            SELECT true FROM inbox_events e WHERE e.workspace_id = w.id AND e.state IN ('pending', 'failed')
            AND (e.state = 'pending' OR e.next_try_at <= $1) LIMIT 1)
        """,
        now,
    )
    return [row["id"] for row in rows]


async def of_bookings(
    connection: asyncpg.Connection, booking_ids: Iterable[UUID]
) -> AsyncIterator[tuple[UUID, InboxEvent]]:
    """Yields all events recorded with these bookings, each with its booking's id. Needs a transaction."""
    rows = connection.cursor(
        f"SELECT e.booking_id, {_FIELDS} FROM inbox_events e "  # noqa: S608  # the fields are a constant
        "WHERE e.booking_id = ANY($1::uuid[]) AND e.state = 'applied'",
        list(booking_ids),
        prefetch=_BODIES_AT_ONCE,
    )
    async for row in rows:
        yield row["booking_id"], _inbox_event(row)


async def of_names(
    connection: asyncpg.Connection, workspace_id: UUID, refs: list[str]
) -> AsyncIterator[tuple[str, InboxEvent]]:
    """Yields the workspace's events with these lookup names, each with the name that matched. Needs a transaction."""
    rows = connection.cursor(
        f"""
        SELECT r.ref, {_FIELDS} FROM event_refs r JOIN inbox_events e ON e.id = r.event_id
        WHERE r.ref = ANY($2::text[]) AND e.workspace_id = $1
        """,  # noqa: S608  # the fields are a constant
        workspace_id,
        refs,
        prefetch=_BODIES_AT_ONCE,
    )
    async for row in rows:
        yield row["ref"], _inbox_event(row)


async def read_events(connection: asyncpg.Connection, event_ids: Sequence[UUID]) -> list[InboxEvent]:
    """Returns these events, as far as they still exist and wait to be applied."""
    rows = await connection.fetch(
        f"SELECT {_FIELDS} FROM inbox_events e "  # noqa: S608  # the fields are a constant
        "WHERE e.id = ANY($1::uuid[]) AND e.state IN ('pending', 'failed')",
        list(event_ids),
    )
    return [_inbox_event(row) for row in rows]


async def in_feed_order(connection: asyncpg.Connection, event_ids: list[UUID]) -> list[UUID]:
    """Returns these events by their numbers in the feed."""
    rows = await connection.fetch(
        "SELECT id FROM inbox_events WHERE id = ANY($1::uuid[]) ORDER BY number, id", event_ids
    )
    return [row["id"] for row in rows]


async def mark_processed(
    connection: asyncpg.Connection, workspace_id: UUID, processed_events: Sequence[ProcessedEvent], at: datetime
) -> None:
    """Writes the events' outcomes, gives each its number in the workspace's feed, and links it into the chain.

    The caller holds the workspace's lock.
    """
    chain_end = await chain_store.lock_chain_end(connection, workspace_id)
    last_number = chain_end.number + len(processed_events)
    rows = await connection.fetch(
        f"""
        UPDATE inbox_events e
        SET state = s.state, because = s.because, trigger = s.trigger, uid = s.uid, source_at = s.source_at,
            booking_id = s.booking_id, number = s.number, processed_at = $9, next_try_at = NULL
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::uuid[],
                    $8::bigint[])
             AS s(id, state, because, trigger, uid, source_at, booking_id, number)
        WHERE e.id = s.id
        RETURNING e.number, {chain_store.RECEIVED_COLUMNS}
        """,  # noqa: S608  # the columns are a constant
        [processed_event.event_id for processed_event in processed_events],
        [processed_event.state for processed_event in processed_events],
        [processed_event.because for processed_event in processed_events],
        [processed_event.trigger for processed_event in processed_events],
        [processed_event.uid for processed_event in processed_events],
        [processed_event.source_at for processed_event in processed_events],
        [processed_event.booking_id for processed_event in processed_events],
        list(range(chain_end.number + 1, last_number + 1)),
        at,
    )
    await chain_store.append_links(connection, workspace_id, chain_end, last_number, rows)
    await totals.add_processed(
        connection, workspace_id, [processed_event.state for processed_event in processed_events]
    )


async def update_processed(
    connection: asyncpg.Connection,
    event_ids: list[UUID],
    booking_ids: list[UUID | None],
    reasons: list[str | None],
) -> None:
    """Moves events of earlier batches to these bookings, with their new meaning; unchanged rows are not written."""
    if event_ids:
        await connection.execute(
            """
            UPDATE inbox_events e SET state = 'applied', booking_id = outcome.booking_id, because = outcome.because
            FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS outcome(id, booking_id, because)
            WHERE e.id = outcome.id AND (e.state, e.booking_id, e.because)
                  IS DISTINCT FROM ('applied', outcome.booking_id, outcome.because)
            """,
            event_ids,
            booking_ids,
            reasons,
        )


async def schedule_retry(connection: asyncpg.Connection, event_id: UUID, because: str, now: datetime) -> None:
    """Schedules the retry of an event on which Showup failed: after 5 s, then ever later, at most one hour.

    Each wait is shortened at random by up to a fifth, so that events that failed together are not all retried at once.
    """
    await connection.execute(
        """
        UPDATE inbox_events
        SET state = 'failed', because = $2, attempts = least(attempts + 1, 10000),
            next_try_at = $3::timestamptz + (1 - 0.2 * random())
                          * least(interval '5 seconds' * 2 ^ least(attempts, 10), interval '1 hour')
        WHERE id = $1
        """,
        event_id,
        because,
        now,
    )
    await totals.add_failed(connection, event_id)


async def add_names(connection: asyncpg.Connection, names: Iterable[tuple[str, UUID]]) -> None:
    """Adds names under which events can be found, as (name, event id)."""
    rows = [{"ref": ref, "event_id": event} for ref, event in names]
    await bulk.insert_new(connection, event_refs, rows)


async def remove_names(connection: asyncpg.Connection, event_ids: list[UUID]) -> None:
    """Removes the lookup names of these events, which no longer wait."""
    if event_ids:
        await connection.execute("DELETE FROM event_refs WHERE event_id = ANY($1::uuid[])", event_ids)


def _inbox_event(row: asyncpg.Record) -> InboxEvent:
    return InboxEvent(
        id=row["id"],
        account_id=row["account_id"],
        source=row["source"],
        origin=row["origin"],
        received_at=row["received_at"],
        digest=row["digest"],
        order_digest=row["order_digest"],
        body=row["body"],
        attempts=row["attempts"],
        replayed_at=row["replayed_at"],
    )
