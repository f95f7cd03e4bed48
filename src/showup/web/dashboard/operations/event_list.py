"""`/events`: what reached Showup: webhooks, comparisons with Cal.com, and what people and programs did."""

from datetime import timedelta
from typing import Any, Final, Literal

from fastapi import APIRouter, Request, Response

from showup.access.teammate import Session
from showup.reads.event_effects import count_unreadable
from showup.reads.events import SORTS, EventFilter, list_events
from showup.reads.list_rows import teammate_names
from showup.web.api.events import EventState
from showup.web.dashboard.lists.address import Address, Choice, Filter, chips_of
from showup.web.dashboard.lists.record_list import SIMULATED_FILTER
from showup.web.dashboard.operations.event_words import STATES, listed_event
from showup.web.dashboard.operations.pages import (
    PAGE_ROWS,
    PageQuery,
    address_of,
    next_url_of,
    parse_query,
    render_operations,
    tab_of,
)
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.shell import record_visit, viewer_of
from showup.web.http.app_state import AppState, State, read_transaction
from showup.web.http.paging import build_page_request
from showup.web.http.query_params import ShortText, any_of
from showup.web.http.sessions import SignedIn

router = APIRouter(prefix="/events", include_in_schema=False, route_class=DashboardRoute)

_SORT: Final = "-received_at"
_UNREADABLE_FOR: Final = timedelta(days=30)
_SOURCES: Final = (
    Choice("calcom", "Cal.com"),
    Choice("manual", "people and programs"),
    Choice("resend", "Resend, about our mails"),
    Choice("emailbison", "EmailBison"),
)


class EventListQuery(PageQuery):
    """The fields of the address. `uid` is Cal.com's of a booking."""

    state: list[EventState] = any_of()
    source: list[Literal["calcom", "manual", "resend", "emailbison"]] = any_of()
    trigger: list[ShortText] = any_of()
    uid: list[ShortText] = any_of()


@router.get("")
async def event_list_page(request: Request, session: SignedIn, state: State) -> Response:
    """Show the page, or for htmx the part that changes live: it has the page's own address."""
    address = address_of("events", request.url.query)
    if not is_part(request):
        if address.has_empty_fields(request.url.query):
            return redirect(request, address.url)
        await record_visit(session, state)
    return await _show(request, session, state, address)


async def _show(request: Request, session: Session, state: AppState, address: Address) -> Response:
    viewer = viewer_of(session, state)
    query = parse_query(EventListQuery, address)
    page_request = build_page_request(sort=_SORT, limit=PAGE_ROWS, cursor=query.cursor, sorts=SORTS)
    criteria = EventFilter(
        state=query.state, source=query.source, trigger=query.trigger, uid=query.uid, simulated=query.simulated
    )
    async with read_transaction(state, session.permission) as tx:
        page = await list_events(tx, session.permission, criteria, page_request)
        unreadable = await count_unreadable(tx, session.permission, viewer.now - _UNREADABLE_FOR)
        names = await teammate_names(tx, session.permission)
        filters = _filters()
        context: dict[str, Any] = {
            "address": address,
            "rows": [listed_event(one, names, session.teammate.actor) for one in page.items],
            "unreadable": unreadable,
            "tabs": [
                tab_of(address, "All", {}),
                tab_of(address, "Unreadable", {"state": "unreadable"}, number=unreadable, most=99, is_fault=True),
                tab_of(address, "Failed", {"state": "failed"}),
                tab_of(address, "Waiting", {"state": "waiting"}),
            ],
            "filters": filters,
            "chips": [one for one in chips_of(address, filters) if one.label != "State"],
            "is_first": query.cursor is None,
            "next_url": next_url_of(address, page, _SORT),
        }
        return await render_operations(request, "events", context, tx=tx, session=session, state=state)


def _filters() -> tuple[Filter, ...]:
    return (
        Filter(
            name="state", label="State", form="many", choices=[Choice(name, one.words) for name, one in STATES.items()]
        ),
        Filter(name="source", label="From", choices=_SOURCES),
        Filter(name="trigger", label="Kind", form="text"),
        Filter(name="uid", label="Uid of the booking", form="text"),
        SIMULATED_FILTER,
    )
