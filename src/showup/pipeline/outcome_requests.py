"""Ask the host of a meeting how it went, if nobody has reported it some minutes after its end (AP2). Pure.

The booking's state alone decides whether the question stands: an answer, another time, another host or a cancellation
withdraws it, and a state that calls for it again restores it. It is planned with the booking, so that it is asked also
where Cal.com sends no event at the end.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from showup.bookings.booking import Booking
from showup.outbox.planned import OUTCOME, PlannedDelivery
from showup.pipeline.change import Change

_AFTER_END: Final = timedelta(minutes=10)
_ASKED_FOR: Final = timedelta(days=1)


def update_outcome_requests(known: dict[str, PlannedDelivery], change: Change) -> None:
    """Add, change, withdraw or restore the questions of one booking, by key."""
    booking = change.after
    wanted = _request(change)
    key = None if wanted is None else wanted.key
    for other, planned in known.items():
        if other != key and planned.state == "scheduled":
            known[other] = replace(planned, state="withdrawn", because=_withdrawn_because(booking, change))
    if wanted is None or key is None:
        return
    before = known.get(key)
    if before is None or before.state == "withdrawn":
        if change.is_fresh and change.record.received_at < wanted.expires_at:
            known[key] = wanted
    else:
        # The event that planned it stays its reason; its time and its subject are those of now.
        known[key] = replace(
            before,
            due_at=max(before.decided_at, end_of(booking) + _AFTER_END),
            expires_at=wanted.expires_at,
            details=wanted.details,
        )


def end_of(booking: Booking) -> datetime:
    """Return when the meeting ends; its start where no end is known."""
    return booking.end_time or booking.start_time


def _request(change: Change) -> PlannedDelivery | None:
    """Return the question that the state calls for; None if it calls for none."""
    booking, record = change.after, change.record
    guest, host = booking.primary_attendee, booking.organizer_email
    is_open = booking.outcome is None and booking.evidence != "reported" and not booking.host_absent
    if not (change.rules.ask_for_outcome and booking.is_live and is_open) or guest is None or not host:
        return None
    due_at = end_of(booking) + _AFTER_END
    uid = booking.uid or booking.calcom_booking_id or "-"
    return PlannedDelivery(
        kind=OUTCOME,
        key=f"{OUTCOME}:{uid}:{booking.start_time:%Y%m%dT%H%M%SZ}:{host}",
        recipient=host,
        event_id=record.event_id,
        booking_version=booking.version,
        decided_at=record.received_at,
        due_at=max(record.received_at, due_at),
        expires_at=due_at + _ASKED_FOR,
        details={"attendee": guest.email or ""},
        is_mailed=change.rules.is_mailed(OUTCOME),
    )


def _withdrawn_because(booking: Booking, change: Change) -> str:
    if not booking.is_live:
        return f"the meeting is {booking.status.lower()}"
    if booking.outcome is not None or booking.evidence == "reported" or booking.host_absent:
        return "the outcome was reported"
    if change.is_moved:
        return "the meeting was moved to another time"
    if booking.primary_attendee is None:
        return "no external attendee takes part"
    return "the meeting has another host" if change.rules.ask_for_outcome else "the rules ask nobody how it went"
