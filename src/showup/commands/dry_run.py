"""Shows what commands would change, exactly, without changing it: they run in a savepoint that is rolled back.

The records that change are those with new entries in the audit log; their deliveries are compared before and after. So
the cost follows the change, and not the workspace.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from showup.commands.unit_of_work import UnitOfWork
from showup.database.engine import rolled_back
from showup.events.manual import ManualEvent

MAX_CHANGES: Final = 200
"""More changes are counted: `omitted`."""


class ChangedRecord(Struct, frozen=True, kw_only=True):
    """An entry that the audit log would get: `change` has `[before, after]` by field."""

    what: str
    because: str
    change: dict[str, Any]
    booking_id: UUID | None
    deal_id: UUID | None
    company_id: UUID | None
    person_id: UUID | None


class ChangedDelivery(Struct, frozen=True, kw_only=True):
    """A delivery that would be planned (`before` is None) or end up in another state."""

    kind: str
    destination: str
    recipient: str | None
    before: str | None
    after: str | None


class Difference(Struct, frozen=True, kw_only=True):
    """What commands would change. `refused`: why the rules refuse them; then nothing else is set."""

    changes: Sequence[ChangedRecord] = ()
    deliveries: Sequence[ChangedDelivery] = ()
    omitted: int = 0
    refused: str | None = None

    @property
    def is_empty(self) -> bool:
        """Return whether nothing would change."""
        return not self.changes and not self.deliveries and self.refused is None

    @property
    def digest(self) -> str:
        """Return what identifies the difference: two with the same digest change the same."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:32]


async def dry_run(unit_of_work: UnitOfWork, workspace_id: UUID, *events: ManualEvent) -> Difference:
    """Return what the commands, given as the events that they cause, would change; waits for the workspace's lock.

    Until the transaction ends, nobody else can change the workspace, so the commands would do exactly this.
    """
    await unit_of_work.lock(workspace_id)
    refused: str | None = None

    async def execute() -> list[UUID]:
        nonlocal refused
        result = await unit_of_work.try_execute(workspace_id, *events)
        refused = result.refused
        return result.event_ids

    difference = await difference_of(await unit_of_work.connection(), workspace_id, execute)
    return difference if refused is None else Difference(refused=refused)


async def difference_of(
    connection: asyncpg.Connection, workspace_id: UUID, change: Callable[[], Awaitable[Sequence[UUID]]]
) -> Difference:
    """Return what `change` changes, which returns the ids of its events; all of it is taken back.

    The caller holds the workspace's lock.
    """
    last_number = await connection.fetchval("SELECT feed_number FROM workspaces WHERE id = $1", workspace_id)
    async with rolled_back(connection):
        event_ids = await change()
        entries = await connection.fetch(_ENTRIES, workspace_id, last_number, MAX_CHANGES + 1)
        affected = await connection.fetchrow(_AFFECTED, workspace_id, last_number, event_ids)
        after = await _deliveries(connection, affected)
    before = await _deliveries(connection, affected)
    total = entries[0]["total"] if entries else 0
    return Difference(
        changes=[_to_record(row) for row in entries[:MAX_CHANGES]],
        deliveries=_compare(before, after)[:MAX_CHANGES],
        omitted=max(total - MAX_CHANGES, 0) + max(len(_compare(before, after)) - MAX_CHANGES, 0),
    )


async def _deliveries(connection: asyncpg.Connection, affected: asyncpg.Record) -> dict[str, asyncpg.Record]:
    rows = await connection.fetch(_DELIVERIES, affected["bookings"] or [], affected["deals"] or [])
    return {row["key"]: row for row in rows}


def _compare(before: dict[str, asyncpg.Record], after: dict[str, asyncpg.Record]) -> list[ChangedDelivery]:
    changed = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        states = tuple(None if one is None else one["state"] for one in (old, new))
        if states[0] != states[1]:
            row = new or old
            assert row is not None, "the key is of one of them"
            changed.append(
                ChangedDelivery(
                    kind=row["kind"],
                    destination=row["destination"],
                    recipient=row["recipient"],
                    before=states[0],
                    after=states[1],
                )
            )
    return changed


def _to_record(row: asyncpg.Record) -> ChangedRecord:
    fields = {name: row[name] for name in ("what", "because", "booking_id", "deal_id", "company_id", "person_id")}
    return ChangedRecord(change=msgspec.json.decode(row["change"]), **fields)


_ENTRIES: Final = """
    SELECT l.what, l.because, l.change::text AS change, l.booking_id, l.deal_id, l.company_id, l.person_id,
           count(*) OVER () AS total
    FROM audit_log l WHERE l.workspace_id = $1 AND l.number > $2 ORDER BY l.number LIMIT $3
"""
_AFFECTED: Final = """
    SELECT array_agg(DISTINCT found.booking_id) FILTER (WHERE found.booking_id IS NOT NULL) AS bookings,
           array_agg(DISTINCT found.deal_id) FILTER (WHERE found.deal_id IS NOT NULL) AS deals
    FROM (
        SELECT l.booking_id, l.deal_id FROM audit_log l WHERE l.workspace_id = $1 AND l.number > $2
        UNION ALL SELECT e.booking_id, NULL FROM inbox_events e WHERE e.id = ANY($3::uuid[])
    ) found
"""
_DELIVERIES: Final = """
    SELECT key, kind, destination, recipient, state FROM deliveries
    WHERE booking_id = ANY($1::uuid[]) OR deal_id = ANY($2::uuid[])
"""
