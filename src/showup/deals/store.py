"""The deals of a workspace in PostgreSQL, and the turns of which they are the sum."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg

from showup.database import bulk
from showup.database.tables import deal_turns, deals
from showup.deals.deal import Deal, Turn


async def turns_of(connection: asyncpg.Connection, company_ids: Iterable[UUID]) -> dict[UUID, list[Turn]]:
    """By company, the turns of all its bookings, each booking's in its own order."""
    rows = await connection.fetch(
        """
        SELECT company_id, booking_id, event_id, kind, at, order_key, start_time, organizer_email
        FROM deal_turns WHERE company_id = ANY($1::uuid[]) ORDER BY booking_id, position
        """,
        list(company_ids),
    )
    found: dict[UUID, list[Turn]] = defaultdict(list)
    for row in rows:
        turn = Turn(
            booking_id=row["booking_id"],
            event_id=row["event_id"],
            kind=row["kind"],
            at=row["at"],
            order_key=row["order_key"],
            start_time=row["start_time"],
            organizer_email=row["organizer_email"],
        )
        found[row["company_id"]].append(turn)
    return found


async def replace_turns(
    connection: asyncpg.Connection, booking_ids: Iterable[UUID], turns: Sequence[tuple[UUID, list[Turn]]]
) -> None:
    """The turns of these bookings are, from now on, those given, as (company id, the booking's turns)."""
    await connection.execute("DELETE FROM deal_turns WHERE booking_id = ANY($1::uuid[])", list(booking_ids))
    rows = [
        {
            "company_id": company_id,
            "booking_id": turn.booking_id,
            "position": position,
            "order_key": turn.order_key,
            "at": turn.at,
            "event_id": turn.event_id,
            "kind": turn.kind,
            "organizer_email": turn.organizer_email,
            "start_time": turn.start_time,
        }
        for company_id, of_booking in turns
        for position, turn in enumerate(of_booking)
    ]
    await bulk.insert(connection, deal_turns, rows)


async def of_companies(connection: asyncpg.Connection, company_ids: Iterable[UUID]) -> dict[UUID, list[Deal]]:
    """By company, its deals in the order of their opening."""
    rows = await connection.fetch(
        """
        SELECT id, company_id, status, stage, owner_email, opened_by, cancelled_by, position, opened_at,
               stage_entered_at, closed_at, updated_at
        FROM deals WHERE company_id = ANY($1::uuid[]) ORDER BY company_id, position
        """,
        list(company_ids),
    )
    found: dict[UUID, list[Deal]] = defaultdict(list)
    for row in rows:
        found[row["company_id"]].append(Deal(**{key: row[key] for key in Deal.__struct_fields__}))
    return found


async def save(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    changed: Sequence[tuple[UUID, Deal]],
    gone: Sequence[UUID],
) -> None:
    """Writes changed deals, as (company id, deal), and removes those that a story told anew never opened.

    What closes goes before what opens, since at most one deal of a company is active at any moment.
    """
    await connection.execute("UPDATE bookings SET deal_id = NULL WHERE deal_id = ANY($1::uuid[])", gone)
    await connection.execute("DELETE FROM deals WHERE id = ANY($1::uuid[])", gone)
    rows = [
        {
            "id": deal.id,
            "workspace_id": workspace_id,
            "company_id": company_id,
            "status": deal.status,
            "stage": deal.stage,
            "owner_email": deal.owner_email,
            "opened_by": deal.opened_by,
            "cancelled_by": deal.cancelled_by,
            "position": deal.position,
            "opened_at": deal.opened_at,
            "stage_entered_at": deal.stage_entered_at,
            "closed_at": deal.closed_at,
            "created_at": deal.opened_at,
            "updated_at": deal.updated_at,
        }
        for company_id, deal in changed
    ]
    await bulk.upsert(connection, deals, [row for row in rows if row["status"] != "active"], key=("id",))
    await bulk.upsert(connection, deals, [row for row in rows if row["status"] == "active"], key=("id",))
