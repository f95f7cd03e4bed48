"""How a browser shows a key until people can sign in: as the password of HTTP Basic, under any name."""

from collections.abc import Callable, Coroutine
from html import escape
from typing import Annotated, Any, Final

from fastapi import Depends, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from showup.access.permit import Permit
from showup.web.ground import OnGround
from showup.web.page import page
from showup.web.problems import Refusal

_ASKS: Final = {"WWW-Authenticate": 'Basic realm="Showup", charset="UTF-8"'}
_NEEDS: Final = (
    "This page needs an API key with the scope write: enter any user name, and the key as the password."
    " On the server, `showup keys create NAME --scope write` makes one."
)
_basic = HTTPBasic(auto_error=False)


class PageRoute(APIRoute):
    """A route that people look at: it refuses with a page, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, whose refusals become pages."""
        handle = super().get_route_handler()

        async def handle_for_people(request: Request) -> Response:
            try:
                return await handle(request)
            except Refusal as refusal:
                return _refused(refusal)
            except RequestValidationError:
                return _refused(Refusal("not-found", "The address is not whole: look for the page in its list."))
            except HTTPException as fault:
                if fault.status_code != 401:
                    raise
                # Credentials that are not even written as such.
                return _refused(_locked(_NEEDS))

        return handle_for_people


async def _viewer(ground: OnGround, credentials: Annotated[HTTPBasicCredentials | None, Depends(_basic)]) -> Permit:
    if credentials is None:
        raise _locked(_NEEDS)
    permit = await ground.keyring.permit(credentials.password)
    if permit is None:
        raise _locked(f"The key is unknown or was revoked. {_NEEDS}")
    if not permit.allows("write"):
        raise _locked(f"The key has the scope {permit.scope}. {_NEEDS}")
    return permit


# The same scope as the content of a delivery, for the same reason: its links cancel meetings.
Viewer = Annotated[Permit, Depends(_viewer)]


def _locked(detail: str) -> Refusal:
    # 401 for too small a scope as well: after 403 a browser would go on sending that key, and never ask for another.
    return Refusal("unauthorized", detail, headers=_ASKS)


def _refused(refusal: Refusal) -> Response:
    title = "A key is needed" if refusal.status == 401 else "There is no such page"
    parts = escape(refusal.detail or "").split("`")
    text = "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
    answer = page(title, f'<h1>{title}</h1>\n<p class="soft">{text}</p>', status=refusal.status)
    answer.headers.update(refusal.headers or {})
    return answer
