"""A delivery: one effect for one destination, and its outcome."""

from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

DeliveryState: TypeAlias = Literal["scheduled", "sending", "delivered", "failed", "withdrawn", "skipped"]


MAIL_DESTINATIONS: Final = frozenset({"email", "mail_preview"})
"""The destinations that send mail to attendees."""


class Delivery(Struct, frozen=True, kw_only=True):
    """A delivery. `key` identifies its message; `booking_version` is the booking version that it was planned for.

    It is not sent after `expires_at`. Of the due deliveries, those with higher `priority` go first.
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
    state: DeliveryState
    because: str | None
    details: dict[str, Any]
    simulated: bool


class WakeUp(Struct, frozen=True, kw_only=True):
    """A destination needs a dispatch cycle at a moment (in the past: at once)."""

    destination: str
    at: datetime


class DestinationQueue(Struct, frozen=True, kw_only=True):
    """The deliveries of one workspace to one destination: one rate limit, and one pause during an outage."""

    workspace_id: UUID
    destination: str
