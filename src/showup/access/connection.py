"""A connection: how a workspace reaches another system, and with which credentials."""

from typing import Any
from uuid import UUID

from msgspec import Struct

CALCOM = "calcom"
"""The kind of a connection to Cal.com; `connections.catalogue` lists all kinds."""


class Connection(Struct, frozen=True, kw_only=True):
    """One connection as lists show it. `workspace` is a slug; credentials are never shown, only whether they exist."""

    id: UUID
    workspace: str
    kind: str
    name: str
    settings: dict[str, Any]
    has_credentials: bool
