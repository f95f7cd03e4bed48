"""The log in PostgreSQL: raw events are added, and settled; nothing is ever taken out."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct
from uuid_utils.compat import uuid7

from showup.database import bulk
from showup.database.tables import event_refs
from showup.inbox import chain_store, totals
from showup.inbox.raw_event import Incoming, Kept

# Whoever applies events listens here; the payload is empty, since what is to be done stands in the table.
CHANNEL = "showup_kept"

# One array a column, in the order of `_row`.
_GIVEN = """
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::bytea[],
                         $7::bytea[], $8::text[], $9::text[], $10::text[])
    AS t(id, account_id, workspace_id, origin, received_at, digest, body, content_type, webhook_version,
         source_address)
"""

_KEEP = f"""
    WITH kept AS (
        INSERT INTO calcom_events (id, account_id, workspace_id, origin, received_at, digest, body, content_type,
                                   webhook_version, source_address)
        {_GIVEN}
        ON CONFLICT (account_id, digest) WHERE duplicate_of IS NULL DO NOTHING
        RETURNING 1
    )
    SELECT count(*), pg_notify('{CHANNEL}', '') FROM kept
"""  # noqa: S608  # the parts are constants

_KEEP_DUPLICATES = f"""
    WITH given AS ({_GIVEN})
    INSERT INTO calcom_events (id, account_id, workspace_id, origin, received_at, digest, body, content_type,
                               webhook_version, source_address, duplicate_of, state, because, settled_at)
    SELECT g.id, g.account_id, f.workspace_id, g.origin, g.received_at, g.digest, g.body, g.content_type,
           g.webhook_version, g.source_address, f.id, 'duplicate', 'the same body is kept and applied already',
           g.received_at
    FROM given g JOIN calcom_events f USING (account_id, digest) WHERE f.duplicate_of IS NULL AND f.id <> g.id
    RETURNING id, duplicate_of
"""  # noqa: S608  # the parts are constants


class RawEvent(Struct, frozen=True, kw_only=True):
    """A raw event as the applier reads it."""

    id: UUID
    account_id: UUID | None
    origin: str
    received_at: datetime
    digest: bytes
    body: bytes
    attempts: int
    replayed_at: datetime | None


class Settlement(Struct, frozen=True, kw_only=True):
    """What became of a raw event."""

    event_id: UUID
    state: str
    because: str | None = None
    trigger: str | None = None
    uid: str | None = None
    source_at: datetime | None = None
    booking_id: UUID | None = None


async def keep_all(connection: asyncpg.Connection, incoming: Sequence[Incoming]) -> list[Kept]:
    """Keeps all of them, each new body as an event and each known one as a duplicate of it; in the given order."""
    rows = [_row(uuid7(), one) for one in incoming]
    # Every process inserts in the same order, so that two with the same bodies never wait for each other.
    in_order = sorted(rows, key=_account_and_digest)
    new = await connection.fetchval(_KEEP, *_columns(in_order))
    firsts: dict[UUID, UUID] = {}
    if new < len(rows):
        duplicates = await connection.fetch(_KEEP_DUPLICATES, *_columns(in_order))
        firsts = {row["id"]: row["duplicate_of"] for row in duplicates}
    if missing := len(rows) - new - len(firsts):
        raise LookupError(f"{missing} webhooks are neither new nor known; nobody may be told that they are kept")
    return [Kept(id=row[0], duplicate_of=firsts.get(row[0])) for row in rows]


def _row(event_id: UUID, one: Incoming) -> tuple[Any, ...]:
    return (
        event_id,
        one.account_id,
        one.workspace_id,
        one.origin,
        one.received_at,
        one.digest,
        one.body,
        one.content_type,
        one.webhook_version,
        one.source_address,
    )


def _account_and_digest(row: tuple[Any, ...]) -> tuple[UUID, bytes]:
    return row[1], row[5]


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


_FIELDS = "e.id, e.account_id, e.origin, e.received_at, e.digest, e.body, e.attempts, e.replayed_at"


async def unsettled(connection: asyncpg.Connection, workspace_id: UUID, now: datetime, limit: int) -> list[RawEvent]:
    """What waits to be applied, oldest first; failed ones once their time has come."""
    rows = await connection.fetch(
        f"""
        SELECT {_FIELDS} FROM calcom_events e
        WHERE e.workspace_id = $1 AND e.state IN ('kept', 'failed') AND (e.state = 'kept' OR e.next_try_at <= $2)
        ORDER BY e.received_at, e.id LIMIT $3
        """,  # noqa: S608  # the fields are a constant
        workspace_id,
        now,
        limit,
    )
    return [_raw(row) for row in rows]


async def busy_workspaces(connection: asyncpg.Connection, now: datetime) -> list[UUID]:
    """The workspaces that have something to apply now."""
    # Behind EXISTS the planner reads all that waits, however much; with LIMIT it stops at the first.
    rows = await connection.fetch(
        """
        SELECT w.id FROM workspaces w WHERE (
            SELECT true FROM calcom_events e WHERE e.workspace_id = w.id AND e.state IN ('kept', 'failed')
            AND (e.state = 'kept' OR e.next_try_at <= $1) LIMIT 1)
        """,
        now,
    )
    return [row["id"] for row in rows]


async def of_bookings(connection: asyncpg.Connection, booking_ids: Iterable[UUID]) -> list[tuple[UUID, RawEvent]]:
    """All events that were settled with these bookings, each with its booking's id."""
    rows = await connection.fetch(
        f"SELECT e.booking_id, {_FIELDS} FROM calcom_events e "  # noqa: S608  # the fields are a constant
        "WHERE e.booking_id = ANY($1::uuid[]) AND e.state = 'applied'",
        list(booking_ids),
    )
    return [(row["booking_id"], _raw(row)) for row in rows]


