"""Reads the numbers of the page Today: what happened since the last visit, held rates, and this week."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection
from showup.reads.deal_sums import active_sums, amounts_of
from showup.reads.organizer import whose
from showup.reads.rates import Rate, rate_of

_SEARCHED_CHANGES: Final = 2_000
"""Changes of the log that are searched for what is new; more happened only after a long absence."""
_COUNTED_MEETINGS: Final = 5_000
"""The latest meetings of which a rate is counted: more would not narrow its interval by a point."""
_ODDS_FOR: Final = timedelta(days=180)
_HELD_FOR: Final = timedelta(days=30)
_ENOUGH_ALIKE, _LEAST_ALIKE = 20, 10
_STUCK_AFTER: Final = timedelta(minutes=1)
_COUNTED_DELIVERIES: Final = 1_000
_LEAD_DAYS: Final = (1, 3, 7, 14)

ChangeKind: TypeAlias = Literal["booked", "rescheduled", "cancelled", "won", "lost", "proposal"]


class NewChange(Struct, frozen=True, kw_only=True):
    """Something that happened to a booking or deal; `names` are those of people, or of companies for deals."""

    kind: ChangeKind
    names: Sequence[str]
    start_time: datetime | None = None


class Similar(Struct, frozen=True, kw_only=True):
    """How many of similar meetings were held. `with_moves`: as often rescheduled too."""

    rate: Rate
    with_moves: bool


class RecentHeldRate(Struct, frozen=True, kw_only=True):
    """The held rate of 30 days, None before the first report, and how many meetings nobody reported."""

    rate: Rate | None
    unreported: int


class Week(Struct, frozen=True, kw_only=True):
    """Meetings booked this week and until the same time of last week; active deals, and their amounts by currency."""

    booked: int
    booked_before: int
    deals: int
    amounts: dict[str, Decimal]


async def list_changes(
    tx: AsyncConnection, permission: Permission, since: datetime, *, organizer: str | None
) -> list[NewChange]:
    """Returns what happened since then, people first; `organizer` of None: to everybody's meetings."""
    connection = await driver_connection(tx)
    rows = await connection.fetch(_CHANGES, permission.workspace_id, since, organizer, _SEARCHED_CHANGES)
    found: dict[ChangeKind, dict[UUID, tuple[str, datetime | None]]] = {}
    for row in rows:
        found.setdefault(row["kind"], {}).setdefault(row["id"], (row["name"], row["start_time"]))
    changes = []
    for kind, records in found.items():
        names = [name for name, _ in records.values()]
        (start_time,) = (at for _, at in records.values()) if len(records) == 1 else (None,)
        changes.append(NewChange(kind=kind, names=names, start_time=start_time))
    order: list[str] = ["booked", "rescheduled", "cancelled", "proposal", "won", "lost"]
    return sorted(changes, key=lambda one: order.index(one.kind))


async def similar_meetings(  # what makes meetings similar
    tx: AsyncConnection,
    permission: Permission,
    *,
    lead: timedelta,
    moves: int,
    organizer: str | None,
    now: datetime,
) -> Similar | None:
    """Returns how many meetings were held that were booked as far ahead and moved as often; None if too few are known.

    `moves`: 0, 1, or 2 and more. Under 20 such meetings, the moves don't matter; under 10, nothing is returned.
    """
    low, high = _bucket(lead)
    row = await (await driver_connection(tx)).fetchrow(
        _SIMILAR.format(whose=whose(organizer)),
        permission.workspace_id,
        now - _ODDS_FOR,
        now,
        organizer,
        _COUNTED_MEETINGS,
        low,
        high,
        min(moves, 2),
    )
    if row["alike"] >= _ENOUGH_ALIKE:
        return _similar(row["alike_showed"], row["alike"], with_moves=True)
    return _similar(row["showed"], row["total"], with_moves=False) if row["total"] >= _LEAST_ALIKE else None


async def held_rate(
    tx: AsyncConnection, permission: Permission, *, organizer: str | None, now: datetime
) -> RecentHeldRate:
    """Returns the held rate of the last 30 days: reported showed / (reported showed + no-show) of ended meetings."""
    row = await (await driver_connection(tx)).fetchrow(
        _HELD.format(whose=whose(organizer)),
        *(permission.workspace_id, now - _HELD_FOR, now, organizer, _COUNTED_MEETINGS),
    )
    return RecentHeldRate(rate=rate_of(row["showed"], row["reported"]), unreported=row["unreported"])


