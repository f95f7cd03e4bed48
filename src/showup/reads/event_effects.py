"""Reads what an inbox event changed: its entries of the audit log, and the deliveries that it planned."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection
from showup.reads.record_timeline import LoggedChange, entry_of, readable_entries

MAX_SHOWN: Final = 100
"""More entries, and more deliveries, are not read."""
_MAX_COUNTED: Final = 100


class PlannedByEvent(Struct, frozen=True, kw_only=True):
    """A delivery that the event planned."""

    id: UUID
    kind: str
    destination: str
    recipient: str | None
    state: str
    due_at: datetime


class EventEffects(Struct, frozen=True, kw_only=True):
    """What the event changed, in the order in which it did, and what it planned."""

    entries: Sequence[LoggedChange]
    deliveries: Sequence[PlannedByEvent]


async def effects_of_event(
    tx: AsyncConnection, permission: Permission, event_id: UUID, booking_id: UUID | None
) -> EventEffects:
    """Returns the effects, up to MAX_SHOWN of each kind; `booking_id` is the event's booking, if it has one."""
    connection = await driver_connection(tx)
    rows = await connection.fetch(_ENTRIES, permission.workspace_id, event_id, MAX_SHOWN)
    entries = [entry_of(dict(row)) for row in rows]
    deal_ids = {one.deal_id for one in entries if one.deal_id is not None}
    planned = await connection.fetch(_PLANNED, permission.workspace_id, event_id, booking_id, list(deal_ids), MAX_SHOWN)
    return EventEffects(
        entries=await readable_entries(tx, permission, entries), deliveries=[_planned(dict(row)) for row in planned]
    )


async def count_unreadable(tx: AsyncConnection, permission: Permission, since: datetime) -> int:
    """Returns how many events could not be read since then, at most 100."""
    found: int = await (await driver_connection(tx)).fetchval(_UNREADABLE, permission.workspace_id, since, _MAX_COUNTED)
    return found


def _planned(row: dict[str, Any]) -> PlannedByEvent:
    return PlannedByEvent(**row)


_ENTRIES: Final = """
    SELECT l.at, l.what, l.because, l.actor, t.name AS actor_name, l.event_id, l.change::text AS change,
           l.booking_id, l.deal_id
    FROM audit_log l LEFT JOIN teammates t ON 'teammate:' || t.email = l.actor
    WHERE l.workspace_id = $1 AND l.event_id = $2 ORDER BY l.number LIMIT $3
"""
_PLANNED: Final = """
    SELECT d.id, d.kind, d.destination, d.recipient, d.state, d.due_at FROM deliveries d
    WHERE d.workspace_id = $1 AND d.event_id = $2 AND (d.booking_id = $3 OR d.deal_id = ANY($4::uuid[]))
    ORDER BY d.due_at, d.id LIMIT $5
"""
_UNREADABLE: Final = """
    SELECT count(*)::int FROM (
        SELECT 1 FROM inbox_events e
        WHERE e.workspace_id = $1 AND e.state = 'unreadable' AND e.processed_at > $2 LIMIT $3
    ) found
"""
