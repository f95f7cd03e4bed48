"""Reads the content of a workspace's digest: the numbers and the first meetings."""

from typing import Any, Final
from uuid import UUID

import asyncpg

from showup.digests.digest import Digest

_MAX_MEETINGS: Final = 10

_PAST_QUERY: Final = """
    WITH real_deals AS (
        SELECT status, opened_at, closed_at FROM deals d
        WHERE workspace_id = $1 AND (opened_at >= $2 OR closed_at >= $2)
        AND NOT EXISTS (SELECT FROM bookings b WHERE b.id = d.opened_by AND b.simulated)
    )
    SELECT
        (SELECT count(*) FROM bookings
         WHERE workspace_id = $1 AND NOT simulated AND booked_at >= $2 AND booked_at < $3) AS booked,
        (SELECT count(DISTINCT b.id) FROM bookings b JOIN audit_log j ON j.booking_id = b.id
         WHERE b.workspace_id = $1 AND NOT b.simulated AND b.updated_at >= $2 AND j.what = 'booking.cancelled'
         AND j.at >= $2 AND j.at < $3) AS cancelled,
        held.showed, held.no_show, held.unreported, held.reported, held.reported_showed,
        (SELECT count(*) FROM real_deals WHERE opened_at >= $2 AND opened_at < $3) AS deals_opened,
        (SELECT count(*) FROM real_deals WHERE status = 'won' AND closed_at >= $2 AND closed_at < $3) AS deals_won,
        (SELECT count(*) FROM real_deals WHERE status = 'lost' AND closed_at >= $2 AND closed_at < $3) AS deals_lost,
        (SELECT count(*) FROM deliveries
         WHERE workspace_id = $1 AND state = 'failed' AND NOT simulated
         AND updated_at >= $2 AND updated_at < $3) AS deliveries_failed
    FROM (
        SELECT count(*) FILTER (WHERE attended) AS showed, count(*) FILTER (WHERE NOT attended) AS no_show,
               count(*) FILTER (WHERE status = 'ACCEPTED' AND attended IS NULL AND NOT host_absent) AS unreported,
               count(*) FILTER (WHERE attended IS NOT NULL AND attendance_evidence = 'reported') AS reported,
               count(*) FILTER (WHERE attended AND attendance_evidence = 'reported') AS reported_showed
        FROM bookings
        WHERE workspace_id = $1 AND NOT simulated
        AND coalesce(end_time, start_time) >= $2 AND coalesce(end_time, start_time) < $3
    ) held
"""

_UPCOMING_QUERY: Final = """
    SELECT b.start_time, b.title, p.name, p.email, c.name AS company, count(*) OVER () AS meetings
    FROM bookings b LEFT JOIN people p ON p.id = b.person_id
    LEFT JOIN companies c ON c.id = coalesce(b.seat_company_id, b.company_id)
    WHERE b.workspace_id = $1 AND NOT b.simulated AND b.status = 'ACCEPTED' AND b.start_time >= $2 AND b.start_time < $3
    ORDER BY b.start_time, b.id LIMIT $4
"""


async def load_digest(connection: asyncpg.Connection, workspace_id: UUID, spec: Digest) -> dict[str, Any]:
    """Returns `before`, counts of its period, and `ahead`, the number of meetings and the first; nothing simulated."""
    before = await connection.fetchrow(_PAST_QUERY, workspace_id, spec.before.since, spec.before.until)
    ahead = await connection.fetch(_UPCOMING_QUERY, workspace_id, spec.ahead.since, spec.ahead.until, _MAX_MEETINGS)
    assert before is not None, "a count returns one row"
    meetings = [
        {"start_time": f"{row['start_time']:%Y-%m-%dT%H:%M:%SZ}", "title": row["title"], "who": _guest_name(row)}
        for row in ahead
    ]
    return {"before": dict(before), "ahead": {"meetings": ahead[0]["meetings"] if ahead else 0, "first": meetings}}


def _guest_name(row: asyncpg.Record) -> str | None:
    name: str | None = row["name"] or row["email"]
    return f"{name} ({row['company']})" if name and row["company"] else name
