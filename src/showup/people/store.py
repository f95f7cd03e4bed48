"""The people of a workspace in PostgreSQL: loaded and saved in batches, by email."""

from collections.abc import Iterable, Sequence
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


async def by_email(
    connection: asyncpg.Connection, workspace_id: UUID, emails: Iterable[str]
) -> dict[str, StoredPerson]:
    """The people who stand, of those asked for."""
    rows = await connection.fetch(
        """
        SELECT p.id, p.email, p.name, p.time_zone, p.phone, p.name_seen, p.time_zone_seen, p.phone_seen,
               p.company_id, c.domain AS company_domain, p.created_at, p.updated_at
        FROM people p LEFT JOIN companies c ON c.id = p.company_id
        WHERE p.workspace_id = $1 AND p.email = ANY($2::text[])
        """,
        workspace_id,
        list(emails),
    )
    return {row["email"]: _stored(row) for row in rows}


async def save(connection: asyncpg.Connection, workspace_id: UUID, stored: Sequence[StoredPerson]) -> None:
    """Writes new and changed people."""
    rows = [
        {
            "id": one.id,
            "workspace_id": workspace_id,
            "email": one.person.email,
            "name": one.person.name,
            "time_zone": one.person.time_zone,
            "phone": one.person.phone,
            "name_seen": one.person.name_seen,
            "time_zone_seen": one.person.time_zone_seen,
            "phone_seen": one.person.phone_seen,
            "company_id": one.company_id,
            "created_at": one.person.first_met_at,
            "updated_at": one.person.last_met_at,
        }
        for one in stored
    ]
    await bulk.upsert(connection, people, rows, key=("id",))


async def remove_unmet(connection: asyncpg.Connection, person_ids: Iterable[UUID]) -> None:
    """Removes those whom no booking lists any more: a story told anew never met them."""
    await connection.execute(
        """
        DELETE FROM people p WHERE p.id = ANY($1::uuid[])
        AND NOT EXISTS (SELECT FROM booking_attendees a WHERE a.person_id = p.id)
        AND NOT EXISTS (SELECT FROM bookings b WHERE b.person_id = p.id)
        """,
        list(person_ids),
    )


def _stored(row: asyncpg.Record) -> StoredPerson:
    return StoredPerson(
        id=row["id"],
        company_id=row["company_id"],
        person=Person(
            email=row["email"],
            first_met_at=row["created_at"],
            last_met_at=row["updated_at"],
            name=row["name"],
            time_zone=row["time_zone"],
            phone=row["phone"],
            company_domain=row["company_domain"],
            name_seen=row["name_seen"],
            time_zone_seen=row["time_zone_seen"],
            phone_seen=row["phone_seen"],
        ),
    )
