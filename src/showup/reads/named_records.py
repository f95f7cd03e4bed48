"""Reads the names of deals and meetings, for sentences about them."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection


async def names_of_records(tx: AsyncConnection, permission: Permission, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return a deal's company, or a meeting's person, by the record's id; unknown and invisible ones are missing."""
    connection = await driver_connection(tx)
    rows = await connection.fetch(_NAMES, list(ids), permission.workspace_id)
    return {row["id"]: row["name"] for row in rows if row["name"]}


_NAMES: Final = """
    SELECT d.id, coalesce(c.name, c.domain) AS name
    FROM deals d JOIN companies c ON c.id = d.company_id
    WHERE d.id = ANY($1::uuid[]) AND ($2::uuid IS NULL OR d.workspace_id = $2)
    UNION ALL
    SELECT b.id, coalesce(p.name, p.email, b.title) AS name
    FROM bookings b LEFT JOIN people p ON p.id = b.person_id
    WHERE b.id = ANY($1::uuid[]) AND ($2::uuid IS NULL OR b.workspace_id = $2)
"""
