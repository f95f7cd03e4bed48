"""“Send me a link instead”: mails a teammate a link to sign in (AP6). The answer never says whether there is one.

The link is made and sent after the answer, so that its time does not say so either.
"""

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response

from showup.access import sessions_store, sign_in_links_store, teammates_store
from showup.values.email_address import is_email, normalize_email
from showup.web.dashboard.page_route import DashboardRoute
from showup.web.dashboard.sign_in import TOO_MANY, log_sign_in, source_of
from showup.web.dashboard.templates import render_page
from showup.web.http.app_state import AppState, State
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal

router = APIRouter(prefix="/signin/link", include_in_schema=False, route_class=DashboardRoute)

MAILED_LINK_LIFETIME: Final = timedelta(minutes=15)
_MINUTES: Final = round(MAILED_LINK_LIFETIME.total_seconds() / 60)
_MAX_SENDING: Final = 20

_log = structlog.get_logger()


@router.get("")
async def request_page(request: Request, state: State) -> Response:
    """Show the form, if links can be mailed."""
    await _check_offered(state)
    return _page(request)


@router.post("")
async def request_link(request: Request, state: State) -> Response:
    """Send a link to the address if it is a teammate's; say the same in any case."""
    await _check_offered(state)
    form = await read_form(request)
    email = normalize_email(form.get("email", ""))
    if not is_email(email):
        return _page(
            request, fault="Enter an address such as dana@example.com.", email=form.get("email", ""), status=422
        )
    _check_throttle(state, source_of(request), email)
    if len(state.sending_links) >= _MAX_SENDING:
        raise Refusal("busy", "Many links are being sent. Try again in a minute.", headers={"Retry-After": "60"})
    task = asyncio.create_task(_send(request, state, email))
    state.sending_links.add(task)
    task.add_done_callback(state.sending_links.discard)
    return _page(request, sent_to=email)


async def _check_offered(state: AppState) -> None:
    if state.sign_in_mailer is None or not await state.sign_in_mailer.can_send():
        raise Refusal("not-found", "This Showup sends no mail. Ask an admin for a link.")


def _check_throttle(state: AppState, source_address: str | None, email: str) -> None:
    """Refuse a source or an account that asked too often: each request counts, whether there is a teammate or not."""
    for source in (source_address, f"account {email}"):
        wait = state.link_request_throttle.retry_after(source, "")
        if wait is not None:
            raise Refusal("too-many-wrong-keys", TOO_MANY, headers={"Retry-After": str(wait)})
    for source in (source_address, f"account {email}"):
        state.link_request_throttle.record(source, "", is_valid=False)


async def _send(request: Request, state: AppState, email: str) -> None:
    """Make and send the link; whatever goes wrong is logged, because nobody waits for the result."""
    assert state.sign_in_mailer is not None, "it was checked before"
    try:
        async with state.engine.begin() as tx:
            teammate = await teammates_store.find(tx, email)
            if teammate is None:
                return
            workspaces, _ = await sessions_store.list_access(tx, teammate.id)
            if not workspaces:
                return
            token = await sign_in_links_store.create(
                tx, "sign_in", teammate.id, now=state.clock(), lifetime=MAILED_LINK_LIFETIME
            )
            await log_sign_in(tx, state, request, email, "link_created", actor="the sign-in page")
        url = f"{state.public_url}/signin/{token}"
        await state.sign_in_mailer.send(teammate, [one.id for one in workspaces], url, minutes=_MINUTES)
    except Exception as fault:  # noqa: BLE001  # a task without a caller
        _log.error("sign-in link not sent", because=type(fault).__name__)


def _page(
    request: Request, *, fault: str | None = None, email: str = "", sent_to: str | None = None, status: int = 200
) -> Response:
    context = {"fault": fault, "email": email, "sent_to": sent_to, "minutes": _MINUTES}
    return render_page(request, "sign_in_request.html", context, status=status)
