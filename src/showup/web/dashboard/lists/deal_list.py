"""The list of deals."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.access.teammate import Session
from showup.reads.companies import CompanyFilter, list_companies
from showup.reads.deal_meetings import DealMeeting, meetings_of_deals, next_of, trail_of
from showup.reads.deals import SORTS, DealFilter, list_deals
from showup.reads.deals_by_meeting import MEETING_SORTS, UNDATED_SORT, list_dated, list_undated
from showup.reads.keyset import PageRequest
from showup.reads.list_rows import sources_of_deals
from showup.reads.list_totals import count_deals
from showup.reads.rows import Item
from showup.web.api.schemas import DealStatus
from showup.web.dashboard.lists.address import Address, Choice, Filter
from showup.web.dashboard.lists.record_list import (
    SIMULATED_FILTER,
    Choices,
    Column,
    Line,
    Reader,
    Reads,
    RecordList,
    RecordListQuery,
    Slice,
    cell,
    page_of,
    slice_of,
)
from showup.web.dashboard.words import Viewer, money
from showup.web.http.query_params import Day, ShortText, any_of

_SHOWN_MEETINGS: Final = 8
_SHOWN_TRAIL: Final = 6
_SHOWN_PEOPLE: Final = 2
_STATUSES: Final = (
    Choice("active", "active"),
    Choice("won", "won"),
    Choice("lost", "lost"),
    Choice("cancelled", "cancelled"),
)
# Begins the cursor among deals without a next meeting, which come after the others.
_UNDATED: Final = "-"


class DealListQuery(RecordListQuery):
    """The fields of the address of `/deals`; `opened_since` is a day."""

    status: list[DealStatus] = any_of()
    stage: list[ShortText] = any_of()
    owner: list[ShortText] = any_of()
    company_id: list[UUID] = any_of()
    meeting: Literal["none"] | None = None
    opened_since: Day | None = None
    sort: Literal[
        "next_meeting",
        "created_at",
        "-created_at",
        "updated_at",
        "-updated_at",
        "amount",
        "-amount",
        "stage_entered_at",
        "-stage_entered_at",
    ] = "-created_at"


class ListedDeal(Struct, frozen=True, kw_only=True):
    """A deal as its row shows it. `share`: how far its stage is among all, from 0 to 1; None for an unknown stage."""

    deal: Item
    people: str
    share: float | None
    next: DealMeeting | None
    next_words: str
    is_today: bool
    trail: Sequence[DealMeeting]
    source: str
    owner_name: str | None


class DealList(RecordList[DealListQuery, DealFilter]):
    """Deals: one active for each company at most."""

    noun = "deals"
    singular = "deal"
    title = "Deals"
    placeholder = "Company or domain"
    nothing = "A booking opens the deal of its company by itself."
    columns = (
        Column(title="Company"),
        Column(title="Stage"),
        Column(title="Amount", sort="amount", is_number=True, is_latest_first=True),
        Column(title="Next meeting", sort="next_meeting"),
        Column(title="Trail"),
        Column(title="Source", css="src"),
        Column(title="Owner", css="own"),
        Column(title="Updated", css="upd", sort="updated_at", is_number=True, is_latest_first=True),
    )
    csv_header = (
        *("company", "domain", "status", "stage", "amount", "currency", "owner", "opened", "in_stage_since"),
        *("updated", "simulated", "id"),
    )
    query_type = DealListQuery
    reads = Reads(page=list_deals, count=count_deals, sorts=SORTS, filter_type=DealFilter)

    def filter_of(self, query: DealListQuery, reader: Reader) -> DealFilter:
        """Return the conditions."""
        viewer = reader.viewer
        return DealFilter(
            q=query.q,
            status=query.status,
            stage=query.stage,
            owner=query.owner,
            company_id=query.company_id,
            simulated=query.simulated,
            created_from=query.at_midnight(query.opened_since, viewer),
            without_meeting_after=viewer.now if query.meeting == "none" else None,
        )

    async def filters(self, reader: Reader, address: Address, choices: Choices) -> Sequence[Filter]:
        """Return the filters: stages are those of the rules, owners are teammates."""
        return (
            Filter(name="status", label="Status", form="many", choices=_STATUSES),
            Filter(name="stage", label="Stage", form="many", choices=[Choice(one, one) for one in choices.stages]),
            Filter(name="meeting", label="Next meeting", choices=(Choice("none", "none planned"),)),
            Filter(name="owner", label="Owner", choices=[Choice(*one) for one in choices.owners.items()]),
            Filter(name="opened_since", label="Opened", form="day", preposition="since"),
            SIMULATED_FILTER,
            await company_filter(reader, address),
        )

    def views(self, session: Session) -> Mapping[str, Mapping[str, str]]:
        """Return the views of deals."""
        active = {"status": "active", "sort": "next_meeting"}
        return {
            "Active": active,
            "Mine": active | {"owner": session.teammate.email},
            "No next meeting": {"status": "active", "meeting": "none"},
            "All": {},
        }

    async def load(self, reader: Reader, query: DealListQuery, *, limit: int) -> Slice:
        """Return the deals; by next meeting, those without one come last."""
        if query.sort != "next_meeting":
            return await super().load(reader, query, limit=limit)
        filters = self.filter_of(query, reader)
        return await _by_meeting(reader.tx, reader.permission, filters, query.cursor, reader.viewer.now, limit)

    async def rows(self, reader: Reader, items: Sequence[Item], choices: Choices) -> Sequence[ListedDeal]:
        """Return the rows."""
        tx, permission, viewer, ids = reader.tx, reader.permission, reader.viewer, [one["id"] for one in items]
        meetings = await meetings_of_deals(tx, permission, ids, viewer.now, newest=_SHOWN_MEETINGS)
        sources = await sources_of_deals(tx, permission, ids)
        return [_row(one, meetings[one["id"]], sources, choices, viewer) for one in items]

    async def lines(self, reader: Reader, items: Sequence[Item]) -> Sequence[Line]:
        """Return the deals: their stage, or how they ended."""
        return [
            Line(
                title=one["company"]["name"],
                note=f"deal, {one['stage'] if one['status'] == 'active' else one['status']}"
                + ("" if one["amount"] is None else f", {money(one['amount'], one['currency'])}"),
                path=f"deals/{one['id']}",
                icon="deal",
                is_sample=one["simulated"],
            )
            for one in items
        ]

    def csv_row(self, item: Item) -> Sequence[object]:
        """Return the cells of a deal."""
        company = item["company"]
        names = ("amount", "currency", "owner_email", "created_at", "stage_entered_at", "updated_at", "simulated", "id")
        return [company["name"], company["domain"], item["status"], item["stage"], *(cell(item[one]) for one in names)]


async def company_filter(reader: Reader, address: Address) -> Filter:
    """Return the filter by company, which only links set, with the names of the companies in the address."""
    ids = [UUID(one) for one in address.values("company_id")]
    if not ids:
        return Filter(name="company_id", label="Company", form="hidden")
    page_request = PageRequest(sort="name", limit=len(ids))
    found = (await list_companies(reader.tx, reader.permission, CompanyFilter(ids=ids), page_request)).items
    choices = [Choice(str(one["id"]), one["name"]) for one in found]
    return Filter(name="company_id", label="Company", form="hidden", choices=choices)


async def _by_meeting(
    tx: AsyncConnection, permission: Permission, filters: DealFilter, cursor: str | None, now: datetime, limit: int
) -> Slice:
    dated: list[Item] = []
    if filters.without_meeting_after is None and (cursor is None or not cursor.startswith(_UNDATED)):
        request = page_of(cursor, "next_meeting", MEETING_SORTS, limit)
        page = slice_of(
            await list_dated(tx, permission, filters, now=now, limit=limit, cursor=request.cursor),
            "next_meeting",
        )
        if page.next_cursor is not None:
            return page
        dated, cursor = page.items, None
    after = None if cursor is None else cursor.removeprefix(_UNDATED)
    request = page_of(after, UNDATED_SORT, SORTS, limit)
    # A page that is full shows nothing of what follows, but whether something does.
    wanted = max(limit - len(dated), 1)
    rest = slice_of(
        await list_undated(tx, permission, filters, now=now, limit=wanted, cursor=request.cursor), UNDATED_SORT
    )
    if len(dated) == limit:
        return Slice(items=dated, next_cursor=_UNDATED if rest.items else None)
    next_cursor = None if rest.next_cursor is None else f"{_UNDATED}{rest.next_cursor}"
    return Slice(items=[*dated, *rest.items], next_cursor=next_cursor)


def _row(  # what a row is made of
    deal: Item,
    meetings: Sequence[DealMeeting],
    sources: Mapping[UUID, Any],
    choices: Choices,
    viewer: Viewer,
) -> ListedDeal:
    ahead = next_of(meetings, viewer.now)
    people = list(dict.fromkeys(one.person for one in meetings))
    source = sources.get(deal["id"])
    return ListedDeal(
        deal=deal,
        people=", ".join(people[:_SHOWN_PEOPLE]) + (f" and {len(people) - _SHOWN_PEOPLE}" if people[2:] else ""),
        share=choices.share(deal["stage"]),
        next=ahead,
        next_words="" if ahead is None else f"{viewer.day(ahead.start_time)} {viewer.hour(ahead.start_time)}",
        is_today=ahead is not None and viewer.day(ahead.start_time) == "today",
        trail=trail_of(meetings, _SHOWN_TRAIL),
        source=source_word(None if source is None else source.source, None if source is None else source.campaign),
        owner_name=choices.owners.get(deal["owner_email"] or ""),
    )


def source_word(source: str | None, campaign: str | None) -> str:
    """Return where a booking came from: its campaign, else what the booking says."""
    if campaign is not None:
        return campaign
    return "–" if source in (None, "unknown", "campaign") else str(source)


DEALS: Final = DealList()
