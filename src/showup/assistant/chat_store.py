"""Store the conversation of each key or teammate with the chat, as the model's API has it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from msgspec import Struct
from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import chat_messages, chat_questions

MAX_MESSAGES: Final = 200
_messages, _questions = chat_messages.c, chat_questions.c


class ChatMessage(Struct, frozen=True, kw_only=True):
    """A message; `content` has blocks: text, calls of tools, or their results."""

    role: Literal["user", "assistant"]
    content: list[dict[str, Any]]


async def load(tx: AsyncConnection, workspace_id: UUID, actor: str) -> list[ChatMessage]:
    """Return the newest messages of a conversation, oldest first."""
    query = select(_messages.role, _messages.content).where(*_of(workspace_id, actor))
    rows = (await tx.execute(query.order_by(_messages.number.desc()).limit(MAX_MESSAGES))).all()
    return [ChatMessage(role=row.role, content=row.content) for row in reversed(rows)]


async def append(
    tx: AsyncConnection, workspace_id: UUID, actor: str, added: Sequence[ChatMessage], now: datetime
) -> None:
    """Add messages to a conversation, and delete what is too much."""
    last = await tx.scalar(select(func.coalesce(func.max(_messages.number), 0)).where(*_of(workspace_id, actor)))
    rows = [
        {"number": number, "role": one.role, "content": one.content}
        for number, one in enumerate(added, start=int(last or 0) + 1)
    ]
    fixed = {"workspace_id": workspace_id, "actor": actor, "created_at": now}
    await tx.execute(insert(chat_messages), [row | fixed for row in rows])
    oldest = int(last or 0) + len(added) - MAX_MESSAGES
    await tx.execute(delete(chat_messages).where(*_of(workspace_id, actor), _messages.number <= oldest))


async def clear(tx: AsyncConnection, workspace_id: UUID, actor: str) -> None:
    """Delete a conversation."""
    await tx.execute(delete(chat_messages).where(*_of(workspace_id, actor)))
    await tx.execute(delete(chat_questions).where(_questions.workspace_id == workspace_id, _questions.actor == actor))


async def add_question(tx: AsyncConnection, workspace_id: UUID, actor: str, text: str, now: datetime) -> UUID:
    """Store the question that is to be answered next, and return its id; it replaces one that nobody waits for."""
    values = {"id": uuid4(), "text": text, "created_at": now}
    query = upsert(chat_questions).values(workspace_id=workspace_id, actor=actor, **values)
    await tx.execute(query.on_conflict_do_update(index_elements=["workspace_id", "actor"], set_=values))
    return values["id"]  # type: ignore[return-value]  # a UUID


async def take_question(tx: AsyncConnection, workspace_id: UUID, actor: str, question_id: UUID) -> str | None:
    """Return the question's text, once: a stream that is opened again doesn't ask it again."""
    own = (_questions.workspace_id == workspace_id, _questions.actor == actor, _questions.id == question_id)
    text: str | None = await tx.scalar(delete(chat_questions).where(*own).returning(_questions.text))
    return text


def _of(workspace_id: UUID, actor: str) -> tuple[Any, ...]:
    return _messages.workspace_id == workspace_id, _messages.actor == actor
