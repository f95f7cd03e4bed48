"""Store the deals of a workspace in PostgreSQL, and the deal events from which they are replayed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from showup.database import bulk
from showup.database.tables import deal_aliases, deal_events, deals
from showup.deals.deal import Deal, DealChange, DealEvent

_DEAL_FIELDS = tuple(Deal.__struct_fields__)


class _ManualFields(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The additional fields of a manual deal event; NULL for events of sources."""

    change: DealChange | None = None
    to: str | None = None
    actor: str | None = None


_manual_decoder = msgspec.json.Decoder(_ManualFields)
_NO_MANUAL_FIELDS = _ManualFields()


async def deal_events_of(connection: asyncpg.Connection, company_ids: Iterable[UUID]) -> dict[UUID, list[DealEvent]]:
    """Return, by company, the deal events of all its streams, each stream's in its own order."""
    rows = await connection.fetch(
        """
        SELECT company_id, stream_id, event_id, kind, at, order_key, start_time, organizer_email, series_uid,
               manual::text
        FROM deal_events WHERE company_id = ANY($1::uuid[]) ORDER BY stream_id, position
        """,
        list(company_ids),
    )
    by_company: dict[UUID, list[DealEvent]] = defaultdict(list)
    for row in rows:
        company_id, stream_id, event_id, kind, at, order_key, start_time, organizer_email, series_uid, manual_json = row
        manual = _NO_MANUAL_FIELDS if manual_json is None else _manual_decoder.decode(manual_json)
        deal_event = DealEvent(
            stream_id=stream_id,
            event_id=event_id,
            kind=kind,
            at=at,
            order_key=order_key,
            start_time=start_time,
            organizer_email=organizer_email,
            series_uid=series_uid,
            change=manual.change,
            deal_name=manual.to,
            actor=manual.actor,
        )
        by_company[company_id].append(deal_event)
    return by_company


async def manually_opened(connection: asyncpg.Connection, company_ids: Iterable[UUID]) -> list[UUID]:
    """Return the events by which people opened deals of these companies."""
    rows = await connection.fetch(
        "SELECT stream_id FROM deal_events WHERE company_id = ANY($1::uuid[]) AND kind = 'opened'", list(company_ids)
    )
    return [row["stream_id"] for row in rows]


async def companies_with_manual_deals(connection: asyncpg.Connection, workspace_id: UUID) -> list[UUID]:
    """Return the companies of the workspace for which people opened deals."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT t.company_id FROM deal_events t JOIN companies c ON c.id = t.company_id
        WHERE c.workspace_id = $1 AND t.kind = 'opened'
        """,
        workspace_id,
    )
    return [row["company_id"] for row in rows]


