"""The mails that attendees and hosts must receive about a booking (TE1, TE4, TE11, AP2), only while useful (PI13)."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.model.source_events import SourceEvent
from tests.model.values import Booking, ReferenceModel

REMINDERS = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))
_INVITATIONS = ("confirmation", "series", "rescheduled", "new_place", "new_host")
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
    """PI4: a cancellation email. F02: a host who asks for another time cancels nothing."""
    if _is_notifiable(booking, event):
        for email in _recipients(model, booking, event):
            _plan(booking, email, "reschedule_request" if booking.is_rebooking_requested else "cancelled")


def plan_difference(model: ReferenceModel, booking: Booking, event: SourceEvent, kind: str, what: object) -> None:
    """PI6, F06: another place or another host; one that comes back is reported again."""
    if _is_notifiable(booking, event):
        for email in _recipients(model, booking, event):
            _plan_again(booking, email, kind, what)


def plan_cleanup(booking: Booking, event: SourceEvent, mails_before: set[tuple[Any, ...]]) -> None:
    """F01: removes the calendar entries that no longer hold, unless another mail of the same event does.

    That mail may be withdrawn before it is sent.
    """
    new_mails = scheduled_mails(booking) - mails_before
    for (email, uid), (start, removing_mail) in list(booking.calendar_entries.items()):
        is_valid = booking.status == "ACCEPTED" and uid == booking.calendar_uid and email in booking.emails
        is_removed = removing_mail is not None and booking.mails[removing_mail][0] != "withdrawn"
        if start <= event.received_at:
            del booking.calendar_entries[email, uid]
        elif not (is_valid or is_removed) and event.is_fresh:
            cancelling = [one for one in new_mails if one[:2] in (("cancelled", email), ("reschedule_request", email))]
            if cancelling and uid == booking.calendar_uid:
                booking.calendar_entries[email, uid] = (start, cancelling[0])
            else:
                del booking.calendar_entries[email, uid]
                _plan_again(booking, email, "calendar_cleanup", uid)
    for kind, email, *_ in new_mails:
        if (
            kind in ("confirmation", "series", "rescheduled", "new_place", "new_host")
            and booking.calendar_uid is not None
        ):
            booking.calendar_entries[email, booking.calendar_uid] = (booking.start, None)


def scheduled_mails(booking: Booking) -> set[tuple[Any, ...]]:
    """Returns the mails that are to be sent."""
    return {key for key, (state, _) in booking.mails.items() if state == "scheduled"}


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


def plan_outcome_request(booking: Booking, event: SourceEvent) -> None:
    """AP2: the host is asked ten minutes after the end how it went, unless somebody reported it."""
    is_reported = booking.outcome is not None or booking.evidence == "reported" or booking.host_absent
    is_open = booking.status == "ACCEPTED" and not is_reported
    asked = ("outcome", booking.host, None, booking.uid, booking.start)
    for key, (state, due_at) in booking.mails.items():
        if key[0] == "outcome" and state == "scheduled" and not (is_open and key == asked):
            booking.mails[key] = ("withdrawn", due_at)
    due_at = booking.end + timedelta(minutes=10)
    if is_open and event.is_fresh and event.received_at < due_at + timedelta(days=1):
        _plan(booking, booking.host, "outcome", due_at=max(event.received_at, due_at))


def withdraw(booking: Booking, only: str | None = None) -> None:
    """PI3, PI4: withdraws the mails that were not sent."""
    for key, (state, due_at) in booking.mails.items():
        if state == "scheduled" and only in (None, key[0]) and key[0] not in ("calendar_cleanup", "outcome"):
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


def _plan_again(booking: Booking, email: str, kind: str, detail: Any) -> None:
    count = sum(1 for one in booking.mails if one[:2] == (kind, email) and one[2][0] == detail)
    _plan(booking, email, kind, (detail, count))
