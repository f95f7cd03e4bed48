"""`/deliveries`: destinations first, then all that Showup sends, to people and to other systems."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator

from showup.access.teammate import Session
from showup.database.engine import driver_connection
from showup.dispatch import manual_actions
from showup.reads.deliveries import SORTS, DeliveryFilter, list_deliveries, workspace_of_delivery
from showup.reads.delivery_subjects import subjects_of
from showup.reads.destinations import MAX_FAILED, MAX_OPEN, DestinationStatus, list_destinations
from showup.values.email_address import normalize_email
from showup.web.api.deliveries import DeliveryState
from showup.web.dashboard.action_result import ActionResult
from showup.web.dashboard.lists.address import Address, Choice, Filter, chips_of
from showup.web.dashboard.lists.record_list import SIMULATED_FILTER
from showup.web.dashboard.operations.delivery_rows import destination_rows, listed_delivery
from showup.web.dashboard.operations.pages import (
    PAGE_ROWS,
    PageQuery,
    Tab,
    address_of,
    next_url_of,
    parse_query,
    read_own_form,
    render_operations,
    tab_of,
)
from showup.web.dashboard.operations.system_names import system_name
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.shell import record_visit, viewer_of
from showup.web.dashboard.words import Viewer, count
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.paging import build_page_request
from showup.web.http.problems import Refusal
from showup.web.http.query_params import ShortText, any_of
from showup.web.http.sessions import SignedIn, SignedInMember

router = APIRouter(prefix="/deliveries", include_in_schema=False, route_class=DashboardRoute)

_log = structlog.get_logger()
_SORT: Final = "-created_at"
_STATES: Final = (
    Choice("scheduled", "scheduled"),
    Choice("sending", "being sent"),
    Choice("delivered", "delivered"),
    Choice("previewed", "in the preview"),
    Choice("failed", "failed"),
    Choice("withdrawn", "withdrawn"),
    Choice("skipped", "not sent"),
)
Recipient: TypeAlias = Annotated[ShortText, AfterValidator(normalize_email)]


class DeliveryListQuery(PageQuery):
    """The fields of the address. `due`: whether it was due before this moment."""

    state: list[DeliveryState] = any_of()
    due: Literal["past", "ahead"] | None = None
    destination: list[ShortText] = any_of()
    kind: list[ShortText] = any_of()
    recipient: list[Recipient] = any_of()
    booking_id: list[UUID] = any_of()
    deal_id: list[UUID] = any_of()

    def to_filter(self, viewer: Viewer) -> DeliveryFilter:
        """Return these fields as a filter of the API."""
        return DeliveryFilter(
            state=self.state,
            destination=self.destination,
            kind=self.kind,
            recipient=self.recipient,
            booking_id=self.booking_id,
            deal_id=self.deal_id,
            simulated=self.simulated,
            due_from=viewer.now if self.due == "ahead" else None,
            due_to=viewer.now if self.due == "past" else None,
        )


@router.get("")
async def delivery_list_page(request: Request, session: SignedIn, state: State) -> Response:
    """Show the page, or for htmx the part that changes live: it has the page's own address."""
    address = address_of("deliveries", request.url.query)
    if not is_part(request):
        if address.has_empty_fields(request.url.query):
            return redirect(request, address.url)
        await record_visit(session, state)
    return await _show(request, session, state, address)


@router.post("")
async def retry_failed(request: Request, session: SignedInMember, state: State) -> Response:
    """Send one failed delivery again, or all that failed at one destination and whose time is not over."""
    form = await read_own_form(request, session)
    address = address_of("deliveries", form.get("query", ""))
    result = await (_retry_one if "delivery" in form else _retry_destination)(session, state, form)
    if not is_part(request) and not result.is_fault:
        return redirect(request, address.url)
    return await _show(request, session, state, address, result)


