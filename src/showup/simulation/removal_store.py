"""Finds what only the sample, or only simulations, brought into a workspace, and deletes what the log doesn't plan."""

from typing import Literal, TypeAlias
from uuid import UUID

import asyncpg
from msgspec import Struct

SimulationKind: TypeAlias = Literal["sample", "simulation"]


class SimulatedRecords(Struct, frozen=True, kw_only=True):
    """The records of a workspace that come from nothing else; a real booking of a person or company keeps both."""

    bookings: list[UUID]
    people: list[UUID]
    companies: list[UUID]
    deals: list[UUID]


async def find_simulated(connection: asyncpg.Connection, workspace_id: UUID, kind: SimulationKind) -> SimulatedRecords:
    """Returns the records of the sample, or those of simulations; none that a real webhook speaks of too."""
    bookings = await _ids(
        connection,
        """
        SELECT b.id FROM bookings b WHERE b.workspace_id = $1 AND b.simulated AND $2 = EXISTS (
            SELECT FROM inbox_events e WHERE e.booking_id = b.id AND e.origin = 'sample')
        AND NOT EXISTS (SELECT FROM inbox_events e WHERE e.booking_id = b.id AND e.origin IN ('webhook', 'backfill'))
        """,
        workspace_id,
        kind == "sample",
    )
    people = await _ids(
        connection,
        """
        SELECT s.person_id AS id FROM booking_attendees s JOIN people p ON p.id = s.person_id
        WHERE p.workspace_id = $1 GROUP BY 1 HAVING bool_and(s.booking_id = ANY($2::uuid[]))
        """,
        workspace_id,
        bookings,
    )
    companies = await _ids(
        connection,
        """
        SELECT c.id FROM companies c WHERE c.workspace_id = $1
        AND (EXISTS (SELECT FROM bookings b WHERE b.company_id = c.id AND b.id = ANY($2::uuid[]))
             OR EXISTS (SELECT FROM people p WHERE p.company_id = c.id AND p.id = ANY($3::uuid[])))
        AND NOT EXISTS (SELECT FROM bookings b WHERE b.company_id = c.id AND b.id <> ALL($2::uuid[]))
        AND NOT EXISTS (SELECT FROM people p WHERE p.company_id = c.id AND p.id <> ALL($3::uuid[]))
        """,
        workspace_id,
        bookings,
        people,
    )
    deals = await _ids(
        connection,
        """
        SELECT d.id FROM deals d WHERE d.workspace_id = $1
        AND (d.company_id = ANY($3::uuid[])
             OR EXISTS (SELECT FROM bookings b WHERE b.deal_id = d.id AND b.id = ANY($2::uuid[])))
        AND NOT EXISTS (SELECT FROM bookings b WHERE b.deal_id = d.id AND b.id <> ALL($2::uuid[]))
        """,
        workspace_id,
        bookings,
        companies,
    )
    return SimulatedRecords(bookings=bookings, people=people, companies=companies, deals=deals)


async def find_events(
    connection: asyncpg.Connection, workspace_id: UUID, kind: SimulationKind, found: SimulatedRecords
) -> list[UUID]:
    """Returns the events of these records, people's commands about them included, and those that were not applied."""
    webhooks = await _ids(
        connection,
        """
        SELECT e.id FROM inbox_events e WHERE e.workspace_id = $1 AND e.state <> 'erased' AND (
            e.booking_id = ANY($2::uuid[]) OR e.origin = $3)
        UNION
        SELECT e.id FROM bookings b CROSS JOIN LATERAL jsonb_array_elements(b.uids) known
        JOIN inbox_events e ON e.account_id = b.account_id AND e.uid = known->>'uid'
        WHERE b.id = ANY($2::uuid[]) AND e.workspace_id = $1 AND e.booking_id IS NULL
        """,
        workspace_id,
        found.bookings,
        kind,
    )
    return list({*webhooks, *await _find_commands(connection, workspace_id, found)})


async def delete_deliveries(connection: asyncpg.Connection, found: SimulatedRecords) -> int:
    """Deletes the deliveries about these bookings and deals, with their attempts and contents."""
    status: str = await connection.execute(
        "DELETE FROM deliveries WHERE booking_id = ANY($1::uuid[]) OR deal_id = ANY($2::uuid[])",
        found.bookings,
        found.deals,
    )
    await connection.execute("DELETE FROM booking_aliases WHERE booking_id = ANY($1::uuid[])", found.bookings)
    return int(status.rpartition(" ")[2])


async def _find_commands(connection: asyncpg.Connection, workspace_id: UUID, found: SimulatedRecords) -> list[UUID]:
    """Returns people's commands about these people, companies and deals, since the first of these bookings.

    A person or company that was recorded before has another origin.
    """
    return await _ids(
        connection,
        """
        WITH names AS (
            SELECT 'person:' || email AS ref, ARRAY['person_recorded'] AS triggers
            FROM people WHERE id = ANY($2::uuid[])
            UNION ALL SELECT key, ARRAY['company_recorded', 'deal_opened'] FROM companies WHERE id = ANY($3::uuid[])
            UNION ALL SELECT 'deal:' || opened_by, ARRAY['deal_opened', 'deal_changed']
            FROM deals WHERE id = ANY($4::uuid[])
        )
        SELECT e.id FROM names n JOIN event_refs r ON r.ref = n.ref JOIN inbox_events e ON e.id = r.event_id
        WHERE e.workspace_id = $1 AND e.source = 'manual' AND e.trigger = ANY(n.triggers) AND e.number >= (
            SELECT min(f.number) FROM inbox_events f WHERE f.booking_id = ANY($5::uuid[]))
        UNION SELECT e.id FROM deals d JOIN inbox_events e ON e.id = d.opened_by
        WHERE d.id = ANY($4::uuid[]) AND e.source = 'manual'
        UNION SELECT m.id FROM merges m WHERE m.workspace_id = $1 AND (
            m.kind = 'people' AND m.gone_id = ANY($2::uuid[]) AND m.stays IN (
                SELECT email FROM people WHERE id = ANY($2::uuid[]))
            OR m.kind = 'companies' AND m.gone_id = ANY($3::uuid[]) AND m.stays IN (
                SELECT key FROM companies WHERE id = ANY($3::uuid[])))
        """,
        workspace_id,
        found.people,
        found.companies,
        found.deals,
        found.bookings,
    )


async def _ids(connection: asyncpg.Connection, query: str, *arguments: object) -> list[UUID]:
    return [row["id"] for row in await connection.fetch(query, *arguments)]
