"""Shared parts of all HTTP destinations: one client, and the outcomes of calls without a response."""

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2
import msgspec

from showup.destinations.contract import TryAgain

TIMEOUT = httpx2.Timeout(10.0, connect=5.0)
POOL = httpx2.Limits(max_connections=100, max_keepalive_connections=20)
"""The timeout of each step of a call, and the maximum of connections per process."""

_LONGEST = 300


def client(version: str) -> httpx2.AsyncClient:
    """Returns the process's HTTP client: all destinations share its connections. The caller closes it.

    `version` is Showup's own, for the User-Agent header (Resend refuses calls without one).
    """
    return httpx2.AsyncClient(timeout=TIMEOUT, limits=POOL, headers=user_agent(version), cookies=no_cookies())


def no_cookies() -> CookieJar:
    """Returns a cookie jar that stores nothing: all workspaces share the client, and must not share cookies."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def user_agent(version: str) -> dict[str, str]:
    """Returns the User-Agent header."""
    return {"User-Agent": f"showup/{version}"}


def no_response(name: str, error: httpx2.RequestError) -> TryAgain:
    """Returns the outcome of a call to `name` that got no response, or a broken one.

    The error's own text is reported only where it can't quote a header, because one header holds the key.
    """
    match error:
        case httpx2.ConnectTimeout():
            because = f"{name} can't be reached: no connection within {TIMEOUT.connect:.0f} seconds"
        case httpx2.ConnectError():
            because = f"{name} can't be reached: {short_message(str(error), 'no connection')}"
        case httpx2.PoolTimeout():
            return TryAgain(because="too many calls are in progress", fault="limit")
        case httpx2.TimeoutException():
            because = f"{name} did not answer within {TIMEOUT.read:.0f} seconds"
        case httpx2.LocalProtocolError():
            because = f"{name} can't be called: its key or its URL contains a character that HTTP does not allow"
        case httpx2.DecodingError():
            because = f"{name} sent a response body that Showup can't read"
        case _:
            because = f"{name} closed the connection without a response"
    return TryAgain(because=because, fault="destination")


def json_body(response: httpx2.Response) -> dict[str, Any]:
    """Returns the response's JSON object; an empty one for any other body."""
    try:
        body = msgspec.json.decode(response.content)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested without end
        return {}
    return body if isinstance(body, dict) else {}


def short_message(text: str, default: str, *, secret: str = "") -> str:
    """Returns a vendor's text on one line, cut short, without `secret`; `default` where there is none."""
    hidden = text.replace(secret, "…") if secret else text
    words = " ".join("".join(c if c.isprintable() else " " for c in hidden).split())
    return words[:_LONGEST] or default
