"""What an attendee must be told of a booking (TE1, TE4), and only while it is worth telling (PI13)."""

from datetime import timedelta
from typing import Any

from tests.model.facts import Fact
from tests.model.values import Booking

REMINDERS = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))


def that_it_stands(booking: Booking, fact: Fact) -> None:
    """TE1: created or rescheduled. TE4: the reminders still ahead, or a line that says why there is none."""
    if not _is_worth_telling(booking, fact):
        return
    _tell(booking, ("tell_rescheduled" if booking.moves else "confirm",))
    ahead = [one for one in REMINDERS if booking.start - one > fact.received_at]
    for one in ahead:
        _tell(booking, ("remind", booking.start - one))
    if not ahead:
        _tell(booking, ("remind", None), "skipped")


def that_it_is_off(booking: Booking, fact: Fact) -> None:
    """PI4: a cancellation email."""
    if _is_worth_telling(booking, fact):
        _tell(booking, ("tell_cancelled",))


def the_new_place(booking: Booking, fact: Fact) -> None:
    """PI6: the new meeting link."""
    if _is_worth_telling(booking, fact):
        _tell(booking, ("tell_new_place", fact.said["metadata"]["videoCallUrl"]))


def withdraw(booking: Booking) -> None:
    """PI3, PI4: what has not been told no longer holds."""
    for key, state in booking.mails.items():
        if state == "scheduled":
            booking.mails[key] = "withdrawn"


def _is_worth_telling(booking: Booking, fact: Fact) -> bool:
    return fact.is_fresh and booking.start > fact.received_at


def _tell(booking: Booking, what: tuple[Any, ...], state: str = "scheduled") -> None:
    """R2: each once, by what it means; what was withdrawn may be called for again."""
    key = (*what, booking.uid, booking.start)
    if booking.mails.get(key, "withdrawn") == "withdrawn":
        booking.mails[key] = state
