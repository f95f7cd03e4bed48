"""Store the facts of the analysis in PostgreSQL, in the transaction of the change and under the workspace's lock."""

from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from showup.analysis.facts import MeetingFacts, StageStep, interest_hours, last_value, stage_visits
from showup.database import bulk, tables

# The changes that one event makes to a deal are one step: the order of their entries depends on when it was applied.
_STEPS: Final = """
    SELECT d.id AS deal_id, coalesce(d.owner_email, '') AS organizer, coalesce(b.source, 'unknown') AS source,
           coalesce(b.event_type, '') AS event_type, coalesce(b.simulated, false) AS simulated, min(a.at) AS at,
           array_agg(a.change #>> '{stage,0}') AS stages_before, array_agg(a.change #>> '{stage,1}') AS stages_after,
           array_agg(a.change #>> '{status,0}') AS statuses_before,
           array_agg(a.change #>> '{status,1}') AS statuses_after
    FROM deals d LEFT JOIN bookings b ON b.id = d.opened_by
    JOIN audit_log a ON a.deal_id = d.id AND (a.change ? 'stage' OR a.change ? 'status')
    WHERE d.id = ANY($1::uuid[])
    GROUP BY d.id, b.id, a.order_key ORDER BY d.id, a.order_key COLLATE "C"
"""


async def save_meetings(connection: asyncpg.Connection, workspace_id: UUID, facts: Mapping[UUID, MeetingFacts]) -> None:
    """Save the facts of these bookings. The count of their reminders stays, and is valid for its version."""
    rows: list[dict[str, Any]] = [
        {"booking_id": booking_id, "workspace_id": workspace_id, **msgspec.structs.asdict(facts[booking_id])}
        for booking_id in sorted(facts)
    ]
    await bulk.upsert(connection, tables.booking_facts, rows, key=("booking_id",), only_changed=True)


async def interest_of(connection: asyncpg.Connection, booking_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return when the leads who booked first showed interest in the campaigns that they are matched to."""
    rows = await connection.fetch(
        """
        SELECT m.booking_id, min(l.interested_at) AS interested_at
        FROM matches m JOIN campaign_leads l USING (lead_id, campaign_id)
        WHERE m.booking_id = ANY($1::uuid[]) AND m.state = 'matched' AND l.interested_at IS NOT NULL
        GROUP BY m.booking_id
        """,
        list(booking_ids),
    )
    return {row["booking_id"]: row["interested_at"] for row in rows}


async def refresh_interest(connection: asyncpg.Connection, booking_ids: Collection[UUID]) -> None:
    """Save when the leads of these bookings showed interest, after leads changed: the log does not contain leads."""
    rows = await connection.fetch(
        """
        SELECT f.booking_id, f.interest_hours, b.booked_at, min(l.interested_at) AS interested_at
        FROM matches m JOIN campaign_leads l USING (lead_id, campaign_id)
        JOIN booking_facts f USING (booking_id) JOIN bookings b ON b.id = f.booking_id
        WHERE m.booking_id = ANY($1::uuid[]) AND m.state = 'matched'
        GROUP BY f.booking_id, b.booked_at ORDER BY f.booking_id
        """,
        list(booking_ids),
    )
    hours = {row["booking_id"]: interest_hours(row["booked_at"], row["interested_at"]) for row in rows}
    changed = [row["booking_id"] for row in rows if hours[row["booking_id"]] != row["interest_hours"]]
    if changed:
        await connection.execute(
            """
            UPDATE booking_facts f SET interest_hours = changed.hours
            FROM unnest($1::uuid[], $2::int[]) AS changed(booking_id, hours) WHERE f.booking_id = changed.booking_id
            """,
            changed,
            [hours[booking_id] for booking_id in changed],
        )


async def remove_meetings(connection: asyncpg.Connection, booking_ids: Collection[UUID]) -> None:
    """Remove the facts of these bookings."""
    await connection.execute("DELETE FROM booking_facts WHERE booking_id = ANY($1::uuid[])", list(booking_ids))


async def save_stages(
    connection: asyncpg.Connection, workspace_id: UUID, deal_ids: Collection[UUID], zone: ZoneInfo
) -> None:
    """Save the stays in stages of these deals, from their entries in the audit log; `zone` is the workspace's."""
    if not deal_ids:
        return
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
    await bulk.upsert(connection, tables.stage_visits, rows, key=("deal_id", "position"), only_changed=True)


def _visits_by_deal(steps: list[asyncpg.Record]) -> Any:
    """Yield for each deal its first row, and its stays."""
    for _, group in groupby(steps, lambda row: row["deal_id"]):
        rows = list(group)
        yield (
            rows[0],
            stage_visits(
                StageStep(
                    at=row["at"],
                    stage=last_value(row["stages_before"], row["stages_after"]),
                    status=last_value(row["statuses_before"], row["statuses_after"]),
                )
                for row in rows
            ),
        )
