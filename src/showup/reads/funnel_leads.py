"""Lists the people who booked and whom a number of the funnel counts: as many rows as the number says (CA5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.campaigns.funnel import SEAT_OUTCOMES
from showup.database.engine import driver_connection
from showup.reads.funnel_booked import OUTCOMES, counts_of
from showup.reads.funnel_filter import FunnelFilter
from showup.reads.funnel_page import count_people, directions, read_people
from showup.reads.funnel_people import each_person, people_queries, unmatched_queries
from showup.reads.keyset import PageRequest, ResultPage
from showup.reads.list_totals import Totals, totals_up_to
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

    def page_query(self, page_request: PageRequest) -> str:
        """Return the rows of a page and one more; its parameters are bound.

        Each part has its first rows by itself: most people's by an index.
        """
        comparison, order = directions(page_request)
        after = "" if page_request.cursor is None else f"AND (at, person_id) {comparison} (:after_at, :after_id)"
        page = f"ORDER BY at {order}, person_id {order} LIMIT {page_request.limit + 1}"
        parts = " UNION ALL ".join(f"({part} {after} {page})" for part in self._parts())
        return f"SELECT * FROM ({parts}) people {page}"  # noqa: S608  # our own names

    def count_query(self, bound: int) -> str:
        """Return a row for each of them, at most one more than the bound."""
        return f"{' UNION ALL '.join(self._parts())} LIMIT {bound + 1}"

    def sum_queries(self) -> Sequence[str]:
        """Return the queries of the funnel whose numbers add up to how many people these are.

        There are none for numbers of which a person may be in several.
        """
        names = set(self.counted)
        if len(names) > 1 and not (names <= set(OUTCOMES) or names <= {"held", "missed"}):
            return ()
        others = unmatched_queries(self.wanted, ()) if self.wanted.has_others(()) else []
        return [*people_queries(self.wanted, ()), *others]

    def _parts(self) -> list[str]:
        counts = counts_of(self.wanted)
        conditions = " OR ".join(f"({counts[name]})" for name in dict.fromkeys(self.counted))
        return [
            f"SELECT * FROM ({part}) people WHERE ({conditions})"  # noqa: S608  # our own names
            for part in each_person(self.wanted)
        ]


async def list_leads_who_booked(
    tx: AsyncConnection, permission: Permission, filters: CountedLeads, page_request: PageRequest
) -> ResultPage:
    """Returns a page by the time of the meeting that counts, each with that meeting, its seat and its campaign.

    The filter names the workspace of the permission.
    """
    query = filters.page_query(page_request)
    people, next_cursor = await read_people(tx, query, filters.wanted.params(filters.now), page_request)
    return ResultPage(items=await _with_meetings(tx, permission, filters, people), next_cursor=next_cursor)


async def count_leads_who_booked(
    tx: AsyncConnection,
    permission: Permission,  # noqa: ARG001  # the filter has its workspace
    filters: CountedLeads,
    bound: int,
) -> Totals:
    """Returns how many people these are, up to a bound."""
    params = filters.wanted.params(filters.now)
    queries = filters.sum_queries()
    if not queries:
        return await count_people(tx, filters.count_query(bound), params, bound)
    number = 0
    for query in queries:
        for row in (await tx.execute(text(query), params)).mappings():
            number += sum(row.get(name, 0) for name in set(filters.counted))
    return totals_up_to(bound, number)


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
