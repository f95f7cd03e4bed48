"""The mails that attendees must receive about a booking (TE1, TE4, TE11), only while they are useful (PI13)."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.model.source_events import SourceEvent
from tests.model.values import Booking, ReferenceModel

REMINDERS = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))
# The time zone of all attendees.
ZONE = ZoneInfo("Europe/Berlin")


def plan_booked(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """TE1: created or rescheduled.

    TE4: the reminders that are still ahead, or a line with the reason why there is none.
    """
    if not _is_notifiable(booking, event):
        return
    future_offsets = [one for one in REMINDERS if booking.start - one > event.received_at]
    for email in _recipients(model, booking, event):
        confirmation = "confirmation" if booking.series is None else "series"
        _plan(booking, email, "rescheduled" if booking.moves else confirmation)
        for one in future_offsets:
            _plan(booking, email, "reminder", one, due_at=booking.start - one)
        if not future_offsets:
            _plan(booking, email, "reminder", state="skipped")


def plan_cancelled(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI4: a cancellation email."""
    if _is_notifiable(booking, event):
        for email in _recipients(model, booking, event):
            _plan(booking, email, "cancelled")


def plan_new_place(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI6: the new meeting link."""
    if _is_notifiable(booking, event):
        for email in _recipients(model, booking, event):
            _plan(booking, email, "new_place", event.fields["metadata"]["videoCallUrl"])


def plan_follow_up(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """TE11: due two hours after the report or the meeting, not at night; withdrawn when the report changes."""
    is_missed = booking.status == "ACCEPTED" and booking.attended is False and not booking.host_absent
    if not is_missed:
        withdraw(booking, only="no_show")
    elif event.is_fresh and model.rule("follow_up", False, event.at):
        due_at = max(booking.end, event.received_at) + timedelta(hours=2)
        while not 8 <= due_at.astimezone(ZONE).hour < 21:
            due_at = due_at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        if due_at < booking.end + timedelta(days=3, hours=2):
            _plan(booking, booking.booker, "no_show", due_at=due_at)


def withdraw(booking: Booking, only: str | None = None) -> None:
    """PI3, PI4: withdraws the mails that were not sent."""
    for key, (state, due_at) in booking.mails.items():
        if state == "scheduled" and only in (None, key[0]):
            booking.mails[key] = ("withdrawn", due_at)


def _is_notifiable(booking: Booking, event: SourceEvent) -> bool:
    return event.is_fresh and booking.start > event.received_at


def _recipients(model: ReferenceModel, booking: Booking, event: SourceEvent) -> list[str]:
    """TE1: the booker; guests if the rule says so."""
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
    """R2: plans each mail once, by its meaning; a withdrawn mail may be planned again. `due_at` None: at once."""
    key = (kind, email, detail, booking.uid, booking.start)
    if booking.mails.get(key, ("withdrawn", None))[0] == "withdrawn":
        booking.mails[key] = (state, due_at)
