"""Reads what a report about a meeting can change: its deal, and what is planned for it; and compares two states."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import Struct

_MAX_DELIVERIES: Final = 500
_PLANNED: Final = ("scheduled", "sending")


class DealValues(Struct, frozen=True, kw_only=True):
    """The values of a deal that a report can change."""

    status: str
    stage: str
    amount: Decimal | None
    currency: str | None


class PlannedEffect(Struct, frozen=True, kw_only=True):
    """Deliveries of one kind to one destination: `number` of them, the first due at `due_at`."""

    destination: str
    kind: str
    number: int
    due_at: datetime


class AffectedRecords(Struct, frozen=True, kw_only=True):
    """The deal, None without one, and the booking's deliveries by id."""

    deal: DealValues | None
    deliveries: dict[UUID, dict[str, Any]]
    attended: bool | None
    simulated: bool


class OutcomeEffects(Struct, frozen=True, kw_only=True):
    """What a report would change. `refused`: why it would be refused; then it changes nothing."""

    refused: str | None
    deal_before: DealValues | None = None
    deal_after: DealValues | None = None
    attended: bool | None = None
    planned: Sequence[PlannedEffect] = ()
    withdrawn: Sequence[PlannedEffect] = ()
    simulated: bool = False


async def read_affected(connection: asyncpg.Connection, workspace_id: UUID, booking_id: UUID) -> AffectedRecords:
    """Returns the records as they stand in this transaction."""
    row = await connection.fetchrow(_RECORD, workspace_id, booking_id)
    assert row is not None, "the booking exists"
    deliveries = await connection.fetch(_DELIVERIES, workspace_id, booking_id, row["deal_id"], _MAX_DELIVERIES)
    deal = (
        None
        if row["status"] is None
        else DealValues(**{name: row[name] for name in ("status", "stage", "amount", "currency")})
    )
    return AffectedRecords(
        deal=deal,
        deliveries={one["id"]: dict(one) for one in deliveries},
        attended=row["attended"],
        simulated=row["simulated"],
    )


def compare(before: AffectedRecords, after: AffectedRecords) -> OutcomeEffects:
    """Return what changed from one state to the other."""
    planned = [
        one
        for delivery_id, one in after.deliveries.items()
        if one["state"] in _PLANNED and _state(before, delivery_id) not in _PLANNED
    ]
    withdrawn = [
        one
        for delivery_id, one in before.deliveries.items()
        if one["state"] in _PLANNED and _state(after, delivery_id) not in _PLANNED
    ]
    return OutcomeEffects(
        refused=None,
        deal_before=before.deal,
        deal_after=after.deal,
        attended=after.attended,
        planned=_grouped(planned),
        withdrawn=_grouped(withdrawn),
        simulated=after.simulated,
    )


def _state(records: AffectedRecords, delivery_id: UUID) -> str | None:
    found = records.deliveries.get(delivery_id)
    return None if found is None else found["state"]


def _grouped(deliveries: Sequence[dict[str, Any]]) -> list[PlannedEffect]:
    numbers = Counter((one["destination"], one["kind"]) for one in deliveries)
    return [
        PlannedEffect(
            destination=destination,
            kind=kind,
            number=number,
            due_at=min(one["due_at"] for one in deliveries if (one["destination"], one["kind"]) == (destination, kind)),
        )
        for (destination, kind), number in sorted(numbers.items())
    ]


_RECORD: Final = """
    SELECT b.attended, b.simulated, d.id AS deal_id, d.status, d.stage, d.amount, d.currency
    FROM bookings b LEFT JOIN deals d ON d.id = b.deal_id WHERE b.workspace_id = $1 AND b.id = $2
"""
_DELIVERIES: Final = """
    SELECT d.id, d.destination, d.kind, d.state, d.due_at FROM deliveries d
    WHERE d.workspace_id = $1 AND (d.booking_id = $2 OR d.deal_id = $3)
    ORDER BY d.created_at DESC, d.id LIMIT $4
"""
