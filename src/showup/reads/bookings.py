"""Lists bookings."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true, union
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.bookings.uids import redact
from showup.database.tables import booking_attendees, booking_refs, bookings, companies, deliveries, matches, people
from showup.reads.attendance import attendance_of
from showup.reads.counted_meetings import MeetingCount
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import Item, can_see_uids, if_any, if_set, nest_columns, nested_columns, visible_to, workspace_of
from showup.reads.search import typed_words
from showup.reads.shown_booking import shown_company_id, shown_deal_id
from showup.reads.simulated import SimulatedFilter, if_simulated, simulated_booking
from showup.reads.word_search import SearchedList, SearchedRecord, WordSearch, row_itself
from showup.values.email_address import normalize_email

SORTS: Sorts = {name: bookings.c[name] for name in ("start_time", "created_at", "booked_at")}

_BOOKED, _SEAT = bookings.alias("company_booking"), booking_attendees.alias("guest_seat")
_GUEST, _COMPANY = people.alias("guest"), companies.alias("booking_company")
SEARCHED_BOOKINGS = SearchedList(
    table=bookings,
    key=bookings.c.id,
    time=bookings.c.start_time,
    columns=("id", "company_id", "search"),
    records=(
        row_itself(bookings),
        SearchedRecord(
            table=_COMPANY,
            of_row=lambda row, condition: select(condition).where(_COMPANY.c.id == row.c.company_id),
            keys=lambda condition: (
                select(_BOOKED.c.id).join(_COMPANY, _COMPANY.c.id == _BOOKED.c.company_id).where(condition)
            ),
        ),
        SearchedRecord(
            table=_GUEST,
            of_row=lambda row, condition: (
                select(true())
                .join_from(_SEAT, _GUEST, _GUEST.c.id == _SEAT.c.person_id)
                .where(_SEAT.c.booking_id == row.c.id, condition)
            ),
            keys=lambda condition: (
                select(_SEAT.c.booking_id).join(_GUEST, _GUEST.c.id == _SEAT.c.person_id).where(condition)
            ),
        ),
    ),
)

_FIELDS = (
    *("id", "calcom_uid", "calcom_booking_id", "title", "start_time", "end_time", "booked_at", "status"),
    *("attended", "attendance_evidence", "host_absent", "show_time", "organizer_email"),
    *("reschedule_count", "cancellation_reason", "meeting_url", "notes", "created_at", "uids", "simulated"),
    *("source", "source_details"),
)


BookingOutcome: TypeAlias = Literal["showed", "assumed", "no_show", "host_absent", "open"]
"""`showed`, `no_show` and `host_absent` were reported, `assumed` is known from the clock only. `open`: accepted, and
nothing is known of it, because it is still to come or nobody reported it."""


class BookingFilter(Struct, frozen=True, kw_only=True):
    """Conditions on a booking; an empty one does not filter. `attended`: "true", "false", "null" for unreported.

    `confirmed`: "true" or "false", whether an attendee said that they will come at its current time.

    `outcome` is what became of it, `campaign_id` a campaign that one of its attendees is a lead of.

    `over_at` and `not_over_at`: the meeting was, or was not over at this time, by its end, or its start without one.

    `counted`: a number of the analysis counts it.

    `starts_before` is exclusive, `email` is any attendee's, `uid` is any that the booking ever had.
    """

    ids: Sequence[UUID] = ()
    uid: Sequence[str] = ()
    status: Sequence[str] = ()
    attended: Sequence[str] = ()
    outcome: Sequence[BookingOutcome] = ()
    campaign_id: Sequence[int] = ()
    confirmed: Sequence[str] = ()
    email: Sequence[str] = ()
    company_id: Sequence[UUID] = ()
    organizer: Sequence[str] = ()
    source: Sequence[str] = ()
    simulated: SimulatedFilter = "all"
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    over_at: datetime | None = None
    not_over_at: datetime | None = None
    counted: MeetingCount | None = None
    q: str | None = None


async def list_bookings(
    tx: AsyncConnection, permission: Permission, filters: BookingFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the bookings that the permission allows."""
    conditions = booking_conditions(filters)
    if words := typed_words(filters.q):
        search = WordSearch(tx, permission, SEARCHED_BOOKINGS, words, conditions)
        conditions.append(await search.of_page(SORTS, page_request))
    page = await read_page(tx, select_bookings(permission).where(*conditions), SORTS, page_request)
    return ResultPage(items=[booking_item(item, permission) for item in page.items], next_cursor=page.next_cursor)


async def bookings_of(
    tx: AsyncConnection, permission: Permission, condition: ColumnElement[bool], *, limit: int = 200
) -> list[Item]:
    """Returns the bookings that meet a condition, such as those of a deal or a person, the latest meeting first."""
    query = select_bookings(permission).where(condition).order_by(bookings.c.start_time.desc()).limit(limit)
    return [booking_item(nest_columns(row), permission) for row in (await tx.execute(query)).mappings()]


# Mails that report no change of a booking.
_FOLLOW_UP_KINDS = ("reminder", "no_show", "outcome")


def with_attendees(person_ids: Collection[UUID]) -> ColumnElement[bool]:
    """Returns a condition: bookings in which one of these people has or had a seat."""
    seats = select(booking_attendees.c.booking_id).where(booking_attendees.c.person_id.in_(person_ids))
    return bookings.c.id.in_(seats)


