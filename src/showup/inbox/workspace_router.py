"""Assigns events to workspaces where one Cal.com account serves several: routes decide once, and the log records it.

An event of a known booking goes to that booking's workspace, whatever the routes say now. An event that names a booking
and has nothing to route by waits until the booking is known.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.access import routes_store
from showup.access.route import Route, RouteAttributes, route_workspace
from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.events.booking import AnyBookingEvent, booking_names
from showup.events.translation import BookingTranslation, Translated
from showup.inbox import store
from showup.inbox.bisection import attribute_failure, run_with_bisection
from showup.sources.calcom.translate import translate

_BATCH_SIZE: Final = 500
# One process routes at a time, so that two events of one booking can't go to different workspaces.
_LOCK: Final = 0x53_4F_52_54


class _AccountRoutes(Struct, frozen=True, kw_only=True):
    workspace_id: UUID
    routes: Sequence[Route]


class _UnroutedEvent(Struct, frozen=True, kw_only=True):
    id: UUID
    account_id: UUID
    translation: BookingTranslation

    @property
    def names(self) -> tuple[str, ...]:
        """Returns the names under which the event's booking may be known."""
        return (
            booking_names(self.translation.event, self.account_id) if isinstance(self.translation, Translated) else ()
        )


async def route_pending(engine: AsyncEngine, clock: Clock) -> int:
    """Assigns the oldest unrouted events to workspaces; returns how many it processed."""

    async def step(limit: int) -> int:
        return await _route_once(engine, limit, clock())

    return await run_with_bisection(engine, step, limit=_BATCH_SIZE, now=clock())


async def _route_once(engine: AsyncEngine, limit: int, now: datetime) -> int:
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
            return 0
        resolved = await _route_waiting(connection)
        rows = await _fetch_unrouted(connection, limit, now)
        if rows:
            with attribute_failure([row["id"] for row in rows]):
                await _route_events(tx, connection, [_unrouted_event(row) for row in rows])
        return resolved + len(rows)


async def _route_events(tx: AsyncConnection, connection: asyncpg.Connection, events: Sequence[_UnroutedEvent]) -> None:
    accounts = await _load_accounts(tx, connection, {event.account_id for event in events})
    known_workspaces = await _load_known_workspaces(connection, events)
    assignments: dict[UUID, UUID] = {}
    for event in events:
        workspace_id = _find_workspace(event, accounts[event.account_id], known_workspaces)
        if workspace_id is not None:
            assignments[event.id] = workspace_id
            known_workspaces |= {(event.account_id, name): workspace_id for name in event.names}
    await _save_assignments(connection, events, assignments)
    await store.add_names(
        connection, [(name, event.id) for event in events if event.id not in assignments for name in event.names]
    )


def _find_workspace(
    event: _UnroutedEvent, account: _AccountRoutes, known_workspaces: Mapping[tuple[UUID, str], UUID]
) -> UUID | None:
    if not isinstance(event.translation, Translated):
        return account.workspace_id
    workspace_id = next(
        (
            known_workspaces[event.account_id, name]
            for name in event.names
            if (event.account_id, name) in known_workspaces
        ),
        None,
    )
    if workspace_id is not None:
        return workspace_id
    criteria = _route_criteria(event.translation.event)
    return None if criteria is None else route_workspace(account.routes, criteria, default=account.workspace_id)


def _route_criteria(event: AnyBookingEvent) -> RouteAttributes | None:
    booking = event.booking
    if booking.event_type is None and booking.organizer_email is None and booking.team_id is None:
        return None
    return RouteAttributes(
        event_type=booking.event_type, team_id=booking.team_id, organizer_email=booking.organizer_email
    )