async def this_week(
    tx: AsyncConnection, permission: Permission, *, week_start: datetime, now: datetime, organizer: str | None
) -> Week:
    """Returns the numbers of the week that began at `week_start`, without simulated records."""
    connection = await driver_connection(tx)
    day = timedelta(days=7)
    booked, before = [
        await connection.fetchval(
            _BOOKED.format(whose=whose(organizer)), permission.workspace_id, start, end, organizer, _COUNTED_MEETINGS
        )
        for start, end in ((week_start, now), (week_start - day, now - day))
    ]
    sums = [one for one in await active_sums(tx, permission) if not one.simulated and organizer in (None, one.owner)]
    return Week(booked=booked, booked_before=before, deals=sum(one.deals for one in sums), amounts=amounts_of(sums))


async def failed_deliveries(tx: AsyncConnection, permission: Permission, since: datetime) -> list[dict[str, Any]]:
    """Returns what failed since then, by destination: how many, since when, and the newest reason."""
    rows = await (await driver_connection(tx)).fetch(_FAILED, permission.workspace_id, since)
    return [dict(row) for row in rows]


async def stuck_deliveries(tx: AsyncConnection, permission: Permission, now: datetime) -> list[dict[str, Any]]:
    """Returns what waits for a failing or paused destination: how many (at most 1,000), since when, and why."""
    rows = await (await driver_connection(tx)).fetch(
        _STUCK, permission.workspace_id, now - _STUCK_AFTER, _COUNTED_DELIVERIES
    )
    return [dict(row) for row in rows]


async def open_questions(tx: AsyncConnection, permission: Permission, *, limit: int) -> list[dict[str, Any]]:
    """Returns the deliveries that wait for a person to choose a record, oldest first."""
    rows = await (await driver_connection(tx)).fetch(_QUESTIONS, permission.workspace_id, limit)
    return [dict(row) for row in rows]


async def wrong_signatures(tx: AsyncConnection, permission: Permission, since: datetime) -> list[dict[str, Any]]:
    """Returns how often webhooks of the workspace's accounts had a wrong signature, or none, since then."""
    rows = await (await driver_connection(tx)).fetch(_WRONG_SIGNATURES, permission.workspace_id, since)
    return [dict(row) for row in rows]


def _similar(part: int, total: int, *, with_moves: bool) -> Similar | None:
    rate = rate_of(part, total)
    return None if rate is None else Similar(rate=rate, with_moves=with_moves)


def _bucket(lead: timedelta) -> tuple[timedelta, timedelta]:
    """Return the range of times ahead that count as similar."""
    edges = [timedelta(0), *(timedelta(days=days) for days in _LEAD_DAYS), timedelta(days=3650)]
    return next((low, high) for low, high in pairwise(edges) if low <= max(lead, edges[0]) < high)


