"""A workspace: one client, whose people, companies, bookings and deals nobody else sees."""

import re
from uuid import UUID

from msgspec import Struct

DEFAULT = "default"
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST = 63


class Workspace(Struct, frozen=True, kw_only=True):
    """`slug` names it in addresses and commands, `name` on pages; `time_zone` is an IANA name."""

    id: UUID
    slug: str
    name: str
    time_zone: str


def is_slug(text: str) -> bool:
    """Whether `text` can name a workspace or an account in a path: `acme`, `acme-europe`, `eu2`."""
    return len(text) <= _LONGEST and _SLUG.fullmatch(text) is not None
