"""Finds what only the sample, or only simulations, brought into a workspace, and deletes what the log doesn't plan."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.database.tables import metadata
from showup.simulation.preparation import WORKSPACE

SimulationKind: TypeAlias = Literal["sample", "simulation"]

# In the order in which rows may go: each table before those that it references.
_WORKSPACE_TABLES: Final = tuple(
    table.name for table in reversed(metadata.sorted_tables) if "workspace_id" in table.columns
)
# Deleting other rows may have written to these again.
_TRIGGER_TABLES: Final = (
    "fact_weeks",
    "booking_weeks",
    "campaign_deals",
    "record_counts",
    "people_weeks",
    "mail_weeks",
)


class SimulatedRecords(Struct, frozen=True, kw_only=True):
    """The records of a workspace that come from nothing else: a real booking of a person or company keeps both.

    So does what people entered: a company that they recorded or opened a deal for is real, even if simulated people are
    put into it.
    """

    bookings: list[UUID]
    people: list[UUID]
    companies: list[UUID]
    deals: list[UUID]


async def has_simulated(connection: asyncpg.Connection, workspace_id: UUID) -> bool:
    """Returns whether the workspace has a simulated booking."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM bookings WHERE workspace_id = $1 AND simulated)", workspace_id
    )
    return found


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
        WHERE p.workspace_id = $1 AND NOT EXISTS (
            SELECT FROM event_refs r JOIN inbox_events e ON e.id = r.event_id
            WHERE r.ref = 'person:' || p.email AND e.workspace_id = $1 AND e.trigger = 'person_recorded'
            AND e.number < (SELECT min(f.number) FROM inbox_events f WHERE f.booking_id = ANY($2::uuid[])))
        GROUP BY 1 HAVING bool_and(s.booking_id = ANY($2::uuid[]))
        """,
        workspace_id,
        bookings,
    )
    companies = await _find_companies(connection, workspace_id, bookings, people)
    deals = await _ids(
        connection,
        """
        SELECT d.id FROM deals d WHERE d.workspace_id = $1 AND d.opened_by = ANY($2::uuid[])
        AND NOT EXISTS (SELECT FROM bookings b WHERE b.deal_id = d.id AND b.id <> ALL($2::uuid[]))
        """,
        workspace_id,
        bookings,
    )
    return SimulatedRecords(bookings=bookings, people=people, companies=companies, deals=deals)


async def _find_companies(
    connection: asyncpg.Connection, workspace_id: UUID, bookings: list[UUID], people: list[UUID]
) -> list[UUID]:
    """Returns the companies that these bookings and people brought, without those that people made.

    To record a company of these people's domain after the first of these bookings only corrects its name.
    """
    return await _ids(
        connection,
        """
        SELECT c.id FROM companies c WHERE c.workspace_id = $1
        AND (EXISTS (SELECT FROM bookings b WHERE b.company_id = c.id AND b.id = ANY($2::uuid[]))
             OR EXISTS (SELECT FROM people p WHERE p.company_id = c.id AND p.id = ANY($3::uuid[])))
        AND NOT EXISTS (SELECT FROM bookings b WHERE b.company_id = c.id AND b.id <> ALL($2::uuid[]))
        AND NOT EXISTS (SELECT FROM people p WHERE p.company_id = c.id AND p.id <> ALL($3::uuid[]))
        AND NOT EXISTS (
            SELECT FROM deals d JOIN inbox_events e ON e.id = d.opened_by
            WHERE d.company_id = c.id AND e.source = 'manual')
        AND NOT EXISTS (
            SELECT FROM (
                SELECT c.key AS ref
                UNION ALL SELECT m.gone FROM merges m
                WHERE m.workspace_id = $1 AND m.kind = 'companies' AND m.stays = c.key
            ) known JOIN event_refs r USING (ref) JOIN inbox_events e ON e.id = r.event_id
            WHERE e.workspace_id = $1 AND e.trigger = 'company_recorded' AND (
                e.number < (SELECT min(f.number) FROM inbox_events f WHERE f.booking_id = ANY($2::uuid[]))
                OR NOT EXISTS (
                    SELECT FROM people p WHERE p.id = ANY($3::uuid[])
                    AND known.ref ^@ 'domain:'
                    AND reverse('.' || split_part(p.email, '@', 2)) ^@ reverse('.' || substr(known.ref, 8)))))
        """,
        workspace_id,
        bookings,
        people,
    )


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
    """Deletes the deliveries about these bookings and deals, with their attempts and contents; returns how many.

    The same goes for what attendees' calendars show of the bookings, and for redirects from earlier ids.
    """
    status: str = await connection.execute(
        "DELETE FROM deliveries WHERE booking_id = ANY($1::uuid[]) OR deal_id = ANY($2::uuid[])",
        found.bookings,
        found.deals,
    )
    for table, column in (
        ("calendar_entries", "booking_id"),
        ("booking_aliases", "booking_id"),
        ("deal_aliases", "opened_by"),
    ):
        await connection.execute(f"DELETE FROM {table} WHERE {column} = ANY($1::uuid[])", found.bookings)  # noqa: S608  # fixed names
    return int(status.rpartition(" ")[2])


async def other_contents(connection: asyncpg.Connection, workspace_id: UUID, accounts: Sequence[str]) -> str | None:
    """Returns in words what a workspace contains beside these accounts and erased events; None if there is nothing.

    Rules that came from the settings, with the keys that were revoked, are nothing that a person made.
    """
    found: str | None = await connection.fetchval(
        """
        SELECT CASE
            WHEN EXISTS (SELECT FROM inbox_events WHERE workspace_id = $1 AND state <> 'erased'
                         AND actor IS DISTINCT FROM 'showup.toml')
                OR EXISTS (SELECT FROM companies WHERE workspace_id = $1)
                OR EXISTS (SELECT FROM people WHERE workspace_id = $1)
                OR EXISTS (SELECT FROM leads WHERE workspace_id = $1) THEN 'other events or records'
            WHEN EXISTS (SELECT FROM connections WHERE workspace_id = $1 AND (kind, name) NOT IN (
                             SELECT 'calcom', unnest($2::text[])))
                OR EXISTS (SELECT FROM endpoints WHERE workspace_id = $1) THEN 'other connections'
            WHEN EXISTS (SELECT FROM api_keys WHERE workspace_id = $1 AND revoked_at IS NULL) THEN 'active API keys'
            WHEN EXISTS (SELECT FROM routes r JOIN connections c ON c.id = r.account_id
                         WHERE r.workspace_id = $1 OR c.workspace_id = $1) THEN 'routes'
            END
        """,
        workspace_id,
        list(accounts),
    )
    return found


async def delete_workspace(connection: asyncpg.Connection, workspace_id: UUID) -> None:
    """Deletes a workspace without `other_contents`: its accounts, keys, erased events and their chain."""
    of_account = "account_id IN (SELECT id FROM connections WHERE workspace_id = $1)"
    for account_table in ("syncs", "reconciliations"):
        await connection.execute(f"DELETE FROM {account_table} WHERE {of_account}", workspace_id)  # noqa: S608  # fixed names
    await connection.execute(
        "DELETE FROM event_refs WHERE event_id IN (SELECT id FROM inbox_events WHERE workspace_id = $1)", workspace_id
    )
    # A duplicate references its original.
    await connection.execute(
        "DELETE FROM inbox_events WHERE workspace_id = $1 AND duplicate_of IS NOT NULL", workspace_id
    )
    await connection.execute(
        """
        DELETE FROM webhook_refusals WHERE kind = 'calcom' AND name IN (
            SELECT name FROM connections WHERE kind = 'calcom' AND workspace_id = $1)
        """,
        workspace_id,
    )
    for table in (*_WORKSPACE_TABLES, *_TRIGGER_TABLES):
        await connection.execute(f"DELETE FROM {table} WHERE workspace_id = $1", workspace_id)  # noqa: S608  # fixed names
    await connection.execute("DELETE FROM workspaces WHERE id = $1", workspace_id)


async def delete_leads(connection: asyncpg.Connection, workspace_id: UUID, found: SimulatedRecords) -> int:
    """Deletes the leads and campaigns that simulations imported; returns how many leads.

    Simulations import leads into their own workspace only, with keys of their own. A lead who is matched to another
    booking stays.
    """
    imports = await _ids(
        connection,
        """
        SELECT i.id FROM lead_imports i JOIN workspaces w ON w.id = i.workspace_id
        WHERE i.workspace_id = $1 AND w.slug = $2 AND i.actor ^@ $3
        """,
        workspace_id,
        WORKSPACE,
        f"key:{WORKSPACE}-",
    )
    memberships = await connection.fetch(
        """
        DELETE FROM campaign_leads l WHERE l.import_id = ANY($1::uuid[]) AND NOT EXISTS (
            SELECT FROM matches m WHERE m.lead_id = l.lead_id AND m.booking_id <> ALL($2::uuid[]))
        RETURNING l.lead_id, l.campaign_id
        """,
        imports,
        found.bookings,
    )
    await connection.execute(
        """
        DELETE FROM campaigns c WHERE c.workspace_id = $1 AND c.id = ANY($2::bigint[]) AND NOT EXISTS (
            SELECT FROM campaign_leads l WHERE l.workspace_id = c.workspace_id AND l.campaign_id = c.id)
        """,
        workspace_id,
        list({row["campaign_id"] for row in memberships}),
    )
    status: str = await connection.execute(
        """
        DELETE FROM leads l WHERE l.workspace_id = $1 AND l.id = ANY($2::uuid[]) AND NOT EXISTS (
            SELECT FROM campaign_leads m WHERE m.lead_id = l.id)
        """,
        workspace_id,
        list({row["lead_id"] for row in memberships}),
    )
    await connection.execute("DELETE FROM lead_imports WHERE id = ANY($1::uuid[])", imports)
    return int(status.rpartition(" ")[2])


async def _find_commands(connection: asyncpg.Connection, workspace_id: UUID, found: SimulatedRecords) -> list[UUID]:
    """Returns people's commands about these people and companies since the first of these bookings, and their merges.

    Commands about a booking, and about a deal that it opened, are the booking's events.
    """
    return await _ids(
        connection,
        """
        WITH names AS (
            SELECT 'person:' || email AS ref, 'person_recorded' AS trigger
            FROM people WHERE id = ANY($2::uuid[])
            UNION ALL SELECT key, 'company_recorded' FROM companies WHERE id = ANY($3::uuid[])
        )
        SELECT e.id FROM names n JOIN event_refs r ON r.ref = n.ref JOIN inbox_events e ON e.id = r.event_id
        WHERE e.workspace_id = $1 AND e.source = 'manual' AND e.trigger = n.trigger AND e.number >= (
            SELECT min(f.number) FROM inbox_events f WHERE f.booking_id = ANY($4::uuid[]))
        UNION SELECT m.id FROM merges m WHERE m.workspace_id = $1 AND (
            m.kind = 'people' AND m.gone_id = ANY($2::uuid[]) AND m.stays IN (
                SELECT email FROM people WHERE id = ANY($2::uuid[]))
            OR m.kind = 'companies' AND m.gone_id = ANY($3::uuid[]) AND m.stays IN (
                SELECT key FROM companies WHERE id = ANY($3::uuid[])))
        """,
        workspace_id,
        found.people,
        found.companies,
        found.bookings,
    )


async def _ids(connection: asyncpg.Connection, query: str, *arguments: object) -> list[UUID]:
    return [row["id"] for row in await connection.fetch(query, *arguments)]
