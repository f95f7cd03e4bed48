"""`/events/{id}`: what exactly reached Showup, what came of it, and its replay, whose consequence is shown first."""

from typing import Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.commands.replay_trial import try_replay
from showup.database.engine import driver_connection
from showup.inbox.replay import replay_event
from showup.inbox.rules import in_force
from showup.reads.event_effects import effects_of_event
from showup.reads.events import event_exists, find_event
from showup.reads.list_rows import teammate_names
from showup.reads.rows import can_see_uids
from showup.web.dashboard.action_result import ActionResult
from showup.web.dashboard.operations.event_view import ReplayView, build_event, build_replay
from showup.web.dashboard.operations.pages import read_own_form, render_operations
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.shell import record_visit, viewer_of
from showup.web.dashboard.timeline_parts import TimelineContext
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.http.app_state import AppState, ReadTransaction, State, read_transaction, write_transaction
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember

router = APIRouter(prefix="/events", include_in_schema=False, route_class=DashboardRoute)

_log = structlog.get_logger()


@router.get("/{event_id}")
async def event_page(request: Request, event_id: UUID, session: SignedIn, state: State) -> Response:
    """Show the page, or for htmx the part that changes live."""
    if not is_part(request):
        await record_visit(session, state)
    async with read_transaction(state, session.permission) as tx:
        return await _show(request, session, state, tx, event_id)


# The scope write: the uid in a body can cancel the meeting.
@router.get("/{event_id}/body")
async def event_body(event_id: UUID, session: SignedInMember, tx: ReadTransaction) -> Response:
    """Return the exact bytes, as a download: they come from outside, and no browser must render them."""
    event = await find_event(tx, session.permission, event_id)
    if event is None:
        raise Refusal("not-found", "You can see no event with this id.")
    headers = {"Content-Disposition": f'attachment; filename="{event_id}.bin"'}
    return Response(event["body"], media_type="application/octet-stream", headers=headers)


@router.post("/{event_id}/replay")
async def replay(request: Request, event_id: UUID, session: SignedInMember, state: State) -> Response:
    """Say what a replay would do, and with `do=replay` do it: a worker applies the event within moments."""
    form = await read_own_form(request, session)
    async with write_transaction(state) as tx:
        if not await event_exists(tx, session.permission, event_id):
            raise Refusal("not-found", "You can see no event with this id.")
        if form.get("do") != "replay":
            trial = await try_replay(unit_of_work_of(session, state, tx), session.workspace.id, event_id)
            view = build_replay(trial, await _context(tx, session, state))
            return await _show(request, session, state, tx, event_id, replay=view)
        if not await replay_event(tx, event_id):
            text = "Not replayed: its result would be the same. Only an unreadable, ignored or failed event can change."
            return await _show(request, session, state, tx, event_id, ActionResult(text=text, is_fault=True))
    _log.info("event replayed", event_id=str(event_id), actor=session.permission.actor)
    if not is_part(request):
        return redirect(request, f"events/{event_id}")
    async with read_transaction(state, session.permission) as tx:
        return await _show(request, session, state, tx, event_id, ActionResult(text="It is applied again now."))


async def _show(
    request: Request,
    session: Session,
    state: AppState,
    tx: AsyncConnection,
    event_id: UUID,
    result: ActionResult | None = None,
    *,
    replay: ReplayView | None = None,
) -> Response:
    event = await find_event(tx, session.permission, event_id)
    if event is None:
        raise Refusal("not-found", "You can see no event with this id.")
    effects = await effects_of_event(tx, session.permission, event_id, event["booking_id"])
    names = await teammate_names(tx, session.permission)
    view = build_event(
        event, effects, names, await _context(tx, session, state), can_read_body=can_see_uids(session.permission)
    )
    context: dict[str, Any] = {"view": view, "event": event, "replay": replay}
    return await render_operations(
        request, "event", context, tx=tx, session=session, state=state, here="events", result=result
    )


async def _context(tx: AsyncConnection, session: Session, state: AppState) -> TimelineContext:
    stages = (await in_force(await driver_connection(tx), session.workspace.id)).newest.stages
    return TimelineContext(viewer=viewer_of(session, state), actor=session.teammate.actor, meetings={}, stages=stages)
