"""What `decide` answers: what stands afterwards, and what it means for the deal and for the outside, or a refusal."""

from msgspec import Struct

from showup.bookings.booking import Booking
from showup.deals.deal import TurnKind
from showup.effects import Announce, Effect


class Situation(Struct, frozen=True, kw_only=True):
    """What stands before an event: the booking that its story has led to, or nothing yet."""

    booking: Booking | None = None


class Withdraw(Struct, frozen=True, kw_only=True):
    """What was to be told to `recipients` (None: to anybody) and has not been told yet, no longer holds.

    `only` these kinds of effects; None: whatever it is.
    """

    because: str
    recipients: frozenset[str] | None = None
    only: tuple[type[Effect], ...] | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """`what` and `because` make the line in the journal; an empty `what` changes nothing worth a line.

    What is to be withdrawn is, before the effects are called for; what was announced is never taken back.
    What is `restated` is announced if nothing was yet of how things stand.
    """

    after: Booking
    what: str = ""
    because: str = ""
    turns: tuple[TurnKind, ...] = ()
    effects: tuple[Effect, ...] = ()
    withdraw: tuple[Withdraw, ...] = ()
    announcements: tuple[Announce, ...] = ()
    restated: tuple[Announce, ...] = ()


class Rejection(Struct, frozen=True, kw_only=True):
    """The event changes nothing, and `because` says why."""

    because: str
