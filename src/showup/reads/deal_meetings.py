"""Reads the meetings of deals: their trail, and the next one."""

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
from showup.reads.rows import can_see_uids

WORDS: Final[dict[State, str]] = {
    "pending": "waits for your yes",
    "upcoming": "upcoming",
    "showed": "showed",
    "assumed": "assumed to have come",
    "noshow": "no-show",
    "host": "host absent",
    "unreported": "unreported",
    "rescheduled": "another time is coming",
    "cancelled": "cancelled",
}


class DealMeeting(Struct, frozen=True, kw_only=True):
    """A meeting of a deal; `person` is the booker. `next_step` is what is to be done next, as a teammate said."""

    deal_id: UUID
    id: UUID
    start_time: datetime
    end_time: datetime
    status: str
    kind: str
    person: str
    time_zone: str | None
    state: State
    outcome_notes: str | None
    next_step: str | None

    @property
    def words(self) -> str:
        """Return the state in words, for those who do not see its mark."""
        return WORDS[self.state]

    def is_ahead(self, now: datetime) -> bool:
        """Return whether the meeting is to take place, or does at this moment."""
        return self.end_time > now and self.state in ("upcoming", "pending")


async def meetings_of_deals(
    tx: AsyncConnection, permission: Permission, deal_ids: Sequence[UUID], now: datetime, *, newest: int
) -> dict[UUID, list[DealMeeting]]:
    """Returns up to `newest` meetings of each deal, latest first. With seats, a meeting may belong to several deals."""
    rows = await (await driver_connection(tx)).fetch(_MEETINGS, permission.workspace_id, list(deal_ids), newest)
    found: dict[UUID, list[DealMeeting]] = {deal_id: [] for deal_id in deal_ids}
    for row in rows:
        fields = dict(row)
        known_uids = fields.pop("known_uids") or ()
        if not can_see_uids(permission):
            fields = redact(fields, known_uids)
        host_absent, outcome = fields.pop("host_absent"), fields.pop("outcome")
        state = state_of(
            fields["status"],
            attended=fields.pop("attended"),
            evidence=fields.pop("evidence"),
            host_absent=host_absent,
            outcome=outcome,
            is_over=fields["end_time"] <= now,
        )
        found[fields["deal_id"]].append(DealMeeting(**fields, state=state))
    return found


def trail_of(meetings: Sequence[DealMeeting], newest: int = 8) -> list[DealMeeting]:
    """Return the meetings that a trail shows, oldest first, of meetings that are given latest first."""
    return list(reversed(meetings[:newest]))


def next_of(meetings: Sequence[DealMeeting], now: datetime) -> DealMeeting | None:
    """Return the next meeting, of meetings that are given latest first; None if none is ahead."""
    return next((one for one in reversed(meetings) if one.is_ahead(now)), None)


# A union reads both sides by their indexes.
_MEETINGS: Final = """
    SELECT of_deal.id AS deal_id, b.id, b.start_time, coalesce(b.end_time, b.start_time) AS end_time, b.status,
           coalesce(b.event_type_title, b.event_type, b.title) AS kind,
           coalesce(p.name, p.email, 'Somebody') AS person, p.time_zone, b.attended,
           b.attendance_evidence AS evidence, b.host_absent, b.outcome, b.outcome_notes, b.next_step,
           ARRAY(SELECT jsonb_array_elements(b.uids)->>'uid' UNION SELECT b.calcom_uid) AS known_uids
    FROM unnest($2::uuid[]) AS of_deal(id)
    CROSS JOIN LATERAL (
        SELECT x.* FROM bookings x
        WHERE x.workspace_id = $1 AND x.id IN (
            SELECT own.id FROM bookings own WHERE own.deal_id = of_deal.id
            UNION SELECT e.booking_id FROM deal_events e WHERE e.deal_id = of_deal.id AND e.booking_id IS NOT NULL
        )
        ORDER BY x.start_time DESC, x.id DESC LIMIT $3
    ) b
    LEFT JOIN people p ON p.id = b.person_id
    ORDER BY of_deal.id, b.start_time DESC, b.id DESC
"""
