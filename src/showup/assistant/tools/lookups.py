"""Reads of people, companies, deals and bookings, and why a deal is where it is."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from showup.assistant.tool import Arguments, Tool
from showup.assistant.tool_context import ToolContext, ToolFailed
from showup.reads.bookings import BookingFilter, list_bookings
from showup.reads.companies import CompanyFilter, list_companies
from showup.reads.deals import DealFilter, find_deal, list_deals
from showup.reads.keyset import PageRequest, ResultPage
from showup.reads.people import PersonFilter, list_people
from showup.reads.rows import Item
from showup.reads.search import check_search
from showup.reads.unmatched import UnmatchedFilter, list_unmatched

_MAX_TIMELINE: Final = 60
_PERSON_FIELDS: Final = ("id", "name", "email", "company", "time_zone", "phone", "updated_at")
_COMPANY_FIELDS: Final = ("id", "name", "domain", "updated_at")
_DEAL_FIELDS: Final = (
    *("id", "company", "status", "stage", "owner_email", "amount", "currency", "created_at", "stage_entered_at"),
)
_BOOKING_FIELDS: Final = (
    *("id", "title", "start_time", "end_time", "booked_at", "status", "attended", "attendance", "person", "company"),
    *("deal_id", "organizer_email", "reschedule_count", "cancellation_reason", "notes", "source"),
)

Words = Annotated[str, Field(max_length=200, description="Beginnings of words to find"), AfterValidator(check_search)]
Limit = Annotated[int, Field(ge=1, le=50, description="The most records to return")]


class SearchArguments(Arguments):
    """Words that must all be found."""

    q: Words
    limit: Limit = 10


class DealSearchArguments(Arguments):
    """Which deals to find; all conditions must hold."""

    q: Annotated[Words | None, Field(description="Beginnings of words in the company's name or domain")] = None
    status: Annotated[Literal["active", "won", "lost", "cancelled"] | None, Field(description="Only this status")] = (
        None
    )
    stage: Annotated[str | None, Field(max_length=100, description="Only this stage, such as booked or met")] = None
    limit: Limit = 10


class BookingSearchArguments(Arguments):
    """Which bookings to find; all conditions must hold."""

    q: Annotated[Words | None, Field(description="Beginnings of words in a name, the company or the title")] = None
    starts_from: Annotated[AwareDatetime | None, Field(description="First start, with offset")] = None
    starts_before: Annotated[AwareDatetime | None, Field(description="End of the range of starts, with offset")] = None
    status: Annotated[
        Literal["ACCEPTED", "PENDING", "CANCELLED", "REJECTED"] | None, Field(description="Only this status")
    ] = None
    limit: Limit = 10


class DealArguments(Arguments):
    """A deal."""

    deal_id: Annotated[UUID, Field(description="The deal's id, from search_deals or search_bookings")]


class UnmatchedArguments(Arguments):
    """How many."""

    limit: Limit = 10


async def search_people(context: ToolContext, arguments: SearchArguments) -> Item:
    """Return people by words in their name or address, the latest change first."""
    async with context.services.read() as tx:
        filters = PersonFilter(q=arguments.q)
        page = await list_people(tx, context.caller.reading, filters, _page("-updated_at", arguments.limit))
    return _answer("people", page, _PERSON_FIELDS)


async def search_companies(context: ToolContext, arguments: SearchArguments) -> Item:
    """Return companies by words in their name or domain, the latest change first."""
    async with context.services.read() as tx:
        filters = CompanyFilter(q=arguments.q)
        page = await list_companies(tx, context.caller.reading, filters, _page("-updated_at", arguments.limit))
    return _answer("companies", page, _COMPANY_FIELDS)


async def search_deals(context: ToolContext, arguments: DealSearchArguments) -> Item:
    """Return deals, the latest change first."""
    filters = DealFilter(
        q=arguments.q,
        status=[arguments.status] if arguments.status else [],
        stage=[arguments.stage] if arguments.stage else [],
    )
    async with context.services.read() as tx:
        page = await list_deals(tx, context.caller.reading, filters, _page("-updated_at", arguments.limit))
    return _answer("deals", page, _DEAL_FIELDS)


async def search_bookings(context: ToolContext, arguments: BookingSearchArguments) -> Item:
    """Return bookings, the latest meeting first."""
    filters = BookingFilter(
        q=arguments.q,
        status=[arguments.status] if arguments.status else [],
        starts_from=arguments.starts_from,
        starts_before=arguments.starts_before,
    )
    async with context.services.read() as tx:
        page = await list_bookings(tx, context.caller.reading, filters, _page("-start_time", arguments.limit))
    return _answer("bookings", page, _BOOKING_FIELDS)


async def explain_deal(context: ToolContext, arguments: DealArguments) -> Item:
    """Return a deal with the audit log of it and its meetings: each change, when, by whom, and why."""
    async with context.services.read() as tx:
        deal = await find_deal(tx, context.caller.reading, arguments.deal_id)
    if deal is None:
        raise ToolFailed("You can see no deal with this id. Call search_deals to find it.")
    changes = [
        {name: entry[name] for name in ("at", "what", "because", "actor", "change")} for entry in deal["timeline"]
    ]
    return {
        "deal": _pick(deal, (*_DEAL_FIELDS, "lost_reason", "closed_at")),
        "contacts": [_pick(one, _PERSON_FIELDS) for one in deal["contacts"][:20]],
        "changes": changes[-_MAX_TIMELINE:],
        "omitted": max(len(changes) - _MAX_TIMELINE, 0),
        "note": "`changes` is the audit log in the order of events: `because` says why each happened.",
    }


async def list_unmatched_bookings(context: ToolContext, arguments: UnmatchedArguments) -> Item:
    """Return attendees who are matched to no lead, each with the leads that they may be."""
    async with context.services.read() as tx:
        page = await list_unmatched(
            tx, context.caller.reading, UnmatchedFilter(dismissed=False), _page("-start_time", arguments.limit)
        )
    fields = ("id", "booking_id", "attendee", "name", "title", "start_time", "status", "candidates")
    return _answer("unmatched", page, fields)


def _page(sort: str, limit: int) -> PageRequest:
    return PageRequest(sort=sort, limit=limit)


def _answer(noun: str, page: ResultPage, fields: tuple[str, ...]) -> Item:
    return {noun: [_pick(one, fields) for one in page.items], "has_more": page.next_cursor is not None}


def _pick(item: Item, fields: tuple[str, ...]) -> dict[str, Any]:
    """Return these fields; a model needs no more."""
    return {name: item[name] for name in fields if name in item}


TOOLS: Final = (
    Tool(
        name="search_people",
        title="Search people",
        description="Find people by name or email address, with their company and time zone.",
        arguments=SearchArguments,
        run=search_people,
    ),
    Tool(
        name="search_companies",
        title="Search companies",
        description="Find companies by name or domain.",
        arguments=SearchArguments,
        run=search_companies,
    ),
    Tool(
        name="search_deals",
        title="Search deals",
        description="Find deals by company, status and stage, with amount and owner.",
        arguments=DealSearchArguments,
        run=search_deals,
    ),
    Tool(
        name="search_bookings",
        title="Search bookings",
        description="Find bookings (meetings) by name, company, time and status, with notes and attendance.",
        arguments=BookingSearchArguments,
        run=search_bookings,
    ),
    Tool(
        name="explain_deal",
        title="Explain a deal",
        description="Say why a deal is where it is, such as why it was cancelled: its audit log with reasons.",
        arguments=DealArguments,
        run=explain_deal,
    ),
    Tool(
        name="list_unmatched_bookings",
        title="Unmatched bookings",
        description="List attendees who are matched to no lead of a campaign, with the leads that they may be.",
        arguments=UnmatchedArguments,
        run=list_unmatched_bookings,
    ),
)
