"""The journal: one line for every change, saying what, when, by whose news, and why (PI11).

The lines of a booking or a deal are part of its story. When late news tells the story anew, lines that are no longer
true go, and new ones get the next numbers of the workspace's feed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from showup.database import bulk
from showup.database.tables import journal
from showup.pipeline.story import Line


class Entry(Struct, frozen=True, kw_only=True):
    """A line, and whom it is about."""

    line: Line
    booking_id: UUID | None = None
    person_id: UUID | None = None
    company_id: UUID | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """Two entries with the same key are the same line."""
        line = self.line
        about = (self.booking_id, self.person_id, self.company_id, line.deal_id)
        change = msgspec.json.encode(line.change, order="sorted")
        return (line.event_id, line.what, line.because, change, *about)


async def rewrite(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    *,
    booking_ids: Iterable[UUID],
    deals_since: Mapping[UUID, str],
    deeds: Iterable[UUID] = (),
    entries: Sequence[Entry],
) -> None:
    """From now on the lines of these bookings, of the deals of these companies, and of these deeds, are `entries`.

    `deals_since` gives the companies, and the order key from which on `entries` has all lines of their deals: the
    lines before it stay as they are.
    """
    rows = await connection.fetch(
        """
        SELECT number, event_id, what, because, change::text AS change, booking_id, person_id, company_id, deal_id
        FROM journal WHERE deal_id IS NULL AND booking_id = ANY($1::uuid[])
        UNION ALL
        SELECT j.number, j.event_id, j.what, j.because, j.change::text, j.booking_id, j.person_id, j.company_id,
               j.deal_id
        FROM unnest($2::uuid[], $5::text[]) AS of(company_id, since) JOIN journal j USING (company_id)
        WHERE j.deal_id IS NOT NULL AND j.order_key COLLATE "C" >= of.since
        UNION ALL
        SELECT number, event_id, what, because, change::text AS change, booking_id, person_id, company_id, deal_id
        FROM journal WHERE deal_id IS NULL AND booking_id IS NULL AND workspace_id = $3 AND event_id = ANY($4::uuid[])
        """,
        list(booking_ids),
        list(deals_since),
        workspace_id,
        list(deeds),
        list(deals_since.values()),
    )
    standing = {_key(row): row["number"] for row in rows}
    wanted = {entry.key: entry for entry in entries}
    await _remove(connection, workspace_id, [standing[key] for key in standing if key not in wanted])
    await _add(connection, workspace_id, [wanted[key] for key in wanted if key not in standing])


async def _remove(connection: asyncpg.Connection, workspace_id: UUID, numbers: list[int]) -> None:
    if numbers:
        await connection.execute(
            "DELETE FROM journal WHERE workspace_id = $1 AND number = ANY($2::bigint[])",
            workspace_id,
            numbers,
        )


async def _add(connection: asyncpg.Connection, workspace_id: UUID, entries: list[Entry]) -> None:
    if not entries:
        return
    entries.sort(key=lambda entry: entry.line.order_key)
    last = await connection.fetchval(
        "UPDATE workspaces SET feed_number = feed_number + $2 WHERE id = $1 RETURNING feed_number",
        workspace_id,
        len(entries),
    )
    first = last - len(entries) + 1
    await bulk.insert(
        connection,
        journal,
        [_row(workspace_id, number, entry) for number, entry in enumerate(entries, start=first)],
    )


def _row(workspace_id: UUID, number: int, entry: Entry) -> dict[str, Any]:
    line = entry.line
    return {
        "workspace_id": workspace_id,
        "number": number,
        "at": line.at,
        "event_id": line.event_id,
        "actor": line.actor,
        "what": line.what,
        "because": line.because,
        "change": line.change,
        "order_key": line.order_key,
        "booking_id": entry.booking_id,
        "person_id": entry.person_id,
        "company_id": entry.company_id,
        "deal_id": line.deal_id,
    }


def _key(row: asyncpg.Record) -> tuple[Any, ...]:
    # PostgreSQL orders the keys of a jsonb document by itself, so both sides are compared in one order.
    change = msgspec.json.encode(msgspec.json.decode(row["change"]), order="sorted")
    about = (row["booking_id"], row["person_id"], row["company_id"], row["deal_id"])
    return (row["event_id"], row["what"], row["because"], change, *about)
