"""Lists the people who booked and whom a number of the funnel counts: as many rows as the number says (CA5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.campaigns.funnel import SEAT_OUTCOMES
from showup.database.engine import driver_connection
from showup.reads.funnel_booked import counts_of
from showup.reads.funnel_filter import FunnelFilter
from showup.reads.funnel_page import count_people, directions, read_people
from showup.reads.funnel_people import each_person
from showup.reads.keyset import PageRequest, ResultPage
from showup.reads.list_totals import Totals
from showup.reads.rows import Item

Counted: TypeAlias = Literal[
    "booked", "showed_reported", "showed_assumed", "no_show", "host_absent", "unreported", "upcoming", "held", "missed"
]
"""The numbers of those who booked. `held`, `missed`: by their last reported meeting, as the held rate counts them."""

_OUTCOMES: Final[Mapping[int, str]] = {number: name for name, number in SEAT_OUTCOMES.items()}


class CountedLeads(Struct, frozen=True, kw_only=True):
    """The people whom any of these numbers count, in a funnel as of `now`."""

    wanted: FunnelFilter
    counted: Sequence[Counted]
    now: datetime

    def query(self) -> str:
        """Return a row for each of them; its parameters are bound."""
        counts = counts_of(self.wanted)
        conditions = " OR ".join(f"({counts[name]})" for name in dict.fromkeys(self.counted))
        return f"SELECT * FROM ({each_person(self.wanted)}) people WHERE ({conditions})"  # noqa: S608  # our own names


async def list_leads_who_booked(
    tx: AsyncConnection, permission: Permission, filters: CountedLeads, page_request: PageRequest
) -> ResultPage:
    """Returns a page by the time of the meeting that counts, each with that meeting, its seat and its campaign.

    The filter names the workspace of the permission.
    """
    comparison, order = directions(page_request)
    after = "" if page_request.cursor is None else f" AND (at, person_id) {comparison} (:after_at, :after_id)"
    query = f"{filters.query()}{after} ORDER BY at {order}, person_id {order} LIMIT {page_request.limit + 1}"
    people, next_cursor = await read_people(tx, query, filters.wanted.params(filters.now), page_request)
    return ResultPage(items=await _with_meetings(tx, permission, filters, people), next_cursor=next_cursor)


async def count_leads_who_booked(
    tx: AsyncConnection,
    permission: Permission,  # noqa: ARG001  # the filter has its workspace
    filters: CountedLeads,
    bound: int,
) -> Totals:
    """Returns how many people these are, up to a bound."""
    query = f"{filters.query()} LIMIT {bound + 1}"
    return await count_people(tx, query, filters.wanted.params(filters.now), bound)


async def _with_meetings(
    tx: AsyncConnection, permission: Permission, filters: CountedLeads, people: Sequence[Item]
) -> list[Item]:
    wanted = filters.wanted
    arguments = (
        *(permission.workspace_id, [one["person_id"] for one in people], [one["at"] for one in people]),
        *([one["outcome"] for one in people], list(wanted.campaign_ids), list(wanted.organizers)),
        *(list(wanted.sources), {"all": None, "true": True, "false": False}[wanted.simulated]),
    )
    meetings = await (await driver_connection(tx)).fetch(_MEETINGS, *arguments)
    by_person: dict[UUID, Item] = {row["person_id"]: dict(row) for row in meetings}
    return [
        {**one, **by_person[one["person_id"]], "id": one["person_id"], "outcome": _OUTCOMES[one["outcome"]]}
        for one in people
    ]


# The seat at that time; of several, the one with the outcome that counts.
_MEETINGS: Final = """
    SELECT counted.person_id, seat.*, coalesce(a.name, p.name, l.name) AS name, coalesce(a.email, l.email) AS email,
           a.phone, a.person_id AS record_id, coalesce(a.time_zone, p.time_zone) AS time_zone, co.name AS company
    FROM unnest($2::uuid[], $3::timestamptz[], $4::smallint[]) AS counted(person_id, at, outcome)
    CROSS JOIN LATERAL (
        SELECT b.id AS booking_id, b.start_time, b.simulated, b.organizer_name, b.organizer_email, s.lead_id,
               coalesce(b.event_type_title, b.event_type, b.title, '') AS kind, c.name AS campaign, m.attendee,
               CASE WHEN s.lead_id IS NULL THEN s.id END AS unmatched_id
        FROM funnel_seats s JOIN bookings b ON b.id = s.booking_id
        LEFT JOIN campaigns c ON c.workspace_id = s.workspace_id AND c.id = s.campaign_id
        LEFT JOIN matches m ON m.id = s.id
        WHERE s.person_id = counted.person_id AND s.workspace_id = $1
          AND ($5::bigint[] = '{}' OR s.campaign_id = ANY($5)) AND ($6::text[] = '{}' OR s.organizer_email = ANY($6))
          AND ($7::text[] = '{}' OR coalesce(c.source, 'unknown') = ANY($7))
          AND ($8::boolean IS NULL OR s.simulated = $8)
        ORDER BY abs(extract(epoch FROM s.start_time - counted.at)), (s.outcome = counted.outcome) DESC, s.id LIMIT 1
    ) seat
    LEFT JOIN booking_attendees a ON a.booking_id = seat.booking_id AND a.attendee_key IS NOT NULL
        AND (a.attendee_key = seat.attendee
             OR md5(a.booking_id::text || ':' || a.attendee_key)::uuid = seat.unmatched_id)
    LEFT JOIN people p ON p.id = a.person_id
    LEFT JOIN companies co ON co.id = p.company_id
    LEFT JOIN leads l ON l.workspace_id = $1 AND l.id = seat.lead_id
"""
