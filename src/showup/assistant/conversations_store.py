"""Store the conversations of each key or teammate: a few, of which the one that was used longest ago goes first."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import conversations

MAX_CONVERSATIONS: Final = 50
_MAX_TITLE: Final = 100
_columns = conversations.c


class Conversation(Struct, frozen=True, kw_only=True):
    """A conversation; `updated_at` is when it was last answered."""

    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime


_ALL_FIELDS: Final = select(*(_columns[name] for name in Conversation.__struct_fields__))


async def find_or_begin(
    tx: AsyncConnection, workspace_id: UUID, actor: str, conversation_id: UUID | None, question: str, now: datetime
) -> Conversation | None:
    """Return the conversation that a question is for: a new one without an id, else the one that is theirs."""
    if conversation_id is None:
        return await begin(tx, workspace_id, actor, question, now)
    return await find(tx, workspace_id, actor, conversation_id)


async def begin(tx: AsyncConnection, workspace_id: UUID, actor: str, question: str, now: datetime) -> Conversation:
    """Begin a conversation. Beyond MAX_CONVERSATIONS, the oldest are deleted."""
    words = " ".join(question[: 4 * _MAX_TITLE].split())
    title = words if len(words) <= _MAX_TITLE else f"{words[:_MAX_TITLE].rstrip()}…"
    begun = Conversation(id=uuid4(), title=title, created_at=now, updated_at=now)
    await tx.execute(insert(conversations).values(workspace_id=workspace_id, actor=actor, **asdict(begun)))
    newest_first = select(_columns.id).where(*_of(workspace_id, actor)).order_by(*_NEWEST_FIRST)
    await tx.execute(delete(conversations).where(_columns.id.in_(newest_first.offset(MAX_CONVERSATIONS))))
    return begun


async def list_conversations(
    tx: AsyncConnection, workspace_id: UUID, actor: str, limit: int = MAX_CONVERSATIONS
) -> list[Conversation]:
    """Return the conversations of a key or teammate, the one that was used last first."""
    query = _ALL_FIELDS.where(*_of(workspace_id, actor))
    rows = await tx.execute(query.order_by(*_NEWEST_FIRST).limit(limit))
    return [Conversation(**row) for row in rows.mappings()]


async def find(tx: AsyncConnection, workspace_id: UUID, actor: str, conversation_id: UUID) -> Conversation | None:
    """Return the conversation if it is theirs."""
    query = _ALL_FIELDS.where(*_of(workspace_id, actor))
    row = (await tx.execute(query.where(_columns.id == conversation_id))).mappings().one_or_none()
    return None if row is None else Conversation(**row)


async def touch(tx: AsyncConnection, conversation_id: UUID, now: datetime) -> bool:
    """Mark the conversation as used, and lock it until the transaction ends; return False if it was deleted."""
    query = update(conversations).where(_columns.id == conversation_id).values(updated_at=now)
    return (await tx.execute(query)).rowcount > 0


async def remove(tx: AsyncConnection, workspace_id: UUID, actor: str, conversation_id: UUID) -> bool:
    """Delete the conversation with its messages; return False if they have none with this id."""
    query = delete(conversations).where(*_of(workspace_id, actor), _columns.id == conversation_id)
    return (await tx.execute(query)).rowcount > 0


_NEWEST_FIRST: Final = (_columns.updated_at.desc(), _columns.id.desc())


def _of(workspace_id: UUID, actor: str) -> tuple[Any, ...]:
    return _columns.workspace_id == workspace_id, _columns.actor == actor
