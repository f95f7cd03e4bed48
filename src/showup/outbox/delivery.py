"""A delivery: one notification for one destination. The only builder of rows of the table `deliveries`."""

from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

DeliveryState: TypeAlias = Literal["scheduled", "sending", "delivered", "previewed", "failed", "withdrawn", "skipped"]


MAIL_DESTINATIONS: Final = frozenset({"email", "mail_preview"})
"""The destinations that send mail to attendees."""


_MESSAGES: Final = (
    *("confirmation", "series", "rescheduled", "cancelled", "reschedule_request"),
    *("new_place", "new_host", "calendar_cleanup"),
)
_PRIORITIES: Final = {
    "no_show": 10,
    "reminder": 20,
    **dict.fromkeys((*_MESSAGES, "booking", "deal"), 30),
}
_SYSTEM_PRIORITY: Final = 25


class Delivery(Struct, frozen=True, kw_only=True):
    """A notification for one destination. `key` identifies its message; the same key is never sent twice.

    It is about a booking, at the version that it was planned for, or about a deal, or about neither. `event_id` is the
    event that planned it; None for system notifications. It is not sent after `expires_at`.
    """

    key: str
    destination: str
    kind: str
    decided_at: datetime
    due_at: datetime
    expires_at: datetime
    booking_id: UUID | None = None
    deal_id: UUID | None = None
    event_id: UUID | None = None
    recipient: str | None = None
    booking_version: int = 0
    state: DeliveryState = "scheduled"
    because: str | None = None
    details: dict[str, Any] = {}
    simulated: bool = False

    @property
    def priority(self) -> int:
        """Return the priority; due deliveries with a higher one go first.

        Messages that people wait for come first, then notifications of the system, reminders and follow-ups.
        """
        return _PRIORITIES.get(self.kind.partition(".")[0], _SYSTEM_PRIORITY)

    def to_row(self, workspace_id: UUID, wake_at: datetime | None = None) -> dict[str, Any]:
        """Return the row of the table `deliveries`; by default the destination is called when it is due."""
        return {
            "id": uuid5(workspace_id, self.key),
            "workspace_id": workspace_id,
            "booking_id": self.booking_id,
            "deal_id": self.deal_id,
            "event_id": self.event_id,
            "key": self.key,
            "destination": self.destination,
            "kind": self.kind,
            "recipient": self.recipient,
            "priority": self.priority,
            "booking_version": self.booking_version,
            "due_at": self.due_at,
            "expires_at": self.expires_at,
            "wake_at": wake_at or self.due_at,
            "state": self.state,
            "because": self.because,
            "details": self.details,
            "simulated": self.simulated,
            "created_at": self.decided_at,
            "updated_at": self.decided_at,
        }


class WakeUp(Struct, frozen=True, kw_only=True):
    """A destination needs a dispatch cycle at a moment (in the past: at once)."""

    destination: str
    at: datetime


class DestinationQueue(Struct, frozen=True, kw_only=True):
    """The deliveries of one workspace to one destination: one rate limit, and one pause during an outage."""

    workspace_id: UUID
    destination: str


def silenced(delivery: Delivery) -> Delivery:
    """Return the delivery, skipped if it is about the past: the rules did not call for it then (PI13)."""
    is_future = delivery.due_at > delivery.decided_at and delivery.kind != "no_show"
    if delivery.state != "scheduled" or is_future:
        return delivery
    return replace(delivery, state="skipped", because="the rules changed: Showup does not notify anyone of that")
