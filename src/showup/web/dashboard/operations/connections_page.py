"""`/connections`: whether each outside system works, since when not, and what puts it right."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import connections_store
from showup.access.account import DEFAULT
from showup.access.acknowledgements_store import acknowledge_refusals
from showup.access.connection import CALCOM, Connection
from showup.access.teammate import Session
from showup.connections import endpoint_registration, endpoints_store
from showup.connections.catalogue import KINDS
from showup.connections.senders_store import sender_rules
from showup.connections.sync_requests_store import request_sync
from showup.database.engine import driver_connection
from showup.reads.connections import list_connections
from showup.reads.destinations import list_destinations
from showup.reads.endpoints import list_endpoints
from showup.reads.keyset import PageRequest
from showup.reads.lead_sources import EMAILBISON
from showup.reads.source_webhooks import received_webhooks
from showup.web.dashboard.action_result import ActionResult
from showup.web.dashboard.operations.connection_rows import MAIL, build_connections
from showup.web.dashboard.operations.connection_settings import set_paused
from showup.web.dashboard.operations.connection_trial import ask_connection, in_time, limit_tests
from showup.web.dashboard.operations.pages import read_own_form, render_operations
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.shell import record_visit, viewer_of
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInAdmin
from showup.web.http.setup_actions import SetupActions

router = APIRouter(prefix="/connections", include_in_schema=False, route_class=DashboardRoute)

_log = structlog.get_logger()
_MAX_ENDPOINTS: Final = 50
_SYNCS: Final = {
    (CALCOM, "compare"): (
        "Cal.com is compared within a minute.",
        "Cal.com is not compared: its API key is missing. Enter it.",
    ),
    (EMAILBISON, "read"): (
        "EmailBison is read within a minute.",
        "EmailBison is not read: its address, its token or import_leads is missing.",
    ),
}
"""What is said of a comparison or a reading that was asked for: that it comes, or why not."""
_TESTS_AT_ONCE: Final = 4
_MAX_TESTED: Final = 50


@router.get("")
async def connections_page(request: Request, session: SignedIn, state: State) -> Response:
    """Show what is known, without asking any other system; for htmx the part that changes live."""
    if not is_part(request):
        await record_visit(session, state)
    return await _show(request, session, state)


@router.post("/mail")
async def send_test_mail(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Really send a test mail, to the teammate who asks."""
    await read_own_form(request, session)
    limit_tests(session, state)
    done = await _actions(state).send_test_mail(session.workspace.id, session.teammate.email)
    if done.because is not None:
        result = ActionResult(text=f"The test mail was not sent: {done.because.rstrip('.')}.", is_fault=True)
    else:
        result = ActionResult(text=f"{done.provider} accepted a test mail from {done.sender} to you.")
    return await _show(request, session, state, {MAIL: result})


