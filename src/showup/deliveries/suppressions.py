"""Addresses that are not written to any more: after a bounce or a complaint, or because somebody asked for it."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID, uuid4

import asyncpg
from msgspec import Struct

Scope: TypeAlias = Literal["all", "follow_up"]
Reason: TypeAlias = Literal["bounced", "complained", "unsubscribed"]


class Suppression(Struct, frozen=True, kw_only=True):
    """Why an address gets no mail: `all` of it, or only what nobody asked for, `follow_up`.

    `because` is a sentence for people.
    """

    scope: Scope
    reason: Reason
    because: str


async def suppressed(
    connection: asyncpg.Connection, workspace_id: UUID, emails: Collection[str]
) -> dict[str, Suppression]:
    """Those of the addresses that are not to be written to, each under the spelling that was asked for.

    Where both scopes hold, it is `all`.
    """
    rows = await connection.fetch(
        "SELECT email, scope, reason, because FROM suppressions WHERE workspace_id = $1 AND email = ANY($2::text[]) "
        # The wider scope comes last, and so it stands.
        "ORDER BY scope DESC",
        workspace_id,
        [_plain(email) for email in emails],
    )
    found = {
        row["email"]: Suppression(scope=row["scope"], reason=row["reason"], because=row["because"]) for row in rows
    }
    return {email: found[_plain(email)] for email in emails if _plain(email) in found}


async def add(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    email: str,
    suppression: Suppression,
    *,
    at: datetime,
    delivery_id: UUID | None = None,
    event_id: UUID | None = None,
) -> bool:
    """Stops mail to the address; False where it is stopped already, for the reason that was first."""
    added = await connection.fetchval(
        """
        INSERT INTO suppressions (id, workspace_id, email, scope, reason, because, delivery_id, event_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (workspace_id, email, scope) DO NOTHING RETURNING true
        """,
        uuid4(),
        workspace_id,
        _plain(email),
        suppression.scope,
        suppression.reason,
        suppression.because,
        delivery_id,
        event_id,
        at,
    )
    return bool(added)


async def remove(connection: asyncpg.Connection, suppression_id: UUID) -> bool:
    """Lets the address be written to again; False where there was no such suppression."""
    removed = await connection.fetchval("DELETE FROM suppressions WHERE id = $1 RETURNING true", suppression_id)
    return bool(removed)


def _plain(email: str) -> str:
    return email.strip().lower()
