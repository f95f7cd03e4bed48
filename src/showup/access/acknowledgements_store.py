"""Stores which warnings a person has acknowledged, and why; nothing is ever deleted."""

from datetime import datetime

import asyncpg
import msgspec
from msgspec import Struct
from uuid_utils.compat import uuid7

from showup.access import refusals_store


class Acknowledgement(Struct, frozen=True, kw_only=True):
    """A warning that a person has seen: `message` as it was shown, `because` in the person's words."""

    subject: str
    at: datetime
    actor: str
    because: str | None
    message: str


async def add(connection: asyncpg.Connection, acknowledgement: Acknowledgement) -> None:
    """Add an acknowledgement."""
    one = acknowledgement
    await connection.execute(
        "INSERT INTO acknowledgements (id, subject, at, actor, because, message) VALUES ($1, $2, $3, $4, $5, $6)",
        *(uuid7(), one.subject, one.at, one.actor, one.because, one.message),
    )


async def acknowledge_refusals(
    connection: asyncpg.Connection, kind: str, name: str, *, actor: str, at: datetime
) -> int:
    """Acknowledge the refused webhooks of an account or connection; return how many, and add nothing for none."""
    count = await refusals_store.remove(connection, kind, name)
    if count:
        message = f"{count} refused for their signature"
        subject = refusals_store.subject_of(kind, name)
        await add(connection, Acknowledgement(subject=subject, at=at, actor=actor, because=None, message=message))
    return count


async def list_acknowledgements(connection: asyncpg.Connection, limit: int) -> list[Acknowledgement]:
    """Return the acknowledgements, newest first."""
    rows = await connection.fetch(
        "SELECT subject, at, actor, because, message FROM acknowledgements ORDER BY at DESC, id DESC LIMIT $1", limit
    )
    return [msgspec.convert(dict(row), Acknowledgement) for row in rows]


async def acknowledged_until(connection: asyncpg.Connection, subject: str) -> datetime | None:
    """Return the time of the subject's newest acknowledgement; only later faults are new."""
    at: datetime | None = await connection.fetchval("SELECT max(at) FROM acknowledgements WHERE subject = $1", subject)
    return at