async def _retry_one(session: Session, state: AppState, form: dict[str, str]) -> ActionResult:
    try:
        delivery_id = UUID(form["delivery"])
    except ValueError:
        raise Refusal("invalid", "The form names no delivery.") from None
    async with write_transaction(state) as tx:
        if await workspace_of_delivery(tx, delivery_id, [session.workspace.id]) is None:
            raise Refusal("not-found", "You can see no delivery with this id.")
        refused = await manual_actions.retry(await driver_connection(tx), delivery_id, state.clock())
    if refused is not None:
        return ActionResult(text=f"Not sent again: {refused.rstrip('.')}.", is_fault=True)
    _log.info("delivery retried", delivery_id=str(delivery_id), actor=session.permission.actor)
    return ActionResult(text="It will be sent again now.")


async def _retry_destination(session: Session, state: AppState, form: dict[str, str]) -> ActionResult:
    destination = form.get("destination", "")
    if not destination:
        raise Refusal("invalid", "The form names no destination.")
    async with write_transaction(state) as tx:
        selection = manual_actions.FailedFilter(workspace_id=session.workspace.id, destination=destination)
        done = await manual_actions.retry_failed(await driver_connection(tx), selection, state.clock())
    _log.info("failed deliveries retried", retried=done.retried, expired=done.expired, actor=session.permission.actor)
    text = f"{done.retried:,} will be sent again now." if done.retried else "Nothing could be sent again."
    if done.expired:
        text += f" {count(done.expired, 'delivery stays', 'deliveries stay')} failed: too late."
    return ActionResult(text=text)


async def _show(
    request: Request, session: Session, state: AppState, address: Address, result: ActionResult | None = None
) -> Response:
    viewer = viewer_of(session, state)
    query = parse_query(DeliveryListQuery, address)
    page_request = build_page_request(sort=_SORT, limit=PAGE_ROWS, cursor=query.cursor, sorts=SORTS)
    async with read_transaction(state, session.permission) as tx:
        page = await list_deliveries(
            tx, session.permission, query.to_filter(viewer), page_request, viewer.now, viewer.moment
        )
        subjects = await subjects_of(tx, session.permission, [one["id"] for one in page.items])
        destinations = await list_destinations(tx, session.permission, viewer.now)
        filters = _filters(destinations)
        context: dict[str, Any] = {
            "address": address,
            "rows": [listed_delivery(one, subjects[one["id"]], viewer) for one in page.items],
            "destinations": destination_rows(destinations, viewer),
            "tabs": _tabs(address, destinations),
            "filters": filters,
            "chips": [one for one in chips_of(address, filters) if one.label != "State"],
            "is_first": query.cursor is None,
            "next_url": next_url_of(address, page, _SORT),
        }
        return await render_operations(
            request, "deliveries", context, tx=tx, session=session, state=state, result=result
        )


def _tabs(address: Address, destinations: Sequence[DestinationStatus]) -> list[Tab]:
    failed, waiting, planned = (
        sum(values)
        for values in (
            [one.failed for one in destinations],
            [one.waiting for one in destinations],
            [one.planned for one in destinations],
        )
    )
    return [
        tab_of(address, "All", {}),
        tab_of(address, "Failed", {"state": "failed"}, number=failed, most=MAX_FAILED, is_fault=True),
        tab_of(address, "Waiting", {"state": "scheduled", "due": "past"}, number=waiting, most=MAX_OPEN),
        tab_of(address, "Scheduled", {"state": "scheduled", "due": "ahead"}, number=planned, most=MAX_OPEN - waiting),
    ]


def _filters(destinations: Sequence[DestinationStatus]) -> Sequence[Filter]:
    names = [Choice(one.destination, system_name(one.destination, one.address)) for one in destinations]
    return (
        Filter(name="state", label="State", form="many", choices=_STATES),
        Filter(name="destination", label="Destination", choices=names),
        Filter(name="recipient", label="To", form="text"),
        SIMULATED_FILTER,
        Filter(name="kind", label="What", form="hidden"),
        Filter(name="booking_id", label="Booking", form="hidden"),
        Filter(name="deal_id", label="Deal", form="hidden"),
    )
