"""Store one-time links to sign in: for the first run, for an invitation, and for a teammate without a password."""

import secrets
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.keys import digest
from showup.database.tables import sign_in_links

LinkKind: TypeAlias = Literal["first_run", "invitation", "sign_in"]
LIFETIMES: Final[dict[LinkKind, timedelta]] = {
    "first_run": timedelta(hours=24),
    "invitation": timedelta(days=7),
    "sign_in": timedelta(hours=1),
}


class SignInLink(Struct, frozen=True, kw_only=True):
    """A link that still works. Only that of the first run has no teammate."""

    kind: LinkKind
    teammate_id: UUID | None


async def create(
    tx: AsyncConnection,
    kind: LinkKind,
    teammate_id: UUID | None,
    *,
    now: datetime,
    lifetime: timedelta | None = None,
) -> str:
    """Create a link and return its token; older links of the same kind and teammate stop working.

    `lifetime` is that of its kind, unless it is given.

    Links for the first run work beside each other: several processes may start on one database.
    """
    links = sign_in_links.c
    replaced = and_(links.kind == kind, links.teammate_id == teammate_id)
    await tx.execute(delete(sign_in_links).where(or_(replaced, links.expires_at <= now)))
    token = secrets.token_urlsafe(32)
    row = {
        "digest": digest(token),
        "kind": kind,
        "teammate_id": teammate_id,
        "created_at": now,
        "expires_at": now + (lifetime or LIFETIMES[kind]),
    }
    await tx.execute(insert(sign_in_links).values(row))
    return token


async def find(tx: AsyncConnection, token: str, now: datetime) -> SignInLink | None:
    """Return the link with this token; None if it is unknown, was used or has expired."""
    query = select(sign_in_links.c.kind, sign_in_links.c.teammate_id).where(*_works(token, now))
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else SignInLink(**row)


async def use(tx: AsyncConnection, token: str, now: datetime) -> SignInLink | None:
    """Use the link up and return it; None if another request used it first."""
    statement = update(sign_in_links).where(*_works(token, now)).values(used_at=now)
    row = (
        (await tx.execute(statement.returning(sign_in_links.c.kind, sign_in_links.c.teammate_id)))
        .mappings()
        .one_or_none()
    )
    return None if row is None else SignInLink(**row)


def _works(token: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    links = sign_in_links.c
    return links.digest == digest(token), links.used_at.is_(None), links.expires_at > now
