"""Stores how far EmailBison's lists were read: each from its newest item to the last known one (CA1).

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


class WalkForgotten(Exception):
    """A person asked to read all lists again while this walk was in progress."""


async def open_walks(connection: asyncpg.Connection, workspace_id: UUID, origin: str) -> dict[WalkedList, Walk]:
    """Returns the walks of a workspace; they begin again where `origin`, EmailBison's workspace, is another one."""
    await connection.execute("DELETE FROM lead_walks WHERE workspace_id = $1 AND origin <> $2", workspace_id, origin)
    await connection.execute(
        """
        INSERT INTO lead_walks (workspace_id, list, origin)
        SELECT $1, unnest(ARRAY['leads', 'replies', 'changed_leads']), $2 ON CONFLICT DO NOTHING
        """,
        workspace_id,
        origin,
    )
    rows = await connection.fetch(f"SELECT {_COLUMNS} FROM lead_walks WHERE workspace_id = $1", workspace_id)  # noqa: S608  # a constant
    return {row["list"]: Walk(**row) for row in rows}


async def begin(connection: asyncpg.Connection, workspace_id: UUID, walk: Walk, now: datetime) -> Walk:
    """Begins a walk at the newest item. Raises WalkForgotten.

    Changes from the day before the first walk through all leads are wanted: it may be another day there.
    """
    row = await connection.fetchrow(
        f"""
        UPDATE lead_walks SET cursor = NULL, newest = NULL, started_at = $3, ended_at = NULL
        WHERE workspace_id = $1 AND list = $2 RETURNING {_COLUMNS}
        """,  # noqa: S608  # a constant
        workspace_id,
        walk.list,
        now,
    )
    if walk.list == "leads":
        await connection.execute(
            """
            UPDATE lead_walks SET since = coalesce(since, ($2 AT TIME ZONE 'UTC')::date - 1)
            WHERE workspace_id = $1 AND list = 'changed_leads'
            """,
            workspace_id,
            now,
        )
    return _walk(row)


async def expect(connection: asyncpg.Connection, workspace_id: UUID, walked: WalkedList, number: int) -> None:
    """Stores how many items the list has, for those who watch the progress."""
    await connection.execute(
        "UPDATE lead_walks SET expected = $3 WHERE workspace_id = $1 AND list = $2", workspace_id, walked, number
    )


async def record_progress(
    connection: asyncpg.Connection, workspace_id: UUID, walk: Walk, *, cursor: str | None, newest: int | None, read: int
) -> Walk:
    """Stores where a walk continues, in the transaction that saves what it read. Raises WalkForgotten."""
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
    return _walk(row)


async def finish(connection: asyncpg.Connection, workspace_id: UUID, walk: Walk, now: datetime) -> None:
    """Ends a walk: everything up to its newest item is known. In a list of changes, nothing ever is."""
    await connection.execute(
        """
        UPDATE lead_walks
        SET ended_at = $3, first_ended_at = coalesce(first_ended_at, $3), cursor = NULL,
            known_until = CASE WHEN list = 'changed_leads' THEN NULL ELSE greatest(newest, known_until) END,
            since = CASE WHEN list = 'changed_leads' THEN (started_at AT TIME ZONE 'UTC')::date - 1 END
        WHERE workspace_id = $1 AND list = $2
        """,
        workspace_id,
        walk.list,
        now,
    )


def _walk(row: asyncpg.Record | None) -> Walk:
    if row is None:
        raise WalkForgotten
    return Walk(**row)