_CHANGES: Final = """
    WITH newest AS (
        SELECT l.what, l.at, l.number, l.booking_id, l.deal_id, l.change FROM audit_log l
        WHERE l.workspace_id = $1
          AND l.number > (SELECT w.feed_number FROM workspaces w WHERE w.id = $1) - $4
    )
    SELECT CASE WHEN l.what IN ('booking.made', 'booking.accepted', 'booking.requested') THEN 'booked'
                WHEN l.what = 'booking.rescheduled' THEN 'rescheduled' ELSE 'cancelled' END AS kind,
           b.id, coalesce(p.name, p.email, b.title) AS name, b.start_time, l.number
    FROM newest l JOIN bookings b ON b.id = l.booking_id LEFT JOIN people p ON p.id = b.person_id
    WHERE l.at > $2 AND NOT b.simulated AND ($3::text IS NULL OR b.organizer_email = $3)
      AND (l.what = 'booking.rescheduled' AND b.status = 'ACCEPTED'
           OR l.what IN ('booking.cancelled', 'booking.rejected') AND b.status IN ('CANCELLED', 'REJECTED')
           OR l.what IN ('booking.made', 'booking.accepted', 'booking.requested')
              AND b.status IN ('ACCEPTED', 'PENDING') AND b.booked_at > $2)
    UNION ALL
    SELECT CASE WHEN d.status IN ('won', 'lost') THEN d.status ELSE 'proposal' END AS kind,
           d.id, c.name, NULL, l.number
    FROM newest l JOIN deals d ON d.id = l.deal_id JOIN companies c ON c.id = d.company_id
    WHERE l.at > $2 AND l.what LIKE 'deal.%' AND ($3::text IS NULL OR d.owner_email = $3)
      AND (d.status IN ('won', 'lost') AND d.closed_at > $2
           OR d.status = 'active' AND d.stage = 'proposal' AND d.stage_entered_at > $2)
      AND NOT EXISTS (SELECT 1 FROM bookings x WHERE x.deal_id = d.id AND x.simulated)
    ORDER BY number DESC
"""
_ENDED: Final = """
    SELECT b.attended, b.attendance_evidence, b.host_absent, b.outcome, b.reschedule_count,
           b.start_time - b.booked_at AS lead
    FROM bookings b
    WHERE b.workspace_id = $1 AND b.start_time > $2 AND b.start_time < $3 AND coalesce(b.end_time, b.start_time) <= $3
      AND (b.status = 'ACCEPTED' OR b.attended) AND NOT b.simulated AND {whose}
"""
_SIMILAR: Final = f"""
    SELECT count(*)::int AS total, count(*) FILTER (WHERE attended)::int AS showed,
           count(*) FILTER (WHERE least(reschedule_count, 2) = $8)::int AS alike,
           count(*) FILTER (WHERE least(reschedule_count, 2) = $8 AND attended)::int AS alike_showed
    FROM ({_ENDED} AND b.attendance_evidence = 'reported' AND b.attended IS NOT NULL
          ORDER BY b.start_time DESC LIMIT $5) newest
    WHERE lead >= $6 AND lead < $7
"""  # noqa: S608  # constants
_HELD: Final = f"""
    SELECT count(*) FILTER (WHERE attendance_evidence = 'reported' AND attended IS NOT NULL)::int AS reported,
           count(*) FILTER (WHERE attendance_evidence = 'reported' AND attended)::int AS showed,
           count(*) FILTER (WHERE attendance_evidence IS DISTINCT FROM 'reported' AND NOT host_absent
                            AND outcome IS NULL)::int AS unreported
    FROM ({_ENDED} ORDER BY b.start_time DESC LIMIT $5) newest
"""  # noqa: S608  # constants
_BOOKED: Final = """
    SELECT count(*)::int FROM (
        SELECT 1 FROM bookings b
        WHERE b.workspace_id = $1 AND b.booked_at >= $2 AND b.booked_at < $3 AND b.start_time > $2
          AND b.status IN ('ACCEPTED', 'PENDING') AND NOT b.simulated
          AND {whose} LIMIT $5
    ) found
"""
_FAILED: Final = """
    SELECT d.destination, count(*)::int AS number, min(d.updated_at) AS since,
           (array_agg(d.because ORDER BY d.updated_at DESC))[1] AS because
    FROM deliveries d
    WHERE d.workspace_id = $1 AND d.state = 'failed' AND d.updated_at > $2 AND NOT d.simulated
    GROUP BY d.destination ORDER BY min(d.updated_at)
"""
# A pause ends and begins again with each attempt, so what is overdue counts, not the pause of this moment.
_STUCK: Final = """
    SELECT q.destination, due.number, due.since, q.because
    FROM destination_queues q CROSS JOIN LATERAL (
        SELECT count(*)::int AS number, min(one.due_at) AS since FROM (
            SELECT d.due_at FROM deliveries d
            WHERE d.workspace_id = q.workspace_id AND d.destination = q.destination AND d.state = 'scheduled'
              AND d.due_at <= $2 AND d.question IS NULL AND NOT d.simulated
            ORDER BY d.due_at LIMIT $3
        ) one
    ) due
    WHERE q.workspace_id = $1 AND coalesce(q.paused_until, q.failing_since) IS NOT NULL AND q.because IS NOT NULL
      AND due.number > 0
    ORDER BY due.since
"""
_QUESTIONS: Final = """
    SELECT d.id, d.destination, d.question, coalesce(p.name, p.email, d.recipient, 'this person') AS person
    FROM deliveries d LEFT JOIN bookings b ON b.id = d.booking_id LEFT JOIN people p ON p.id = b.person_id
    WHERE d.workspace_id = $1 AND d.state = 'scheduled' AND d.question IS NOT NULL
      AND d.question->>'answered_by' IS NULL ORDER BY d.updated_at LIMIT $2
"""
_WRONG_SIGNATURES: Final = """
    SELECT r.name, sum(r.count)::bigint AS number, min(r.first_at) AS first_at, max(r.last_at) AS last_at
    FROM webhook_refusals r JOIN connections c ON c.kind = r.kind AND c.name = r.name
    WHERE c.workspace_id = $1 AND r.kind = 'calcom' AND r.last_at > $2
    GROUP BY r.name ORDER BY max(r.last_at) DESC
"""
