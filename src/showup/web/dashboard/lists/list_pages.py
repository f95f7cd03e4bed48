"""`/deals`, `/bookings`, `/people`, `/companies`, `/leads`, `/answers`: the pages of lists, and their CSV."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import saved_views_store
from showup.access.teammate import Session
from showup.reads.list_totals import MAX_COUNTED
from showup.web.dashboard.lists.address import Address, View, chips_of, view_of
from showup.web.dashboard.lists.answer_list import ANSWERS
from showup.web.dashboard.lists.booking_list import BOOKINGS
from showup.web.dashboard.lists.company_list import COMPANIES
from showup.web.dashboard.lists.csv_export import csv_download
from showup.web.dashboard.lists.deal_list import DEALS
from showup.web.dashboard.lists.lead_list import LEADS
from showup.web.dashboard.lists.person_list import PEOPLE
from showup.web.dashboard.lists.record_list import PAGE_ROWS, Column, Reader, RecordList, load_choices
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.shell import record_visit, shell_context, viewer_of
from showup.web.dashboard.templates import render_page
from showup.web.http.app_state import AppState, State, read_transaction
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_LISTS: Final = (DEALS, BOOKINGS, PEOPLE, COMPANIES, LEADS, ANSWERS)
LISTS: Final[dict[str, RecordList[Any, Any]]] = {one.noun: one for one in _LISTS}


async def list_context(
    tx: AsyncConnection, session: Session, state: AppState, record_list: RecordList[Any, Any], address: Address
) -> dict[str, Any]:
    """Return what the page of a list shows, and its part. Refuses an address that can't be read."""
    reader, query = Reader(tx=tx, session=session, viewer=viewer_of(session, state)), record_list.parse(address)
    found = await record_list.load(reader, query, limit=PAGE_ROWS)
    totals = await record_list.count(reader, query, bound=MAX_COUNTED)
    choices = await load_choices(tx, session)
    filters = await record_list.filters(reader, address, choices)
    # Rows may have come or gone since the page before.
    first = query.after if query.cursor else 0
    shown = first + len(found.items)
    if totals.has_more and totals.number < shown:
        # A search for common words is not counted to the end.
        totals = replace(totals, number=shown, has_more=found.next_cursor is not None)
    following = address.view.with_field("after", str(shown)).url + f"&cursor={found.next_cursor}"
    return {
        "list": record_list,
        "address": address,
        "query": query,
        "rows": await record_list.rows(reader, found.items, choices),
        "totals": totals,
        "filters": filters,
        "chips": chips_of(address, filters),
        "views": await _views(tx, session, record_list, address),
        "columns": [
            (one, _sort_link(one, address, query.sort), _direction(one, query.sort)) for one in record_list.columns
        ],
        "first": first,
        "shown": shown,
        "next_url": following if found.next_cursor else None,
        "next_rows": PAGE_ROWS if totals.has_more else max(1, min(PAGE_ROWS, totals.number - shown)),
        "result": None,
        "choices": choices,
    }


def read_address(request: Request, record_list: RecordList[Any, Any]) -> Address:
    """Return the address that a request asks for. Refuses one with too many fields."""
    try:
        return Address.of(record_list.noun, request.url.query)
    except ValueError:
        raise Refusal("invalid", "The address has too many fields. Remove some filters.") from None


async def show_list(  # what is shown, and where
    request: Request,
    session: Session,
    state: AppState,
    record_list: RecordList[Any, Any],
    address: Address,
    **more: Any,
) -> Response:
    """Show the list, or for htmx its part."""
    async with read_transaction(state, session.permission) as tx:
        context = await list_context(tx, session, state, record_list, address)
        context |= await shell_context(tx, session, viewer_of(session, state)) | more
    return render_page(request, "parts/list.html" if is_part(request) else "list.html", context)


async def _views(
    tx: AsyncConnection, session: Session, record_list: RecordList[Any, Any], address: Address
) -> list[View]:
    offered = [view_of(address, name, fields) for name, fields in record_list.views(session).items()]
    saved = await saved_views_store.list_views(tx, session, record_list.noun)
    own = [(one, Address.of(record_list.noun, one.query)) for one in saved]
    return offered + [
        View(name=one.name, url=there.url, is_current=there.query == address.query, id=str(one.id))
        for one, there in own
    ]


def _direction(column: Column, sort: str) -> str | None:
    if column.sort is None or sort.removeprefix("-") != column.sort:
        return None
    return "descending" if sort.startswith("-") else "ascending"


def _sort_link(column: Column, address: Address, sort: str) -> str | None:
    """Return the link of a head: a second click turns the order round, where there is one both ways."""
    if column.sort is None:
        return None
    downward = f"-{column.sort}"
    first, second = (downward, column.sort) if column.is_latest_first else (column.sort, downward)
    wanted = second if sort == first and column.sort != "next_meeting" else first
    return address.with_field("sort", wanted).url


def _page_of(record_list: RecordList[Any, Any]) -> Callable[..., Awaitable[Response]]:
    async def list_page(request: Request, session: SignedIn, state: State) -> Response:
        # The part that refreshes by itself has the page's own address, so that its links are relative to the same.
        address = read_address(request, record_list)
        if not is_part(request):
            if address.has_empty_fields(request.url.query):
                return redirect(request, address.url)
            await record_visit(session, state)
        return await show_list(request, session, state, record_list, address)

    return list_page


def _csv_of(record_list: RecordList[Any, Any]) -> Callable[..., Awaitable[Response]]:
    async def list_csv(request: Request, session: SignedIn, state: State) -> Response:
        return await csv_download(session, state, record_list, read_address(request, record_list))

    return list_csv


for _list in LISTS.values():
    router.add_api_route(f"/{_list.noun}", _page_of(_list), methods=["GET"])
    router.add_api_route(f"/{_list.noun}.csv", _csv_of(_list), methods=["GET"])
