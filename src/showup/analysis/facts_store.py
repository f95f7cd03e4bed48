"""Store the facts of the analysis in PostgreSQL. Only the projector does so, in the transaction of the change."""

from collections.abc import Collection, Mapping
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from showup.analysis.facts import MeetingFacts, StageStep, stage_visits
from showup.database import bulk, tables
from showup.values.time_zone import zone_of

_STEPS: Final = """
    SELECT d.id AS deal_id, coalesce(d.owner_email, '') AS organizer, coalesce(b.source, 'unknown') AS source,
           coalesce(b.event_type, '') AS event_type, coalesce(b.simulated, false) AS simulated,
           a.at, a.change #>> '{stage,1}' AS stage, a.change #>> '{status,1}' AS status
    FROM deals d LEFT JOIN bookings b ON b.id = d.opened_by
    JOIN audit_log a ON a.deal_id = d.id AND (a.change ? 'stage' OR a.change ? 'status')
    WHERE d.id = ANY($1::uuid[]) ORDER BY d.id, a.order_key COLLATE "C", a.number
"""


async def save_meetings(connection: asyncpg.Connection, workspace_id: UUID, facts: Mapping[UUID, MeetingFacts]) -> None:
    """Save the facts of these bookings. The count of their reminders stays, and is valid for its version."""
    rows: list[dict[str, Any]] = [
        {"booking_id": booking_id, "workspace_id": workspace_id, **msgspec.structs.asdict(facts[booking_id])}
        for booking_id in sorted(facts)
    ]
    await bulk.upsert(connection, tables.booking_facts, rows, key=("booking_id",))


async def remove_meetings(connection: asyncpg.Connection, booking_ids: Collection[UUID]) -> None:
    """Remove the facts of these bookings."""
    await connection.execute("DELETE FROM booking_facts WHERE booking_id = ANY($1::uuid[])", list(booking_ids))


async def deals_changed_since(connection: asyncpg.Connection, since: Mapping[UUID, str]) -> set[UUID]:
    """Return the deals that have audit entries from an order key on; `since` has the key by company."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT a.deal_id
        FROM unnest($1::uuid[], $2::text[]) AS of(company_id, since) JOIN audit_log a USING (company_id)
        WHERE a.deal_id IS NOT NULL AND a.order_key COLLATE "C" >= of.since
        """,
        list(since),
        list(since.values()),
    )
    return {row["deal_id"] for row in rows}


async def save_stages(connection: asyncpg.Connection, workspace_id: UUID, deal_ids: Collection[UUID]) -> None:
    """Save the stays in stages of these deals, from their entries in the audit log."""
    if not deal_ids:
        return
    zone = zone_of(await connection.fetchval("SELECT time_zone FROM workspaces WHERE id = $1", workspace_id))
    steps = await connection.fetch(_STEPS, list(deal_ids))
    rows = [
        {
            **{name: first[name] for name in ("deal_id", "organizer", "source", "event_type", "simulated")},
            "workspace_id": workspace_id,
            "position": position,
            "day": visit.entered_at.astimezone(zone).date(),
            "stage": visit.stage,
            "outcome": visit.outcome,
            "hours": visit.hours,
        }
        for first, visits in _visits_by_deal(steps)
        for position, visit in enumerate(visits)
    ]
    counts = dict.fromkeys(sorted(deal_ids), 0)
    for row in rows:
        counts[row["deal_id"]] += 1
    await connection.execute(
        """
        DELETE FROM stage_visits v USING unnest($1::uuid[], $2::int[]) AS remaining(deal_id, many)
        WHERE v.deal_id = remaining.deal_id AND v.position >= remaining.many
        """,
        list(counts),
        list(counts.values()),
    )
    await bulk.upsert(connection, tables.stage_visits, rows, key=("deal_id", "position"))


def _visits_by_deal(steps: list[asyncpg.Record]) -> Any:
    """Yield for each deal its first row, and its stays."""
    for _, group in groupby(steps, lambda row: row["deal_id"]):
        rows = list(group)
        yield rows[0], stage_visits(StageStep(at=row["at"], stage=row["stage"], status=row["status"]) for row in rows)
