"""Stores how far EmailBison's lists were read: each from its newest item to the last known one.

A walk that was interrupted continues at its cursor; what came meanwhile is found by the next walk.
"""

from datetime import date, datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

import asyncpg
from msgspec import Struct

WalkedList: TypeAlias = Literal["leads", "replies", "changed_leads"]


class Walk(Struct, frozen=True, kw_only=True):
    """One list's walk; the fields are those of the table `lead_walks`."""

    list: WalkedList
    cursor: str | None
    newest: int | None
    known_until: int | None
    since: date | None
    read: int
    expected: int | None
    started_at: datetime | None
    first_ended_at: datetime | None
    ended_at: datetime | None

    @property
    def is_in_progress(self) -> bool:
        """Returns whether it has begun and not ended."""
        return self.started_at is not None and self.ended_at is None


_COLUMNS: Final = ", ".join(Walk.__struct_fields__)


async def open_walks(connection: asyncpg.Connection, workspace_id: UUID, url: str) -> dict[WalkedList, Walk]:
    """Returns the walks of a workspace; they begin again where its connection leads to another instance."""
    await connection.execute(
        "DELETE FROM lead_walks WHERE workspace_id = $1 AND url <> $2",
        workspace_id,
        url,
    )
    await connection.execute(
        """
        INSERT INTO lead_walks (workspace_id, list, url)
        SELECT $1, unnest(ARRAY['leads', 'replies', 'changed_leads']), $2 ON CONFLICT DO NOTHING
        """,
        workspace_id,
        url,
    )
    rows = await connection.fetch(f"SELECT {_COLUMNS} FROM lead_walks WHERE workspace_id = $1", workspace_id)  # noqa: S608  # a constant
    return {row["list"]: Walk(**row) for row in rows}


async def forget_walks(connection: asyncpg.Connection, workspace_id: UUID) -> None:
    """Forgets how far the lists were read, so that all of them are read again."""
    await connection.execute("DELETE FROM lead_walks WHERE workspace_id = $1", workspace_id)


async def begin(
    connection: asyncpg.Connection, workspace_id: UUID, walk: Walk, now: datetime, *, since: date | None = None
) -> Walk:
    """Begins a walk at the newest item."""
    row = await connection.fetchrow(
        f"""
        UPDATE lead_walks SET cursor = NULL, newest = NULL, since = $4, started_at = $3, ended_at = NULL
        WHERE workspace_id = $1 AND list = $2 RETURNING {_COLUMNS}
        """,  # noqa: S608  # a constant
        workspace_id,
        walk.list,
        now,
        since,
    )
    return Walk(**row)


async def expect(connection: asyncpg.Connection, workspace_id: UUID, walked: WalkedList, number: int) -> None:
    """Stores how many items the list has, for those who watch the progress."""
    await connection.execute(
        "UPDATE lead_walks SET expected = $3 WHERE workspace_id = $1 AND list = $2", workspace_id, walked, number
    )


async def advance(
    connection: asyncpg.Connection, workspace_id: UUID, walk: Walk, *, cursor: str | None, newest: int | None, read: int
) -> Walk:
    """Stores where a walk continues, in the transaction that saves what it read."""
    row = await connection.fetchrow(
        f"""
        UPDATE lead_walks SET cursor = $3, newest = $4, read = read + $5
        WHERE workspace_id = $1 AND list = $2 RETURNING {_COLUMNS}
        """,  # noqa: S608  # a constant
        workspace_id,
        walk.list,
        cursor,
        newest,
        read,
    )
    return Walk(**row)


async def finish(connection: asyncpg.Connection, workspace_id: UUID, walk: Walk, now: datetime) -> None:
    """Ends a walk: everything up to its newest item is known. In a list of changes, nothing ever is."""
    await connection.execute(
        """
        UPDATE lead_walks
        SET ended_at = $3, first_ended_at = coalesce(first_ended_at, $3), cursor = NULL,
            known_until = CASE WHEN list = 'changed_leads' THEN NULL ELSE greatest(newest, known_until) END
        WHERE workspace_id = $1 AND list = $2
        """,
        workspace_id,
        walk.list,
        now,
    )
