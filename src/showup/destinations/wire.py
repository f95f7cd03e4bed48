"""What all destinations reached over HTTP have in common: one client, and outcomes for what never got an answer."""

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2
import msgspec

from showup.destinations.contract import TryAgain

PATIENCE = httpx2.Timeout(10.0, connect=5.0)
POOL = httpx2.Limits(max_connections=100, max_keepalive_connections=20)
"""How long is waited for each step of a call, and how many connections a process keeps."""

_LONGEST = 300


def client(version: str) -> httpx2.AsyncClient:
    """One for a process: its connections are shared by all destinations. Whoever makes it closes it.

    `version` is Showup's own: who calls is said to everybody (Resend refuses calls that don't).
    """
    return httpx2.AsyncClient(timeout=PATIENCE, limits=POOL, headers=user_agent(version), cookies=no_cookies())


def no_cookies() -> CookieJar:
    """Takes none: a client is shared by all workspaces, and what one is given would be shown by the others."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def user_agent(version: str) -> dict[str, str]:
    """The header that says who calls."""
    return {"User-Agent": f"showup/{version}"}


def unanswered(name: str, error: httpx2.RequestError) -> TryAgain:
    """The outcome of a call to `name` that got no answer, or a broken one.

    An error's own words are told only where they can't quote a header, for one of those has the key.
    """
    match error:
        case httpx2.ConnectTimeout():
            because = f"{name} can't be reached: no connection within {PATIENCE.connect:.0f} seconds"
        case httpx2.ConnectError():
            because = f"{name} can't be reached: {plain(str(error), 'no connection')}"
        case httpx2.PoolTimeout():
            return TryAgain(because="too many calls are under way here", fault="limit")
        case httpx2.TimeoutException():
            because = f"{name} did not answer within {PATIENCE.read:.0f} seconds"
        case httpx2.LocalProtocolError():
            because = f"{name} can't be called: its key or its address has a character that HTTP forbids"
        case httpx2.DecodingError():
            because = f"{name} answered with a body that can't be read"
        case _:
            because = f"{name} broke the connection off before it answered"
    return TryAgain(because=because, fault="destination")


def parsed(answer: httpx2.Response) -> dict[str, Any]:
    """The JSON object that an answer is; an empty one for whatever else it is."""
    try:
        body = msgspec.json.decode(answer.content)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested without end
        return {}
    return body if isinstance(body, dict) else {}


def plain(text: str, otherwise: str, *, secret: str = "") -> str:
    """Somebody else's words on one line, cut short, without `secret`; `otherwise` where there are none."""
    hidden = text.replace(secret, "…") if secret else text
    words = " ".join("".join(c if c.isprintable() else " " for c in hidden).split())
    return words[:_LONGEST] or otherwise
