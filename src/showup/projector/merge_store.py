"""Store the active merges; each batch reads them to resolve identities."""

from collections.abc import Iterable
from uuid import UUID

import asyncpg

from showup.companies.company import company_id
from showup.database import bulk
from showup.database.tables import merges
from showup.people.person import person_id
from showup.pipeline.merges import Merge


async def in_force(connection: asyncpg.Connection, workspace_id: UUID) -> dict[UUID, Merge]:
    """Return the workspace's merges that are not undone, by the event that made them."""
    rows = await connection.fetch(
        "SELECT id, kind, gone, stays, actor, at FROM merges WHERE workspace_id = $1", workspace_id
    )
    return {row["id"]: Merge(**dict(row)) for row in rows}


async def replace_merges(
    connection: asyncpg.Connection, workspace_id: UUID, *, made: Iterable[Merge], undone: Iterable[Merge]
) -> None:
    """Replace the stored merges with the active ones."""
    await connection.execute("DELETE FROM merges WHERE id = ANY($1::uuid[])", [one.id for one in undone])
    rows = [
        {
            "id": one.id,
            "workspace_id": workspace_id,
            "kind": one.kind,
            "gone": one.gone,
            "stays": one.stays,
            "gone_id": _merged_id(workspace_id, one),
            "actor": one.actor,
            "at": one.at,
        }
        for one in made
    ]
    await bulk.insert(connection, merges, rows)


def _merged_id(workspace_id: UUID, merge: Merge) -> UUID:
    id_of = person_id if merge.kind == "people" else company_id
    return id_of(workspace_id, merge.gone)
