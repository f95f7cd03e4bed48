"""What attendees must be told of a booking (TE1, TE4, TE11), and only while it is worth telling (PI13)."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.model.source_events import SourceEvent
from tests.model.values import Booking, ReferenceModel

REMINDERS = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))
# Where all attendees of the plays are.
ZONE = ZoneInfo("Europe/Berlin")


def plan_booked(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """TE1: created or rescheduled. TE4: the reminders still ahead, or a line that says why there is none."""
    if not _is_notifiable(booking, event):
        return
    future_offsets = [one for one in REMINDERS if booking.start - one > event.received_at]
    for email in _recipients(model, booking, event):
        _plan(booking, email, "notify_rescheduled" if booking.moves else "confirm")
        for one in future_offsets:
            _plan(booking, email, "remind", one, due_at=booking.start - one)
        if not future_offsets:
            _plan(booking, email, "remind", state="skipped")


def plan_cancelled(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI4: a cancellation email."""
    if _is_notifiable(booking, event):
        for email in _recipients(model, booking, event):
            _plan(booking, email, "notify_cancelled")


def plan_new_place(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI6: the new meeting link."""
    if _is_notifiable(booking, event):
        for email in _recipients(model, booking, event):
            _plan(booking, email, "notify_new_place", event.fields["metadata"]["videoCallUrl"])


def plan_follow_up(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """TE11: once a report says so, two hours after it or after the meeting, and not at night; else not, or no more."""
    is_missed = booking.status == "ACCEPTED" and booking.attended is False and not booking.host_absent
    if not is_missed:
        withdraw(booking, only="follow_up")
    elif event.is_fresh and model.rule("follow_up", False, event.at):
        due_at = max(booking.end, event.received_at) + timedelta(hours=2)
        while not 8 <= due_at.astimezone(ZONE).hour < 21:
            due_at = due_at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        if due_at < booking.end + timedelta(days=3, hours=2):
            _plan(booking, booking.booker, "follow_up", due_at=due_at)


def withdraw(booking: Booking, only: str | None = None) -> None:
    """PI3, PI4: what has not been told no longer holds."""
    for key, (state, due_at) in booking.mails.items():
        if state == "scheduled" and only in (None, key[0]):
            booking.mails[key] = ("withdrawn", due_at)


def _is_notifiable(booking: Booking, event: SourceEvent) -> bool:
    return event.is_fresh and booking.start > event.received_at


def _recipients(model: ReferenceModel, booking: Booking, event: SourceEvent) -> list[str]:
    """TE1: the booker; guests by setting."""
    return booking.emails if model.rule("notify_guests", False, event.at) else [booking.booker]


def _plan(
    booking: Booking,
    email: str,
    kind: str,
    detail: Any = None,
    *,
    due_at: datetime | None = None,
    state: str = "scheduled",
) -> None:
    """R2: each once, by what it means; what was withdrawn may be called for again. `due_at`: None is at once."""
    key = (kind, email, detail, booking.uid, booking.start)
    if booking.mails.get(key, ("withdrawn", None))[0] == "withdrawn":
        booking.mails[key] = (state, due_at)
