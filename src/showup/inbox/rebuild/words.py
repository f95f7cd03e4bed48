"""Differences as people read them: rows and ids by the names that people know, column by column."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.inbox.rebuild.compare import Kind, Pair

# Columns that hold somebody's or something's id.
_IDS: Final = frozenset(
    {"id", "person_id", "company_id", "booking_id", "deal_id", "story_id", "opened_by", "cancelled_by"}
)


class Differing(Struct, frozen=True, kw_only=True):
    """One row that differs. `columns`: by name, what it says and what it would say; empty where a side has no row."""

    workspace: str
    table: str
    kind: Kind
    which: str
    columns: dict[str, tuple[str | None, str | None]]


async def in_words(connection: asyncpg.Connection, real: str, pairs: Sequence[Pair]) -> list[Differing]:
    """The same rows, readable."""
    rows = [row for pair in pairs for row in (pair.stands, pair.folded) if row is not None]
    names = await _names(connection, real, {id_ for row in rows for id_ in _ids_in(row)})
    return [_differing(pair, names) for pair in pairs]


def _differing(pair: Pair, names: Mapping[str, str]) -> Differing:
    told = {
        name: _told(name, value, names) for side in (pair.folded, pair.stands) for name, value in (side or {}).items()
    }
    columns = {}
    if pair.stands is not None and pair.folded is not None:
        columns = {
            name: (_told(name, pair.stands[name], names), _told(name, pair.folded[name], names))
            for name in pair.compared.state
            if pair.stands[name] != pair.folded[name]
        }
    return Differing(
        workspace=pair.workspace,
        table=pair.compared.name,
        kind=pair.kind,
        which=pair.compared.which.format_map(told),
        columns=columns,
    )


def _told(name: str, value: Any, names: Mapping[str, str]) -> str | None:
    if value is None:
        return None
    return names.get(value, str(value)) if name in _IDS else str(value)


def _ids_in(row: Mapping[str, Any]) -> Iterable[UUID]:
    for name in _IDS & row.keys():
        try:
            yield UUID(row[name])
        except (TypeError, ValueError):
            # A column of this name that holds nothing, or an address, as in `bookings.cancelled_by`.
            continue


async def _names(connection: asyncpg.Connection, real: str, ids: set[UUID]) -> dict[str, str]:
    """Who and what has these ids, on either side."""
    sides = " UNION ".join(
        f"""
        SELECT id, email AS name FROM {side}.people WHERE id = ANY($1::uuid[])
        UNION SELECT id, coalesce(domain, name) FROM {side}.companies WHERE id = ANY($1::uuid[])
        UNION SELECT id, 'booking ' || coalesce(calcom_uid, calcom_booking_id, id::text) FROM {side}.bookings
              WHERE id = ANY($1::uuid[])
        UNION SELECT d.id, 'deal ' || d.position + 1 || ' of ' || coalesce(c.domain, c.name)
              FROM {side}.deals d JOIN {side}.companies c ON c.id = d.company_id WHERE d.id = ANY($1::uuid[])
        """  # noqa: S608  # a quoted name of a schema
        for side in ("pg_temp", real)
    )
    rows = await connection.fetch(sides, list(ids))
    return {str(row["id"]): row["name"] for row in rows}
