"""Shows outside data with its secrets masked: stored requests and the bodies of webhooks. Pure."""

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

MAX_SHOWN: Final = 20_000
"""Longer text is cut: the whole body can be downloaded."""
_MAX_DEPTH: Final = 40
_SECRET_NAME: Final = re.compile("secret|token|passw|authorization|api[_-]?key|signature|cookie", re.IGNORECASE)
_SECRET_IN_ADDRESS: Final = re.compile(
    r"([?&#][^=&#\s]{0,40}(?:token|secret|key|passw|sig)[^=&#\s]{0,20}=)[^&#\s\"']{1,2000}", re.IGNORECASE
)
_MASK: Final = "••••"


class ShownText(Struct, frozen=True):
    """A text as a page shows it; `is_cut`: it goes on."""

    text: str
    is_cut: bool


def masked(value: Any, depth: int = 0) -> Any:
    """Return JSON values in which secrets are masked: by the name of their field, or in an address."""
    if depth >= _MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {
            name: _MASK if _SECRET_NAME.search(name) and isinstance(one, str) and one else masked(one, depth + 1)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [masked(one, depth + 1) for one in value]
    return _SECRET_IN_ADDRESS.sub(rf"\1{_MASK}", value) if isinstance(value, str) else value


def show_json(value: Any) -> ShownText:
    """Return JSON values as indented text, without their secrets."""
    return _cut(msgspec.json.format(msgspec.json.encode(masked(value)), indent=2).decode())


def show_body(body: bytes) -> ShownText | None:
    """Return a body as text: JSON indented and without its secrets; None if it is no text."""
    try:
        return show_json(msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return _cut(_SECRET_IN_ADDRESS.sub(rf"\1{_MASK}", body.decode()))
    except UnicodeDecodeError:
        return None


def _cut(text: str) -> ShownText:
    return ShownText(text[:MAX_SHOWN], is_cut=len(text) > MAX_SHOWN)
