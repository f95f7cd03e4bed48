"""Store approvals, and the changes that people allowed an assistant for good."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.access.teammate import ACTOR_PREFIX
from showup.assistant.approval import Approval, ApprovalState
from showup.database.tables import api_keys, approvals, memberships, teammates, tool_grants
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import visible_to, workspace_of

SORTS: Final[Sorts] = {"created_at": approvals.c.created_at}
_KEY_PREFIX: Final = "key:"
_MAX_WAITING: Final = 100
_columns, _grants = approvals.c, tool_grants.c


def _select(permission: Permission) -> Select[Any]:
    names = [name for name in Approval.__struct_fields__ if name != "workspace"]
    return select(*(_columns[name] for name in names), workspace_of(approvals)).where(visible_to(permission, approvals))


async def list_approvals(
    tx: AsyncConnection, permission: Permission, states: Sequence[ApprovalState], page_request: PageRequest
) -> ResultPage:
    """Return one page of the approvals that the permission allows; no states: all."""
    query = _select(permission)
    return await read_page(tx, query.where(_columns.state.in_(states)) if states else query, SORTS, page_request)


async def find(tx: AsyncConnection, permission: Permission, approval_id: UUID) -> Approval | None:
    """Return the approval; None if the permission allows none with this id."""
    return await _fetch(tx, _select(permission).where(_columns.id == approval_id))


async def find_in(tx: AsyncConnection, workspace_ids: Collection[UUID], approval_id: UUID) -> Approval | None:
    """Return the approval if it belongs to one of these workspaces."""
    everywhere = Permission(actor="showup", scope="read", workspace_id=None)
    query = _select(everywhere).where(_columns.id == approval_id, _columns.workspace_id.in_(workspace_ids))
    return await _fetch(tx, query)


async def find_all(tx: AsyncConnection, permission: Permission, ids: Collection[UUID]) -> list[Approval]:
    """Return the approvals with these ids that the permission allows, latest first."""
    if not ids:
        return []
    return await _fetch_all(tx, _select(permission).where(_columns.id.in_(ids)))


async def list_waiting(tx: AsyncConnection, permission: Permission, now: datetime) -> list[Approval]:
    """Return the changes that a person can still grant, latest first."""
    query = _select(permission).where(_columns.state == "pending", _columns.expires_at > now)
    return await _fetch_all(tx, query.limit(_MAX_WAITING))


async def find_undoable(tx: AsyncConnection, permission: Permission, event_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the approvals of these events that can be undone: approval by event."""
    if not event_ids:
        return {}
    query = select(_columns.id, _columns.event_ids).where(
        visible_to(permission, approvals),
        _columns.event_ids.overlap(list(event_ids)),
        _columns.state == "done",
        _columns.undone_at.is_(None),
    )
    return {event_id: row.id for row in await tx.execute(query) for event_id in row.event_ids}


async def lock(tx: AsyncConnection, permission: Permission, approval_id: UUID) -> Approval | None:
    """Return the approval, which nobody else decides until the transaction ends."""
    query = _select(permission).where(_columns.id == approval_id)
    return await _fetch(tx, query.with_for_update(of=approvals))


async def find_pending(
    tx: AsyncConnection, workspace_id: UUID, requested_by: str, tool: str, arguments: dict[str, Any], now: datetime
) -> Approval | None:
    """Return the approval that waits for the same change; a client may ask twice."""
    permission = Permission(actor=requested_by, scope="read", workspace_id=workspace_id)
    query = _select(permission).where(
        _columns.requested_by == requested_by,
        _columns.state == "pending",
        _columns.tool == tool,
        _columns.arguments == arguments,
        _columns.expires_at > now,
    )
    return await _fetch(tx, query.limit(1))


async def count_pending(tx: AsyncConnection, workspace_id: UUID, requested_by: str, now: datetime) -> int:
    """Return how many changes of somebody's assistant wait."""
    query = select(func.count()).where(
        _columns.workspace_id == workspace_id,
        _columns.requested_by == requested_by,
        _columns.state == "pending",
        _columns.expires_at > now,
    )
    return await tx.scalar(query) or 0