@router.post("/check")
async def check_all(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Test every connection of the workspace, few at a time; each answer stands at its own."""
    await read_own_form(request, session)
    limit_tests(session, state)
    async with state.read_engine.connect() as tx:
        found = await connections_store.list_connections(tx, workspace_id=session.workspace.id)
    slots = asyncio.Semaphore(_TESTS_AT_ONCE)

    async def check(connection: Connection) -> ActionResult:
        async with slots:
            return await ask_connection(state, connection)

    answers = await asyncio.gather(*(in_time(one, check(one)) for one in found[:_MAX_TESTED]))
    results = {str(one.id): answer for one, answer in zip(found, answers, strict=False)}
    return await _show(request, session, state, results)


@router.post("/webhooks/{endpoint_id}")
async def send_ping(request: Request, endpoint_id: UUID, session: SignedInAdmin, state: State) -> Response:
    """Send a test to an outgoing webhook; its delivery shows the answer."""
    await read_own_form(request, session)
    limit_tests(session, state)
    async with write_transaction(state) as tx:
        driver = await driver_connection(tx)
        endpoint = await endpoints_store.find(driver, session.workspace.id, endpoint_id, lock=True)
        if endpoint is None:
            raise Refusal("not-found", "You can see no outgoing webhook with this id.")
        if endpoint.paused_at is not None:
            raise Refusal("conflict", "The webhook is paused. Resume it first.")
        delivery_id = await endpoint_registration.ping(driver, endpoint, session.permission.actor, state.clock())
    return redirect(request, f"deliveries/{delivery_id}")


@router.post("/{connection_id}")
async def use_connection(request: Request, connection_id: UUID, session: SignedInAdmin, state: State) -> Response:
    """Test a connection, set the webhook at Cal.com, or read EmailBison now."""
    form = await read_own_form(request, session)
    async with state.read_engine.connect() as tx:
        found = await connections_store.get(tx, connection_id)
    if found is None or not session.permission.can_see(found[0]):
        raise Refusal("not-found", "You can see no connection with this id.")
    _, connection = found
    # No transaction stays open meanwhile: the other system may be slow.
    result = await in_time(connection, _perform(session, state, connection, form.get("do", "")))
    return await _show(request, session, state, {str(connection_id): result})


async def _perform(session: Session, state: AppState, connection: Connection, action: str) -> ActionResult:
    match action:
        case "test":
            limit_tests(session, state)
            return await ask_connection(state, connection)
        case "register" if connection.kind == CALCOM:
            limit_tests(session, state)
            done = await _actions(state).register_webhook(connection.name)
            if done.fault is not None:
                return ActionResult(text=f"{done.fault.rstrip('.')}.", is_fault=True)
            _log.info("webhook registered", account=connection.name, actor=session.permission.actor)
            verb = "set" if done.created else "repaired"
            return ActionResult(text=f"Webhook {verb} at Cal.com, with {done.triggers} triggers and a new secret.")
        case "resume" if connection.kind in KINDS:
            await set_paused(session, state, connection.id, paused=False)
            return ActionResult(text="Resumed: what waits is sent now.")
        case "acknowledge":
            async with write_transaction(state) as tx:
                count = await acknowledge_refusals(
                    await driver_connection(tx),
                    connection.kind,
                    connection.name,
                    actor=session.permission.actor,
                    at=state.clock(),
                )
            return ActionResult(
                text="Acknowledged: only later ones are counted." if count else "There was none any more."
            )
        case "compare" | "read" if (connection.kind, action) in _SYNCS:
            async with write_transaction(state) as tx:
                is_stored = await request_sync(await driver_connection(tx), connection.id, state.clock(), full=False)
            accepted, refused = _SYNCS[connection.kind, action]
            return ActionResult(text=accepted if is_stored else refused, is_fault=not is_stored)
        case _:
            raise Refusal("invalid", "A connection can be tested, and Cal.com's webhook set.")


def _actions(state: AppState) -> SetupActions:
    if state.setup is None:
        raise Refusal("conflict", "This process can't reach other systems. Run `showup serve`.")
    return state.setup


async def _show(
    request: Request,
    session: Session,
    state: AppState,
    answers: Mapping[str, ActionResult] = MappingProxyType({}),
) -> Response:
    """Show the page; each of the `answers` stands at its connection, by its id."""
    async with read_transaction(state, session.permission) as tx:
        context = await _context(tx, session, state) | {"answers": answers}
        return await render_operations(request, "connections", context, tx=tx, session=session, state=state)


async def _context(tx: AsyncConnection, session: Session, state: AppState) -> dict[str, Any]:
    viewer, permission = viewer_of(session, state), session.permission
    items = await list_connections(tx, permission, viewer.now)
    has_environment = state.setup is not None and session.workspace.slug == DEFAULT
    carrier = state.setup.carrier if has_environment and state.setup is not None else None
    return {
        "view": build_connections(
            items,
            await list_destinations(tx, permission, viewer.now),
            await received_webhooks(tx, permission),
            (
                await list_endpoints(tx, permission, PageRequest(sort="-created_at", limit=_MAX_ENDPOINTS), viewer.now)
            ).items,
            viewer,
            carrier=carrier,
            has_sender=bool(state.senders) or bool(await sender_rules(tx, session.workspace.id)),
        )
    }
