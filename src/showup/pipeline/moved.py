"""Apply changes to a booking: another time, place or host, or a cancellation (PI3, PI4, PI6)."""

from collections.abc import Iterable

from msgspec.structs import replace

from showup.bookings.booking import Booking
from showup.deals.deal import DealEventKind
from showup.effects import Effect, NotifyCancelled
from showup.events.booking import BookingCancelled, BookingRescheduled, SeatLeft, SeatMoved
from showup.events.details import AttendeeDetails, ReplacedBooking
from showup.events.envelope import BookingRecord
from showup.pipeline.attendees import leave_seats, rejoin_seats, vacate_seats
from showup.pipeline.booking_updates import apply_details, create_booking, is_current, move_booking, timeline_fields
from showup.pipeline.decision import Decision, Rejected, Withdrawal
from showup.pipeline.notify import notified_attendees, notify_cancelled, notify_new_place, notify_scheduled
from showup.pipeline.rules import Rules

_TIME_CHANGED = Withdrawal(because="the meeting was moved to another time")
_SCHEDULED_AGAIN = "the meeting is scheduled again"


def rescheduled(
    before: Booking | None, event: BookingRescheduled, record: BookingRecord, rules: Rules
) -> Decision | Rejected:
    """Apply a reschedule: find the booking by its previous uid and give it the new time and, usually, uid (PI3)."""
    reason = f": {event.reason}" if event.reason else ""
    by = f"by {event.by}" if event.by else "by someone whom Cal.com does not name"
    because = f"the meeting was rescheduled {by}{reason}"
    if before is None:
        decision = _create_rescheduled(event, record, rules, because)
    elif is_current(before, event.booking) and _same_time(before, event):
        return _repeated(before, record, rules)
    else:
        decision = to_new_time(before, record, rules, event.replaces, because=because)
    after = replace(decision.after, reschedule_reason=event.reason, rescheduled_by=event.by)
    return replace(decision, after=after)


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
        effects=notify_scheduled(after, record, rules, all_seats=True),
        withdrawals=(_TIME_CHANGED,),
    )


def with_time_change(before: Booking | None, decision: Decision, record: BookingRecord, rules: Rules) -> Decision:
    """Update reminders if an event of another kind reveals a new time that Cal.com did not report."""
    after = decision.after
    if before is None or before.start_time == after.start_time or not (before.is_live and after.is_live):
        return decision
    if any(one.effect_types is None for one in decision.withdrawals):
        return decision
    return replace(
        decision,
        what=decision.what or "booking.rescheduled",
        because=decision.because or "an event reported another time for the meeting",
        deal_events=(*decision.deal_events, "moved"),
        effects=(
            *decision.effects,
            *_missing_effects(decision.effects, notify_scheduled(after, record, rules, all_seats=True)),
        ),
        withdrawals=(_TIME_CHANGED,),
    )


def withdraw_removed_attendees(before: Booking | None, decision: Decision) -> Decision:
    """Withdraw notifications for attendees who are missing from a newer list."""
    if before is None or decision.after.seated:
        return decision
    remaining_emails = {one.email for one in decision.after.seats}
    removed_emails = frozenset(
        one.email for one in before.seats if one.email is not None and one.email not in remaining_emails
    )
    if not removed_emails:
        return decision
    withdrawal = Withdrawal(because="the recipient is no longer an attendee", recipients=removed_emails)
    return replace(decision, withdrawals=(*decision.withdrawals, withdrawal))


def withdraw_cancellation(record: BookingRecord) -> Withdrawal:
    """Withdraw the cancellation notice for attendees who have a seat again."""
    recipients = _attendee_emails(record.event.booking.attendees)
    return Withdrawal(because=_SCHEDULED_AGAIN, recipients=recipients, effect_types=(NotifyCancelled,))


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


def _missing_effects(known: Iterable[Effect], effects: Iterable[Effect]) -> list[Effect]:
    keys = {effect.key for effect in known}
    return [effect for effect in effects if effect.key not in keys]


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
        withdrawals=(Withdrawal(because="the attendee requested another time"),),
    )


def cancelled(
    before: Booking | None, event: BookingCancelled, record: BookingRecord, rules: Rules
) -> Decision | Rejected:
    """Apply a cancellation of the whole booking, of one seat, or of this time if the host wants another (PI4)."""
    if before is not None and before.status == "CANCELLED" and event.reschedule_requested:
        return Rejected(because="the booking was already cancelled")
    known = apply_details(before, record, rules) if before is not None else create_booking(record, "CANCELLED", rules)
    if before is not None and before.is_live and _has_remaining_seats(before, event):
        return _seat_cancelled(leave_seats(known, event.booking, record.source_at), event, record, rules)
    already_cancelled = before is not None and before.status == "CANCELLED" and not before.reschedule_requested
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
        effects=notify_cancelled(after, record, rules, notified_attendees(after, rules)),
        withdrawals=(Withdrawal(because="the meeting was cancelled"),),
    )


