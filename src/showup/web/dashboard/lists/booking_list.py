"""The list of bookings."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import Struct
from pydantic import Field

from showup.access.teammate import Session
from showup.reads.agenda import State, state_of
from showup.reads.analysis.counts import AnalysisFilter
from showup.reads.bookings import SORTS, BookingFilter, BookingOutcome, list_bookings
from showup.reads.campaigns import CampaignFilter, list_campaigns
from showup.reads.counted_meetings import CountedMeeting, MeetingCount
from showup.reads.deal_meetings import WORDS
from showup.reads.keyset import PageRequest
from showup.reads.list_rows import BookingExtras, extras_of_bookings
from showup.reads.list_totals import count_bookings
from showup.reads.rows import Item
from showup.web.api.schemas import BookingStatus
from showup.web.dashboard.lists.address import Address, Choice, Filter
from showup.web.dashboard.lists.deal_list import company_filter, source_word
from showup.web.dashboard.lists.record_list import (
    SIMULATED_FILTER,
    Choices,
    Column,
    Line,
    Reader,
    Reads,
    RecordList,
    RecordListQuery,
    cell,
)
from showup.web.dashboard.periods import PageDay
from showup.web.dashboard.words import TheirTime, Viewer, their_time
from showup.web.http.query_params import ShortText, any_of

_STATUSES: Final = (
    Choice("ACCEPTED", "accepted"),
    Choice("PENDING", "waits for a yes"),
    Choice("CANCELLED", "cancelled"),
    Choice("REJECTED", "rejected"),
)
_ATTENDED: Final = (Choice("true", "showed"), Choice("false", "no-show"), Choice("null", "unreported"))
_OUTCOMES: Final = (
    Choice("showed", "showed, reported"),
    Choice("assumed", "assumed, by the clock"),
    Choice("no_show", "no-show"),
    Choice("host_absent", "host absent"),
    Choice("open", "not known"),
)

_ANY_ZONE: Final = timedelta(days=2)


class BookingListQuery(RecordListQuery):
    """The fields of the address of `/bookings`. `ahead`: before or after this moment; `since` and `until` are days.

    `counted` comes from the numbers of the analysis, whose filters the fields then are.
    """

    status: list[BookingStatus] = any_of()
    attended: list[Literal["true", "false", "null"]] = any_of()
    outcome: list[BookingOutcome] = any_of()
    campaign_id: list[Annotated[int, Field(ge=0, lt=2**63)]] = any_of()
    organizer: list[ShortText] = any_of()
    source: list[ShortText] = any_of()
    email: list[ShortText] = any_of()
    company_id: list[UUID] = any_of()
    counted: CountedMeeting | None = None
    event_type: list[ShortText] = any_of()
    ahead: Literal["yes", "no"] | None = None
    since: PageDay | None = None
    until: PageDay | None = None
    sort: Literal["start_time", "-start_time"] = "-start_time"


class ListedBooking(Struct, frozen=True, kw_only=True):
    """A booking as its row shows it. `who` books; `when` is the viewer's time, `their` the attendee's."""

    booking: Item
    who: str
    kind: str
    when: str
    their: TheirTime | None
    is_today: bool
    state: State
    words: str
    source: str
    organizer: str | None


class BookingList(RecordList[BookingListQuery, BookingFilter]):
    """Bookings, each across all its times."""

    noun = "bookings"
    singular = "booking"
    title = "Bookings"
    placeholder = "Person, company, title"
    nothing = "A booking in Cal.com appears here by itself."
    columns = (
        Column(title="Who"),
        Column(title="Meeting", css="kind-cell"),
        Column(title="When", sort="start_time", is_latest_first=True),
        Column(title="Attendance"),
        Column(title="Source", css="src"),
        Column(title="Organizer", css="own"),
        Column(title="Booked", css="upd", is_number=True),
    )
    csv_header = (
        *("start", "end", "title", "status", "attendance", "evidence", "name", "email", "company", "domain"),
        *("organizer", "source", "reschedules", "booked", "cancellation_reason", "simulated", "id"),
    )
    query_type = BookingListQuery

    reads = Reads(page=list_bookings, count=count_bookings, sorts=SORTS, filter_type=BookingFilter)

    def filter_of(self, query: BookingListQuery, reader: Reader) -> BookingFilter:
        """Return the conditions."""
        viewer = reader.viewer
        if query.counted is not None:
            counted = AnalysisFilter(
                since=query.since,
                until=query.until,
                organizer=query.organizer,
                source=query.source,
                event_type=query.event_type,
                simulated=query.simulated,
            )
            since, until = query.at_midnight(query.since, viewer), query.at_midnight(query.until, viewer)
            return BookingFilter(
                q=query.q,
                counted=MeetingCount(counted=query.counted, filters=counted, now=viewer.now),
                # A day of another zone: these only let the index find the bookings.
                starts_from=None if since is None else since - _ANY_ZONE,
                starts_before=None if until is None else until + _ANY_ZONE,
            )
        return BookingFilter(
            q=query.q,
            status=query.status,
            attended=query.attended,
            outcome=query.outcome,
            campaign_id=query.campaign_id,
            organizer=query.organizer,
            source=query.source,
            email=query.email,
            company_id=query.company_id,
            simulated=query.simulated,
            starts_from=query.at_midnight(query.since, viewer),
            starts_before=query.at_midnight(query.until, viewer),
            over_at=viewer.now if query.ahead == "no" else None,
            not_over_at=viewer.now if query.ahead == "yes" else None,
        )

    async def filters(self, reader: Reader, address: Address, choices: Choices) -> Sequence[Filter]:
        """Return the filters: organizers are teammates, or what the address names."""
        return (
            Filter(name="ahead", label="When", choices=(Choice("yes", "still to come"), Choice("no", "past"))),
            Filter(name="status", label="Status", form="many", choices=_STATUSES),
            Filter(name="attended", label="Attendance", form="many", choices=_ATTENDED),
            Filter(name="organizer", label="Organizer", choices=[Choice(*one) for one in choices.owners.items()]),
            Filter(name="since", label="Starts", form="day", preposition="since"),
            Filter(name="until", label="Starts", form="day", preposition="before"),
            SIMULATED_FILTER,
            Filter(name="outcome", label="Outcome", form="hidden", choices=_OUTCOMES),
            Filter(name="counted", label="In the analysis", form="hidden"),
            Filter(name="event_type", label="Kind", form="hidden"),
            await campaign_filter(reader, address),
            Filter(name="source", label="Source", form="hidden"),
            Filter(name="email", label="Attendee", form="hidden"),
            await company_filter(reader, address),
        )

    def views(self, session: Session) -> Mapping[str, Mapping[str, str]]:
        """Return the views of bookings."""
        return {
            "Coming": {"ahead": "yes", "status": "ACCEPTED", "sort": "start_time"},
            "Mine": {"organizer": session.teammate.email},
            "Unreported": {"ahead": "no", "status": "ACCEPTED", "attended": "null"},
            "All": {},
        }

    async def rows(self, reader: Reader, items: Sequence[Item], choices: Choices) -> Sequence[ListedBooking]:
        """Return the rows."""
        extras = await extras_of_bookings(reader.tx, reader.permission, [one["id"] for one in items])
        return [_row(one, extras[one["id"]], reader.viewer) for one in items]

    async def lines(self, reader: Reader, items: Sequence[Item]) -> Sequence[Line]:
        """Return the bookings, with the attendee's time beside the viewer's."""
        extras = await extras_of_bookings(reader.tx, reader.permission, [one["id"] for one in items])
        return [_line(_row(one, extras[one["id"]], reader.viewer)) for one in items]

    def csv_row(self, item: Item) -> Sequence[object]:
        """Return the cells of a booking."""
        person, company = item["person"] or {}, item["company"] or {}
        return [
            *(cell(item[name]) for name in ("start_time", "end_time", "title", "status")),
            *(item["attendance"]["state"], item["attendance"]["evidence"]),
            *(person.get("name"), person.get("email"), company.get("name"), company.get("domain")),
            *(cell(item[name]) for name in ("organizer_email", "source", "reschedule_count", "booked_at")),
            *(cell(item[name]) for name in ("cancellation_reason", "simulated", "id")),
        ]


async def campaign_filter(reader: Reader, address: Address) -> Filter:
    """Return the filter by campaign, which only links set, with the names of the campaigns in the address."""
    choices = []
    if ids := [int(one) for one in address.values("campaign_id")]:
        request = PageRequest(sort="name", limit=len(ids))
        found = (await list_campaigns(reader.tx, reader.permission, CampaignFilter(ids=ids), request)).items
        choices = [Choice(str(one["id"]), one["name"]) for one in found]
    return Filter(name="campaign_id", label="Campaign", form="hidden", choices=choices)


def _row(booking: Item, extras: BookingExtras, viewer: Viewer) -> ListedBooking:
    person: Mapping[str, Any] = booking["person"] or {}
    start = booking["start_time"]
    state = state_of(
        booking["status"],
        attended=booking["attended"],
        evidence=booking["attendance_evidence"],
        host_absent=booking["host_absent"],
        outcome=extras.outcome,
        is_over=extras.end_time <= viewer.now,
    )
    day = viewer.day(start)
    return ListedBooking(
        booking=booking,
        who=person.get("name") or person.get("email") or booking["title"] or "Somebody",
        kind=extras.kind or booking["title"],
        when=f"{day} {viewer.hour(start)}",
        their=their_time(viewer, start, extras.time_zone),
        is_today=day == "today" and state in ("upcoming", "pending"),
        state=state,
        words=WORDS[state],
        source=source_word(booking["source"], extras.campaign),
        organizer=extras.organizer_name or booking["organizer_email"],
    )


def _line(row: ListedBooking) -> Line:
    booking_id, their = row.booking["id"], "" if row.their is None else f" · {row.their.text}"
    report = Line(
        title=f"Report: {row.who}", note=f"{row.kind}, {row.when}", path=f"outcome/{booking_id}", icon="check"
    )
    return Line(
        title=row.who,
        note=f"{row.kind}, {row.when}{their}",
        path=f"bookings/{booking_id}",
        icon="booking",
        is_sample=row.booking["simulated"],
        report=report if row.state in ("unreported", "assumed") else None,
    )


BOOKINGS: Final = BookingList()
