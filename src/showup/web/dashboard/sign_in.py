"""`/signin`: sign in with a password or a one-time link, and sign out (AP6). Faults never say which half was wrong."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import sessions_store, sign_in_links_store, sign_in_log_store, teammates_store
from showup.access.sign_in_log_store import SignInEvent, SignInLogEntry
from showup.access.teammate import Teammate
from showup.values.email_address import normalize_email
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.dashboard.templates import render_page
from showup.web.http.app_state import AppState, State
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import (
    SignedIn,
    check_csrf,
    find_session,
    remove_session_cookie,
    session_token,
    set_session_cookie,
)

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_WRONG: Final = "This address and password do not belong together."
_MAX_NEXT: Final = 500


@router.get("/signin")
async def sign_in_page(
    request: Request,
    state: State,
    next: Annotated[str, Query(max_length=_MAX_NEXT)] = "",  # noqa: A002  # its name in the address
) -> Response:
    """Show the form; a teammate who is signed in goes on at once."""
    if await find_session(request, state) is not None:
        return redirect(request, _own_path(next))
    async with state.engine.connect() as tx:
        has_teammates = await teammates_store.exist(tx)
    return await _form(request, state, has_teammates=has_teammates, path=_own_path(next))


@router.post("/signin")
async def sign_in(request: Request, state: State) -> Response:
    """Sign in with address and password."""
    form = await read_form(request)
    email, password = normalize_email(form.get("email", "")), form.get("password", "")
    source_address = source_of(request)
    _check_throttle(state, source_address, email, password)
    async with state.engine.connect() as tx:
        encoded = await teammates_store.password_hash(tx, email)
    is_valid = await state.passwords.is_correct(encoded, password)
    _record(state, source_address, email, password, is_valid=is_valid)
    if not is_valid:
        if encoded is not None:
            async with state.engine.begin() as tx:
                await log_sign_in(tx, state, request, email, "sign_in_failed")
        path = _own_path(form.get("next", ""))
        return await _form(request, state, has_teammates=True, path=path, email=email, fault=_WRONG)
    async with state.engine.begin() as tx:
        teammate = await teammates_store.find(tx, email)
        if teammate is None:
            return await _form(request, state, has_teammates=True, path="", email=email, fault=_WRONG)
        response = redirect(request, _own_path(form.get("next", "")))
        await start_session(tx, state, request, response, teammate, is_long=form.get("stay") == "yes")
    return response


@router.post("/signout")
async def sign_out(request: Request, session: SignedIn, state: State) -> Response:
    """End this session, or all sessions of the teammate."""
    form = await read_form(request)
    check_csrf(request, session, form)
    is_everywhere = form.get("everywhere") == "yes"
    async with state.engine.begin() as tx:
        if is_everywhere:
            await sessions_store.end_all(tx, session.teammate.id)
        else:
            await sessions_store.end(tx, session_token(request) or "")
        what: SignInEvent = "signed_out_everywhere" if is_everywhere else "signed_out"
        await log_sign_in(tx, state, request, session.teammate.email, what)
    response = redirect(request, "signin")
    remove_session_cookie(request, response)
    return response


@router.get("/signin/{token}")
async def link_page(request: Request, token: str, state: State) -> Response:
    """Show what the link is for; nothing is used up, because mail programs open links."""
    async with state.engine.connect() as tx:
        link = await sign_in_links_store.find(tx, check_link(request, state, token), state.clock())
        _record_link(request, state, token, is_valid=link is not None)
        if link is None:
            return _unusable(request)
        if link.kind == "first_run":
            return render_page(request, "first_run.html", {"values": {}, "faults": {}})
        assert link.teammate_id is not None, "only the first run's link has no teammate"
        teammate = await teammates_store.get(tx, link.teammate_id)
    context = {"teammate": teammate, "kind": link.kind, "values": {"name": teammate.name}, "faults": {}}
    return render_page(request, "sign_in_link.html", context)


def check_link(request: Request, state: AppState, token: str) -> str:
    """Return the token. Refuses an address that sent too many wrong ones."""
    wait = state.link_throttle.retry_after(source_of(request), token)
    if wait is not None:
        raise Refusal("too-many-wrong-keys", TOO_MANY, headers={"Retry-After": str(wait)})
    return token


def _record_link(request: Request, state: AppState, token: str, *, is_valid: bool) -> None:
    state.link_throttle.record(source_of(request), token, is_valid=is_valid)


async def start_session(  # each by its name
    tx: AsyncConnection, state: AppState, request: Request, response: Response, teammate: Teammate, *, is_long: bool
) -> None:
    """Give the browser a new session; the one that it had ends, so that no session outlives a sign-in."""
    if (before := session_token(request)) is not None:
        await sessions_store.end(tx, before)
    lifetime = sessions_store.LONG_LIFETIME if is_long else sessions_store.SHORT_LIFETIME
    token = await sessions_store.create(tx, teammate.id, now=state.clock(), lifetime=lifetime)
    await log_sign_in(tx, state, request, teammate.email, "signed_in")
    set_session_cookie(request, response, token, lifetime if is_long else None)


async def log_sign_in(  # each by its name
    tx: AsyncConnection,
    state: AppState,
    request: Request,
    email: str,
    what: SignInEvent,
    *,
    actor: str | None = None,
) -> None:
    """Add an entry to the audit of sign-ins."""
    entry = SignInLogEntry(at=state.clock(), email=email, what=what, actor=actor, source_address=source_of(request))
    await sign_in_log_store.add(tx, entry)


def source_of(request: Request) -> str | None:
    """Return the client's address."""
    return request.client.host if request.client else None


TOO_MANY: Final = "Too many wrong attempts came from this address or for this account. Wait a little, then try again."


def _check_throttle(state: AppState, source_address: str | None, email: str, password: str) -> None:
    """Refuse an address, or an account, with too many wrong passwords; one that worked before still works."""
    key = f"{email}\0{password}"
    for source in (source_address, f"account {email}"):
        wait = state.sign_in_throttle.retry_after(source, key)
        if wait is not None:
            raise Refusal("too-many-wrong-keys", TOO_MANY, headers={"Retry-After": str(wait)})


def _record(state: AppState, source_address: str | None, email: str, password: str, *, is_valid: bool) -> None:
    for source in (source_address, f"account {email}"):
        state.sign_in_throttle.record(source, f"{email}\0{password}", is_valid=is_valid)


def _own_path(path: str) -> str:
    """Return a path of this Showup, relative to the home page; empty for another site's address."""
    parts = urlsplit(path)
    is_own = not parts.scheme and not parts.netloc and not path.startswith(("/", "\\")) and "\\" not in path
    return path if is_own and path.isprintable() and ".." not in path else ""


async def _form(  # each by its name
    request: Request, state: AppState, *, has_teammates: bool, path: str, email: str = "", fault: str | None = None
) -> Response:
    context = {
        "offers_link": state.sign_in_mailer is not None and await state.sign_in_mailer.can_send(),
        "host": request.headers.get("Host", ""),
        "has_teammates": has_teammates,
        "next": path,
        "email": email,
        "fault": fault,
    }
    return render_page(request, "sign_in.html", context, status=200 if fault is None else 422)


def _unusable(request: Request) -> Response:
    return render_page(
        request,
        "refusal.html",
        {
            "title": "This link no longer works",
            "detail": "It was used, has expired, or a newer one replaced it. Ask an admin for another one, or run"
            " `showup teammates link EMAIL` on the server.",
        },
        status=404,
    )
