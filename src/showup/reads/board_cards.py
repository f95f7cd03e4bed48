"""Reads the cards of the pipeline board: company, people, campaign, next meeting, and the trail of meetings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection
from showup.reads.deal_sums import SAMPLE_DEALS

_TRAIL: Final = 8
_SHOWN_PEOPLE: Final = 3
State: TypeAlias = Literal[
    "pending", "upcoming", "showed", "assumed", "noshow", "host", "unreported", "rescheduled", "cancelled"
]


class TrailMeeting(Struct, frozen=True, kw_only=True):
    """A meeting of a deal. `moves`: how often it was rescheduled."""

    id: UUID
    start_time: datetime
    end_time: datetime
    status: str
    attended: bool | None
    evidence: str | None
    host_absent: bool
    outcome: str | None
    next_step: str | None
    simulated: bool
    moves: int
    has_video: bool

    def state(self, now: datetime) -> State:
        """Return what is known about the attendance, and how."""
        if self.attended is not None:
            return ("showed" if self.evidence == "reported" else "assumed") if self.attended else "noshow"
        if self.status in ("CANCELLED", "REJECTED"):
            return "cancelled"
        if self.host_absent:
            return "host"
        if self.outcome == "rescheduled":
            return "rescheduled"
        if self.status == "PENDING":
            return "pending"
        return "unreported" if self.end_time <= now else "upcoming"


class Card(Struct, frozen=True, kw_only=True):
    """An active deal. `next`: its soonest meeting; `trail`: its eight newest, oldest first."""

    id: UUID
    stage: str
    company: str
    amount: Decimal | None
    currency: str | None
    owner: str | None
    owner_name: str | None
    stage_entered_at: datetime
    simulated: bool
    people: Sequence[str]
    campaign: str | None
    next: TrailMeeting | None
    trail: Sequence[TrailMeeting]


async def load_cards(
    tx: AsyncConnection, permission: Permission, deal_ids: Sequence[UUID], now: datetime
) -> dict[UUID, Card]:
    """Returns the cards of these deals, by id."""
    connection = await driver_connection(tx)
    workspace_id, ids = permission.workspace_id, list(deal_ids)
    deals = {row["id"]: dict(row) for row in await connection.fetch(_DEALS, workspace_id, ids)}
    trails: dict[UUID, list[TrailMeeting]] = {one: [] for one in ids}
    following: dict[UUID, TrailMeeting] = {}
    shown: list[tuple[UUID, UUID, UUID | None]] = []
    for row in await connection.fetch(_MEETINGS, workspace_id, ids, now, _TRAIL):
        fields: dict[str, Any] = dict(row)
        deal_id, age, order, booker = (fields.pop(name) for name in ("deal_id", "age", "ahead", "person_id"))
        meeting = TrailMeeting(**fields)
        if order == 1:
            following[deal_id] = meeting
        if age <= _TRAIL:
            trails[deal_id].append(meeting)
            shown.append((deal_id, meeting.id, booker))
    people = await _people(connection, workspace_id, shown, {one: row.pop("company_id") for one, row in deals.items()})
    of_deals, of_meetings = [one for one, _, _ in shown], [one for _, one, _ in shown]
    campaigns = {
        row["deal_id"]: row["name"] for row in await connection.fetch(_CAMPAIGNS, workspace_id, of_deals, of_meetings)
    }
    return {
        deal_id: Card(
            **row,
            people=[*people[deal_id]][:_SHOWN_PEOPLE],
            campaign=campaigns.get(deal_id),
            next=following.get(deal_id),
            trail=trails[deal_id],
        )
        for deal_id, row in deals.items()
    }


async def _people(
    connection: asyncpg.Connection,
    workspace_id: UUID | None,
    shown: Sequence[tuple[UUID, UUID, UUID | None]],
    companies: Mapping[UUID, UUID],
) -> dict[UUID, dict[str, None]]:
    """Returns the names of each deal, those of its newest meeting first; `shown`: deal, meeting, and its booker."""
    # Of each deal, the meetings come oldest first.
    newest_first = [one for one in reversed(shown) if one[0] in companies]
    found: dict[UUID, dict[str, None]] = {one: {} for one in companies}
    for row in await connection.fetch(
        _PEOPLE,
        workspace_id,
        [deal_id for deal_id, _, _ in newest_first],
        [meeting_id for _, meeting_id, _ in newest_first],
        [booker_id for _, _, booker_id in newest_first],
        [companies[deal_id] for deal_id, _, _ in newest_first],
    ):
        found[row["deal_id"]].setdefault(row["name"])
    return found


# With seats, a booking belongs to the deal of each company in it. A union reads both sides by their indexes.
_MEETINGS: Final = """
    SELECT * FROM (
        SELECT d.id AS deal_id, b.id, b.start_time, coalesce(b.end_time, b.start_time) AS end_time, b.status,
               b.attended, b.attendance_evidence AS evidence, b.host_absent, b.outcome, b.next_step, b.simulated,
               b.person_id, b.reschedule_count AS moves, b.meeting_url IS NOT NULL AS has_video,
               row_number() OVER (PARTITION BY d.id ORDER BY b.start_time DESC, b.id DESC) AS age,
               CASE WHEN coalesce(b.end_time, b.start_time) > $3 AND b.status IN ('ACCEPTED', 'PENDING') THEN
                   row_number() OVER (
                       PARTITION BY d.id,
                           coalesce(b.end_time, b.start_time) > $3 AND b.status IN ('ACCEPTED', 'PENDING')
                       ORDER BY b.start_time, b.id)
               END AS ahead
        FROM unnest($2::uuid[]) AS d(id) CROSS JOIN LATERAL (
            SELECT o.* FROM bookings o WHERE o.deal_id = d.id
            UNION ALL
            SELECT s.* FROM deal_events e JOIN bookings s ON s.id = e.booking_id AND s.deal_id IS DISTINCT FROM d.id
            WHERE e.deal_id = d.id AND e.position = 0
        ) b WHERE b.workspace_id = $1
    ) meetings
    WHERE age <= $4 OR ahead = 1 ORDER BY deal_id, start_time, id
