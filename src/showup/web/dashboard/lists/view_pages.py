"""Saved views of lists: each teammate keeps their own."""

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from showup.access import saved_views_store
from showup.web.dashboard.lists.address import Address
from showup.web.dashboard.lists.list_pages import LISTS
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.http.app_state import State
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, check_csrf

router = APIRouter(prefix="/views", include_in_schema=False, route_class=DashboardRoute)

_MAX_NAME: Final = 40
_MAX_QUERY: Final = 2_000


@router.post("")
async def save_view(request: Request, session: SignedIn, state: State) -> Response:
    """Keep what a list shows under a name. A view with this name shows it from now on."""
    form = await read_form(request)
    check_csrf(request, session, form)
    record_list = LISTS.get(form.get("list", ""))
    name = " ".join(form.get("name", "").split())
    if record_list is None or not 0 < len(name) <= _MAX_NAME or len(form.get("query", "")) > _MAX_QUERY:
        raise Refusal("invalid", f"Name the view, with at most {_MAX_NAME} letters.")
    try:
        address = Address.of(record_list.noun, form.get("query", "")).view
    except ValueError:
        raise Refusal("invalid", "The view has too many filters. Remove some.") from None
    record_list.parse(address)
    async with state.engine.begin() as tx:
        is_saved = await saved_views_store.save(
            tx, session, list_name=record_list.noun, name=name, query=urlencode(address.pairs), now=state.clock()
        )
    if not is_saved:
        raise Refusal("conflict", f"You keep {saved_views_store.MAX_VIEWS} views of this list. Remove one first.")
    return redirect(request, address.url)


@router.post("/{view_id}/remove")
async def remove_view(request: Request, view_id: UUID, session: SignedIn, state: State) -> Response:
    """Remove one of one's own views."""
    form = await read_form(request)
    check_csrf(request, session, form)
    async with state.engine.begin() as tx:
        view = await saved_views_store.remove(tx, session, view_id)
    if view is None:
        raise Refusal("not-found", "You keep no such view.")
    return redirect(request, view.list_name)
