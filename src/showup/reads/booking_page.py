"""Reads a booking as its page shows it: its facts, attendees, messages, and what is known about attendance."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.bookings.uids import redact
from showup.database.engine import driver_connection
from showup.reads.record_timeline import LoggedChange
from showup.reads.rows import can_see_uids

MAX_ATTENDEES: Final = 50
MAX_MESSAGES: Final = 300
_MAX_EVIDENCE: Final = 20


class BookedTime(Struct, frozen=True, kw_only=True):
    """A time that the meeting has or had, under one uid; `uid` is None for a reader who must not see it."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    uid: str | None = None


class BookingFacts(Struct, frozen=True, kw_only=True):
    """What the rail shows. `times` are oldest first. `answers`: the booker's by the question's slug."""

    company_id: UUID | None
    deal_id: UUID | None
    deal_company: str | None
    deal_status: str | None
    deal_stage: str | None
    deal_stage_entered_at: datetime | None
    deal_amount: Decimal | None
    deal_currency: str | None
    organizer_teammate: str | None
    location: str | None
    location_kind: str | None
    answers: dict[str, str]
    times: Sequence[BookedTime]
    cancellation_reason: str | None
    cancelled_by: str | None
    reschedule_reason: str | None
    rescheduled_by: str | None
    rejection_reason: str | None
    outcome_notes: str | None
    next_step: str | None
    recording_url: str | None
    transcript_url: str | None
    show_time: datetime | None
    source: str
    seated: bool


class BookingSeat(Struct, frozen=True, kw_only=True):
    """An attendee. `position` identifies them in the booking, `key` in the log."""

    position: int
    person_id: UUID | None
    email: str | None
    name: str | None
    phone: str | None
    time_zone: str | None
    attended: bool | None
    evidence: str | None
    confirmed_at: datetime | None
    cancelled_at: datetime | None
    is_booker: bool

    @property
    def key(self) -> str:
        """Return what identifies the attendee in the booking's events."""
        return self.email or self.phone or self.name or ""

    @property
    def words(self) -> str:
        """Return the attendee's name, or what else is known of them."""
        return self.name or self.email or self.phone or "Somebody"


class BookingMessage(Struct, frozen=True, kw_only=True):
    """A delivery about the booking, past or planned. `is_current`: for the meeting's present time."""

    kind: str
    destination: str
    state: str
    because: str | None
    recipient: str | None
    recipient_name: str | None
    attempts: int
    due_at: datetime
    at: datetime
    before_seconds: int | None
    feedback: str | None
    is_current: bool


class MatchHistory(Struct, frozen=True, kw_only=True):
    """When a matched lead was written to, and when they answered."""

    first_sent_at: datetime | None
    last_sent_at: datetime | None
    replied_at: datetime | None
    interested_at: datetime | None


async def load_facts(tx: AsyncConnection, permission: Permission, booking_id: UUID) -> BookingFacts | None:
    """Returns the facts; None if the permission does not allow the booking."""
    row = await (await driver_connection(tx)).fetchrow(_FACTS, permission.workspace_id, booking_id)
    if row is None:
        return None
    fields = dict(row) | {"answers": msgspec.json.decode(row["answers"]), "times": msgspec.json.decode(row["times"])}
    known_uids = fields.pop("known_uids") or ()
    if not can_see_uids(permission):
        fields = redact(fields | {"times": [time | {"uid": None} for time in fields["times"]]}, known_uids)
        # Links to a recording lead to the room of the meeting.
        fields |= {"recording_url": None, "transcript_url": None}
    times = msgspec.convert(fields.pop("times"), list[BookedTime])
    return BookingFacts(**fields, times=times)


async def list_seats(tx: AsyncConnection, booking_id: UUID) -> list[BookingSeat]:
    """Returns the attendees in the order in which they joined, up to MAX_ATTENDEES + 1."""
    rows = await (await driver_connection(tx)).fetch(_SEATS, booking_id, MAX_ATTENDEES + 1)
    return [BookingSeat(**dict(row)) for row in rows]


async def list_messages(tx: AsyncConnection, permission: Permission, booking_id: UUID) -> list[BookingMessage]:
    """Returns the deliveries about the booking, by due time: the latest MAX_MESSAGES."""
    rows = await (await driver_connection(tx)).fetch(_MESSAGES, permission.workspace_id, booking_id, MAX_MESSAGES)
    return [BookingMessage(**dict(row)) for row in reversed(rows)]


async def attendance_evidence(tx: AsyncConnection, permission: Permission, booking_id: UUID) -> list[LoggedChange]:
    """Returns what was said about attendance, latest first: by people, by Cal.com's video call, and by the clock."""
    rows = await (await driver_connection(tx)).fetch(_EVIDENCE, permission.workspace_id, booking_id, _MAX_EVIDENCE)
    return [LoggedChange(**dict(row) | {"change": msgspec.json.decode(row["change"])}) for row in rows]


async def match_history(tx: AsyncConnection, permission: Permission, match_id: UUID) -> MatchHistory | None:
    """Returns the dates of a match's lead in its campaign."""
    row = await (await driver_connection(tx)).fetchrow(_MATCH, permission.workspace_id, match_id)
    return None if row is None else MatchHistory(**dict(row))


async def neighbors(tx: AsyncConnection, permission: Permission, booking_id: UUID) -> tuple[UUID | None, UUID | None]:
    """Returns the meeting that starts before this one, and the one that starts after it."""
    row = await (await driver_connection(tx)).fetchrow(_NEIGHBORS, permission.workspace_id, booking_id)
    return (None, None) if row is None else (row["before"], row["after"])


