"""Apply events that create a booking: made, requested, paid, or declined (PI1, PI6)."""

from msgspec.structs import replace

from showup.bookings.booking import Attendee, Booking, Status
from showup.deals.deal import DealEventKind
from showup.events.booking import BookingMade, BookingPaid, BookingRejected, BookingRequested
from showup.events.envelope import BookingRecord
from showup.pipeline import moved
from showup.pipeline.attendees import rejoin_seats, vacate_seats
from showup.pipeline.booking_updates import apply_details, create_booking, is_current, listed_end
from showup.pipeline.decision import Decision, Rejected
from showup.pipeline.rules import Rules

_CANCELLED_REASON = "the booking was already cancelled, and a cancelled booking does not return under the same uid"


def made(before: Booking | None, event: BookingMade, record: BookingRecord, rules: Rules) -> Decision | Rejected:
    """Apply an accepted booking: new, previously pending, one more seat, or a repeated event.

    Some instances report a booking as made before it is paid or confirmed: its status says that it still waits (F13).
    Cal.com reads a booking when it sends: one that is sent late may have ended.
    """
    if (end := listed_end(before, event.booking)) is not None:
        return moved.already_ended(before, end, record, rules, event.replaces)
    if event.booking.status == "PENDING":
        return _made_too_early(before, event, record, rules)
    if before is None:
        after = create_booking(record, "ACCEPTED", rules, event.replaces)
        return _accepted(after, "booking.made", "a meeting was booked")
    if not is_current(before, event.booking):
        return moved.to_new_time(before, record, rules, event.replaces, because="the new time was accepted")
    if before.status in ("PENDING", "REJECTED"):
        after = replace(apply_details(before, record, rules), status="ACCEPTED", rejection_reason=None)
        return _accepted(after, "booking.accepted", "the pending booking was accepted")
    if before.seated:
        return _seat_taken(before, record, rules)
    if before.status == "CANCELLED":
        return Rejected(because=_CANCELLED_REASON)
    return repeated(before, record, rules)


def requested(
    before: Booking | None, event: BookingRequested, record: BookingRecord, rules: Rules
) -> Decision | Rejected:
    """Apply a request for a time, or for another time, that the host must confirm.

    An instance that reports a confirmation as one more request gives the status ACCEPTED (F13).
    """
    if event.booking.status == "ACCEPTED":
        return made(before, BookingMade(booking=event.booking, replaces=event.replaces), record, rules)
    if (end := listed_end(before, event.booking)) is not None:
        return moved.already_ended(before, end, record, rules, event.replaces)
    if before is None:
        after = create_booking(record, "PENDING", rules, event.replaces)
        return Decision(after=after, what="booking.requested", because="it waits for the host's confirmation")
    if not is_current(before, event.booking):
        return moved.to_requested_time(before, record, rules, event.replaces)
    return _still_waiting(before, record, rules)


def payment_started(before: Booking | None, record: BookingRecord, rules: Rules) -> Decision | Rejected:
    """Apply a started payment: the booking is accepted once it is paid."""
    if (end := listed_end(before, record.event.booking)) is not None:
        return moved.already_ended(before, end, record, rules)
    if before is None:
        after = create_booking(record, "PENDING", rules)
        return Decision(after=after, what="booking.requested", because="it waits for payment")
    return _still_waiting(before, record, rules)


def paid(before: Booking | None, event: BookingPaid, record: BookingRecord, rules: Rules) -> Decision:
    """Apply a payment: it accepts the booking if its status says so and the host need not confirm it (F13)."""
    end = listed_end(before, event.booking)
    known = before if before is not None else create_booking(record, "PENDING", rules)
    is_accepted = known.status == "PENDING" and event.booking.status == "ACCEPTED" and not event.needs_confirmation
    status: Status = "ACCEPTED" if is_accepted else end or known.status
    after = replace(apply_details(known, record, rules), paid=True, status=status)
    because = "the payment was received, and the booking is accepted" if is_accepted else "the payment was received"
    return Decision(after=after, what="booking.paid", because=because, deal_events=("booked",) if is_accepted else ())


def rejected(
    before: Booking | None, event: BookingRejected, record: BookingRecord, rules: Rules
) -> Decision | Rejected:
    """Apply the host's refusal; the deal, if any, stays for people to decide on."""
    if before is not None and before.status not in ("PENDING", "REJECTED"):
        return Rejected(because=f"the booking is {before.status}: only a pending booking can be declined")
    known = apply_details(before, record, rules) if before is not None else create_booking(record, "REJECTED", rules)
    after = replace(known, status="REJECTED", rejection_reason=event.reason or known.rejection_reason)
    because = f"the host declined: {event.reason}" if event.reason else "the host declined"
    return Decision(after=after, what="booking.rejected", because=because)


def repeated(before: Booking, record: BookingRecord, rules: Rules) -> Decision:
    """Apply a repeated event: its fields may be newer."""
    return Decision(after=apply_details(before, record, rules))


def _made_too_early(
    before: Booking | None, event: BookingMade, record: BookingRecord, rules: Rules
) -> Decision | Rejected:
    if before is None:
        after = create_booking(record, "PENDING", rules, event.replaces)
        return Decision(after=after, what="booking.requested", because="it is not accepted yet")
    if not is_current(before, event.booking):
        return moved.to_requested_time(before, record, rules, event.replaces)
    if before.is_live:
        return _seat_taken(before, record, rules) if before.seated else repeated(before, record, rules)
    return _still_waiting(before, record, rules)


def _accepted(after: Booking, what: str, because: str) -> Decision:
    return Decision(after=after, what=what, because=because, deal_events=("booked",))


def _seat_taken(before: Booking, record: BookingRecord, rules: Rules) -> Decision | Rejected:
    open_booking = vacate_seats(before, record.source_at) if before.status == "CANCELLED" else before
    after = apply_details(open_booking, record, rules)
    known = {one.key: one for one in open_booking.attendees}
    listed = [one.key for one in after.attendees if _is_new(one, known.get(one.key))]
    if not listed:
        return Rejected(because=_CANCELLED_REASON) if before.status == "CANCELLED" else repeated(before, record, rules)
    after = replace(rejoin_seats(after, record.event.booking, record.source_at), status="ACCEPTED")
    deal_events: tuple[DealEventKind, ...] = () if before.is_live else ("booked",)
    return Decision(
        after=after,
        what="booking.seat_taken",
        because=f"{', '.join(listed)} took a seat",
        deal_events=deal_events,
    )


def _is_new(attendee: Attendee, known: Attendee | None) -> bool:
    """Return whether the seat is new: first taken now, or taken again after it was given up."""
    return known is None or (known.left_at is not None and attendee.seat_uid != known.seat_uid)


def _still_waiting(before: Booking, record: BookingRecord, rules: Rules) -> Decision | Rejected:
    if before.status != "PENDING":
        return Rejected(because=f"the request was already answered: the booking is {before.status}")
    return Decision(after=apply_details(before, record, rules))
