"""Reads meetings as the page Today shows them: who, when in whose zone, with which deal, and what became of them."""

from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.bookings.uids import redact
from showup.database.engine import driver_connection
from showup.reads.organizer import whose
from showup.reads.rows import can_see_uids

MAX_MEETINGS: Final = 60
"""A day of one list; more are counted."""
State: TypeAlias = Literal[
    "pending", "upcoming", "showed", "assumed", "noshow", "host", "unreported", "rescheduled", "cancelled"
]


class AgendaMeeting(Struct, frozen=True, kw_only=True):
    """One meeting. `time_zone` is the attendee's; `number` counts the person's accepted meetings, this one included.

    `reminders` and `reminders_delivered` count mails of the meeting's current time; `has_bounced`: one came back.
    `notes` is what the attendee wrote. A reader without the scope write gets no link that contains a uid.
    """

    id: UUID
    start_time: datetime
    end_time: datetime
    booked_at: datetime
    status: str
    title: str
    kind: str
    attended: bool | None
    evidence: str | None
    host_absent: bool
    outcome: str | None
    reschedule_count: int
    notes: str | None
    meeting_url: str | None
    organizer_email: str | None
    organizer_name: str | None
    simulated: bool
    person: str
    email: str | None
    phone: str | None
    company: str | None
    time_zone: str | None
    confirmed_at: datetime | None
    deal_id: UUID | None
    amount: Any
    currency: str | None
    stage: str | None
    number: int
    reminders: int
    reminders_delivered: int
    has_bounced: bool

    def state(self, now: datetime) -> State:
        """Return what is known about the attendance, and how."""
        return state_of(
            self.status,
            attended=self.attended,
            evidence=self.evidence,
            host_absent=self.host_absent,
            outcome=self.outcome,
            is_over=self.end_time <= now,
        )


def state_of(  # one return for each state
    status: str, *, attended: bool | None, evidence: str | None, host_absent: bool, outcome: str | None, is_over: bool
) -> State:
    """Return what is known about the attendance of a meeting, or of one of its attendees, and how."""
    if attended is not None:
        return ("showed" if evidence == "reported" else "assumed") if attended else "noshow"
    if host_absent:
        return "host"
    if status in ("CANCELLED", "REJECTED"):
        return "cancelled"
    if outcome == "rescheduled":
        return "rescheduled"
    # A meeting of the team alone has no attendee whose attendance is known, only its outcome.
    if outcome in ("showed", "no_show"):
        return "showed" if outcome == "showed" else "noshow"
    if status == "PENDING":
        return "pending"
    return "unreported" if is_over else "upcoming"


async def list_meetings(  # a range, and whose
    tx: AsyncConnection,
    permission: Permission,
    *,
    starts_from: datetime,
    starts_before: datetime,
    organizer: str | None,
    limit: int = MAX_MEETINGS,
) -> list[AgendaMeeting]:
    """Returns accepted and requested meetings that start in the range, in order; `organizer` of None: of everybody."""
    return await _fetch(
        tx,
        permission,
        f"{_SELECT} AND {whose(organizer)} AND b.start_time >= $2 AND b.start_time < $3"
        " AND b.status IN ('ACCEPTED', 'PENDING') ORDER BY b.start_time, b.id LIMIT $5",
        starts_from,
        starts_before,
        organizer,
        limit,
    )


async def list_unreported(  # a range, and whose
    tx: AsyncConnection,
    permission: Permission,
    *,
    ended_from: datetime,
    ended_before: datetime,
    organizer: str | None,
    limit: int,
) -> list[AgendaMeeting]:
    """Returns accepted meetings that ended in the range and that nobody reported, latest first."""
    return await _fetch(
        tx,
        permission,
        f"{_SELECT} AND {whose(organizer)} AND b.start_time >= $2 AND b.start_time < $3"
        " AND coalesce(b.end_time, b.start_time) <= $3 AND b.status = 'ACCEPTED' AND NOT b.host_absent"
        " AND b.attendance_evidence IS DISTINCT FROM 'reported' AND b.outcome IS NULL AND NOT b.simulated"
        " ORDER BY b.start_time DESC, b.id DESC LIMIT $5",
        ended_from,
        ended_before,
        organizer,
        limit,
    )


async def find_meeting(tx: AsyncConnection, permission: Permission, booking_id: UUID) -> AgendaMeeting | None:
    """Returns one meeting; None if the permission does not allow it."""
    found = await _fetch(tx, permission, f"{_SELECT} AND b.id = $2", booking_id)
    return found[0] if found else None


async def _fetch(tx: AsyncConnection, permission: Permission, query: str, *values: Any) -> list[AgendaMeeting]:
    rows = await (await driver_connection(tx)).fetch(query, permission.workspace_id, *values)
    return [_meeting(dict(row), permission) for row in rows]


def _meeting(row: dict[str, Any], permission: Permission) -> AgendaMeeting:
    known_uids = row.pop("known_uids") or ()
    return AgendaMeeting(**(row if can_see_uids(permission) else redact(row, known_uids)))


# The booker is the first attendee who still has a seat.
_SELECT: Final = """
    SELECT b.id, b.start_time, coalesce(b.end_time, b.start_time) AS end_time, b.booked_at, b.status, b.title,
           coalesce(b.event_type_title, b.event_type, b.title) AS kind, b.attended,
           b.attendance_evidence AS evidence, b.host_absent, b.outcome, b.reschedule_count, b.notes, b.meeting_url,
           b.organizer_email, b.organizer_name, b.simulated,
           coalesce(p.name, p.email, seat.name, seat.email, 'Somebody') AS person,
           coalesce(p.email, seat.email) AS email,
           coalesce(p.phone, seat.phone) AS phone, c.name AS company,
           coalesce(seat.time_zone, p.time_zone) AS time_zone, seat.confirmed_at,
           d.id AS deal_id, d.amount, d.currency, CASE WHEN d.status = 'active' THEN d.stage END AS stage,
           before.number + 1 AS number, mails.planned AS reminders, mails.delivered AS reminders_delivered,
           mails.has_bounced,
           ARRAY(SELECT jsonb_array_elements(b.uids)->>'uid' UNION SELECT b.calcom_uid
                 UNION SELECT s.calcom_seat_uid FROM booking_attendees s WHERE s.booking_id = b.id) AS known_uids
    FROM bookings b
    LEFT JOIN people p ON p.id = b.person_id
    LEFT JOIN companies c ON c.id = b.company_id
    LEFT JOIN deals d ON d.id = b.deal_id
    LEFT JOIN LATERAL (
        SELECT a.name, a.email, a.phone, a.time_zone, a.confirmed_at FROM booking_attendees a
        WHERE a.booking_id = b.id AND a.cancelled_at IS NULL ORDER BY a.position LIMIT 1
    ) seat ON true
    CROSS JOIN LATERAL (
        SELECT count(*)::int AS number FROM (
            SELECT 1 FROM bookings x WHERE x.person_id = b.person_id AND x.status = 'ACCEPTED'
              AND x.start_time < b.start_time LIMIT 50
        ) earlier
    ) before
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE m.state <> 'withdrawn' AND m.state <> 'skipped')::int AS planned,
               count(*) FILTER (WHERE m.state IN ('delivered', 'previewed'))::int AS delivered,
               coalesce(bool_or(m.feedback = 'bounced'), false) AS has_bounced
        FROM deliveries m WHERE m.booking_id = b.id AND m.kind = 'reminder' AND m.destination = 'email'
          AND m.booking_version = b.version
    ) mails
    WHERE b.workspace_id = $1
"""
