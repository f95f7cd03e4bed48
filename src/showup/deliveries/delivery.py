"""A delivery: one effect on its way to one destination, and what became of it."""

from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

State: TypeAlias = Literal["scheduled", "sending", "delivered", "failed", "withdrawn", "skipped"]


MAIL: Final = frozenset({"email", "outbox"})
"""The destinations by which attendees get mail."""


class Delivery(Struct, frozen=True, kw_only=True):
    """`key` says what is told; `booking_version` which version of the booking it was decided for.

    From `expires_at` on it is not told any more. Of what is due, the higher `priority` goes first.
    """

    booking_id: UUID
    event_id: UUID
    key: str
    destination: str
    kind: str
    recipient: str
    booking_version: int
    decided_at: datetime
    due_at: datetime
    expires_at: datetime | None
    priority: int
    state: State
    because: str | None
    details: dict[str, Any]
    simulated: bool


class Wake(Struct, frozen=True, kw_only=True):
    """Somebody has to look at what is due for a destination, at a moment (in the past: at once)."""

    destination: str
    at: datetime


class Lane(Struct, frozen=True, kw_only=True):
    """What one workspace tells one destination: it has one pace, and one pause when the destination is down."""

    workspace_id: UUID
    destination: str
