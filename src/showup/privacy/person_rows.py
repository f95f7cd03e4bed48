"""Reads and redacts the rows of any table that are about one person, page by page."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

from showup.inbox.rebuild.compare import STATEMENT_TIMEOUT
from showup.inbox.redaction import like_patterns
from showup.privacy.catalogue import DELETED, MENTIONED_BY_NAME, REFERENCES
from showup.values.redaction import Redactor

_PAGE_SIZE: Final = 200


async def rows_about(
    connection: asyncpg.Connection,
    table: Table,
    workspace_id: UUID,
    ids: Mapping[str, Sequence[UUID]],
    redactor: Redactor,
    columns: Sequence[str],
    *,
    locked: bool,
) -> AsyncIterator[list[asyncpg.Record]]:
    """Yields the rows that name the person or belong to their records, in pages; needs a transaction.

    `locked`: nobody else changes them until the transaction ends.
    Of a table without a workspace, all rows are searched: it holds what no workspace reads.
    """
    own = {column: ids.get(kind, ()) for column, kind in REFERENCES.items() if column in table.columns}
    own |= {"id": ids[table.name]} if table.name in ids else {}
    arguments: list[Any] = [like_patterns(redactor.search_terms(with_names=table.name in MENTIONED_BY_NAME))]
    texts = ", ".join(f"t.{column}::text" for column in columns)
    # Lists and JSON are searched as PostgreSQL writes them.
    about = [f"concat_ws(E'\\n', {texts}) ILIKE ANY($1::text[])"]
    for column, values in own.items():
        arguments.append(list(values))
        about.append(f"t.{column} = ANY(${len(arguments)}::uuid[])")
    condition = f"({' OR '.join(about)})"
    if "workspace_id" in table.columns:
        arguments.append(workspace_id)
        condition += f" AND t.workspace_id = ${len(arguments)}"
    cursor = await connection.cursor(
        f"SELECT t.ctid, {_selected(table)} FROM {table.name} t WHERE {condition}{' FOR UPDATE' if locked else ''}",  # noqa: S608  # names of our own
        *arguments,
        timeout=STATEMENT_TIMEOUT,
    )
    while page := await cursor.fetch(_PAGE_SIZE, timeout=STATEMENT_TIMEOUT):
        yield page


def _selected(table: Table) -> str:
    """Returns all columns, JSON as text: a connection may or may not parse it."""
    names = (column.name for column in table.columns if column.computed is None)
    return ", ".join(f"t.{name}::text" if _is_json(table, name) else f"t.{name}" for name in names)


def _is_json(table: Table, column: str) -> bool:
    return isinstance(table.columns[column].type, JSON | JSONB)


async def redact_rows(
    connection: asyncpg.Connection,
    table: Table,
    page: Sequence[asyncpg.Record],
    columns: Sequence[str],
    redactor: Redactor,
) -> int:
    """Redacts the texts of these rows, or deletes them; returns how many changed."""
    if table.name in DELETED:
        rows = [row["ctid"] for row in page]
        await connection.execute(f"DELETE FROM {table.name} WHERE ctid = ANY($1::tid[])", rows)  # noqa: S608
        return len(rows)
    changed = 0
    for row in page:
        new = {name: redact_value(table, name, row[name], redactor) for name in columns}
        new = {name: value for name, value in new.items() if value != row[name]}
        if new:
            places = ", ".join(f"{name} = ${number}{_cast(table, name)}" for number, name in enumerate(new, 2))
            await connection.execute(
                f"UPDATE {table.name} SET {places} WHERE ctid = $1",  # noqa: S608  # names of our own
                row["ctid"],
                *new.values(),
            )
            changed += 1
    return changed


def redact_value(table: Table, column: str, value: Any, redactor: Redactor) -> Any:
    """Returns the value of a column without the person, in the form in which asyncpg reads and writes it."""
    if value is None:
        return None
    if _is_json(table, column):
        redacted = redactor.json(msgspec.json.decode(value))
        return value if redacted == msgspec.json.decode(value) else msgspec.json.encode(redacted).decode()
    if isinstance(table.columns[column].type, ARRAY):
        return [redactor.text(one) for one in value]
    return redactor.text(value)


def _cast(table: Table, column: str) -> str:
    kind = "jsonb" if isinstance(table.columns[column].type, JSONB) else "json"
    return f"::text::{kind}" if _is_json(table, column) else ""
