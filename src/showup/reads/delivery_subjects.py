"""Reads what deliveries are about: a meeting or a deal, by name."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection


class DeliverySubject(Struct, frozen=True, kw_only=True):
    """What a delivery is about. `recipient_name` is an attendee's; `before_seconds` is of a reminder."""

    title: str | None
    start_time: datetime | None
    person: str | None
    company: str | None
    recipient_name: str | None
    before_seconds: int | None


async def subjects_of(
    tx: AsyncConnection, permission: Permission, delivery_ids: Collection[UUID]
) -> dict[UUID, DeliverySubject]:
    """Returns what each of these deliveries is about, by the delivery's id."""
    rows = await (await driver_connection(tx)).fetch(_SUBJECTS, permission.workspace_id, list(delivery_ids))
    return {
        row["id"]: DeliverySubject(**{name: row[name] for name in DeliverySubject.__struct_fields__}) for row in rows
    }


_SUBJECTS: Final = """
    SELECT d.id, coalesce(b.event_type_title, b.title) AS title, b.start_time, coalesce(p.name, p.email) AS person,
           c.name AS company, seat.name AS recipient_name, (d.details->>'before_seconds')::int AS before_seconds
    FROM deliveries d
    LEFT JOIN bookings b ON b.id = d.booking_id
    LEFT JOIN people p ON p.id = b.person_id
    LEFT JOIN deals x ON x.id = d.deal_id
    LEFT JOIN companies c ON c.id = coalesce(x.company_id, b.company_id)
    LEFT JOIN LATERAL (
        SELECT a.name FROM booking_attendees a WHERE a.booking_id = d.booking_id AND a.email = d.recipient LIMIT 1
    ) seat ON true
    WHERE d.workspace_id = $1 AND d.id = ANY($2::uuid[])
"""
