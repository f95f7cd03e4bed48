"""Events about deals, all caused by people. Bookings open and move deals too: see `deals.deal.DealEvent`."""

from uuid import UUID

from showup.deals.deal import DealChange
from showup.events.manual import ManualBookingEvent, ManualEvent
from showup.events.stream import Stream

MANUAL_DEAL_PREFIX = "deal:"
"""Begins the name of a deal that a person opened; the id of the opening event follows."""


class DealOpened(ManualEvent, frozen=True, kw_only=True):
    """A person opened a deal without a booking; `change` holds its initial values."""

    company: str
    change: DealChange = DealChange()

    def stream(self, event_id: UUID) -> Stream:
        """Return the new deal's stream."""
        return Stream("deal", f"{MANUAL_DEAL_PREFIX}{event_id}")


class DealChanged(ManualBookingEvent, frozen=True, kw_only=True):
    """A person changed a deal. `subject` names the booking that opened it, or is `deal:EVENT` if a person opened it.

    `seats_of`: the company (key) whose deal it was. Of a booking with seats, only the deal of this company changes,
    whichever company is the booking's own after a replay. None: the deal of the booking's own company.
    """

    change: DealChange
    seats_of: str | None = None

    def stream(self, event_id: UUID) -> Stream:
        """Return the stream of the booking that opened the deal, or of the manually opened deal."""
        is_manual = self.subject.startswith(MANUAL_DEAL_PREFIX)
        return Stream("deal", self.subject) if is_manual else super().stream(event_id)
