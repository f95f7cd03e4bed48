"""`/deliveries/{id}`: what was sent to whom, each attempt, why it waits or was not sent, and what to do about it."""

from typing import Any, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.database.engine import driver_connection
from showup.dispatch import manual_actions
from showup.events.delivery import RecordChosen
from showup.reads.deliveries import find_content, find_delivery
from showup.reads.delivery_subjects import subjects_of
from showup.reads.rows import Item
from showup.web.dashboard.action_result import ActionResult
from showup.web.dashboard.operations.delivery_view import build_delivery
from showup.web.dashboard.operations.pages import read_own_form, render_operations
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.shell import record_visit, viewer_of
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember

router = APIRouter(prefix="/deliveries", include_in_schema=False, route_class=DashboardRoute)

_log = structlog.get_logger()
_DONE: Final = {
    "retry": "It will be sent again now.",
    "skip": "It will not be sent.",
    "again": "It will be sent again, with the same id.",
    "choose": "Answered.",
}


@router.get("/{delivery_id}")
async def delivery_page(request: Request, delivery_id: UUID, session: SignedIn, state: State) -> Response:
    """Show the page, or for htmx the part that changes live."""
    if not is_part(request):
        await record_visit(session, state)
    return await _show(request, session, state, delivery_id)


@router.post("/{delivery_id}")
async def change_delivery(request: Request, delivery_id: UUID, session: SignedInMember, state: State) -> Response:
    """Retry or try it now, don't send it, send a webhook again, or choose its record. A refusal changes nothing."""
    form = await read_own_form(request, session)
    change = form.get("do", "")
    async with write_transaction(state) as tx:
        await _found(tx, session, state, delivery_id)
        refused = await _change(tx, session, state, delivery_id, change, form)
    if refused is not None:
        result = ActionResult(text=f"Not done: {refused.rstrip('.')}.", is_fault=True)
        return await _show(request, session, state, delivery_id, result)
    _log.info("delivery changed", change=change, delivery_id=str(delivery_id), actor=session.permission.actor)
    if not is_part(request):
        return redirect(request, f"deliveries/{delivery_id}")
    return await _show(request, session, state, delivery_id, ActionResult(text=_DONE[change]))


async def _change(
    tx: AsyncConnection, session: Session, state: AppState, delivery_id: UUID, change: str, form: dict[str, str]
) -> str | None:
    """Return why it was refused."""
    connection, now = await driver_connection(tx), state.clock()
    match change:
        case "retry":
            return await manual_actions.retry(connection, delivery_id, now)
        case "skip":
            return await manual_actions.withdraw(connection, delivery_id, session.permission.actor, now)
        case "again":
            return await manual_actions.send_again(connection, delivery_id, now)
        case "choose":
            event = RecordChosen(delivery_id=delivery_id, record=form.get("record") or None)
            unit_of_work = unit_of_work_of(session, state, tx)
            return (await unit_of_work.try_execute(session.workspace.id, event)).refused
        case _:
            raise Refusal("invalid", f"A delivery can be changed by {', '.join(_DONE)}.")


async def _show(
    request: Request, session: Session, state: AppState, delivery_id: UUID, result: ActionResult | None = None
) -> Response:
    viewer = viewer_of(session, state)
    async with read_transaction(state, session.permission) as tx:
        delivery = await _found(tx, session, state, delivery_id)
        subject = (await subjects_of(tx, session.permission, [delivery_id]))[delivery_id]
        # With the links in a mail, a reader could cancel the meeting.
        can_read = session.permission.allows("write")
        stored = await find_content(tx, session.permission, delivery_id) if can_read else None
        refused = await manual_actions.refusal_of(await driver_connection(tx), delivery_id, viewer.now)
        view = build_delivery(delivery, subject, stored, refused, viewer)
        context: dict[str, Any] = {"view": view, "delivery": delivery}
        return await render_operations(
            request, "delivery", context, tx=tx, session=session, state=state, here="deliveries", result=result
        )


async def _found(tx: AsyncConnection, session: Session, state: AppState, delivery_id: UUID) -> Item:
    viewer = viewer_of(session, state)
    delivery = await find_delivery(tx, session.permission, delivery_id, viewer.now, viewer.moment)
    if delivery is None:
        raise Refusal("not-found", "You can see no delivery with this id.")
    return delivery
