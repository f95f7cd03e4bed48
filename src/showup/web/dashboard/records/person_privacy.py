"""`/people/{person_id}/export` and `/erase`: a copy of what Showup has about somebody, and their erasure (RU5)."""

from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response

from showup.access.teammate import Session
from showup.database.engine import driver_connection
from showup.privacy.person_scope import NotErasable
from showup.privacy.requests import request_erasure
from showup.reads.people import find_person_row
from showup.values.email_address import normalize_email
from showup.web.api.privacy import export_of
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.shell import render_shell
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInAdmin, check_csrf

router = APIRouter(prefix="/people", include_in_schema=False, route_class=DashboardRoute)


@router.get("/{person_id}/export")
async def export_page(person_id: UUID, session: SignedInAdmin, state: State) -> Response:
    """Send everything that Showup has about the person as a file."""
    document = await export_of(state, session.permission, person_id)
    return Response(
        msgspec.json.format(msgspec.json.encode(document), indent=2),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="person-{person_id}.json"'},
    )


@router.get("/{person_id}/erase")
async def erase_page(request: Request, person_id: UUID, session: SignedInAdmin, state: State) -> Response:
    """Say what an erasure does, and ask for the person's address."""
    return await _page(request, session, state, person_id)


@router.post("/{person_id}/erase")
async def erase(request: Request, person_id: UUID, session: SignedInAdmin, state: State) -> Response:
    """Store the request, if the address is typed right; the worker erases the person."""
    form = await read_form(request)
    check_csrf(request, session, form)
    async with write_transaction(state) as tx:
        person = await find_person_row(tx, session.permission, person_id)
        if person is None:
            raise Refusal("not-found", "You can see no person with this id.")
        fault = None if normalize_email(form.get("email", "")) == person["email"] else "This is not their address."
        if fault is None:
            try:
                await request_erasure(
                    *(await driver_connection(tx), state.mail_secrets.seal, session.workspace.id, person["id"]),
                    person["email"],
                    actor=session.permission.actor,
                    at=state.clock(),
                )
            except NotErasable as refusal:
                fault = str(refusal)
    if fault is None:
        return redirect(request, f"people/{person['id']}")
    return await _page(request, session, state, person_id, fault=fault, typed=form.get("email", "")[:320])


async def _page(  # each by its name
    request: Request, session: Session, state: AppState, person_id: UUID, *, fault: str | None = None, typed: str = ""
) -> Response:
    async with read_transaction(state, session.permission) as tx:
        person = await find_person_row(tx, session.permission, person_id)
        if person is None:
            raise Refusal("not-found", "You can see no person with this id.")
        context = {"person": person, "name": person["name"] or person["email"], "fault": fault, "typed": typed}
        status = 200 if fault is None else 422
        return await render_shell(request, "erase.html", context, tx=tx, session=session, state=state, status=status)
