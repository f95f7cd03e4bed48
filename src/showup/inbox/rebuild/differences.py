"""Makes differences readable: replaces ids with the names that people know, column by column."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.inbox.rebuild.compare import DifferenceKind, RowPair

# Columns that contain the id of a person or an object.
_ID_COLUMNS: Final = frozenset(
    {"id", "person_id", "company_id", "booking_id", "deal_id", "stream_id", "opened_by", "cancelled_by"}
)


class RebuildDifference(Struct, frozen=True, kw_only=True):
    """One differing row. `columns`: by name, its current and its replayed value; empty where a side has no row."""

    workspace: str
    table: str
    kind: DifferenceKind
    row: str
    columns: dict[str, tuple[str | None, str | None]]


async def describe_differences(
    connection: asyncpg.Connection, live_schema: str, pairs: Sequence[RowPair]
) -> list[RebuildDifference]:
    """Returns the same rows in readable form."""
    rows = [row for pair in pairs for row in (pair.current, pair.replayed) if row is not None]
    names = await _load_names(connection, live_schema, {id_ for row in rows for id_ in _ids_in(row)})
    return [_difference(pair, names) for pair in pairs]


def _difference(pair: RowPair, names: Mapping[str, str]) -> RebuildDifference:
    texts = {
        name: _text(name, value, names)
        for side in (pair.replayed, pair.current)
        for name, value in (side or {}).items()
    }
    columns = {}
    if pair.current is not None and pair.replayed is not None:
        columns = {
            name: (_text(name, pair.current[name], names), _text(name, pair.replayed[name], names))
            for name in pair.table.state
            if pair.current[name] != pair.replayed[name]
        }
    return RebuildDifference(
        workspace=pair.workspace,
        table=pair.table.name,
        kind=pair.kind,
        row=pair.table.label.format_map(texts),
        columns=columns,
    )


def _text(name: str, value: Any, names: Mapping[str, str]) -> str | None:
    if value is None:
        return None
    return names.get(value, str(value)) if name in _ID_COLUMNS else str(value)


def _ids_in(row: Mapping[str, Any]) -> Iterable[UUID]:
    for name in _ID_COLUMNS & row.keys():
        try:
            yield UUID(row[name])
        except (TypeError, ValueError):
            # A column of this name may be empty or contain an address, as in `bookings.cancelled_by`.
            continue


async def _load_names(connection: asyncpg.Connection, live_schema: str, ids: set[UUID]) -> dict[str, str]:
    """Returns readable names for these ids, from either side."""
    sides = " UNION ".join(
        f"""
        SELECT id, email AS name FROM {side}.people WHERE id = ANY($1::uuid[])
        UNION SELECT id, coalesce(domain, name) FROM {side}.companies WHERE id = ANY($1::uuid[])
        UNION SELECT id, 'booking ' || coalesce(calcom_uid, calcom_booking_id, id::text) FROM {side}.bookings
              WHERE id = ANY($1::uuid[])
        UNION SELECT d.id, 'deal ' || d.position + 1 || ' of ' || coalesce(c.domain, c.name)
              FROM {side}.deals d JOIN {side}.companies c ON c.id = d.company_id WHERE d.id = ANY($1::uuid[])
        """  # noqa: S608  # a quoted name of a schema
        for side in ("pg_temp", live_schema)
    )
    rows = await connection.fetch(sides, list(ids))
    return {str(row["id"]): row["name"] for row in rows}