"""
# The people of the deal's company, and the person who booked.
_PEOPLE: Final = """
    SELECT m.deal_id, coalesce(p.name, a.name, p.email) AS name
    FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[])
         WITH ORDINALITY AS m(deal_id, booking_id, booker_id, company_id, place)
    JOIN booking_attendees a ON a.booking_id = m.booking_id AND a.cancelled_at IS NULL
    JOIN people p ON p.id = a.person_id AND p.workspace_id = $1
    WHERE p.company_id = m.company_id OR p.id = m.booker_id
    ORDER BY m.place, a.position
"""
_CAMPAIGNS: Final = """
    SELECT DISTINCT ON (m.deal_id) m.deal_id, c.name
    FROM unnest($2::uuid[], $3::uuid[]) AS m(deal_id, booking_id)
    JOIN matches f ON f.booking_id = m.booking_id AND f.state = 'matched'
    JOIN campaigns c ON c.workspace_id = $1 AND c.id = f.campaign_id
    ORDER BY m.deal_id, f.at DESC
"""
_DEALS: Final = f"""
    SELECT d.id, d.company_id, d.stage, c.name AS company, d.amount, d.currency, d.owner_email AS owner,
           t.name AS owner_name, d.stage_entered_at, d.id IN ({SAMPLE_DEALS}) AS simulated
    FROM unnest($2::uuid[]) AS wanted(id) JOIN deals d ON d.id = wanted.id AND d.workspace_id = $1
    JOIN companies c ON c.id = d.company_id
    LEFT JOIN teammates t ON t.email = d.owner_email AND EXISTS (
        SELECT 1 FROM memberships w WHERE w.teammate_id = t.id AND (w.workspace_id = $1 OR w.workspace_id IS NULL))
"""  # noqa: S608  # constants
