"""Exports what Showup has about one person: their rows in every table, and the events that name them."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import Table

from showup.database.tables import metadata
from showup.inbox.rebuild.compare import STATEMENT_TIMEOUT
from showup.inbox.redaction import find_events
from showup.privacy.catalogue import UNTOUCHED, bytes_columns, text_columns
from showup.privacy.person_rows import rows_about
from showup.privacy.person_scope import PersonUnknown, find_scope
from showup.values.redaction import Redactor, make_pseudonym

MAX_ROWS: Final = 10_000
"""The most rows of one table in an export; `omitted` names the tables that have more."""

# What erasures treat separately is exported like all other tables; events come with their bodies.
_ALSO: Final = frozenset(("leads", "delivery_contents"))


async def export_person(connection: asyncpg.Connection, workspace_id: UUID, email: str, at: datetime) -> dict[str, Any]:
    """Returns everything about the person with this normalized address, as JSON types; needs a transaction.

    `tables`: rows by table, as the database has them. `events`: the webhooks and commands that name the person. Raises
    PersonUnknown.
    """
    scope = await find_scope(connection, workspace_id, email)
    redactor = Redactor(make_pseudonym(scope.emails, "0"), names=scope.names, phones=scope.phones)
    events = await find_events(connection, workspace_id, scope.ids["bookings"], redactor.search_terms(with_names=False))
    if not (events or scope.is_known):
        raise PersonUnknown
    ids = {**scope.ids, "events": events}
    tables: dict[str, list[dict[str, Any]]] = {}
    omitted: list[str] = []
    for table in metadata.sorted_tables:
        columns = text_columns(table)
        if not columns or (table.name in UNTOUCHED and table.name not in _ALSO):
            continue
        rows: list[dict[str, Any]] = []
        async for page in rows_about(connection, table, workspace_id, ids, redactor, columns, locked=False):
            rows += [_row(table, one) for one in page]
            if len(rows) > MAX_ROWS:
                omitted.append(table.name)
                break
        if rows:
            tables[table.name] = rows[:MAX_ROWS]
    if len(events) > MAX_ROWS:
        omitted.append("inbox_events")
    return {
        "email": email,
        "addresses": scope.emails,
        "exported_at": at,
        "events": await _events(connection, events[:MAX_ROWS]),
        "tables": tables,
        "omitted": omitted,
    }


def _row(table: Table, row: asyncpg.Record) -> dict[str, Any]:
    hidden = {"ctid", *bytes_columns(table)}
    return {name: _value(table, name, value) for name, value in row.items() if name not in hidden}


def _value(table: Table, name: str, value: Any) -> Any:
    is_json = isinstance(value, str) and "JSON" in str(table.columns[name].type)
    return msgspec.json.decode(value) if is_json else value


async def _events(connection: asyncpg.Connection, event_ids: list[UUID]) -> list[dict[str, Any]]:
    rows = await connection.fetch(
        "SELECT id, received_at, source, origin, trigger, body FROM inbox_events WHERE id = ANY($1::uuid[]) "
        "ORDER BY received_at, id",
        event_ids,
        timeout=STATEMENT_TIMEOUT,
    )
    return [{**row, "body": _body(row["body"])} for row in rows]


def _body(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")
