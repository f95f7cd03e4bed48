"""Apply changes to a booking: another time, place or host, or a cancellation (PI3, PI4, PI6)."""

from collections.abc import Iterable

from msgspec.structs import replace

from showup.bookings.booking import Booking, Status
from showup.deals.deal import DealEventKind
from showup.events.booking import BookingCancelled, BookingRescheduled, SeatLeft, SeatMoved
from showup.events.details import AttendeeDetails, BookingEvent, ReplacedBooking
from showup.events.envelope import BookingRecord
from showup.pipeline.attendees import leave_seats, rejoin_seats, vacate_seats
from showup.pipeline.booking_updates import (
    apply_details,
    becomes_live,
    create_booking,
    is_current,
    listed_end,
    move_booking,
    reported_status,
    timeline_fields,
)
from showup.pipeline.decision import Decision, Rejected
from showup.pipeline.rules import Rules


def rescheduled(
    before: Booking | None, event: BookingRescheduled, record: BookingRecord, rules: Rules
) -> Decision | Rejected:
    """Apply a reschedule: find the booking by its previous uid and give it the new time and, usually, uid (PI3)."""
    reason = f": {event.reason}" if event.reason else ""
    by = f"by {event.by}" if event.by else "by someone whom Cal.com does not name"
    because = f"the meeting was rescheduled {by}{reason}"
    if (end := listed_end(before, event.booking)) is not None:
        decision: Decision | Rejected = already_ended(before, end, record, rules, event.replaces)
    elif event.booking.status == "PENDING":
        decision = _rescheduled_too_early(before, event, record, rules)
    elif before is None:
        decision = _create_rescheduled(event, record, rules, because)
    elif is_current(before, event.booking) and _same_time(before, event):
        return _repeated(before, record, rules)
    else:
        decision = to_new_time(before, record, rules, event.replaces, because=because)
    if isinstance(decision, Rejected):
        return decision
    after = replace(decision.after, reschedule_reason=event.reason, rescheduled_by=event.by)
    return replace(decision, after=after)


def already_ended(
    before: Booking | None,
    status: Status,
    record: BookingRecord,
    rules: Rules,
    replaces: ReplacedBooking | None = None,
) -> Decision:
    """Apply an event that reports a booking after its end: it has this status, is not booked, and has no deal (F13)."""
    if before is None:
        after = create_booking(record, status, rules, replaces)
    elif is_current(before, record.event.booking):
        after = replace(apply_details(before, record, rules), status=status)
    else:
        after = replace(move_booking(before, record, rules, replaces), status=status)
    is_new = before is None or before.status != status
    what = "booking.rejected" if status == "REJECTED" else "booking.cancelled"
    return Decision(after=after, what=what if is_new else "", because=f"Cal.com lists the booking as {status}")


def with_unreported_end(before: Booking | None, decision: Decision, event: BookingEvent) -> Decision:
    """Record whether the booking is cancelled only because Cal.com lists it so."""
    is_unreported = (
        decision.after.status == "CANCELLED"
        and not isinstance(event, (BookingCancelled, SeatLeft))
        and (before is None or before.status != "CANCELLED" or before.is_end_unreported)
    )
    if is_unreported == decision.after.is_end_unreported:
        return decision
    return replace(decision, after=replace(decision.after, is_end_unreported=is_unreported))


def to_new_time(
    before: Booking, record: BookingRecord, rules: Rules, replaces: ReplacedBooking | None, *, because: str
) -> Decision:
    """Accept the booking at the event's time, whatever its state was before."""
    after = replace(move_booking(before, record, rules, replaces), status="ACCEPTED")
    return Decision(
        after=after,
        what="booking.rescheduled",
        because=because,
        deal_events=("moved",) if before.is_live else ("booked",),
    )


