"""Reads what the form of a meeting's outcome needs: the last report, and the deal that it may change."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection


class LastReport(Struct, frozen=True, kw_only=True):
    """Who reported the outcome last, and when. `event_id` tells one report from another."""

    event_id: UUID
    actor: str
    actor_name: str | None
    at: datetime


class OutcomeForm(Struct, frozen=True, kw_only=True):
    """What is known of a meeting's outcome, and its deal if it is active. `last_report` is None before the first."""

    outcome: str | None
    notes: str | None
    next_step: str | None
    stage: str | None
    amount: Decimal | None
    currency: str | None
    last_report: LastReport | None

    def later_stages(self, stages: Sequence[str]) -> Sequence[str]:
        """Return the stages to which the deal can go on, of all stages in order; none without an active deal."""
        return stages[stages.index(self.stage) + 1 :] if self.stage in stages else ()


async def load_outcome_form(tx: AsyncConnection, permission: Permission, booking_id: UUID) -> OutcomeForm | None:
    """Returns the form's values; None if the permission does not allow the booking."""
    row = await (await driver_connection(tx)).fetchrow(_FORM, permission.workspace_id, booking_id)
    if row is None:
        return None
    fields: dict[str, Any] = dict(row)
    report = {name: fields.pop(name) for name in ("event_id", "actor", "actor_name", "at")}
    return OutcomeForm(last_report=None if report["event_id"] is None else LastReport(**report), **fields)


_FORM: Final = """
    SELECT b.outcome, b.outcome_notes AS notes, b.next_step, d.stage, d.amount, d.currency,
           newest.event_id, newest.actor, newest.at,
           coalesce(t.name, CASE WHEN starts_with(newest.actor, 'host:') THEN substr(newest.actor, 6) END) AS actor_name
    FROM bookings b
    LEFT JOIN deals d ON d.id = b.deal_id AND d.status = 'active'
    LEFT JOIN LATERAL (
        SELECT l.event_id, l.actor, l.at FROM audit_log l
        WHERE l.booking_id = b.id AND l.workspace_id = $1 AND l.what = 'outcome.reported'
        ORDER BY l.number DESC LIMIT 1
    ) newest ON true
    LEFT JOIN teammates t ON 'teammate:' || t.email = newest.actor
    WHERE b.workspace_id = $1 AND b.id = $2
"""
