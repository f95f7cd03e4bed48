"""The results of `decide`: the new state with its deal events and effects, or a refusal."""

from msgspec import Struct

from showup.bookings.booking import Booking
from showup.deals.deal import DealEventKind
from showup.effects import Effect, NotifySubscribers


class PriorState(Struct, frozen=True, kw_only=True):
    """The state before an event: the booking that its history led to, or None."""

    booking: Booking | None = None


class Withdrawal(Struct, frozen=True, kw_only=True):
    """Withdraws undelivered effects for `recipients` (None: for everybody) that are no longer valid.

    `effect_types` limits it to these kinds of effects; None means all kinds.
    """

    because: str
    recipients: frozenset[str] | None = None
    effect_types: tuple[type[Effect], ...] | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """The changes one event makes. `what` and `because` form the audit entry; an empty `what` adds no entry.

    Withdrawals apply before new effects are planned; announcements are never withdrawn. `restated` announcements are
    sent only if the current state has not been announced yet.
    """

    after: Booking
    what: str = ""
    because: str = ""
    deal_events: tuple[DealEventKind, ...] = ()
    effects: tuple[Effect, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    announcements: tuple[NotifySubscribers, ...] = ()
    restated: tuple[NotifySubscribers, ...] = ()


class Rejected(Struct, frozen=True, kw_only=True):
    """A refusal: the event changes nothing, and `because` gives the reason."""

    because: str