async def add(tx: AsyncConnection, **values: Any) -> UUID:
    """Add a pending approval, and return its id."""
    approval_id = uuid4()
    await tx.execute(insert(approvals).values(id=approval_id, state="pending", **values))
    return approval_id


async def change(tx: AsyncConnection, approval_id: UUID, **values: Any) -> None:
    """Change columns of an approval, which the caller has locked."""
    await tx.execute(update(approvals).where(_columns.id == approval_id).values(**values))


async def find_grant(tx: AsyncConnection, workspace_id: UUID, actor: str, tool: str) -> str | None:
    """Return who allowed this tool to somebody's assistant for good; None for nobody."""
    query = select(_grants.granted_by).where(
        _grants.workspace_id == workspace_id, _grants.actor == actor, _grants.tool == tool
    )
    granted_by: str | None = await tx.scalar(query)
    return granted_by


async def list_grants(tx: AsyncConnection, permission: Permission) -> list[dict[str, Any]]:
    """Return what is allowed for good, by whose assistant it is."""
    query = select(*(_grants[name] for name in ("actor", "tool", "granted_by", "granted_at")))
    query = query.where(visible_to(permission, tool_grants)).order_by(_grants.actor, _grants.tool)
    return [dict(row) for row in (await tx.execute(query.limit(200))).mappings()]


async def allow_for_good(
    tx: AsyncConnection, workspace_id: UUID, actor: str, tool: str, *, granted_by: str, now: datetime
) -> None:
    """Allow a tool to somebody's assistant from now on."""
    row = {"workspace_id": workspace_id, "actor": actor, "tool": tool, "granted_by": granted_by, "granted_at": now}
    await tx.execute(insert(tool_grants).values(row).on_conflict_do_nothing())


async def withdraw_grant(tx: AsyncConnection, workspace_id: UUID, actor: str, tool: str) -> bool:
    """Ask a person again from now on; return False if it was not allowed."""
    own = (_grants.workspace_id == workspace_id, _grants.actor == actor, _grants.tool == tool)
    return (await tx.execute(delete(tool_grants).where(*own))).rowcount > 0


async def may_still_write(tx: AsyncConnection, workspace_id: UUID, actor: str) -> bool:
    """Return whether the one who asked may still change the workspace: a key may have been revoked meanwhile."""
    if actor.startswith(_KEY_PREFIX):
        key = api_keys.c
        found = select(key.id).where(
            key.name == actor.removeprefix(_KEY_PREFIX),
            key.revoked_at.is_(None),
            key.scope.in_(("write", "admin")),
            or_(key.workspace_id.is_(None), key.workspace_id == workspace_id),
        )
        return bool(await tx.scalar(select(exists(found))))
    if actor.startswith(ACTOR_PREFIX):
        joined = and_(memberships.c.teammate_id == teammates.c.id, memberships.c.role.in_(("admin", "member")))
        fits = or_(memberships.c.workspace_id.is_(None), memberships.c.workspace_id == workspace_id)
        member = select(teammates.c.id).join(memberships, joined)
        return bool(
            await tx.scalar(select(exists(member.where(teammates.c.email == actor.removeprefix(ACTOR_PREFIX), fits))))
        )
    # The key of the environment exists as long as the process does.
    return actor == "admin"


async def _fetch_all(tx: AsyncConnection, query: Select[Any]) -> list[Approval]:
    latest_first = query.order_by(_columns.created_at.desc(), _columns.id.desc())
    return [Approval(**row) for row in (await tx.execute(latest_first)).mappings()]


async def _fetch(tx: AsyncConnection, query: Select[Any]) -> Approval | None:
    row = (await tx.execute(query)).mappings().one_or_none()
    return None if row is None else Approval(**row)
