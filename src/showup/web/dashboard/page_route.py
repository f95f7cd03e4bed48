"""The route class of pages: its refusals are pages too, and it sends a stranger to the sign-in."""

from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import quote

import asyncpg
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from showup.database.fault import POSSIBLE_OUTAGES, driver_error_of, is_outage
from showup.web.dashboard.shell import shell_context, viewer_of
from showup.web.dashboard.templates import base_of_path, render_page
from showup.web.http.app_state import get_app_state, read_transaction
from showup.web.http.problems import PROBLEMS, RETRY_SOON, Refusal
from showup.web.http.sessions import NotSignedIn, check_origin, require_session

_UNAVAILABLE: Final = (
    "PostgreSQL does not respond. Until it does, Showup refuses webhooks, and Cal.com sends them again."
    " To find the cause, run `showup doctor` on the server."
)
_SLOW: Final = (
    "It took longer than {seconds}, so Showup stopped it. Narrow the dates, add a filter, or search for longer words."
)


class DashboardRoute(APIRoute):
    """A route of a page, or of a part of one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, with refusals converted to pages."""
        handle = super().get_route_handler()

        async def handle_for_people(request: Request) -> Response:
            try:
                if request.method == "POST":
                    check_origin(request)
                return await handle(request)
            except NotSignedIn:
                return _to_sign_in(request)
            except Refusal as refusal:
                return refusal_page(request, refusal)
            except RequestValidationError:
                return refusal_page(request, Refusal("not-found", "The address is incomplete or has a typing error."))
            except POSSIBLE_OUTAGES as fault:
                if not is_outage(fault):
                    raise
                return await _outage_page(request, fault)

        return handle_for_people


async def _outage_page(request: Request, fault: BaseException) -> Response:
    match driver_error_of(fault):
        case asyncpg.QueryCanceledError():
            return await _slow_page(request)
        case asyncpg.LockNotAvailableError():
            return refusal_page(request, Refusal("busy", headers=RETRY_SOON))
        case _:
            return refusal_page(request, Refusal("database-away", _UNAVAILABLE))


async def _slow_page(request: Request) -> Response:
    """Return the page of a read that was stopped, in the frame: its navigation works, and the filters were too wide."""
    state = get_app_state(request)
    seconds = state.read_timeout.total_seconds()
    refusal = Refusal("read-too-slow", _SLOW.format(seconds=f"{seconds:g} second{'' if seconds == 1 else 's'}"))
    if is_part(request):
        return refusal_page(request, refusal)
    try:
        session = await require_session(request, state)
        async with read_transaction(state, session.permission) as tx:
            context = await shell_context(tx, session, viewer_of(session, state))
    except (*POSSIBLE_OUTAGES, NotSignedIn, Refusal):
        return refusal_page(request, refusal)
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    words = {"title": PROBLEMS[refusal.kind].title, "detail": refusal.detail, "here": path.strip("/").partition("/")[0]}
    return render_page(request, "slow.html", context | words, status=refusal.status)


def is_part(request: Request) -> bool:
    """Return whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def redirect(request: Request, path: str) -> RedirectResponse:
    """Lead to a page after a form; `path` is relative to the home page."""
    return RedirectResponse(f"{base_of_path(request)}{path}", status_code=303)


def refusal_page(request: Request, refusal: Refusal) -> Response:
    """Return the page of a refusal; for htmx, its text."""
    problem = PROBLEMS[refusal.kind]
    title = {403: "Not allowed", 404: "Page not found"}.get(refusal.status, problem.title)
    detail = refusal.detail or problem.detail
    if is_part(request):
        response = render_page(request, "parts/fault.html", {"title": title, "detail": detail}, status=refusal.status)
    else:
        response = render_page(request, "refusal.html", {"title": title, "detail": detail}, status=refusal.status)
    response.headers.update(refusal.headers or {})
    return response


def _to_sign_in(request: Request) -> Response:
    if is_part(request):
        # htmx loads the whole page again, which leads to the sign-in.
        return Response(status_code=401, headers={"HX-Refresh": "true"})
    if request.method != "GET":
        return redirect(request, "signin")
    path = request.scope["path"].removeprefix(request.scope.get("root_path", "")).lstrip("/")
    return redirect(request, f"signin?next={quote(path)}" if path else "signin")
