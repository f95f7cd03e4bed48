"""`/connections/new/{kind}` and `/connections/{id}`: one form for every kind of connection, and what waits for it."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import teammates_store
from showup.access.connection import CALCOM
from showup.access.teammate import ACTOR_PREFIX, Session
from showup.connections.catalogue import KINDS
from showup.database.engine import driver_connection
from showup.destinations.destination_kind import DestinationKind
from showup.dispatch.manual_actions import FailedFilter, retry_failed
from showup.reads.connections import list_connections
from showup.reads.destinations import DestinationStatus, list_destinations
from showup.reads.rows import Item
from showup.web.dashboard.action_result import ActionResult
from showup.web.dashboard.operations.connection_form import form_of, form_values
from showup.web.dashboard.operations.connection_rows import ADDED_AT, destination_row, removal_words
from showup.web.dashboard.operations.connection_settings import (
    KnownConnection,
    SavedConnection,
    find_connection,
    remove_connection,
    save_connection,
    set_paused,
)
from showup.web.dashboard.operations.connection_trial import ask_connection, in_time
from showup.web.dashboard.operations.pages import read_own_form
from showup.web.dashboard.operations.system_names import system_name
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.records.history import actor_word
from showup.web.dashboard.shell import render_shell, viewer_of
from showup.web.dashboard.words import count
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInAdmin

router = APIRouter(prefix="/connections", include_in_schema=False, route_class=DashboardRoute)

_log = structlog.get_logger()
_ON: Final = "on"


@router.get("/new/{kind}")
async def new_connection_page(request: Request, kind: str, session: SignedInAdmin, state: State) -> Response:
    """Show the form that connects a kind; a workspace has one of each, so a second one leads to the first."""
    wanted = _kind_of(kind)
    async with state.read_engine.connect() as tx:
        known = await find_connection(tx, session, state, None, wanted)
    if known.row is not None:
        return redirect(request, f"connections/{known.row.id}")
    return await _show(request, session, state, wanted, known)


@router.post("/new/{kind}")
async def add_connection(request: Request, kind: str, session: SignedInAdmin, state: State) -> Response:
    """Connect a kind, and test it."""
    form = await read_own_form(request, session)
    return await _save(request, session, state, _kind_of(kind), None, form)


@router.get("/{connection_id}")
async def connection_page(
    request: Request, connection_id: UUID, session: SignedInAdmin, state: State, done: str = ""
) -> Response:
    """Show a connection's settings, and never its secrets; `done` is what was done before."""
    async with state.read_engine.connect() as tx:
        known = await find_connection(tx, session, state, connection_id, None)
    assert known.row is not None, "found above"
    if known.row.kind not in KINDS:
        return redirect(request, ADDED_AT.get(known.row.kind, ADDED_AT[CALCOM]))
    words = {"paused": "Paused: nothing is sent there.", "resumed": "Resumed: what waits is sent now."}
    result = ActionResult(text=words[done]) if done in words else None
    return await _show(request, session, state, KINDS[known.row.kind], known, result=result)


@router.post("/{connection_id}/settings")
async def change_connection(request: Request, connection_id: UUID, session: SignedInAdmin, state: State) -> Response:
    """Save a connection's settings and test it, pause or resume it, or remove it."""
    form = await read_own_form(request, session)
    do = form.get("do", "")
    if do == "remove":
        await remove_connection(session, state, connection_id)
        return redirect(request, "connections")
    async with state.read_engine.connect() as tx:
        known = await find_connection(tx, session, state, connection_id, None)
    if known.row is None or known.row.kind not in KINDS:
        raise Refusal("conflict", "This connection has a page of its own: see Connections.")
    match do:
        case "save":
            return await _save(request, session, state, KINDS[known.row.kind], connection_id, form)
        case "pause" | "resume":
            await set_paused(session, state, connection_id, paused=do == "pause")
            return redirect(request, f"connections/{connection_id}?done={do}d")
        case _:
            raise Refusal("invalid", "A connection can be saved, paused, resumed and removed.")


