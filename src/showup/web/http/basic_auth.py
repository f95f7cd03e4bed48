"""Authentication of the mail preview: a teammate's session, or an API key as HTTP Basic password with any user name."""

from collections.abc import Callable, Coroutine
from html import escape
from typing import Annotated, Any, Final

from fastapi import Depends, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from showup.access.permission import Permission
from showup.web.http.app_state import State
from showup.web.http.key_check import find_permission
from showup.web.http.problems import PROBLEMS, Refusal
from showup.web.http.sessions import find_session
from showup.web.page import render_page

_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="Showup", charset="UTF-8"'}
_KEY_NEEDED: Final = (
    "Sign in first, or use an API key with the scope write. Enter any user name, and the key as the password."
    " To create a key, run `showup keys create NAME --scope write` on the server."
)
_basic = HTTPBasic(auto_error=False)


class PageRoute(APIRoute):
    """A route of an HTML page: its refusals are HTML pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, with refusals converted to pages."""
        handle = super().get_route_handler()

        async def handle_for_people(request: Request) -> Response:
            try:
                return await handle(request)
            except Refusal as refusal:
                return _refusal_page(refusal)
            except RequestValidationError:
                return _refusal_page(Refusal("not-found", "The address is incomplete. Open the page from its list."))
            except HTTPException as fault:
                if fault.status_code != 401:
                    raise
                # Malformed credentials.
                return _refusal_page(_unauthorized(_KEY_NEEDED))

        return handle_for_people


async def _authenticate(
    request: Request, state: State, credentials: Annotated[HTTPBasicCredentials | None, Depends(_basic)]
) -> Permission:
    if credentials is None and (session := await find_session(request, state)) is not None:
        if not session.permission.allows("write"):
            raise Refusal("forbidden", "Mails contain links that cancel meetings, so this page needs the role member.")
        request.state.permission = session.permission
        return session.permission
    if credentials is None:
        raise _unauthorized(_KEY_NEEDED)
    permission = await find_permission(request, state, credentials.password)
    if permission is None:
        raise _unauthorized(f"The key is unknown or was revoked. {_KEY_NEEDED}")
    if not permission.allows("write"):
        raise _unauthorized(f"The key has only the scope {permission.scope}. {_KEY_NEEDED}")
    request.state.permission = permission
    return permission


# Requires the scope of a delivery's content, for the same reason: the links in a mail can cancel a meeting.
Viewer = Annotated[Permission, Depends(_authenticate)]


def _unauthorized(detail: str) -> Refusal:
    # 401 also for too small a scope: after 403, a browser would keep sending the same key and never ask for another.
    return Refusal("unauthorized", detail, headers=_CHALLENGE)


def _refusal_page(refusal: Refusal) -> Response:
    problem = PROBLEMS[refusal.kind]
    title = {401: "API key required", 404: "Page not found"}.get(refusal.status, problem.title)
    parts = escape(refusal.detail or problem.detail).split("`")
    text = "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
    response = render_page(title, f'<h1>{title}</h1>\n<p class="soft">{text}</p>', status=refusal.status)
    response.headers.update(refusal.headers or {})
    return response
