"""`/api/calcom/auth-url` and `/api/calcom/callback`: a signed-in teammate connects their Cal.com account (AS1)."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from showup.assistant import calcom_oauth
from showup.assistant.calcom_oauth import AuthorizationFailed
from showup.assistant.tool_context import ToolFailed
from showup.web.dashboard.page_route import DashboardRoute, redirect
from showup.web.http.app_state import State
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn

router = APIRouter(prefix="/api/calcom", include_in_schema=False, route_class=DashboardRoute)

DEFAULT_NAME: Final = "Cal.com"
MAX_NAME: Final = 60


@router.get("/auth-url")
async def calcom_auth_url(session: SignedIn, state: State, name: str = DEFAULT_NAME) -> Response:
    """Return the address at Cal.com where the teammate agrees; it is good for ten minutes, once."""
    try:
        url = await calcom_oauth.start(state.assistant, session.teammate.id, name.strip()[:MAX_NAME] or DEFAULT_NAME)
    except AuthorizationFailed as failed:
        raise Refusal("conflict", str(failed)) from None
    return JSONResponse({"url": url}, headers={"Cache-Control": "no-store"})


@router.get("/callback")
async def calcom_callback(request: Request, session: SignedIn, state: State) -> Response:
    """Take the code that Cal.com sent with the teammate's browser, and store the account."""
    try:
        await calcom_oauth.finish(state.assistant, session.teammate.id, dict(request.query_params))
    except (AuthorizationFailed, ToolFailed) as failed:
        raise Refusal("conflict", str(failed)) from None
    return redirect(request, "settings/assistant?connected=1")
