"""Suppressed addresses and phone numbers: after a bounce, a complaint or a refusal, or on the recipient's request."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID, uuid4

import asyncpg
from msgspec import Struct

from showup.values.email_address import normalize_email

Scope: TypeAlias = Literal["all", "follow_up"]
Reason: TypeAlias = Literal["bounced", "complained", "unsubscribed", "unreachable"]


class Suppression(Struct, frozen=True, kw_only=True):
    """A suppression stops `all` messages to an address or number, or only unrequested mail, `follow_up`.

    `because` is a sentence for people.
    """

    scope: Scope
    reason: Reason
    because: str


async def suppressed(
    connection: asyncpg.Connection, workspace_id: UUID, emails: Collection[str]
) -> dict[str, Suppression]:
    """Returns the suppressed addresses, each in the spelling that was passed in.

    If both scopes apply, it is `all`.
    """
    rows = await connection.fetch(
        "SELECT email, scope, reason, because FROM suppressions WHERE workspace_id = $1 AND email = ANY($2::text[]) "
        # The wider scope comes last and overwrites the other.
        "ORDER BY scope DESC",
        workspace_id,
        [normalize_email(email) for email in emails],
    )
    found = {
        row["email"]: Suppression(scope=row["scope"], reason=row["reason"], because=row["because"]) for row in rows
    }
    return {email: found[normalize_email(email)] for email in emails if normalize_email(email) in found}


async def suppressed_numbers(
    connection: asyncpg.Connection, workspace_id: UUID, numbers: Collection[str]
) -> dict[str, Suppression]:
    """Returns the suppressed numbers of these, which are in E.164 form."""
    rows = await connection.fetch(
        "SELECT phone, scope, reason, because FROM suppressions WHERE workspace_id = $1 AND phone = ANY($2::text[])",
        workspace_id,
        list(numbers),
    )
    return {row["phone"]: Suppression(scope=row["scope"], reason=row["reason"], because=row["because"]) for row in rows}


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
    """Suppresses the address; returns False if it is suppressed already, and keeps the first reason."""
    about = _About(email=normalize_email(email), delivery_id=delivery_id, event_id=event_id)
    return await _insert(connection, workspace_id, suppression, about, at)


async def add_number(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    number: str,
    suppression: Suppression,
    *,
    at: datetime,
    delivery_id: UUID | None = None,
) -> bool:
    """Suppresses the number, in E.164 form; returns False if it is suppressed already, and keeps the first reason."""
    return await _insert(connection, workspace_id, suppression, _About(phone=number, delivery_id=delivery_id), at)


class _About(Struct, frozen=True, kw_only=True):
    """The address or number, and where the reason comes from."""

    email: str | None = None
    phone: str | None = None
    delivery_id: UUID | None = None
    event_id: UUID | None = None


async def _insert(
    connection: asyncpg.Connection, workspace_id: UUID, suppression: Suppression, about: _About, at: datetime
) -> bool:
    added = await connection.fetchval(
        """
        INSERT INTO suppressions
            (id, workspace_id, email, phone, scope, reason, because, delivery_id, event_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING true
        """,
        uuid4(),
        workspace_id,
        about.email,
        about.phone,
        suppression.scope,
        suppression.reason,
        suppression.because,
        about.delivery_id,
        about.event_id,
        at,
    )
    return bool(added)


async def remove(connection: asyncpg.Connection, suppression_id: UUID) -> bool:
    """Removes the suppression; returns False if there was none."""
    removed = await connection.fetchval("DELETE FROM suppressions WHERE id = $1 RETURNING true", suppression_id)
    return bool(removed)
