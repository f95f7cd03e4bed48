"""Deliveries in PostgreSQL: what a story calls for, laid beside what was told already."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias
from uuid import UUID, uuid5

import asyncpg
from msgspec.structs import replace

from showup.database import bulk
from showup.database.tables import deliveries
from showup.deliveries.delivery import Delivery, Wake

_COMPARED = (
    *("booking_id", "event_id", "destination", "kind", "recipient", "booking_version"),
    *("due_at", "expires_at", "priority", "state", "because", "details", "simulated"),
)
_of_row, _of_delivery = itemgetter(*_COMPARED), attrgetter(*_COMPARED)
# What a story told anew may still change; whatever is under way or over stays as it is.
_OPEN = ("scheduled", "withdrawn", "skipped")
_READ = f"""
    SELECT id, key, wake_at, attempts, unwanted, withdrawn_by, delivered_at, {", ".join(_COMPARED)} FROM deliveries
"""  # noqa: S608  # names of our own columns

Standing: TypeAlias = Mapping[str, asyncpg.Record]
# Why it is to go no further, or None; and which version of which booking it is about.
Mark: TypeAlias = tuple[str | None, UUID, int]


async def rewrite(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    *,
    booking_ids: Iterable[UUID],
    wanted: Sequence[Delivery],
    untold: Collection[UUID] = (),
) -> list[Wake]:
    """From now on these bookings call for `wanted`; when somebody has to look at what came of it.

    Of those in `untold` there is no news: what their stories call for now, and did not before, is told to nobody, but
    for what is still to come (PI13).

    A key is told once: one that stands already, for whichever booking, is changed only while nothing was sent. A row of
    which nothing was sent goes when the story, told anew with late news, never called for it. Whoever is sending
    something that is no longer called for finds that in its row. What followed from another delivery has no event, and
    no story takes it back.
    """
    keys = {delivery.key for delivery in wanted}
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
    by_key = {delivery.key: delivery for delivery in wanted}
    standing = await _held(connection, {row["key"]: row for row in rows}, by_key)
    changed = [
        _row(workspace_id, _untold(delivery) if delivery.booking_id in untold and new else delivery, standing)
        for delivery in wanted
        if (new := delivery.key not in standing) or _differs(standing[delivery.key], delivery)
    ]
    await bulk.upsert(connection, deliveries, changed, key=("workspace_id", "key"))
    await _let_go(connection, [row for key, row in standing.items() if key not in keys])
    await _mark(connection, _marks(standing, by_key))
    return [Wake(destination=row["destination"], at=row["wake_at"]) for row in changed if row["state"] == "scheduled"]


async def _held(connection: asyncpg.Connection, standing: Standing, wanted: Mapping[str, Delivery]) -> Standing:
    """The same, with those that may change held: nobody begins to send what is being rewritten.

    All in one statement and in the order of their ids, as those who send hold theirs, so that nobody waits in a ring.
    """
    touched = list(_marks(standing, wanted))
    for key, row in standing.items():
        delivery = wanted.get(key)
        if row["state"] in _OPEN if delivery is None else _differs(row, delivery):
            touched.append(row["id"])
    if not touched:
        return standing
    held = await connection.fetch(f"{_READ} WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE", touched)
    return {**standing, **{row["key"]: row for row in held}}


async def _let_go(connection: asyncpg.Connection, rows: Iterable[asyncpg.Record]) -> None:
    open_ = [row for row in rows if row["state"] in _OPEN and row["delivered_at"] is None]
    if untried := [row["id"] for row in open_ if not row["attempts"] and row["withdrawn_by"] is None]:
        await connection.execute("DELETE FROM deliveries WHERE id = ANY($1::uuid[])", untried)
    if tried := [row["id"] for row in open_ if row["attempts"] and row["state"] == "scheduled"]:
        await connection.execute(
            "UPDATE deliveries SET state = 'withdrawn', because = $2, updated_at = now() WHERE id = ANY($1::uuid[])",
            tried,
            _NEVER_CALLED_FOR,
        )


_NEVER_CALLED_FOR = "news that came late shows that it was never called for"


def _marks(standing: Standing, wanted: Mapping[str, Delivery]) -> dict[UUID, Mark]:
    """What is under way, or stands where only a person can set it going again, and what its story says of it by now."""
    found = {}
    for key, row in standing.items():
        if row["state"] in ("sending", "failed") or row["withdrawn_by"] is not None:
            delivery = wanted.get(key)
            mark = (
                _why_unwanted(delivery),
                row["booking_id"] if delivery is None else delivery.booking_id,
                row["booking_version"] if delivery is None else delivery.booking_version,
            )
            if mark != (row["unwanted"], row["booking_id"], row["booking_version"]):
                found[row["id"]] = mark
    return found


async def _mark(connection: asyncpg.Connection, marks: Mapping[UUID, Mark]) -> None:
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


def _why_unwanted(delivery: Delivery | None) -> str | None:
    if delivery is None:
        return _NEVER_CALLED_FOR
    return None if delivery.state == "scheduled" else delivery.because


async def move(connection: asyncpg.Connection, into: Mapping[UUID, UUID]) -> None:
    """Hands the deliveries of bookings that were merged to the booking that stays."""
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


def _untold(delivery: Delivery) -> Delivery:
    to_come = delivery.due_at > delivery.decided_at and delivery.kind != "follow_up"
    if delivery.state != "scheduled" or to_come:
        return delivery
    return replace(delivery, state="skipped", because="rules changed, and that is told to nobody")


def _differs(row: asyncpg.Record, delivery: Delivery) -> bool:
    if row["state"] not in _OPEN or row["withdrawn_by"] is not None or row["delivered_at"] is not None:
        # What is sent again is what was told, whatever its story says by now.
        return False
    if row["state"] == "skipped" and delivery.state == "scheduled":
        # Skipped because it was not to be told: the same key is not called for again.
        return False
    if row["state"] == "scheduled" == delivery.state and row["attempts"]:
        # Why it waits for its next attempt is the last one's to say.
        delivery = replace(delivery, because=row["because"])
    return bool(_of_row(row) != _of_delivery(delivery))


def _row(workspace_id: UUID, delivery: Delivery, standing: Standing) -> dict[str, Any]:
    return {
        "id": uuid5(workspace_id, delivery.key),
        "workspace_id": workspace_id,
        "booking_id": delivery.booking_id,
        "event_id": delivery.event_id,
        "key": delivery.key,
        "destination": delivery.destination,
        "kind": delivery.kind,
        "recipient": delivery.recipient,
        "priority": delivery.priority,
        "booking_version": delivery.booking_version,
        "due_at": delivery.due_at,
        "expires_at": delivery.expires_at,
        "wake_at": _wake_at(delivery, standing.get(delivery.key)),
        "state": delivery.state,
        "because": delivery.because,
        "details": delivery.details,
        "simulated": delivery.simulated,
        "created_at": delivery.decided_at,
        "updated_at": delivery.decided_at,
    }


def _wake_at(delivery: Delivery, row: asyncpg.Record | None) -> datetime:
    if row is None or row["state"] != "scheduled":
        return delivery.due_at
    wake_at: datetime = row["wake_at"]
    if row["attempts"]:
        # One that waits for its next attempt, or for an answer, goes on waiting.
        return max(wake_at, delivery.due_at)
    return wake_at if row["due_at"] == delivery.due_at else delivery.due_at