def with_time_change(before: Booking | None, decision: Decision) -> Decision:
    """Record a new time that Cal.com did not report: an event of another kind reveals it."""
    after = decision.after
    if before is None or before.start_time == after.start_time or not (before.is_live and after.is_live):
        return decision
    if decision.what == "booking.rescheduled":
        return decision
    return replace(
        decision,
        what=decision.what or "booking.rescheduled",
        because=decision.because or "an event reported another time for the meeting",
        deal_events=(*decision.deal_events, "moved"),
    )


def with_correction(before: Booking | None, decision: Decision) -> Decision:
    """Add an audit entry if the event changes visible fields without one; the deal's owner follows a new host."""
    if before is None:
        return decision
    after = decision.after
    if not decision.what and timeline_fields(before) != timeline_fields(after):
        decision = replace(decision, what="booking.corrected", because="a newer event corrected the booking")
    same_time = before.uid == after.uid and before.start_time == after.start_time
    if same_time and before.organizer_email != after.organizer_email and "reassigned" not in decision.deal_events:
        decision = replace(decision, deal_events=(*decision.deal_events, "reassigned"))
    return decision


def to_requested_time(
    before: Booking, record: BookingRecord, rules: Rules, replaces: ReplacedBooking | None
) -> Decision:
    """Apply a request for another time: the old time ends, and the new one waits for the host's confirmation."""
    after = replace(move_booking(before, record, rules, replaces), status="PENDING")
    return Decision(
        after=after,
        what="booking.reschedule_requested",
        because="the attendee requested another time, which waits for the host's confirmation",
        deal_events=("suspended",) if before.is_live else (),
    )


def cancelled(
    before: Booking | None, event: BookingCancelled, record: BookingRecord, rules: Rules
) -> Decision | Rejected:
    """Apply a cancellation of the whole booking, of one seat, or of this time if the host wants another (PI4)."""
    was_cancelled = before is not None and before.status == "CANCELLED" and not before.is_end_unreported
    if was_cancelled and event.reschedule_requested:
        return Rejected(because="the booking was already cancelled")
    known = apply_details(before, record, rules) if before is not None else create_booking(record, "CANCELLED", rules)
    if before is not None and before.is_live and _has_remaining_seats(before, event):
        return _seat_cancelled(leave_seats(known, event.booking, record.source_at), event)
    already_cancelled = was_cancelled and before is not None and not before.reschedule_requested
    after = replace(
        known,
        status="CANCELLED",
        cancellation_reason=event.reason or known.cancellation_reason,
        cancelled_by=event.by or known.cancelled_by,
        reschedule_requested=event.reschedule_requested,
    )
    return Decision(
        after=after,
        what="" if already_cancelled else "booking.cancelled",
        because=_cancelled_reason(event),
        deal_events=() if already_cancelled else ("suspended",) if event.reschedule_requested else ("cancelled",),
    )


def seat_moved(before: Booking | None, event: SeatMoved, record: BookingRecord, rules: Rules) -> Decision:
    """Apply a seat taken by an attendee of another booking."""
    if (end := listed_end(before, event.booking)) is not None:
        return already_ended(before, end, record, rules)
    if before is not None and before.status == "CANCELLED":
        known = apply_details(vacate_seats(before, record.source_at), record, rules)
    else:
        known = (
            apply_details(before, record, rules) if before is not None else create_booking(record, "ACCEPTED", rules)
        )
    after = replace(
        rejoin_seats(known, event.booking, record.source_at), status="ACCEPTED", reschedule_count=known.reschedule_count
    )
    deal_events: tuple[DealEventKind, ...] = ("booked",) if before is None or not before.is_live else ()
    return Decision(
        after=after,
        what="booking.seat_taken",
        because="an attendee moved here from another time",
        deal_events=deal_events,
    )


def seat_left(before: Booking | None, event: SeatLeft, record: BookingRecord) -> Decision | Rejected:
    """Apply an attendee's move to another booking; the other attendees keep this one."""
    assert before is not None, "an attendee can leave only a known booking"
    if not before.is_live:
        return Rejected(because=f"the booking is {before.status}")
    after = leave_seats(before, event.booking, record.source_at)
    names = _attendee_names(event.booking.attendees)
    if after.seats:
        return Decision(
            after=after,
            what="booking.seat_given_back",
            because=f"{names} moved to another time",
        )
    return Decision(
        after=replace(after, status="CANCELLED", cancellation_reason="the last attendee moved to another time"),
        what="booking.cancelled",
        because="the last attendee moved to another time",
        deal_events=("suspended",),
    )