async def _save(
    request: Request,
    session: Session,
    state: AppState,
    kind: DestinationKind,
    connection_id: UUID | None,
    form: Mapping[str, str],
) -> Response:
    saved = await save_connection(session, state, kind, connection_id, form)
    if saved.faults or saved.conflict is not None:
        return await _show(request, session, state, kind, saved.known, form=form, saved=saved)
    result = await _try(session, state, saved.known)
    if form.get("retry") == _ON and not result.is_fault:
        result = ActionResult(text=f"{result.text} {await _retry(session, state, kind)}")
    return await _show(request, session, state, kind, saved.known, result=result)


async def _try(session: Session, state: AppState, known: KnownConnection) -> ActionResult:
    """Return what the other system says of the connection that was just saved."""
    assert known.row is not None, "it was saved"
    if state.check_connection is None:
        return ActionResult(text="Saved.")
    if state.connection_tests.retry_after(session.workspace.id) is not None:
        return ActionResult(text="Saved, and not tested: a test ran just before. Press it again in 5 seconds.")
    # No transaction stays open meanwhile: the other system may be slow.
    result = await in_time(known.row, ask_connection(state, known.row))
    if result.is_fault:
        return ActionResult(text=f"Saved, and it does not work yet. {result.text}", is_fault=True)
    return ActionResult(text=f"Saved, and it works. {result.text}")


async def _retry(session: Session, state: AppState, kind: DestinationKind) -> str:
    wanted = FailedFilter(workspace_id=session.workspace.id, destination=kind.name)
    async with write_transaction(state) as tx:
        found = await retry_failed(await driver_connection(tx), wanted, state.clock())
    _log.info("failed deliveries retried", retried=found.retried, actor=session.permission.actor)
    return f"{count(found.retried, 'failed delivery is', 'failed deliveries are')} sent again."


def _kind_of(name: str) -> DestinationKind:
    if name not in KINDS:
        raise Refusal("not-found", f"Showup connects {', '.join(map(system_name, KINDS))} here.")
    return KINDS[name]


async def _show(  # noqa: PLR0913  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    kind: DestinationKind,
    known: KnownConnection,
    *,
    form: Mapping[str, str] | None = None,
    saved: SavedConnection | None = None,
    result: ActionResult | None = None,
) -> Response:
    viewer, fields = viewer_of(session, state), form_of(kind)
    shown = form_values(fields, known.settings)
    faults = {} if saved is None else saved.faults
    conflict = None if saved is None else saved.conflict
    async with read_transaction(state, session.permission) as tx:
        item, queue = await _state_of(tx, session, state, kind, known)
        names = {one.email: one.name for one in await teammates_store.list_teammates(tx, session.workspace.id)}
        context: dict[str, Any] = {
            "here": "connections",
            "kind": kind,
            "name": system_name(kind.name),
            "known": known,
            "fields": fields,
            # After a fault, the form still says what it showed at first; after a conflict, what is stored now.
            "was": _was(form) if form is not None and conflict is None else shown,
            "seen": form.get("seen", "") if form is not None and conflict is None else known.seen,
            "values": shown if form is None else form,
            "faults": faults,
            "has_secrets": any(name.startswith("c.") and value for name, value in (form or {}).items()),
            "open_rare": any(f"s.{one.name}" in faults for one in fields.rare),
            "conflict": conflict,
            "result": result,
            "row": None if item is None else destination_row(item, queue, viewer),
            "queue": queue,
            "removal": removal_words(kind.name, queue),
            "who": lambda actor: actor_word(
                actor, names.get(actor.removeprefix(ACTOR_PREFIX)), session.permission.actor
            ),
        }
        status = 422 if faults or (result is not None and result.is_fault) else 409 if conflict else 200
        return await render_shell(
            request, "connection.html", context, tx=tx, session=session, state=state, status=status
        )


def _was(form: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("was."): value for name, value in form.items() if name.startswith("was.")}


async def _state_of(
    tx: AsyncConnection, session: Session, state: AppState, kind: DestinationKind, known: KnownConnection
) -> tuple[Item | None, DestinationStatus | None]:
    """Return the connection with the state of what it reads, and that of what is sent there."""
    now = state.clock()
    queues = await list_destinations(tx, session.permission, now)
    queue = next((one for one in queues if one.destination == kind.name), None)
    if known.row is None:
        return None, queue
    items = await list_connections(tx, session.permission, now)
    return next((one for one in items if one["id"] == known.row.id), None), queue