def seat_moved(before: Booking | None, event: SeatMoved, record: BookingRecord, rules: Rules) -> Decision:
    """Apply a seat taken by an attendee of another booking."""
    if before is not None and before.status == "CANCELLED":
        known = apply_details(vacate_seats(before, record.source_at), record, rules)
    else:
        known = (
            apply_details(before, record, rules) if before is not None else create_booking(record, "ACCEPTED", rules)
        )
    after = replace(rejoin_seats(known, event.booking), status="ACCEPTED", reschedule_count=known.reschedule_count)
    deal_events: tuple[DealEventKind, ...] = ("booked",) if before is None or not before.is_live else ()
    return Decision(
        after=after,
        what="booking.seat_taken",
        because="an attendee moved here from another time",
        deal_events=deal_events,
        effects=notify_scheduled(after, record, rules),
        withdrawals=(withdraw_cancellation(record),),
    )


def seat_left(before: Booking | None, event: SeatLeft, record: BookingRecord) -> Decision | Rejected:
    """Apply an attendee's move to another booking; the other attendees keep this one."""
    assert before is not None, "an attendee can leave only a known booking"
    if not before.is_live:
        return Rejected(because=f"the booking is {before.status}")
    after = leave_seats(before, event.booking, record.source_at)
    names = _attendee_names(event.booking.attendees)
    withdrawal = Withdrawal(
        because="the attendee moved to another time", recipients=_attendee_emails(event.booking.attendees)
    )
    if after.seats:
        return Decision(
            after=after,
            what="booking.seat_given_back",
            because=f"{names} moved to another time",
            withdrawals=(withdrawal,),
        )
    return Decision(
        after=replace(after, status="CANCELLED", cancellation_reason="the last attendee moved to another time"),
        what="booking.cancelled",
        because="the last attendee moved to another time",
        deal_events=("suspended",),
        withdrawals=(withdrawal,),
    )


def location_changed(before: Booking | None, record: BookingRecord, rules: Rules) -> Decision:
    """Apply another meeting place."""
    after = apply_details(before, record, rules) if before is not None else create_booking(record, "ACCEPTED", rules)
    return Decision(
        after=after,
        what="booking.relocated",
        because="the meeting has another location",
        deal_events=("booked",) if before is None else (),
        effects=notify_new_place(after, record, rules) if after.is_live else (),
    )


def organizer_changed(before: Booking | None, record: BookingRecord, rules: Rules) -> Decision:
    """Apply another host; the deal's owner follows."""
    after = apply_details(before, record, rules) if before is not None else create_booking(record, "ACCEPTED", rules)
    return Decision(
        after=after,
        what="booking.reassigned",
        because=f"{after.organizer_email} hosts the meeting now",
        deal_events=("booked",) if before is None else ("reassigned",),
    )


def _create_rescheduled(event: BookingRescheduled, record: BookingRecord, rules: Rules, because: str) -> Decision:
    after = create_booking(record, "ACCEPTED", rules, event.replaces)
    return Decision(
        after=after,
        what="booking.rescheduled",
        because=because,
        deal_events=("booked",),
        effects=notify_scheduled(after, record, rules),
    )


def _same_time(before: Booking, event: BookingRescheduled) -> bool:
    return event.booking.start_time == before.start_time


def _repeated(before: Booking, record: BookingRecord, rules: Rules) -> Decision | Rejected:
    if before.status == "CANCELLED":
        return Rejected(because="the booking was cancelled after it was rescheduled")
    after = replace(apply_details(before, record, rules), status="ACCEPTED")
    effects = notify_scheduled(after, record, rules)
    if before.is_live:
        return Decision(after=after, effects=effects)
    return Decision(
        after=after,
        what="booking.accepted",
        because="the new time was accepted",
        deal_events=("booked",),
        effects=effects,
        withdrawals=(Withdrawal(because=_SCHEDULED_AGAIN, effect_types=(NotifyCancelled,)),),
    )


def _has_remaining_seats(before: Booking, event: BookingCancelled) -> bool:
    if not before.seated or not event.booking.attendees:
        return False
    leaving = {one.email or one.phone or one.name for one in event.booking.attendees}
    return any(one.key not in leaving for one in before.seats)


def _seat_cancelled(after: Booking, event: BookingCancelled, record: BookingRecord, rules: Rules) -> Decision:
    keys = {one.email or one.phone or one.name for one in event.booking.attendees}
    leaving = [one for one in after.attendees if one.key in keys]
    return Decision(
        after=after,
        what="booking.seat_given_back",
        because=f"{_attendee_names(event.booking.attendees)} gave back a seat",
        effects=notify_cancelled(after, record, rules, leaving),
        withdrawals=(
            Withdrawal(because="the attendee gave back the seat", recipients=_attendee_emails(event.booking.attendees)),
        ),
    )


def _attendee_names(attendees: Iterable[AttendeeDetails]) -> str:
    return ", ".join(one.email or one.phone or one.name or "an attendee" for one in attendees)


def _attendee_emails(attendees: Iterable[AttendeeDetails]) -> frozenset[str]:
    return frozenset(one.email for one in attendees if one.email is not None)


def _cancelled_reason(event: BookingCancelled) -> str:
    reason = f"{event.by} cancelled the booking" if event.by else "the booking was cancelled"
    if event.reschedule_requested:
        reason = f"{event.by or 'the host'} requested another time"
    return f"{reason}: {event.reason}" if event.reason else reason
