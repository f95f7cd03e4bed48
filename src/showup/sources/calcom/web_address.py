"""Derives the web address of a Cal.com instance from the address of its API."""

from typing import Final
from urllib.parse import urlsplit

# Hosted Cal.com, by region: its API and its pages have hosts of their own.
_HOSTED: Final = {"api.cal.com": "https://app.cal.com", "api.cal.eu": "https://app.cal.eu"}


def web_address(api_url: str | None) -> str | None:
    """Returns the address of the instance's pages; None where the API's address does not tell.

    An own instance has its API under /api of its own host, or on a host of its own named api.…, whose pages are
    somewhere else.
    """
    try:
        parts = urlsplit((api_url or "").strip())
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    if host in _HOSTED:
        return _HOSTED[host]
    path, slash, _ = parts.path.partition("/api")
    if not slash and host.startswith("api."):
        return None
    authority = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{authority}{path.rstrip('/') if slash else ''}"