def select_bookings(permission: Permission) -> Select[Any]:
    """Selects every booking that the permission allows, with the person, company and deal of one who has a seat."""
    notified_at = select(func.min(deliveries.c.delivered_at)).where(
        deliveries.c.booking_id == bookings.c.id,
        deliveries.c.kind.not_in(_FOLLOW_UP_KINDS),
    )
    seat = booking_attendees.c
    seat_uids = select(func.array_agg(seat.calcom_seat_uid)).where(
        seat.booking_id == bookings.c.id, seat.calcom_seat_uid.is_not(None)
    )
    return (
        select(
            *(bookings.c[name] for name in _FIELDS),
            shown_deal_id().label("deal_id"),
            workspace_of(bookings),
            seat_uids.scalar_subquery().label("seat_uids"),
            notified_at.scalar_subquery().label("notification_sent_at"),
            *nested_columns("person", people, "id", "email", "name"),
            *nested_columns("company", companies, "id", "name", "domain"),
        )
        .outerjoin_from(bookings, people, bookings.c.person_id == people.c.id)
        .outerjoin(companies, companies.c.id == shown_company_id())
        .where(visible_to(permission, bookings))
    )


def booking_item(row: Item, permission: Permission) -> Item:
    """Returns the booking of a row, with `attendance`, and without its uids if the permission is for reading only."""
    seat_uids = row.pop("seat_uids")
    attendance_fields = attendance_of(
        attended=row["attended"],
        host_absent=row["host_absent"],
        evidence=row["attendance_evidence"],
    )
    booking = {**row, "attendance": attendance_fields}
    if can_see_uids(permission):
        return booking
    known_uids = [booking["calcom_uid"], *(known["uid"] for known in booking["uids"]), *(seat_uids or ())]
    visible: Item = redact(booking | {"calcom_uid": None, "uids": []}, known_uids)
    return visible | {"known_uids": known_uids}


def booking_conditions(filters: BookingFilter) -> list[ColumnElement[bool]]:
    """Returns the conditions on rows of bookings, without that of the words `q`."""
    b = bookings.c
    return [
        if_any(filters.ids, b.id.in_),
        if_any(filters.status, b.status.in_),
        if_any(filters.company_id, with_company),
        if_simulated(filters.simulated, simulated_booking()),
        if_set(filters.starts_from, lambda at: b.start_time >= at),
        if_set(filters.starts_before, lambda at: b.start_time < at),
        if_set(filters.counted, MeetingCount.condition),
        if_set(filters.over_at, lambda at: and_(b.start_time <= at, at >= _OVER_AT)),
        if_set(filters.not_over_at, lambda at: and_(b.start_time > at - _LONGEST, at < _OVER_AT)),
        if_any(filters.attended, lambda values: or_(*(b.attended.is_(_ATTENDED[value]) for value in values))),
        if_any(filters.outcome, lambda values: or_(*(_OUTCOMES[value] for value in values))),
        if_any(filters.campaign_id, _with_lead_of),
        if_any(filters.confirmed, lambda values: or_(*(_with_yes() == (value == "true") for value in values))),
        if_any(filters.organizer, lambda emails: b.organizer_email.in_([normalize_email(email) for email in emails])),
        if_any(filters.source, lambda names: b.source.in_([name.casefold() for name in names])),
        if_any(filters.email, _with_attendee),
        if_any(filters.uid, _with_any_uid),
    ]


_OVER_AT = func.coalesce(bookings.c.end_time, bookings.c.start_time)
# The start has an index. No meeting takes longer.
_LONGEST: Final = timedelta(days=31)
_ATTENDED = {"true": True, "false": False, "null": None}
_IS_REPORTED = bookings.c.attendance_evidence == "reported"
_OUTCOMES: Final[Mapping[BookingOutcome, ColumnElement[bool]]] = {
    "showed": and_(bookings.c.attended.is_(True), _IS_REPORTED),
    "assumed": and_(bookings.c.attended.is_(True), ~_IS_REPORTED),
    "no_show": bookings.c.attended.is_(False),
    "host_absent": and_(bookings.c.attended.is_(None), bookings.c.host_absent),
    "open": and_(bookings.c.attended.is_(None), ~bookings.c.host_absent, bookings.c.status == "ACCEPTED"),
}


def _with_lead_of(campaign_ids: Sequence[int]) -> ColumnElement[bool]:
    m = matches.c
    seats = select(m.booking_id).where(
        m.workspace_id == bookings.c.workspace_id, m.campaign_id.in_(campaign_ids), m.state == "matched"
    )
    return exists(seats.where(m.booking_id == bookings.c.id).correlate(bookings))


def _with_attendee(emails: Sequence[str]) -> ColumnElement[bool]:
    normal = [normalize_email(email) for email in emails]
    seats = select(booking_attendees.c.booking_id).where(booking_attendees.c.email.in_(normal))
    return bookings.c.id.in_(seats)


def with_company(company_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Returns a condition: bookings of these companies, or in which one of their people has or had a seat (M02)."""
    person_ids = select(people.c.id).where(people.c.company_id.in_(company_ids))
    seats = select(booking_attendees.c.booking_id).where(booking_attendees.c.person_id.in_(person_ids))
    own = select(bookings.c.id).where(bookings.c.company_id.in_(company_ids))
    # A union reads both by their indexes; OR would read the whole table.
    return bookings.c.id.in_(union(own, seats))


def _with_yes() -> ColumnElement[bool]:
    seat = booking_attendees.c
    is_confirmed = and_(seat.booking_id == bookings.c.id, seat.confirmed_at.is_not(None), seat.cancelled_at.is_(None))
    return select(seat.booking_id).where(is_confirmed).correlate(bookings).exists()


def _with_any_uid(uids: Sequence[str]) -> ColumnElement[bool]:
    refs = [f"uid:{uid}" for uid in uids]
    return bookings.c.id.in_(select(booking_refs.c.booking_id).where(booking_refs.c.ref.in_(refs)))
