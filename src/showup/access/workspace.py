"""A workspace: one client, whose people, companies, bookings and deals are visible to no other workspace."""

import re
from uuid import UUID

from msgspec import Struct

DEFAULT = "default"
SIMULATION = "simulation"
"""The workspace of `showup simulate`: its bookings are marked as simulated, and all its campaigns are. No other
workspace may have this slug."""

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_LENGTH = 63


class Workspace(Struct, frozen=True, kw_only=True):
    """A workspace. `slug` identifies it in URLs and commands, `name` on pages; `time_zone` is an IANA name."""

    id: UUID
    slug: str
    name: str
    time_zone: str


def is_slug(text: str) -> bool:
    """Return whether `text` can identify a workspace or account in a path: `acme`, `acme-europe`, `eu2`."""
    return len(text) <= _MAX_LENGTH and _SLUG.fullmatch(text) is not None
