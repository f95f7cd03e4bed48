"""Store the sessions of teammates: digests of their cookies, never the cookies."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, case, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.keys import digest
from showup.access.teammate import ROLES, Session, Teammate, WorkspaceAccess
from showup.database.tables import memberships, sessions, teammates, workspaces

LONG_LIFETIME: Final = timedelta(days=30)
SHORT_LIFETIME: Final = timedelta(hours=12)
# A visit ends when no page was opened for so long.
VISIT_GAP: Final = timedelta(minutes=30)
_TOUCHED_EVERY: Final = timedelta(minutes=1)
_EXPIRED_AT_ONCE: Final = 20


def csrf_token_of(token: str) -> str:
    """Return the token that each form of this session carries; it does not reveal the session's own."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


async def create(
    tx: AsyncConnection, teammate_id: UUID, *, now: datetime, lifetime: timedelta, workspace_id: UUID | None = None
) -> str:
    """Create a session and return the token for its cookie; a few expired sessions go."""
    token = secrets.token_urlsafe(32)
    expired = select(sessions.c.digest).where(sessions.c.expires_at <= now).limit(_EXPIRED_AT_ONCE)
    await tx.execute(delete(sessions).where(sessions.c.digest.in_(expired)))
    row = {
        "digest": digest(token),
        "teammate_id": teammate_id,
        "workspace_id": workspace_id,
        "created_at": now,
        "expires_at": now + lifetime,
    }
    await tx.execute(insert(sessions).values(row))
    return token


async def find(tx: AsyncConnection, token: str, now: datetime) -> Session | None:
    """Return the session of a cookie; None if it is unknown, has expired, or its teammate may use no workspace."""
    session_digest = digest(token)
    query = (
        select(*TEAMMATE_COLUMNS, sessions.c.workspace_id.label("chosen"))
        .join_from(sessions, teammates)
        .where(sessions.c.digest == session_digest, sessions.c.expires_at > now)
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    fields = dict(row)
    chosen = fields.pop("chosen")
    teammate = Teammate(**fields)
    found, is_everywhere = await list_access(tx, teammate.id)
    if not found:
        return None
    return Session(
        digest=session_digest,
        csrf_token=csrf_token_of(token),
        teammate=teammate,
        workspace=next((one for one in found if one.id == chosen), found[0]),
        workspaces=found,
        is_everywhere=is_everywhere,
    )


async def list_access(tx: AsyncConnection, teammate_id: UUID) -> tuple[list[WorkspaceAccess], bool]:
    """Return the workspaces of a teammate, by name, and whether they are an admin of all.

    A membership of one workspace goes before one of all.
    """
    fits = or_(memberships.c.workspace_id == workspaces.c.id, memberships.c.workspace_id.is_(None))
    query = (
        select(
            *(workspaces.c[name] for name in ("id", "slug", "name", "time_zone")),
            memberships.c.role,
            memberships.c.workspace_id.is_(None).label("is_of_all"),
        )
        .join_from(workspaces, memberships, and_(fits, memberships.c.teammate_id == teammate_id))
        .order_by(workspaces.c.name, workspaces.c.slug, memberships.c.workspace_id.is_(None))
    )
    found: dict[UUID, WorkspaceAccess] = {}
    is_everywhere = False
    for row in (await tx.execute(query)).mappings():
        fields: dict[str, Any] = dict(row)
        is_everywhere |= fields.pop("is_of_all") and fields["role"] == ROLES[0]
        found.setdefault(fields["id"], WorkspaceAccess(**fields))
    return list(found.values()), is_everywhere


def is_touch_due(teammate: Teammate, now: datetime) -> bool:
    """Return whether `touch` has something to record: to the minute is enough."""
    return teammate.seen_at is None or now - teammate.seen_at >= _TOUCHED_EVERY


def last_visit(teammate: Teammate, now: datetime) -> datetime | None:
    """Return when the visit before this one ended, also before `touch` recorded this one; None on the first visit."""
    if teammate.seen_at is not None and now - teammate.seen_at > VISIT_GAP:
        return teammate.seen_at
    return teammate.last_visit_ended_at


async def touch(tx: AsyncConnection, teammate: Teammate, now: datetime) -> None:
    """Record that the teammate opened a page; after a gap, a new visit begins."""
    ended_at = case((teammates.c.seen_at < now - VISIT_GAP, teammates.c.seen_at), else_=teammates.c.last_visit_ended_at)
    statement = update(teammates).where(teammates.c.id == teammate.id)
    await tx.execute(statement.values(seen_at=now, last_visit_ended_at=ended_at))


async def choose_workspace(tx: AsyncConnection, session: Session, workspace_id: UUID) -> None:
    """Show another workspace in this session; the caller has checked that the teammate may use it."""
    await tx.execute(update(sessions).where(sessions.c.digest == session.digest).values(workspace_id=workspace_id))


async def end(tx: AsyncConnection, token: str) -> None:
    """End the session of a cookie."""
    await tx.execute(delete(sessions).where(sessions.c.digest == digest(token)))


async def end_all(tx: AsyncConnection, teammate_id: UUID) -> int:
    """End every session of a teammate, on all devices; return how many they were."""
    return (await tx.execute(delete(sessions).where(sessions.c.teammate_id == teammate_id))).rowcount


TEAMMATE_COLUMNS: Final = (
    *(
        teammates.c[name]
        for name in ("id", "email", "name", "time_zone", "clock", "theme", "seen_at", "last_visit_ended_at")
    ),
    teammates.c.password_hash.is_not(None).label("has_password"),
)
