"""`/settings/webhooks`: addresses that receive the workspace's events. Its forms run the API's commands."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from showup.access.teammate import Session
from showup.destinations.webhook.settings import KINDS
from showup.reads.endpoints import SORTS, find_endpoint, list_endpoints
from showup.reads.keyset import PageRequest
from showup.reads.rows import Item
from showup.web.api import endpoints
from showup.web.api.endpoints import CreateEndpointRequest, UpdateEndpointRequest
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.settings.frame import render_settings
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.http.app_state import AppState, State, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.paging import build_page_request
from showup.web.http.problems import Refusal
from showup.web.http.query_params import WorkspaceQuery
from showup.web.http.sessions import SignedInAdmin, check_csrf
from showup.web.http.validation_errors import describe_errors

router = APIRouter(prefix="/settings/webhooks", include_in_schema=False, route_class=DashboardRoute)

_SHOWN: Final = 50


@router.get("")
async def webhooks_page(request: Request, session: SignedInAdmin, state: State, sent: str = "") -> Response:
    """Show the workspace's outgoing webhooks; `sent` is one that was sent a test."""
    return await _page(request, session, state, sent=sent)


@router.post("")
async def add_webhook(request: Request, session: SignedInAdmin, state: State) -> Response:
    """Add a webhook, and show its secret, this once."""
    form = await read_form(request)
    check_csrf(request, session, form)
    values = {"url": form.get("url", ""), "kinds": _kinds(form), "description": form.get("description", "")}
    body, faults = _parse(values)
    if body is None:
        return await _page(request, session, state, faults=faults, values=form)
    try:
        async with write_transaction(state) as tx:
            created = await endpoints.create_endpoint(
                body, unit_of_work_of(session, state, tx), state, WorkspaceQuery(workspace=None)
            )
    except Refusal as refusal:
        return await _page(request, session, state, faults=_faults_of(refusal), values=form)
    return await _page(request, session, state, created=created)


@router.post("/{endpoint_id}")
async def change_webhook(request: Request, endpoint_id: UUID, session: SignedInAdmin, state: State) -> Response:
    """Pause, resume, test or delete a webhook, or give it a new secret."""
    form = await read_form(request)
    check_csrf(request, session, form)
    created, query = None, WorkspaceQuery(workspace=None)
    async with write_transaction(state) as tx:
        unit_of_work = unit_of_work_of(session, state, tx)
        if await find_endpoint(tx, session.permission, endpoint_id, state.clock()) is None:
            raise Refusal("not-found", "This workspace has no such webhook.")
        match form.get("do"):
            case "pause" | "resume" as do:
                body = UpdateEndpointRequest(paused=do == "pause")
                await endpoints.update_endpoint(endpoint_id, body, unit_of_work, state, query)
            case "rotate":
                created = await endpoints.rotate_endpoint_secret(endpoint_id, unit_of_work, state, query)
            case "test":
                await endpoints.send_ping(endpoint_id, unit_of_work, query)
            case "remove":
                await endpoints.delete_endpoint(endpoint_id, unit_of_work, query)
            case _:
                raise Refusal("invalid", "The form asks for nothing that this page does.")
    if created is not None:
        return await _page(request, session, state, created=created)
    return redirect(request, f"settings/webhooks{f'?sent={endpoint_id}' if form.get('do') == 'test' else ''}")


def _kinds(form: Mapping[str, str]) -> list[str]:
    return [kind for kind in KINDS if form.get(f"kind.{kind}") == "on"]


def _parse(values: dict[str, Any]) -> tuple[CreateEndpointRequest | None, dict[str, str]]:
    try:
        return CreateEndpointRequest.model_validate(values), {}
    except ValidationError as error:
        found = describe_errors([{**one, "loc": ("body", *one["loc"])} for one in error.errors()], None)
        faults = {one["field"].partition(".")[0]: one["detail"] for one in found}
        if "kinds" in faults:
            faults["kinds"] = "Choose at least one event."
        if "url" in faults and not values["url"]:
            faults["url"] = "Enter an address that begins with https://."
        return None, faults


def _faults_of(refusal: Refusal) -> dict[str, str]:
    """Return a refusal beside its field; one of no field stands at the address."""
    if refusal.errors:
        return {one["field"]: one["detail"] for one in refusal.errors}
    return {"url": refusal.detail or "The webhook was not added."}


async def _page(  # each by its name
    request: Request,
    session: Session,
    state: AppState,
    *,
    faults: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    created: Item | None = None,
    sent: str = "",
) -> Response:
    page_request: PageRequest = build_page_request(sort="-created_at", limit=_SHOWN, cursor=None, sorts=SORTS)
    async with state.read_engine.connect() as tx:
        page = await list_endpoints(tx, session.permission, page_request, state.clock())
        context = {
            "endpoints": page.items,
            "kinds": KINDS,
            "created": created,
            "sent": sent,
            "faults": faults or {},
            "values": values or {},
        }
        return await render_settings(
            request, "webhooks", context, tx=tx, session=session, state=state, status=422 if faults else 200
        )