async def _fetch_unrouted(connection: asyncpg.Connection, limit: int, now: datetime) -> list[asyncpg.Record]:
    """Returns the oldest events of each account in turn, so that many of one account delay no other's.

    After `MAX_BATCH_BYTES` of bodies, the others wait for the next batch. Needs a transaction.
    """
    rows = connection.cursor(
        """
        SELECT e.id, e.account_id, e.body FROM (
            SELECT id, row_number() OVER (PARTITION BY account_id ORDER BY received_at, id) AS place FROM inbox_events
            WHERE workspace_id IS NULL AND state IN ('pending', 'failed') AND (state = 'pending' OR next_try_at <= $2)
            ORDER BY place, id LIMIT $1
        ) next JOIN inbox_events e USING (id) ORDER BY next.place, e.id
        """,
        limit,
        now,
        prefetch=store.PENDING_AT_ONCE,
    )
    found: list[asyncpg.Record] = []
    size = 0
    async for row in rows:
        found.append(row)
        size += len(row["body"])
        if size >= store.MAX_BATCH_BYTES:
            break
    return found


def _unrouted_event(row: asyncpg.Record) -> _UnroutedEvent:
    return _UnroutedEvent(id=row["id"], account_id=row["account_id"], translation=translate(row["body"]))


async def _load_accounts(
    tx: AsyncConnection, connection: asyncpg.Connection, ids: Iterable[UUID]
) -> dict[UUID, _AccountRoutes]:
    rows = await connection.fetch("SELECT id, workspace_id FROM connections WHERE id = ANY($1::uuid[])", list(ids))
    return {
        row["id"]: _AccountRoutes(
            workspace_id=row["workspace_id"], routes=await routes_store.list_routes(tx, row["id"])
        )
        for row in rows
    }


async def _load_known_workspaces(
    connection: asyncpg.Connection, events: Sequence[_UnroutedEvent]
) -> dict[tuple[UUID, str], UUID]:
    """Returns the workspaces of known bookings, and of routed events that are not applied yet."""
    lookups = [(event.account_id, name) for event in events for name in event.names]
    rows = await connection.fetch(
        """
        WITH asked AS (SELECT * FROM unnest($1::uuid[], $2::text[]) AS t(account_id, ref))
        SELECT a.account_id, a.ref, b.workspace_id
        FROM asked a JOIN booking_refs r USING (ref) JOIN bookings b ON b.id = r.booking_id
        WHERE b.account_id = a.account_id
        UNION
        SELECT a.account_id, a.ref, e.workspace_id
        FROM asked a JOIN inbox_events e ON e.account_id = a.account_id AND e.uid = substr(a.ref, 5)
        WHERE a.ref LIKE 'uid:%' AND e.workspace_id IS NOT NULL
        """,
        [account_id for account_id, _ in lookups],
        [ref for _, ref in lookups],
    )
    return {(row["account_id"], row["ref"]): row["workspace_id"] for row in rows}


async def _save_assignments(
    connection: asyncpg.Connection, events: Sequence[_UnroutedEvent], assignments: Mapping[UUID, UUID]
) -> None:
    await connection.execute(
        """
        UPDATE inbox_events e
        SET workspace_id = routed.workspace_id, uid = routed.uid, trigger = routed.trigger,
            state = CASE WHEN routed.workspace_id IS NULL THEN 'waiting' ELSE 'pending' END,
            because = CASE WHEN routed.workspace_id IS NULL
                           THEN 'unknown booking: waiting for its first event to know its workspace' END
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS routed(id, workspace_id, uid, trigger)
        WHERE e.id = routed.id
        """,
        [event.id for event in events],
        [assignments.get(event.id) for event in events],
        [event.translation.uid if isinstance(event.translation, Translated) else None for event in events],
        [event.translation.trigger for event in events],
    )


async def _route_waiting(connection: asyncpg.Connection) -> int:
    """Assigns waiting events to their booking's workspace; the projector then applies them like new ones."""
    rows = await connection.fetch(
        """
        UPDATE inbox_events e SET workspace_id = b.workspace_id, state = 'pending', because = NULL
        FROM event_refs w JOIN booking_refs r ON r.ref = w.ref JOIN bookings b ON b.id = r.booking_id
        WHERE e.id = w.event_id AND e.workspace_id IS NULL AND e.state = 'waiting' AND b.account_id = e.account_id
        RETURNING e.id
        """
    )
    await store.remove_names(connection, [row["id"] for row in rows])
    return len(rows)
