"""Write many rows in one statement: `INSERT … SELECT FROM unnest(…)`, with the same text and plan for any row count.

One array per column keeps the statement small and prepared. A VALUES list would be parsed again for every batch size
and reach PostgreSQL's limit of 65,535 parameters.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSON

_dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its dialects untyped

Row = Mapping[str, Any]


async def insert(connection: asyncpg.Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows, which all have the same columns; a row that already exists is an error."""
    await _run(connection, table, rows, "")


async def insert_new(connection: asyncpg.Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows that do not exist yet, by any unique index."""
    await _run(connection, table, rows, " ON CONFLICT DO NOTHING")


async def upsert(
    connection: asyncpg.Connection, table: Table, rows: Sequence[Row], key: Sequence[str], *, only_changed: bool = False
) -> None:
    """Insert the rows, or update those whose `key` columns exist; with `only_changed`, not those that stay the same."""
    if rows:
        columns = tuple(rows[0])
        suffix = _on_conflict(columns, tuple(key)) + (_if_changed(table.name, columns) if only_changed else "")
        await _run(connection, table, rows, suffix)


@lru_cache(maxsize=64)
def _on_conflict(columns: tuple[str, ...], key: tuple[str, ...]) -> str:
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    return f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"


@lru_cache(maxsize=64)
def _if_changed(table_name: str, columns: tuple[str, ...]) -> str:
    before, after = (", ".join(f"{row}.{name}" for name in columns) for row in (table_name, "excluded"))
    return f" WHERE ({before}) IS DISTINCT FROM ({after})"


async def _run(connection: asyncpg.Connection, table: Table, rows: Sequence[Row], suffix: str) -> None:
    if not rows:
        return
    columns = tuple(rows[0])
    statement, documents = _statement(table, columns)
    arrays = zip(*map(itemgetter(*columns), rows), strict=True)
    parameters = [
        list(map(_encode_json, values)) if name in documents else values
        for name, values in zip(columns, arrays, strict=True)
    ]
    await connection.execute(statement + suffix, *parameters)


@lru_cache(maxsize=64)
def _statement(table: Table, columns: tuple[str, ...]) -> tuple[str, frozenset[str]]:
    """Return the statement, and which of its columns are JSON documents (they are sent as text)."""
    documents = frozenset(name for name in columns if isinstance(table.c[name].type, JSON))
    sources, targets = [], []
    for position, name in enumerate(columns, start=1):
        column_type = table.c[name].type.compile(_dialect)
        sources.append(f"${position}::{'text' if name in documents else _base_type(column_type)}[]")
        targets.append(f"c{position}::{column_type}")
    aliases = ", ".join(f"c{position}" for position in range(1, len(columns) + 1))
    statement = (
        f"INSERT INTO {table.name} ({', '.join(columns)}) "  # noqa: S608  # names come from our own tables
        f"SELECT {', '.join(targets)} FROM unnest({', '.join(sources)}) AS given({aliases})"
    )
    return statement, documents


def _base_type(column_type: str) -> str:
    return column_type.partition("(")[0]


def _encode_json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
