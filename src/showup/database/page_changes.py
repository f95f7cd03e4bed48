"""Notify open pages of changes, over PostgreSQL's NOTIFY. The payload names what changed, and no data."""

from typing import Final
from uuid import UUID

import asyncpg

CHANNEL: Final = "showup_pages"
RECORDS_CHANGED: Final = "records"
"""The audit log of the workspace has new entries."""
DELIVERY_CHANGED: Final = "delivery"


async def notify_pages(connection: asyncpg.Connection, workspace_id: UUID, what: str = RECORDS_CHANGED) -> None:
    """Notify the pages of a workspace when the transaction commits; equal ones of a transaction are sent once."""
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, f"{workspace_id} {what}")


def parse_change(payload: str) -> tuple[UUID, str]:
    """Return the workspace and what changed."""
    workspace_id, _, what = payload.partition(" ")
    return UUID(workspace_id), what
