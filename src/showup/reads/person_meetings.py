"""Reads the meetings of people: how often they came, and which meeting is next."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.bookings.uids import redact
from showup.database.engine import driver_connection
from showup.reads.agenda import State, state_of
from showup.reads.deal_meetings import WORDS
from showup.reads.rows import can_see_uids


class PersonMeeting(Struct, frozen=True, kw_only=True):
    """A meeting in which a person has or had a seat. `state` is that of their seat; `is_reported`: somebody said so."""

    person_id: UUID
    id: UUID
    start_time: datetime
    end_time: datetime
    kind: str
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


def came_of(meetings: Sequence[PersonMeeting]) -> Came:
    """Return how often the person came."""
    came = sum(one.state in ("showed", "assumed") for one in meetings)
    return Came(came=came, known=came + sum(one.state == "noshow" for one in meetings))


async def meetings_of_people(
    tx: AsyncConnection, permission: Permission, person_ids: Sequence[UUID], now: datetime, *, newest: int
) -> dict[UUID, list[PersonMeeting]]:
    """Returns up to `newest` meetings of each person, latest first."""
    rows = await (await driver_connection(tx)).fetch(_MEETINGS, permission.workspace_id, list(person_ids), newest)
    found: dict[UUID, list[PersonMeeting]] = {person_id: [] for person_id in person_ids}
    for row in rows:
        fields = dict(row)
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
        found[fields["person_id"]].append(PersonMeeting(**fields, state=state))
    return found


# A seat that was given up is a cancelled meeting for that person, whatever became of the booking.
_MEETINGS: Final = """
    SELECT of_person.id AS person_id, b.id, b.start_time, coalesce(b.end_time, b.start_time) AS end_time,
           CASE WHEN b.left_at IS NULL THEN b.status ELSE 'CANCELLED' END AS status,
           coalesce(b.event_type_title, b.event_type, b.title) AS kind,
           coalesce(b.organizer_name, b.organizer_email) AS with_name, b.reschedule_count,
           b.outcome_notes AS notes, b.cancellation_reason, b.simulated, b.seat_attended AS attended,
           b.seat_evidence AS evidence, b.host_absent, b.outcome,
           ARRAY(SELECT jsonb_array_elements(b.uids)->>'uid' UNION SELECT b.calcom_uid) AS known_uids
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
    ORDER BY of_person.id, b.start_time DESC, b.id DESC
"""
