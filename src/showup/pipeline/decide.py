"""Decide what one event changes: the whole booking policy as a pure function.

`decide` reads no clock and no database. Times come with the event; the current state is passed as `PriorState`.
"""

from typing import assert_never

from showup.bookings.booking import Booking
from showup.events import booking as events
from showup.events.booking import AnyBookingEvent
from showup.events.deal import DealChanged
from showup.events.details import BookingDetails
from showup.events.envelope import BookingRecord
from showup.events.manual import ManualBookingEvent
from showup.events.proposal import ProposalMarked, ProposalSaved
from showup.pipeline import attended, booked, manual, moved
from showup.pipeline.booking_updates import is_replaced
from showup.pipeline.decision import Decision, PriorState, Rejected
from showup.pipeline.rules import Rules

_CREATING = (
    events.BookingMade,
    events.BookingRequested,
    events.BookingRescheduled,
    events.PaymentStarted,
    events.SeatMoved,
)
_NEVER_CREATING = (events.AttendanceReported, events.SeatLeft, ManualBookingEvent)


def can_create_booking(event: AnyBookingEvent) -> bool:
    """Return whether this event alone can create a booking: it must give a time and an attendee."""
    if event.booking.start_time is None or isinstance(event, _NEVER_CREATING):
        return False
    return isinstance(event, _CREATING) or bool(event.booking.attendees)


def decide(prior: PriorState, record: BookingRecord, rules: Rules) -> Decision | Rejected:
    """Return what the event changes, or why it changes nothing."""
    before, event = prior.booking, record.event
    if before is None and not can_create_booking(event):
        return Rejected(because="unknown booking: waiting for its first event")
    if before is not None and not isinstance(event, ManualBookingEvent) and is_replaced(before, event.booking):
        return Rejected(because=_past_booking_reason(event.booking))
    decision = _decide_event(before, record, rules)
    if isinstance(decision, Rejected):
        return decision
    decision = moved.with_unreported_end(before, decision, event)
    return moved.with_correction(before, moved.with_time_change(before, decision))


def _decide_event(before: Booking | None, record: BookingRecord, rules: Rules) -> Decision | Rejected:
    event = record.event
    match event:
        case events.BookingMade():
            return booked.made(before, event, record, rules)
        case events.BookingRequested():
            return booked.requested(before, event, record, rules)
        case events.PaymentStarted():
            return booked.payment_started(before, record, rules)
        case events.BookingPaid():
            return booked.paid(before, event, record, rules)
        case events.BookingRejected():
            return booked.rejected(before, event, record, rules)
        case events.BookingRescheduled():
            return moved.rescheduled(before, event, record, rules)
        case events.SeatMoved():
            return moved.seat_moved(before, event, record, rules)
        case events.SeatLeft():
            return moved.seat_left(before, event, record)
        case events.BookingCancelled():
            return moved.cancelled(before, event, record, rules)
        case events.LocationChanged():
            return moved.location_changed(before, record, rules)
        case events.OrganizerChanged():
            return moved.organizer_changed(before, record, rules)
        case events.MeetingStarted():
            return attended.meeting_started(before, record, rules)
        case events.MeetingEnded():
            return attended.meeting_ended(before, event, record, rules)
        case events.AttendanceReported():
            return attended.attendance_reported(before, record)
        case events.GuestsMissed():
            return attended.guests_missed(before, record)
        case events.HostMissed():
            return attended.host_missed(before, event)
        case events.RecordingReady():
            return attended.recording_ready(before, event)
        case events.TranscriptReady():
            return attended.transcript_ready(before, event)
        case events.InviteDeclined():
            return attended.invite_declined(before, event)
        case events.AssignmentDisputed():
            return attended.assignment_disputed(before, event)
        case events.OutcomeReported():
            return manual.outcome_reported(before, event, record.source_at)
        case events.AttendeeReported():
            return manual.attendee_reported(before, event, record.source_at)
        case events.NextStepChanged():
            return manual.next_step_changed(before, event)
        case events.CommandUndone():
            return manual.command_undone(before)
        case events.AttendeeConfirmed():
            return manual.attendee_confirmed(before, event, record.source_at)
        case events.BookingAttached():
            return manual.attached(before, event)
        case DealChanged():
            return manual.deal_changed(before)
        case ProposalSaved() | ProposalMarked():
            return manual.proposal_changed(before)
        case (
            events.LeadMatched()
            | events.MatchWithdrawn()
            | events.MatchUndone()
            | events.AttendeeDismissed()
            | events.DismissalUndone()
        ):
            return manual.match_changed(before)
        case _ as unreachable:
            assert_never(unreachable)


def _past_booking_reason(details: BookingDetails) -> str:
    name = f"uid {details.uid}" if details.uid is not None else f"booking {details.calcom_booking_id}"
    return f"it is about {name}, which a reschedule has replaced"
