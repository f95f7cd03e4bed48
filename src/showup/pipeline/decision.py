"""The results of `decide`: the new state with its deal events, or a refusal."""

from msgspec import Struct

from showup.bookings.booking import Booking
from showup.deals.deal import DealEventKind


class PriorState(Struct, frozen=True, kw_only=True):
    """The state before an event: the booking that its history led to, or None."""

    booking: Booking | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """The changes one event makes. `what` and `because` form the audit entry; an empty `what` adds no entry.

    `conflict`: why what a person did does not fit the state. The request is refused because of it. In any later replay
    it was accepted and stands: an older event that arrived afterwards caused the conflict (PI12).

    The notifications follow from the state before and the decision: see `notify`.
    """

    after: Booking
    what: str = ""
    because: str = ""
    deal_events: tuple[DealEventKind, ...] = ()
    conflict: str | None = None


class Rejected(Struct, frozen=True, kw_only=True):
    """A refusal: the event changes nothing, and `because` gives the reason."""

    because: str