async def of_names(connection: asyncpg.Connection, workspace_id: UUID, refs: list[str]) -> list[tuple[str, RawEvent]]:
    """The workspace's events that are known under these further names, each with the name it was found by."""
    rows = await connection.fetch(
        f"""
        SELECT r.ref, {_FIELDS} FROM event_refs r JOIN calcom_events e ON e.id = r.event_id
        WHERE r.ref = ANY($2::text[]) AND e.workspace_id = $1
        """,  # noqa: S608  # the fields are a constant
        workspace_id,
        refs,
    )
    return [(row["ref"], _raw(row)) for row in rows]


async def in_feed_order(connection: asyncpg.Connection, event_ids: list[UUID]) -> list[UUID]:
    """These events by their numbers in the feed."""
    rows = await connection.fetch(
        "SELECT id FROM calcom_events WHERE id = ANY($1::uuid[]) ORDER BY number, id", event_ids
    )
    return [row["id"] for row in rows]


async def settle(
    connection: asyncpg.Connection, workspace_id: UUID, settlements: Sequence[Settlement], at: datetime
) -> None:
    """Writes what became of the events, gives each its number in the workspace's feed, and links it into the chain.

    The caller has the workspace's lock.
    """
    end = await chain_store.end(connection, workspace_id)
    number = end.number + len(settlements)
    rows = await connection.fetch(
        f"""
        UPDATE calcom_events e
        SET state = s.state, because = s.because, trigger = s.trigger, uid = s.uid, source_at = s.source_at,
            booking_id = s.booking_id, number = s.number, settled_at = $9, next_try_at = NULL
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::uuid[],
                    $8::bigint[])
             AS s(id, state, because, trigger, uid, source_at, booking_id, number)
        WHERE e.id = s.id
        RETURNING e.number, {chain_store.RECEIVED}
        """,  # noqa: S608  # the columns are a constant
        [one.event_id for one in settlements],
        [one.state for one in settlements],
        [one.because for one in settlements],
        [one.trigger for one in settlements],
        [one.uid for one in settlements],
        [one.source_at for one in settlements],
        [one.booking_id for one in settlements],
        list(range(end.number + 1, number + 1)),
        at,
    )
    await chain_store.extend(connection, workspace_id, end, number, rows)
    await totals.add_settled(connection, workspace_id, [one.state for one in settlements])


async def settle_again(
    connection: asyncpg.Connection,
    event_ids: list[UUID],
    booking_ids: list[UUID | None],
    becauses: list[str | None],
) -> None:
    """Events of earlier batches belong to these bookings now, and mean this there; rows that say so are left alone."""
    if event_ids:
        await connection.execute(
            """
            UPDATE calcom_events e SET state = 'applied', booking_id = given.booking_id, because = given.because
            FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS given(id, booking_id, because)
            WHERE e.id = given.id AND (e.state, e.booking_id, e.because)
                  IS DISTINCT FROM ('applied', given.booking_id, given.because)
            """,
            event_ids,
            booking_ids,
            becauses,
        )


async def set_aside(connection: asyncpg.Connection, event_id: UUID, because: str, now: datetime) -> None:
    """An event on which Showup itself failed: it is tried again after 5 s, then ever later, at the latest hourly.

    Each wait is shortened by chance, by a fifth at most, so that what failed together is not all tried at one moment.
    """
    await connection.execute(
        """
        UPDATE calcom_events
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
    """Further names under which events can be found, as (name, event id)."""
    rows = [{"ref": ref, "event_id": event} for ref, event in names]
    await bulk.insert_new(connection, event_refs, rows)


async def remove_names(connection: asyncpg.Connection, event_ids: list[UUID]) -> None:
    """These events wait no longer."""
    if event_ids:
        await connection.execute("DELETE FROM event_refs WHERE event_id = ANY($1::uuid[])", event_ids)


def _raw(row: asyncpg.Record) -> RawEvent:
    return RawEvent(
        id=row["id"],
        account_id=row["account_id"],
        origin=row["origin"],
        received_at=row["received_at"],
        digest=row["digest"],
        body=row["body"],
        attempts=row["attempts"],
        replayed_at=row["replayed_at"],
    )
