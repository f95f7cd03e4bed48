"""Sessions of browsers: a cookie gives a teammate's session, and each form carries the session's CSRF token."""

import hmac
import secrets
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response

from showup.access import sessions_store
from showup.access.teammate import Session
from showup.web.http.app_state import AppState, State
from showup.web.http.problems import Refusal

_COOKIE: Final = "showup_session"
# Browsers accept this prefix only with Secure, and then no other host can set the cookie.
_SECURE_COOKIE: Final = f"__Host-{_COOKIE}"
_OWN_SITES: Final = ("same-origin", "none")


class NotSignedIn(Exception):
    """The request has no session that is valid."""


def session_token(request: Request) -> str | None:
    """Return the token of the request's cookie."""
    return request.cookies.get(_cookie_name(request))


async def find_session(request: Request, state: AppState) -> Session | None:
    """Return the session of the request; None without one, or from an address that sent too many wrong ones."""
    token = session_token(request)
    if not token or not token.isascii():
        return None
    source_address = request.client.host if request.client else None
    if state.session_throttle.retry_after(source_address, token) is not None:
        return None
    async with state.engine.connect() as tx:
        session = await sessions_store.find(tx, token, state.clock())
    state.session_throttle.record(source_address, token, is_valid=session is not None)
    return session


async def require_session(request: Request, state: State) -> Session:
    """Return the session of the request. Raises NotSignedIn."""
    session = await find_session(request, state)
    if session is None:
        raise NotSignedIn
    request.state.permission = session.permission
    return session


async def _require_member(session: Annotated[Session, Depends(require_session)]) -> Session:
    if not session.permission.allows("write"):
        raise Refusal("forbidden", "You may read this workspace, and not change it. Ask an admin for the role member.")
    return session


async def _require_admin(session: Annotated[Session, Depends(require_session)]) -> Session:
    if not session.permission.allows("admin"):
        raise Refusal("forbidden", "Only admins of this workspace may do this. Settings, Teammates shows who they are.")
    return session


SignedIn = Annotated[Session, Depends(require_session)]
SignedInMember = Annotated[Session, Depends(_require_member)]
SignedInAdmin = Annotated[Session, Depends(_require_admin)]


def set_session_cookie(request: Request, response: Response, token: str, lifetime: timedelta | None) -> None:
    """Give the browser a session; `lifetime` of None: until the browser closes."""
    response.set_cookie(
        _cookie_name(request),
        token,
        max_age=None if lifetime is None else round(lifetime.total_seconds()),
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


def remove_session_cookie(request: Request, response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(_cookie_name(request), path="/", secure=_is_secure(request), httponly=True, samesite="lax")


def check_origin(request: Request) -> None:
    """Refuse a request that a page of another site made: without a session, a form has no token to check."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    is_own = site in _OWN_SITES if site is not None else origin is None or _host(origin) == request.headers.get("Host")
    if not is_own:
        raise Refusal("forbidden", "This form was sent by a page of another site. Open the page and send it again.")


def masked_token(token: str) -> str:
    """Return the token of a session's forms as a page writes it: other text each time, so that nobody learns it from
    the sizes of compressed pages (BREACH, CVE-2013-3587).
    """
    mask = secrets.token_bytes(len(token) // 2)
    return mask.hex() + _xor(mask, bytes.fromhex(token)).hex()


def check_csrf(request: Request, session: Session, form: dict[str, str]) -> None:
    """Refuse a form without this session's token, masked or not."""
    token = form.get("csrf") or request.headers.get("X-CSRF-Token") or ""
    if len(token) == 2 * len(session.csrf_token):
        token = _unmasked(token)
    if not hmac.compare_digest(token.encode(), session.csrf_token.encode()):
        raise Refusal("forbidden", "This page is from an earlier session. Load it again, then send the form.")


def _unmasked(token: str) -> str:
    try:
        both = bytes.fromhex(token)
    except ValueError:
        return ""
    middle = len(both) // 2
    return _xor(both[:middle], both[middle:]).hex()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))


def _cookie_name(request: Request) -> str:
    return _SECURE_COOKIE if _is_secure(request) else _COOKIE


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _host(origin: str) -> str:
    return urlsplit(origin).netloc