def location_changed(before: Booking | None, record: BookingRecord, rules: Rules) -> Decision:
    """Apply another meeting place."""
    after = _with_reported_status(before, record, rules)
    return Decision(
        after=after,
        what="booking.relocated",
        because="the meeting has another location",
        deal_events=("booked",) if becomes_live(before, after) else (),
    )


def organizer_changed(before: Booking | None, record: BookingRecord, rules: Rules) -> Decision:
    """Apply another host; the deal's owner follows."""
    after = _with_reported_status(before, record, rules)
    details = record.event.booking
    after = replace(after, co_hosts=details.hosts - {details.organizer_email})
    booked: tuple[DealEventKind, ...] = ("booked",) if becomes_live(before, after) else ()
    return Decision(
        after=after,
        what="booking.reassigned",
        because=f"{after.organizer_email} hosts the meeting now",
        deal_events=booked if before is None else (*booked, "reassigned"),
    )


def _with_reported_status(before: Booking | None, record: BookingRecord, rules: Rules) -> Booking:
    status = reported_status(before, record.event.booking)
    if before is None:
        return create_booking(record, status, rules)
    return replace(apply_details(before, record, rules), status=status)


def _create_rescheduled(event: BookingRescheduled, record: BookingRecord, rules: Rules, because: str) -> Decision:
    after = create_booking(record, "ACCEPTED", rules, event.replaces)
    return Decision(
        after=after,
        what="booking.rescheduled",
        because=because,
        deal_events=("booked",),
    )


def _rescheduled_too_early(
    before: Booking | None, event: BookingRescheduled, record: BookingRecord, rules: Rules
) -> Decision | Rejected:
    """Apply a new time that the host must still confirm, as its status says (F13)."""
    if before is None:
        after = create_booking(record, "PENDING", rules, event.replaces)
        return Decision(after=after, what="booking.requested", because="the new time is not accepted yet")
    if not (is_current(before, event.booking) and _same_time(before, event)):
        return to_requested_time(before, record, rules, event.replaces)
    if before.status not in ("ACCEPTED", "PENDING"):
        return Rejected(because=f"the request was already answered: the booking is {before.status}")
    return Decision(after=apply_details(before, record, rules))


def _same_time(before: Booking, event: BookingRescheduled) -> bool:
    return event.booking.start_time == before.start_time


def _repeated(before: Booking, record: BookingRecord, rules: Rules) -> Decision | Rejected:
    if before.status == "CANCELLED":
        return Rejected(because="the booking was cancelled after it was rescheduled")
    after = replace(apply_details(before, record, rules), status="ACCEPTED")
    if before.is_live:
        return Decision(after=after)
    return Decision(
        after=after,
        what="booking.accepted",
        because="the new time was accepted",
        deal_events=("booked",),
    )


def _has_remaining_seats(before: Booking, event: BookingCancelled) -> bool:
    if not before.seated or not event.booking.attendees:
        return False
    leaving = {one.key for one in event.booking.attendees}
    return any(one.key not in leaving for one in before.seats)


def _seat_cancelled(after: Booking, event: BookingCancelled) -> Decision:
    names = _attendee_names(event.booking.attendees)
    return Decision(after=after, what="booking.seat_given_back", because=f"{names} gave back a seat")


def _attendee_names(attendees: Iterable[AttendeeDetails]) -> str:
    return ", ".join(one.key or "an attendee" for one in attendees)


def _cancelled_reason(event: BookingCancelled) -> str:
    reason = f"{event.by} cancelled the booking" if event.by else "the booking was cancelled"
    if event.reschedule_requested:
        reason = f"{event.by or 'the host'} requested another time"
    return f"{reason}: {event.reason}" if event.reason else reason
