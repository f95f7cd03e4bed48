"""The list of companies."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from showup.access.teammate import Session
from showup.reads.companies import SORTS, CompanyFilter, list_companies
from showup.reads.deal_meetings import DealMeeting, meetings_of_deals, next_of, trail_of
from showup.reads.list_rows import CompanyExtras, extras_of_companies
from showup.reads.list_totals import count_companies
from showup.reads.rows import Item
from showup.web.dashboard.lists.address import Address, Filter
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
from showup.web.dashboard.words import Viewer, count
from showup.web.http.query_params import ShortText, any_of

_SHOWN_MEETINGS: Final = 6
_SHOWN_PEOPLE: Final = 2


class CompanyListQuery(RecordListQuery):
    """The fields of the address of `/companies`."""

    domain: list[ShortText] = any_of()
    sort: Literal["name", "-name", "created_at", "-created_at", "updated_at", "-updated_at"] = "-created_at"


class ListedCompany(Struct, frozen=True, kw_only=True):
    """A company as its row shows it; `trail` and `next_words` are of its active deal."""

    company: Item
    extras: CompanyExtras
    people: str
    share: float | None
    trail: Sequence[DealMeeting]
    next_words: str
    is_today: bool


class CompanyList(RecordList[CompanyListQuery, CompanyFilter]):
    """Companies: each business domain is one."""

    noun = "companies"
    singular = "company"
    title = "Companies"
    placeholder = "Name or domain"
    nothing = "A booking from a business address brings its company."
    columns = (
        Column(title="Company", sort="name"),
        Column(title="People", css="kind-cell"),
        Column(title="Active deal"),
        Column(title="Amount", is_number=True),
        Column(title="Next meeting"),
        Column(title="Trail"),
        Column(title="Updated", css="upd", sort="updated_at", is_number=True, is_latest_first=True),
    )
    csv_header = ("company", "domain", "created", "updated", "simulated", "id")
    query_type = CompanyListQuery

    reads = Reads(page=list_companies, count=count_companies, sorts=SORTS, filter_type=CompanyFilter)

    def filter_of(self, query: CompanyListQuery, reader: Reader) -> CompanyFilter:
        """Return the conditions."""
        return CompanyFilter(q=query.q, domain=query.domain, simulated=query.simulated)

    async def filters(self, reader: Reader, address: Address, choices: Choices) -> Sequence[Filter]:
        """Return the filters."""
        return (SIMULATED_FILTER, Filter(name="domain", label="Domain", form="hidden"))

    def views(self, session: Session) -> Mapping[str, Mapping[str, str]]:
        """Return the views of companies."""
        return {"Newest": {}, "By name": {"sort": "name"}}

    async def rows(self, reader: Reader, items: Sequence[Item], choices: Choices) -> Sequence[ListedCompany]:
        """Return the rows."""
        tx, permission, viewer = reader.tx, reader.permission, reader.viewer
        extras = await extras_of_companies(tx, permission, [one["id"] for one in items])
        deal_ids = [one.deal_id for one in extras.values() if one.deal_id is not None]
        meetings = await meetings_of_deals(tx, permission, deal_ids, viewer.now, newest=_SHOWN_MEETINGS)
        return [_row(one, extras[one["id"]], meetings, choices, viewer) for one in items]

    async def lines(self, reader: Reader, items: Sequence[Item]) -> Sequence[Line]:
        """Return the companies, with their domains."""
        return [
            Line(
                title=one["name"],
                note=f"company, {one['domain']}",
                path=f"companies/{one['id']}",
                icon="company",
                is_sample=one["simulated"],
            )
            for one in items
        ]

    def csv_row(self, item: Item) -> Sequence[object]:
        """Return the cells of a company."""
        return [cell(item[name]) for name in ("name", "domain", "created_at", "updated_at", "simulated", "id")]


def _row(
    company: Item,
    extras: CompanyExtras,
    meetings: Mapping[Any, Sequence[DealMeeting]],
    choices: Choices,
    viewer: Viewer,
) -> ListedCompany:
    own = meetings.get(extras.deal_id, ())
    ahead = next_of(own, viewer.now)
    day = "" if ahead is None else viewer.day(ahead.start_time)
    names = ", ".join(extras.names[:_SHOWN_PEOPLE])
    more = extras.people - _SHOWN_PEOPLE
    return ListedCompany(
        company=company,
        extras=extras,
        people=f"{names} and {count(more, 'other')}" if more > 0 else names,
        share=choices.share(extras.stage),
        trail=trail_of(own, _SHOWN_MEETINGS),
        next_words="" if ahead is None else f"{day} {viewer.hour(ahead.start_time)}",
        is_today=day == "today",
    )


COMPANIES: Final = CompanyList()
