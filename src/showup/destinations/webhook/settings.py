"""An outgoing webhook's settings: the event kinds that it can subscribe to, and its secrets."""

import secrets
from base64 import b64encode
from collections.abc import Iterable
from typing import Final, get_args

from showup.events.kinds import AnnouncementKind, DealAnnouncementKind

PING: Final = "ping"
"""The kind of a test delivery, which every outgoing webhook accepts."""

_GROUPS: Final = ("*", "booking.*", "deal.*", "proposal.*")
KINDS: Final = (*get_args(AnnouncementKind), *get_args(DealAnnouncementKind))
_PREFIX: Final = "whsec_"
_BYTES: Final = 32


def expand(requested: Iterable[str]) -> tuple[str, ...]:
    """Returns the matching kinds, each once; `booking.*` matches a prefix. Raises ValueError for an unknown kind."""
    found: set[str] = set()
    for one in requested:
        matching = _matching(one)
        if not matching:
            raise ValueError(f"{one!r} is not an event type: use {', '.join(KINDS)}, or a group such as deal.*")
        found.update(matching)
    return tuple(kind for kind in KINDS if kind in found)


def _matching(requested: str) -> list[str]:
    if requested in _GROUPS:
        return [kind for kind in KINDS if kind.startswith(requested.removesuffix("*"))]
    return [kind for kind in KINDS if kind == requested]


def make_secret() -> str:
    """Returns a new secret: `whsec_` and 32 random bytes in Base64."""
    return f"{_PREFIX}{b64encode(secrets.token_bytes(_BYTES)).decode()}"
