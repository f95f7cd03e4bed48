"""What attendees must be told of a booking (TE1, TE4, TE11), and only while it is worth telling (PI13)."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.model.facts import Fact
from tests.model.values import Booking, World

REMINDERS = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))
# Where all attendees of the plays are.
ZONE = ZoneInfo("Europe/Berlin")


def that_it_stands(world: World, booking: Booking, fact: Fact) -> None:
    """TE1: created or rescheduled. TE4: the reminders still ahead, or a line that says why there is none."""
    if not _is_worth_telling(booking, fact):
        return
    ahead = [one for one in REMINDERS if booking.start - one > fact.received_at]
    for email in _told(world, booking, fact):
        _tell(booking, email, "tell_rescheduled" if booking.moves else "confirm")
        for one in ahead:
            _tell(booking, email, "remind", one, due_at=booking.start - one)
        if not ahead:
            _tell(booking, email, "remind", state="skipped")


def that_it_is_off(world: World, booking: Booking, fact: Fact) -> None:
    """PI4: a cancellation email."""
    if _is_worth_telling(booking, fact):
        for email in _told(world, booking, fact):
            _tell(booking, email, "tell_cancelled")


def the_new_place(world: World, booking: Booking, fact: Fact) -> None:
    """PI6: the new meeting link."""
    if _is_worth_telling(booking, fact):
        for email in _told(world, booking, fact):
            _tell(booking, email, "tell_new_place", fact.said["metadata"]["videoCallUrl"])


def that_it_was_missed(world: World, booking: Booking, fact: Fact) -> None:
    """TE11: once a report says so, two hours after it or after the meeting, and not at night; else not, or no more."""
    missed = booking.status == "ACCEPTED" and booking.attended is False and not booking.host_absent
    if not missed:
        withdraw(booking, only="follow_up")
    elif fact.is_fresh and world.rule("follow_up", False, fact.at):
        due_at = max(booking.end, fact.received_at) + timedelta(hours=2)
        while not 8 <= due_at.astimezone(ZONE).hour < 21:
            due_at = due_at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        if due_at < booking.end + timedelta(days=3, hours=2):
            _tell(booking, booking.booker, "follow_up", due_at=due_at)


def withdraw(booking: Booking, only: str | None = None) -> None:
    """PI3, PI4: what has not been told no longer holds."""
    for key, (state, due_at) in booking.mails.items():
        if state == "scheduled" and only in (None, key[0]):
            booking.mails[key] = ("withdrawn", due_at)


def _is_worth_telling(booking: Booking, fact: Fact) -> bool:
    return fact.is_fresh and booking.start > fact.received_at


def _told(world: World, booking: Booking, fact: Fact) -> list[str]:
    """TE1: the booker; guests by setting."""
    return booking.emails if world.rule("tell_guests", False, fact.at) else [booking.booker]


def _tell(
    booking: Booking,
    email: str,
    kind: str,
    what: Any = None,
    *,
    due_at: datetime | None = None,
    state: str = "scheduled",
) -> None:
    """R2: each once, by what it means; what was withdrawn may be called for again. `due_at`: None is at once."""
    key = (kind, email, what, booking.uid, booking.start)
    if booking.mails.get(key, ("withdrawn", None))[0] == "withdrawn":
        booking.mails[key] = (state, due_at)
