"""The merges in force as they stand in the database: what each batch reads to know who is whom."""

from collections.abc import Iterable
from uuid import UUID

import asyncpg

from showup.companies.company import company_id
from showup.database import bulk
from showup.database.tables import merges
from showup.people.person import person_id
from showup.pipeline.merging import Identities, Merge
from showup.pipeline.merging import identities as of_merges


async def in_force(connection: asyncpg.Connection, workspace_id: UUID) -> dict[UUID, Merge]:
    """By the event that made it, every merge of the workspace that is not undone."""
    rows = await connection.fetch(
        "SELECT id, kind, gone, stays, actor, at FROM merges WHERE workspace_id = $1", workspace_id
    )
    return {row["id"]: Merge(**dict(row)) for row in rows}


async def identities(connection: asyncpg.Connection, workspace_id: UUID) -> Identities:
    """Who is known as whom in the workspace."""
    return of_merges((await in_force(connection, workspace_id)).values())


async def replace(
    connection: asyncpg.Connection, workspace_id: UUID, *, made: Iterable[Merge], undone: Iterable[Merge]
) -> None:
    """Writes what is in force now."""
    await connection.execute("DELETE FROM merges WHERE id = ANY($1::uuid[])", [one.id for one in undone])
    rows = [
        {
            "id": one.id,
            "workspace_id": workspace_id,
            "kind": one.kind,
            "gone": one.gone,
            "stays": one.stays,
            "gone_id": _id(workspace_id, one),
            "actor": one.actor,
            "at": one.at,
        }
        for one in made
    ]
    await bulk.insert(connection, merges, rows)


def _id(workspace_id: UUID, merge: Merge) -> UUID:
    named = person_id if merge.kind == "people" else company_id
    return named(workspace_id, merge.gone)
