"""The audit log: one entry for each change, with what, when, by which event, and why (PI11).

The entries of a booking or deal are part of its history. If a late event causes a replay, obsolete entries are removed,
and new ones get the next numbers of the workspace's feed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from showup.database import bulk
from showup.database.page_changes import notify_pages
from showup.database.tables import audit_log
from showup.pipeline.change import AuditEntry


class AuditRow(Struct, frozen=True, kw_only=True):
    """An audit entry and its subjects."""

    entry: AuditEntry
    booking_id: UUID | None = None
    person_id: UUID | None = None
    company_id: UUID | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """Return the identity of the entry: two entries with the same key are the same."""
        entry = self.entry
        about = (self.booking_id, self.person_id, self.company_id, entry.deal_id)
        change = msgspec.json.encode(entry.change, order="sorted")
        return (entry.event_id, entry.what, entry.because, change, *about)


async def replace_rows(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    *,
    booking_ids: Iterable[UUID],
    deals_since: Mapping[UUID, str],
    manual_event_ids: Iterable[UUID] = (),
    new_rows: Sequence[AuditRow],
) -> set[UUID]:
    """Replace the audit entries of these bookings, companies' deals and manual events with `new_rows`.

    `deals_since` maps each company to the order key from which `new_rows` contains all entries of its deals; earlier
    entries stay unchanged. Returns the deals whose entries may have changed, including those that lost their last one.
    """
    stored_rows = await connection.fetch(
        """
        SELECT number, event_id, what, because, change::text AS change, booking_id, person_id, company_id, deal_id
        FROM audit_log WHERE deal_id IS NULL AND booking_id = ANY($1::uuid[])
        UNION ALL
        SELECT j.number, j.event_id, j.what, j.because, j.change::text, j.booking_id, j.person_id, j.company_id,
               j.deal_id
        FROM unnest($2::uuid[], $5::text[]) AS of(company_id, since) JOIN audit_log j USING (company_id)
        WHERE j.deal_id IS NOT NULL AND j.order_key COLLATE "C" >= of.since
        UNION ALL
        SELECT number, event_id, what, because, change::text AS change, booking_id, person_id, company_id, deal_id
        FROM audit_log WHERE deal_id IS NULL AND booking_id IS NULL AND workspace_id = $3 AND event_id = ANY($4::uuid[])
        """,
        list(booking_ids),
        list(deals_since),
        workspace_id,
        list(manual_event_ids),
        list(deals_since.values()),
    )
    existing = {_key(stored_row): stored_row["number"] for stored_row in stored_rows}
    expected = {new_row.key: new_row for new_row in new_rows}
    await _remove(connection, workspace_id, [existing[key] for key in existing if key not in expected])
    await _add(connection, workspace_id, [expected[key] for key in expected if key not in existing])
    deal_ids = {row["deal_id"] for row in stored_rows} | {row.entry.deal_id for row in new_rows}
    return {deal_id for deal_id in deal_ids if deal_id is not None}


async def _remove(connection: asyncpg.Connection, workspace_id: UUID, numbers: list[int]) -> None:
    if numbers:
        await connection.execute(
            "DELETE FROM audit_log WHERE workspace_id = $1 AND number = ANY($2::bigint[])",
            workspace_id,
            numbers,
        )


async def _add(connection: asyncpg.Connection, workspace_id: UUID, new_rows: list[AuditRow]) -> None:
    if not new_rows:
        return
    new_rows.sort(key=lambda new_row: new_row.entry.order_key)
    last_number = await connection.fetchval(
        "UPDATE workspaces SET feed_number = feed_number + $2 WHERE id = $1 RETURNING feed_number",
        workspace_id,
        len(new_rows),
    )
    first_number = last_number - len(new_rows) + 1
    await bulk.insert(
        connection,
        audit_log,
        [_columns(workspace_id, number, new_row) for number, new_row in enumerate(new_rows, start=first_number)],
    )
    await notify_pages(connection, workspace_id)


def _columns(workspace_id: UUID, number: int, row: AuditRow) -> dict[str, Any]:
    entry = row.entry
    return {
        "workspace_id": workspace_id,
        "number": number,
        "at": entry.at,
        "event_id": entry.event_id,
        "actor": entry.actor,
        "what": entry.what,
        "because": entry.because,
        "change": entry.change,
        "order_key": entry.order_key,
        "booking_id": row.booking_id,
        "person_id": row.person_id,
        "company_id": row.company_id,
        "deal_id": entry.deal_id,
    }


def _key(row: asyncpg.Record) -> tuple[Any, ...]:
    # PostgreSQL orders the keys of a jsonb document itself, so both sides must use one order to compare.
    change = msgspec.json.encode(msgspec.json.decode(row["change"]), order="sorted")
    about = (row["booking_id"], row["person_id"], row["company_id"], row["deal_id"])
    return (row["event_id"], row["what"], row["because"], change, *about)
