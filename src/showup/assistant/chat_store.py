"""Store the messages of conversations, as the model's API has them, and the question that is being answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from msgspec import Struct
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.assistant import conversations_store
from showup.database.tables import chat_messages, chat_questions

MAX_MESSAGES: Final = 200
_messages, _questions = chat_messages.c, chat_questions.c


class ChatMessage(Struct, frozen=True, kw_only=True):
    """A message; `content` has blocks: text, calls of tools, or their results."""

    role: Literal["user", "assistant"]
    content: list[dict[str, Any]]


async def load(tx: AsyncConnection, conversation_id: UUID) -> list[ChatMessage]:
    """Return the newest messages of a conversation, oldest first. The caller knows whose it is."""
    query = select(_messages.role, _messages.content).where(_messages.conversation_id == conversation_id)
    rows = (await tx.execute(query.order_by(_messages.number.desc()).limit(MAX_MESSAGES))).all()
    return [ChatMessage(role=row.role, content=row.content) for row in reversed(rows)]


async def append(
    tx: AsyncConnection, workspace_id: UUID, conversation_id: UUID, added: Sequence[ChatMessage], now: datetime
) -> None:
    """Add an answer to a conversation, and delete what is too much; nothing is added to one that was deleted."""
    if not await conversations_store.touch(tx, conversation_id, now):
        return
    own = _messages.conversation_id == conversation_id
    last = int(await tx.scalar(select(func.coalesce(func.max(_messages.number), 0)).where(own)) or 0)
    rows = [
        {"number": number, "role": one.role, "content": one.content} for number, one in enumerate(added, start=last + 1)
    ]
    fixed = {"workspace_id": workspace_id, "conversation_id": conversation_id, "created_at": now}
    await tx.execute(insert(chat_messages), [row | fixed for row in rows])
    await tx.execute(delete(chat_messages).where(own, _messages.number <= last + len(added) - MAX_MESSAGES))
    await tx.execute(delete(chat_questions).where(_questions.conversation_id == conversation_id))


async def add_question(
    tx: AsyncConnection, workspace_id: UUID, actor: str, conversation_id: UUID, text: str, now: datetime
) -> UUID:
    """Store the question that is to be answered next, and return its id; it replaces one that got no answer."""
    values = {"id": uuid4(), "conversation_id": conversation_id, "text": text, "created_at": now, "taken_at": None}
    query = upsert(chat_questions).values(workspace_id=workspace_id, actor=actor, **values)
    await tx.execute(query.on_conflict_do_update(index_elements=["workspace_id", "actor"], set_=values))
    return values["id"]  # type: ignore[return-value]  # a UUID


async def take_question(
    tx: AsyncConnection, workspace_id: UUID, actor: str, question_id: UUID, now: datetime
) -> tuple[UUID, str] | None:
    """Return the conversation and the text, once: a stream that is opened again doesn't ask it again."""
    own = (_questions.workspace_id == workspace_id, _questions.actor == actor, _questions.id == question_id)
    query = update(chat_questions).where(*own, _questions.taken_at.is_(None)).values(taken_at=now)
    row = (await tx.execute(query.returning(_questions.conversation_id, _questions.text))).one_or_none()
    return None if row is None else (row.conversation_id, row.text)


async def find_unanswered(tx: AsyncConnection, conversation_id: UUID) -> str:
    """Return the question of a conversation that got no answer, because the answer was interrupted; else nothing."""
    text: str | None = await tx.scalar(select(_questions.text).where(_questions.conversation_id == conversation_id))
    return text or ""
