"""What a one-time link does when its form is sent: the first teammate begins, another joins, or one signs in."""

from typing import Final

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import sign_in_links_store, teammates_store
from showup.access.passwords import password_fault
from showup.access.sign_in_links_store import SignInLink
from showup.access.teammate import Teammate
from showup.values.email_address import is_email, normalize_email
from showup.values.time_zone import find_zone
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.sign_in import check_link, log_sign_in, start_session
from showup.web.dashboard.templates import render_page
from showup.web.http.app_state import AppState, State
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_MAX_NAME: Final = 100
_LINK_USED: Final = "The link was used in the meantime, or has expired. Ask an admin for another one."


@router.post("/signin/{token}")
async def use_link(request: Request, token: str, state: State) -> Response:
    """Use the link up. A form with a fault is shown again, and the link still works."""
    form = await read_form(request)
    check_link(request, state, token)
    async with state.engine.connect() as tx:
        link = await sign_in_links_store.find(tx, token, state.clock())
        teammate = None if link is None or link.teammate_id is None else await teammates_store.get(tx, link.teammate_id)
    state.link_throttle.record(None if request.client is None else request.client.host, token, is_valid=bool(link))
    if link is None:
        raise Refusal("not-found", _LINK_USED)
    if link.kind == "sign_in":
        assert teammate is not None, "only the first run's link has no teammate"
        return await _sign_in(request, state, token, teammate)
    email = teammate.email if teammate is not None else normalize_email(form.get("email", ""))
    faults = _faults(form, email, is_first=link.kind == "first_run")
    if faults:
        context = {"teammate": teammate, "kind": link.kind, "values": form, "faults": faults}
        template = "first_run.html" if teammate is None else "sign_in_link.html"
        return render_page(request, template, context, status=422)
    # The hash takes its time before the transaction, not in it.
    password_hash = await state.passwords.make(form["password"])
    return await _join(request, state, token, form | {"email": email, "password_hash": password_hash}, teammate)


async def _sign_in(request: Request, state: AppState, token: str, teammate: Teammate) -> Response:
    response = redirect(request, "")
    async with state.engine.begin() as tx:
        await _use(tx, token, state)
        await start_session(tx, state, request, response, teammate, is_long=False)
    return response


async def _join(
    request: Request, state: AppState, token: str, values: dict[str, str], teammate: Teammate | None
) -> Response:
    """Create the first teammate, or complete the invited one, and sign them in."""
    response = redirect(request, "setup" if teammate is None else "")
    async with state.engine.begin() as tx:
        link = await _use(tx, token, state)
        joined = await _create_first(tx, state, values) if link.teammate_id is None else teammate
        assert joined is not None, "the link's teammate was read before"
        zone = values.get("time_zone", "")
        await teammates_store.change(
            tx,
            joined.id,
            name=values["name"],
            password_hash=values["password_hash"],
            time_zone=zone if find_zone(zone) is not None else None,
            clock="12h" if values.get("clock") == "12h" else "24h",
        )
        await log_sign_in(tx, state, request, joined.email, "password_set")
        await start_session(tx, state, request, response, joined, is_long=True)
    return response


async def _use(tx: AsyncConnection, token: str, state: AppState) -> SignInLink:
    link = await sign_in_links_store.use(tx, token, state.clock())
    if link is None:
        raise Refusal("not-found", _LINK_USED)
    return link


async def _create_first(tx: AsyncConnection, state: AppState, values: dict[str, str]) -> Teammate:
    await teammates_store.lock(tx)
    if await teammates_store.exist(tx):
        raise Refusal("conflict", "Another teammate was the first one meanwhile. Ask them for an invitation.")
    teammate_id = await teammates_store.add(tx, email=values["email"], name=values["name"], now=state.clock())
    assert teammate_id is not None, "there is no teammate yet"
    await teammates_store.set_role(tx, teammate_id, None, "admin")
    return await teammates_store.get(tx, teammate_id)


def _faults(form: dict[str, str], email: str, *, is_first: bool) -> dict[str, str]:
    """Return how to correct each field that is not accepted."""
    faults = {}
    name = form.get("name", "")
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        faults["name"] = f"Enter the name that others see, in at most {_MAX_NAME} characters."
    if is_first and not is_email(email):
        faults["email"] = "Enter an address such as dana@example.com."
    if (fault := password_fault(form.get("password", ""), email=email, name=name)) is not None:
        faults["password"] = fault
    return faults