async def companies_of_streams(connection: asyncpg.Connection, stream_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return the company of each stream's deal events, if it has one."""
    rows = await connection.fetch(
        "SELECT DISTINCT stream_id, company_id FROM deal_events WHERE stream_id = ANY($1::uuid[])", list(stream_ids)
    )
    return {row["stream_id"]: row["company_id"] for row in rows}


class DealEventTail(Struct, frozen=True, kw_only=True):
    """The deal events of a stream from one position on; `booking_id` if they are of a company with seats."""

    stream_id: UUID
    company_id: UUID | None
    booking_id: UUID | None
    position: int
    deal_events: Sequence[DealEvent]


async def replace_deal_events(connection: asyncpg.Connection, tails: Sequence[DealEventTail]) -> None:
    """Replace these streams' deal events from these positions on; a stream without a company has none."""
    await connection.execute(
        """
        DELETE FROM deal_events t USING unnest($1::uuid[], $2::int[]) AS remaining(stream_id, many)
        WHERE t.stream_id = remaining.stream_id AND t.position >= remaining.many
        """,
        [tail.stream_id for tail in tails],
        [tail.position for tail in tails],
    )
    rows = [
        {
            "company_id": tail.company_id,
            "booking_id": tail.booking_id,
            "stream_id": deal_event.stream_id,
            "position": position,
            "order_key": deal_event.order_key,
            "at": deal_event.at,
            "event_id": deal_event.event_id,
            "kind": deal_event.kind,
            "organizer_email": deal_event.organizer_email,
            "start_time": deal_event.start_time,
            "series_uid": deal_event.series_uid,
            "manual": _manual_fields(deal_event),
        }
        for tail in tails
        if tail.company_id is not None
        for position, deal_event in enumerate(tail.deal_events, start=tail.position)
    ]
    await bulk.insert(connection, deal_events, rows)


async def save_stream_deals(connection: asyncpg.Connection, deal_of: Mapping[UUID, UUID | None]) -> None:
    """Set the deals of companies with seats in a booking of another company, by stream; other streams are ignored."""
    if deal_of:
        await connection.execute(
            """
            UPDATE deal_events e SET deal_id = changed.deal_id
            FROM unnest($1::uuid[], $2::uuid[]) AS changed(stream_id, deal_id)
            WHERE e.stream_id = changed.stream_id AND e.booking_id IS NOT NULL
            """,
            list(deal_of),
            list(deal_of.values()),
        )


def _manual_fields(deal_event: DealEvent) -> dict[str, Any] | None:
    if deal_event.actor is None:
        return None
    fields = _ManualFields(change=deal_event.change, to=deal_event.deal_name, actor=deal_event.actor)
    return dict(msgspec.to_builtins(fields))


async def of_companies(connection: asyncpg.Connection, company_ids: Iterable[UUID]) -> dict[UUID, list[Deal]]:
    """Return, by company, its deals in the order of opening."""
    rows = await connection.fetch(
        """
        SELECT id, company_id, status, stage, owner_email, opened_by, cancelled_by, position, opened_at,
               stage_entered_at, closed_at, updated_at, amount, currency, lost_reason
        FROM deals WHERE company_id = ANY($1::uuid[]) ORDER BY company_id, position
        """,
        list(company_ids),
    )
    by_company: dict[UUID, list[Deal]] = defaultdict(list)
    for row in rows:
        by_company[row["company_id"]].append(Deal(**{key: row[key] for key in _DEAL_FIELDS}))
    return by_company


async def deactivate_moving(connection: asyncpg.Connection, deal_ids: Sequence[UUID]) -> None:
    """Deactivate deals that move to another company while they move.

    Both companies may have a deal that opens now, and PostgreSQL chooses which row it writes first.
    """
    if deal_ids:
        await connection.execute("UPDATE deals SET status = 'cancelled' WHERE id = ANY($1::uuid[])", deal_ids)


async def save(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    changed: Sequence[tuple[UUID, Deal]],
    removed: Sequence[Deal],
) -> None:
    """Save changed deals, as (company id, deal), and remove those that a replay no longer opens.

    The id of a removed deal redirects to the deal of the booking that had opened it. Closing deals are written before
    opening ones, because a company can have at most one active deal at any moment.
    """
    if removed:
        ids = [deal.id for deal in removed]
        await connection.execute("UPDATE bookings SET deal_id = NULL WHERE deal_id = ANY($1::uuid[])", ids)
        await connection.execute("DELETE FROM stage_visits WHERE deal_id = ANY($1::uuid[])", ids)
        await connection.execute("DELETE FROM deals WHERE id = ANY($1::uuid[])", ids)
        aliases = [{"alias_id": one.id, "opened_by": one.opened_by, "workspace_id": workspace_id} for one in removed]
        await bulk.insert_new(connection, deal_aliases, aliases)
    rows = [
        {"workspace_id": workspace_id, "company_id": company_id, "created_at": deal.opened_at}
        | {name: getattr(deal, name) for name in _DEAL_FIELDS}
        for company_id, deal in changed
    ]
    await bulk.upsert(connection, deals, [row for row in rows if row["status"] != "active"], key=("id",))
    await bulk.upsert(connection, deals, [row for row in rows if row["status"] == "active"], key=("id",))
