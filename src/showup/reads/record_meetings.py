"""Reads the meetings of people and companies: how often they came, and which meeting is next."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.bookings.uids import redact
from showup.database.engine import driver_connection
from showup.reads.agenda import State, state_of
from showup.reads.deal_meetings import WORDS
from showup.reads.rows import can_see_uids


class RecordMeeting(Struct, frozen=True, kw_only=True):
    """A meeting of a person or of a company. `state` is that of the person's seat, for a company of the booking.

    `who` booked it. `notes` are what a teammate reported.
    """

    owner_id: UUID
    id: UUID
    start_time: datetime
    end_time: datetime
    kind: str
    who: str
    with_name: str | None
    reschedule_count: int
    notes: str | None
    cancellation_reason: str | None
    simulated: bool
    state: State

    @property
    def words(self) -> str:
        """Return the state in words, for those who do not see its mark."""
        return WORDS[self.state]

    def is_ahead(self, now: datetime) -> bool:
        """Return whether the meeting is to take place, or does at this moment."""
        return self.end_time > now and self.state in ("upcoming", "pending")


class Came(Struct, frozen=True, kw_only=True):
    """How often somebody came to the meetings whose attendance is known, assumed ones included."""

    came: int
    known: int


def came_of(meetings: Sequence[RecordMeeting]) -> Came:
    """Return how often the person came."""
    came = sum(one.state in ("showed", "assumed") for one in meetings)
    return Came(came=came, known=came + sum(one.state == "noshow" for one in meetings))


async def meetings_of_people(
    tx: AsyncConnection, permission: Permission, person_ids: Sequence[UUID], now: datetime, *, newest: int
) -> dict[UUID, list[RecordMeeting]]:
    """Returns up to `newest` meetings of each person, latest first."""
    rows = await (await driver_connection(tx)).fetch(_OF_PEOPLE, permission.workspace_id, list(person_ids), newest)
    found: dict[UUID, list[RecordMeeting]] = {person_id: [] for person_id in person_ids}
    for row in rows:
        meeting = _meeting(dict(row), permission, now)
        found[meeting.owner_id].append(meeting)
    return found


async def meetings_of_company(
    tx: AsyncConnection, permission: Permission, company_id: UUID, now: datetime, *, newest: int
) -> list[RecordMeeting]:
    """Returns up to `newest` meetings of a company, those in which its people have a seat included, latest first."""
    rows = await (await driver_connection(tx)).fetch(_OF_COMPANY, permission.workspace_id, company_id, newest)
    return [_meeting(dict(row), permission, now) for row in rows]


def _meeting(fields: dict[str, Any], permission: Permission, now: datetime) -> RecordMeeting:
    known_uids = fields.pop("known_uids") or ()
    if not can_see_uids(permission):
        fields = redact(fields, known_uids)
    state = state_of(
        fields.pop("status"),
        attended=fields.pop("attended"),
        evidence=fields.pop("evidence"),
        host_absent=fields.pop("host_absent"),
        outcome=fields.pop("outcome"),
        is_over=fields["end_time"] <= now,
    )
    return RecordMeeting(**fields, state=state)


_COLUMNS: Final = """
    b.id, b.start_time, coalesce(b.end_time, b.start_time) AS end_time,
    coalesce(b.event_type_title, b.event_type, b.title) AS kind, coalesce(p.name, p.email, 'Somebody') AS who,
    coalesce(b.organizer_name, b.organizer_email) AS with_name, b.reschedule_count, b.outcome_notes AS notes,
    b.cancellation_reason, b.simulated, b.host_absent, b.outcome,
    ARRAY(SELECT jsonb_array_elements(b.uids)->>'uid' UNION SELECT b.calcom_uid) AS known_uids
"""
# A seat that was given up is a cancelled meeting for that person, whatever became of the booking.
_OF_PEOPLE: Final = f"""
    SELECT of_person.id AS owner_id, {_COLUMNS},
           CASE WHEN b.left_at IS NULL THEN b.status ELSE 'CANCELLED' END AS status,
           b.seat_attended AS attended, b.seat_evidence AS evidence
    FROM unnest($2::uuid[]) AS of_person(id)
    CROSS JOIN LATERAL (
        SELECT x.*, seat.attended AS seat_attended, seat.attendance_evidence AS seat_evidence,
               seat.cancelled_at AS left_at
        FROM (
            SELECT DISTINCT ON (s.booking_id) s.booking_id, s.attended, s.attendance_evidence, s.cancelled_at
            FROM booking_attendees s WHERE s.person_id = of_person.id
            ORDER BY s.booking_id, s.cancelled_at NULLS FIRST, s.position
        ) seat
        JOIN bookings x ON x.id = seat.booking_id
        WHERE x.workspace_id = $1
        ORDER BY x.start_time DESC, x.id DESC LIMIT $3
    ) b
    LEFT JOIN people p ON p.id = b.person_id
    ORDER BY of_person.id, b.start_time DESC, b.id DESC
"""  # noqa: S608  # constants
# A union reads both sides by their indexes.
_OF_COMPANY: Final = f"""
    SELECT $2::uuid AS owner_id, {_COLUMNS}, b.status, b.attended, b.attendance_evidence AS evidence
    FROM bookings b LEFT JOIN people p ON p.id = b.person_id
    WHERE b.workspace_id = $1 AND b.id IN (
        SELECT own.id FROM bookings own WHERE own.company_id = $2
        UNION SELECT s.booking_id FROM booking_attendees s JOIN people q ON q.id = s.person_id WHERE q.company_id = $2
    )
    ORDER BY b.start_time DESC, b.id DESC LIMIT $3
"""  # noqa: S608  # constants
