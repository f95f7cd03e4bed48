"""Finds the company that a new deal is for, by what a person writes."""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection


async def company_of_person(tx: AsyncConnection, permission: Permission, email: str) -> str | None:
    """Returns the key of the company that the person with this address belongs to; None if there is none."""
    key: str | None = await (await driver_connection(tx)).fetchval(_OF_PERSON, permission.workspace_id, email)
    return key


async def companies_named(tx: AsyncConnection, permission: Permission, name: str) -> list[str]:
    """Returns the keys of up to two companies with this name, in whatever case."""
    rows = await (await driver_connection(tx)).fetch(_NAMED, permission.workspace_id, name)
    return [row["key"] for row in rows]


async def active_deal_of_key(tx: AsyncConnection, permission: Permission, company: str) -> UUID | None:
    """Returns the active deal of the company with this key; None if it has none."""
    deal_id: UUID | None = await (await driver_connection(tx)).fetchval(_ACTIVE, permission.workspace_id, company)
    return deal_id


_OF_PERSON: Final = """
    SELECT c.key FROM people p JOIN companies c ON c.id = p.company_id WHERE p.workspace_id = $1 AND p.email = $2
"""
_NAMED: Final = (
    "SELECT key FROM companies WHERE workspace_id = $1 AND lower(name) = lower($2) ORDER BY created_at LIMIT 2"
)
_ACTIVE: Final = """
    SELECT d.id FROM deals d JOIN companies c ON c.id = d.company_id
    WHERE d.workspace_id = $1 AND c.key = $2 AND d.status = 'active'
"""
