"""Stores deliveries in PostgreSQL: compares what a booking's history calls for with the existing rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import TypeAlias
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from showup.database import bulk
from showup.database.tables import deliveries
from showup.outbox.delivery import Delivery, WakeUp, silenced

_COMPARED = (
    *("booking_id", "event_id", "destination", "kind", "recipient", "booking_version"),
    *("due_at", "expires_at", "priority", "state", "because", "details", "simulated"),
)
_of_row, _of_delivery = itemgetter(*_COMPARED), attrgetter(*_COMPARED)
# The rows that a replay may still change; deliveries in flight or ended stay as they are.
_REVISABLE = ("scheduled", "withdrawn", "skipped")
_READ = f"""
    SELECT id, key, wake_at, attempts, unwanted, withdrawn_by, delivered_at, {", ".join(_COMPARED)} FROM deliveries
"""  # noqa: S608  # names of our own columns

ExistingRows: TypeAlias = Mapping[str, asyncpg.Record]
# Why it must not be sent, or None; and the booking and version that it is about.
RevisionMark: TypeAlias = tuple[str | None, UUID | None, int]


async def replace_planned(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    *,
    booking_ids: Iterable[UUID],
    planned: Sequence[Delivery],
    silent_booking_ids: Collection[UUID] = (),
) -> list[WakeUp]:
    """Makes `planned` the deliveries that these bookings call for, and returns the wake-ups they need.

    Bookings in `silent_booking_ids` cause no messages about the past: deliveries that their histories call for now, and
    did not before, are skipped unless they are due in the future (PI13).

    A key is sent once: an existing row, of whichever booking, is changed only while nothing was sent. A row of which
    nothing was sent is deleted if a replay with late events no longer calls for it. A process that is sending a
    delivery that is no longer called for finds that in its row. A system notification has no event, and no replay
    withdraws it.
    """
    keys = {delivery.key for delivery in planned}
    ids = list(booking_ids)
    rows = await connection.fetch(
        f"""
        {_READ} WHERE booking_id = ANY($1::uuid[]) AND event_id IS NOT NULL
        UNION ALL
        {_READ} WHERE workspace_id = $2 AND key = ANY($3::text[]) AND booking_id <> ALL ($1::uuid[])
        """,
        ids,
        workspace_id,
        list(keys),
    )
    by_key = {delivery.key: delivery for delivery in planned}
    existing = await _lock(connection, {row["key"]: row for row in rows}, by_key)
    changed = [
        (silenced(delivery) if delivery.booking_id in silent_booking_ids and new else delivery).to_row(
            workspace_id, _wake_at(delivery, existing.get(delivery.key))
        )
        for delivery in planned
        if (new := delivery.key not in existing) or _differs(existing[delivery.key], delivery)
    ]
    await bulk.upsert(connection, deliveries, changed, key=("workspace_id", "key"))
    await _drop_unplanned(connection, [row for key, row in existing.items() if key not in keys])
    await _mark(connection, _marks(existing, by_key))
    return [WakeUp(destination=row["destination"], at=row["wake_at"]) for row in changed if row["state"] == "scheduled"]


async def _lock(
    connection: asyncpg.Connection, existing: ExistingRows, planned: Mapping[str, Delivery]
) -> ExistingRows:
    """Returns the same rows, with the changeable ones locked: no process starts sending what is being rewritten.

    One statement locks them in the order of their ids, as senders do, to avoid deadlocks.
    """
    touched = list(_marks(existing, planned))
    for key, row in existing.items():
        delivery = planned.get(key)
        if row["state"] in _REVISABLE if delivery is None else _differs(row, delivery):
            touched.append(row["id"])
    if not touched:
        return existing
    locked = await connection.fetch(f"{_READ} WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE", touched)
    return {**existing, **{row["key"]: row for row in locked}}


async def _drop_unplanned(connection: asyncpg.Connection, rows: Iterable[asyncpg.Record]) -> None:
    revisable = [row for row in rows if row["state"] in _REVISABLE and row["delivered_at"] is None]
    if unattempted := [row["id"] for row in revisable if not row["attempts"] and row["withdrawn_by"] is None]:
        await connection.execute("DELETE FROM deliveries WHERE id = ANY($1::uuid[])", unattempted)
    if attempted := [row["id"] for row in revisable if row["attempts"] and row["state"] == "scheduled"]:
        await connection.execute(
            "UPDATE deliveries SET state = 'withdrawn', because = $2, updated_at = now() WHERE id = ANY($1::uuid[])",
            attempted,
            _NEVER_PLANNED,
        )


_NEVER_PLANNED = "an event that arrived late shows that it was never needed"


def _marks(existing: ExistingRows, planned: Mapping[str, Delivery]) -> dict[UUID, RevisionMark]:
    """Returns marks for deliveries in flight or restartable only manually, with what their histories now say."""
    found = {}
    for key, row in existing.items():
        if row["state"] in ("sending", "previewed", "failed") or row["withdrawn_by"] is not None:
            delivery = planned.get(key)
            mark = (
                _unwanted_reason(delivery),
                row["booking_id"] if delivery is None else delivery.booking_id,
                row["booking_version"] if delivery is None else delivery.booking_version,
            )
            if mark != (row["unwanted"], row["booking_id"], row["booking_version"]):
                found[row["id"]] = mark
    return found


async def _mark(connection: asyncpg.Connection, marks: Mapping[UUID, RevisionMark]) -> None:
    if marks:
        await connection.execute(
            """
            UPDATE deliveries d
            SET unwanted = given.mark, booking_id = given.booking_id, booking_version = given.booking_version
            FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::int[])
                AS given(id, mark, booking_id, booking_version)
            WHERE d.id = given.id
            """,
            list(marks),
            *(list(column) for column in zip(*marks.values(), strict=True)),
        )


def _unwanted_reason(delivery: Delivery | None) -> str | None:
    if delivery is None:
        return _NEVER_PLANNED
    return None if delivery.state == "scheduled" else delivery.because


async def reassign_booking(connection: asyncpg.Connection, into: Mapping[UUID, UUID]) -> None:
    """Moves the deliveries of merged bookings to the booking that remains."""
    await connection.execute(
        "SELECT FROM deliveries WHERE booking_id = ANY($1::uuid[]) ORDER BY id FOR UPDATE", list(into)
    )
    await connection.execute(
        """
        UPDATE deliveries d SET booking_id = given.stays
        FROM unnest($1::uuid[], $2::uuid[]) AS given(gone, stays) WHERE d.booking_id = given.gone
        """,
        list(into),
        list(into.values()),
    )


def _differs(row: asyncpg.Record, delivery: Delivery) -> bool:
    if row["state"] not in _REVISABLE or row["withdrawn_by"] is not None or row["delivered_at"] is not None:
        # A resend repeats what was sent, whatever the history says now.
        return False
    if row["state"] == "skipped" and delivery.state == "scheduled":
        # It was skipped because it was not to be sent: the same key is not called for again.
        return False
    if row["state"] == "scheduled" == delivery.state and row["attempts"]:
        # The last attempt determines why it waits for the next one.
        delivery = replace(delivery, because=row["because"])
    return bool(_of_row(row) != _of_delivery(delivery))


def _wake_at(delivery: Delivery, row: asyncpg.Record | None) -> datetime:
    if row is None or row["state"] != "scheduled":
        return delivery.due_at
    wake_at: datetime = row["wake_at"]
    if row["attempts"]:
        # A delivery that waits for its next attempt, or for an answer, keeps waiting.
        return max(wake_at, delivery.due_at)
    return wake_at if row["due_at"] == delivery.due_at else delivery.due_at
