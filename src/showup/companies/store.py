"""Store the companies of a workspace in PostgreSQL: load and save in batches, by key."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.companies.company import Company
from showup.database import bulk
from showup.database.tables import companies


class StoredCompany(Struct, frozen=True, kw_only=True):
    """A company with its id in the database."""

    id: UUID
    company: Company


async def by_key(connection: asyncpg.Connection, workspace_id: UUID, keys: Iterable[str]) -> dict[str, StoredCompany]:
    """Return the stored companies among those requested."""
    key_list = list(keys)
    if not key_list:
        return {}
    rows = await connection.fetch(
        """
        SELECT id, key, name, name_seen, recorded, created_at, updated_at FROM companies
        WHERE workspace_id = $1 AND key = ANY($2::text[])
        """,
        workspace_id,
        key_list,
    )
    return {
        row["key"]: StoredCompany(
            id=row["id"],
            company=Company(
                key=row["key"],
                name=row["name"],
                name_seen=row["name_seen"],
                recorded=row["recorded"],
                first_met_at=row["created_at"],
                last_met_at=row["updated_at"],
            ),
        )
        for row in rows
    }


async def summaries(connection: asyncpg.Connection, company_ids: Iterable[UUID]) -> dict[UUID, dict[str, str | None]]:
    """Return short references to these companies: `id`, `name` and `domain`."""
    rows = await connection.fetch(
        "SELECT id, name, domain FROM companies WHERE id = ANY($1::uuid[])", list(company_ids)
    )
    return {row["id"]: {"id": str(row["id"]), "name": row["name"], "domain": row["domain"]} for row in rows}


async def keys_of(connection: asyncpg.Connection, company_ids: Iterable[UUID | None]) -> list[str]:
    """Return the keys of these companies."""
    rows = await connection.fetch("SELECT key FROM companies WHERE id = ANY($1::uuid[])", list(company_ids))
    return [row["key"] for row in rows]


async def save(connection: asyncpg.Connection, workspace_id: UUID, stored: Sequence[StoredCompany]) -> None:
    """Write new and changed companies."""
    rows = [
        {
            "id": one.id,
            "workspace_id": workspace_id,
            "key": one.company.key,
            "name": one.company.name,
            "domain": one.company.domain,
            "name_seen": one.company.name_seen,
            "recorded": one.company.recorded,
            "created_at": one.company.first_met_at,
            "updated_at": one.company.last_met_at,
        }
        for one in stored
    ]
    await bulk.upsert(connection, companies, rows, key=("id",))


async def remove_unreferenced(
    connection: asyncpg.Connection, company_ids: Iterable[UUID], *, not_recorded: Iterable[UUID] = ()
) -> None:
    """Remove companies that were not recorded manually and that no person, booking or deal refers to.

    `not_recorded` are those of them that are only marked as recorded because of a merge that was undone.
    """
    await connection.execute(
        """
        DELETE FROM companies c WHERE c.id = ANY($1::uuid[]) AND (NOT c.recorded OR c.id = ANY($2::uuid[]))
        AND NOT EXISTS (SELECT FROM people p WHERE p.company_id = c.id)
        AND NOT EXISTS (SELECT FROM bookings b WHERE b.company_id = c.id)
        AND NOT EXISTS (SELECT FROM bookings b WHERE b.seat_company_id = c.id)
        AND NOT EXISTS (SELECT FROM deals d WHERE d.company_id = c.id)
        """,
        list(company_ids),
        list(not_recorded),
    )


async def remove(connection: asyncpg.Connection, company_ids: Collection[UUID]) -> None:
    """Remove companies that were merged into another company."""
    if company_ids:
        await connection.execute("DELETE FROM companies WHERE id = ANY($1::uuid[])", list(company_ids))