async def failed_of_run(
    tx: AsyncConnection, permission: Permission, booking_id: UUID, *, destination: str, kind: str
) -> list[UUID]:
    """Returns the failed deliveries of one kind to one destination."""
    rows = await (await driver_connection(tx)).fetch(
        _FAILED, permission.workspace_id, booking_id, destination, kind, MAX_MESSAGES
    )
    return [row["id"] for row in rows]


# Of a booking with seats, the deal is that of the seats that remain.
_FACTS: Final = """
    SELECT coalesce(b.seat_company_id, b.company_id) AS company_id, d.id AS deal_id, c.name AS deal_company,
           d.status AS deal_status, d.stage AS deal_stage, d.stage_entered_at AS deal_stage_entered_at,
           d.amount AS deal_amount, d.currency AS deal_currency, t.name AS organizer_teammate, b.location,
           b.location_kind, b.answers::text AS answers,
           b.cancellation_reason, b.cancelled_by, b.reschedule_reason, b.rescheduled_by, b.rejection_reason,
           b.outcome_notes, b.next_step, b.recording_url, b.transcript_url, b.show_time, b.source,
           b.uids::text AS times,
           EXISTS (SELECT 1 FROM booking_attendees s WHERE s.booking_id = b.id AND s.calcom_seat_uid IS NOT NULL)
               AS seated,
           ARRAY(SELECT jsonb_array_elements(b.uids)->>'uid' UNION SELECT b.calcom_uid
                 UNION SELECT s.calcom_seat_uid FROM booking_attendees s WHERE s.booking_id = b.id) AS known_uids
    FROM bookings b
    LEFT JOIN deals d ON d.id = CASE WHEN b.seat_company_id IS NULL THEN b.deal_id ELSE (
        SELECT e.deal_id FROM deal_events e
        WHERE e.booking_id = b.id AND e.company_id = b.seat_company_id AND e.deal_id IS NOT NULL
        ORDER BY e.position DESC LIMIT 1) END
    LEFT JOIN companies c ON c.id = d.company_id
    LEFT JOIN teammates t ON t.email = b.organizer_email AND EXISTS (
        SELECT 1 FROM memberships m WHERE m.teammate_id = t.id AND (m.workspace_id = $1 OR m.workspace_id IS NULL))
    WHERE b.workspace_id = $1 AND b.id = $2
"""
_SEATS: Final = """
    SELECT a.position, a.person_id, a.email, coalesce(a.name, p.name) AS name, a.phone,
           coalesce(a.time_zone, p.time_zone) AS time_zone, a.attended, a.attendance_evidence AS evidence,
           a.confirmed_at, a.cancelled_at, coalesce(a.person_id = b.person_id, false) AS is_booker
    FROM booking_attendees a JOIN bookings b ON b.id = a.booking_id LEFT JOIN people p ON p.id = a.person_id
    WHERE a.booking_id = $1 ORDER BY a.position LIMIT $2
"""
_MESSAGES: Final = """
    SELECT made.*, a.name AS recipient_name FROM (
        SELECT d.kind, d.destination, d.state, d.because, d.recipient, d.attempts, d.due_at,
               coalesce(d.delivered_at, CASE WHEN d.state = 'scheduled' THEN d.due_at ELSE d.updated_at END) AS at,
               (d.details->>'before_seconds')::int AS before_seconds, d.feedback,
               d.booking_version = b.version AS is_current
        FROM deliveries d JOIN bookings b ON b.id = d.booking_id
        WHERE d.workspace_id = $1 AND d.booking_id = $2 ORDER BY d.due_at DESC, d.id DESC LIMIT $3
    ) made
    LEFT JOIN LATERAL (
        SELECT x.name FROM booking_attendees x WHERE x.booking_id = $2 AND x.email = made.recipient LIMIT 1
    ) a ON true
    ORDER BY made.due_at DESC
"""
_EVIDENCE: Final = """
    SELECT l.at, l.what, l.because, l.actor, t.name AS actor_name, l.event_id, l.change::text AS change,
           l.booking_id, l.deal_id
    FROM audit_log l LEFT JOIN teammates t ON 'teammate:' || t.email = l.actor
    WHERE l.workspace_id = $1 AND l.booking_id = $2 AND l.what IN
        ('outcome.reported', 'attendee.reported', 'attendance.reported', 'host.missed', 'meeting.ended')
    ORDER BY l.order_key COLLATE "C" DESC, l.number DESC LIMIT $3
"""
_MATCH: Final = """
    SELECT l.first_sent_at, l.last_sent_at, l.replied_at, l.interested_at
    FROM matches m JOIN campaign_leads l ON l.lead_id = m.lead_id AND l.campaign_id = m.campaign_id
    WHERE m.workspace_id = $1 AND m.id = $2
"""
_NEIGHBORS: Final = """
    SELECT (SELECT x.id FROM bookings x WHERE x.workspace_id = $1 AND (x.start_time, x.id) < (b.start_time, b.id)
            ORDER BY x.start_time DESC, x.id DESC LIMIT 1) AS before,
           (SELECT x.id FROM bookings x WHERE x.workspace_id = $1 AND (x.start_time, x.id) > (b.start_time, b.id)
            ORDER BY x.start_time, x.id LIMIT 1) AS after
    FROM bookings b WHERE b.workspace_id = $1 AND b.id = $2
"""
_FAILED: Final = """
    SELECT d.id FROM deliveries d
    WHERE d.workspace_id = $1 AND d.booking_id = $2 AND d.destination = $3 AND d.kind = $4 AND d.state = 'failed'
    ORDER BY d.due_at LIMIT $5
"""
