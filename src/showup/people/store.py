"""Store the people of a workspace in PostgreSQL: load and save in batches, by email."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.database import bulk
from showup.database.tables import people
from showup.people.person import Person


class StoredPerson(Struct, frozen=True, kw_only=True):
    """A person with their ids in the database."""

    id: UUID
    person: Person
    company_id: UUID | None


_DETAILS = (
    *("email", "name", "time_zone", "phone", "company_key"),
    *("name_seen", "time_zone_seen", "phone_seen", "company_seen", "recorded"),
)


async def by_email(
    connection: asyncpg.Connection, workspace_id: UUID, emails: Iterable[str]
) -> dict[str, StoredPerson]:
    """Return the stored people among those requested."""
    email_list = list(emails)
    if not email_list:
        return {}
    rows = await connection.fetch(
        """
        SELECT id, email, name, time_zone, phone, company_key, name_seen, time_zone_seen, phone_seen, company_seen,
               recorded, company_id, created_at, updated_at
        FROM people WHERE workspace_id = $1 AND email = ANY($2::text[])
        """,
        workspace_id,
        email_list,
    )
    return {row["email"]: _stored(row) for row in rows}


async def of_companies(connection: asyncpg.Connection, company_ids: Iterable[UUID | None]) -> list[str]:
    """Return the addresses of the people who work for these companies."""
    rows = await connection.fetch("SELECT email FROM people WHERE company_id = ANY($1::uuid[])", list(company_ids))
    return [row["email"] for row in rows]


async def save(connection: asyncpg.Connection, workspace_id: UUID, stored: Sequence[StoredPerson]) -> None:
    """Write new and changed people."""
    rows = [
        {
            "id": one.id,
            "workspace_id": workspace_id,
            "company_id": one.company_id,
            "created_at": one.person.first_met_at,
            "updated_at": one.person.last_met_at,
        }
        | {name: getattr(one.person, name) for name in _DETAILS}
        for one in stored
    ]
    await bulk.upsert(connection, people, rows, key=("id",))


async def remove_unreferenced(
    connection: asyncpg.Connection, person_ids: Iterable[UUID], *, not_recorded: Iterable[UUID] = ()
) -> None:
    """Remove people who were not recorded manually and whom no booking lists.

    `not_recorded` are those of them who are only marked as recorded because of a merge that was undone.
    """
    await connection.execute(
        """
        DELETE FROM people p WHERE p.id = ANY($1::uuid[]) AND (NOT p.recorded OR p.id = ANY($2::uuid[]))
        AND NOT EXISTS (SELECT FROM booking_attendees a WHERE a.person_id = p.id)
        AND NOT EXISTS (SELECT FROM bookings b WHERE b.person_id = p.id)
        """,
        list(person_ids),
        list(not_recorded),
    )


async def remove(connection: asyncpg.Connection, person_ids: Collection[UUID]) -> None:
    """Remove people who were merged into another person."""
    if person_ids:
        await connection.execute("DELETE FROM people WHERE id = ANY($1::uuid[])", list(person_ids))


def _stored(row: asyncpg.Record) -> StoredPerson:
    return StoredPerson(
        id=row["id"],
        company_id=row["company_id"],
        person=Person(
            first_met_at=row["created_at"],
            last_met_at=row["updated_at"],
            **{name: row[name] for name in _DETAILS},
        ),
    )
