"""One event, one decision: the whole policy of a booking's life, as a pure function.

`decide` knows no clock and no database. Time comes with the news; what stands comes as a `Situation`.
"""

from typing import assert_never

from showup import events
from showup.bookings.booking import Booking
from showup.events import BookingSeen, Event, News
from showup.pipeline import announcing, attended, booked, by_hand, missed, moved
from showup.pipeline.decision import Decision, Rejection, Situation
from showup.pipeline.rules import Rules
from showup.pipeline.seeing import is_past

_FOUNDING = (
    events.BookingMade,
    events.BookingRequested,
    events.BookingRescheduled,
    events.PaymentStarted,
    events.SeatMoved,
)
_NEVER_FOUNDING = (events.AttendanceReported, events.SeatLeft, events.ByHand)


def founds(event: Event) -> bool:
    """Whether a booking nobody has told us of can stand on this event alone: it must know when, and with whom."""
    if event.booking.start_time is None or isinstance(event, _NEVER_FOUNDING):
        return False
    return isinstance(event, _FOUNDING) or bool(event.booking.attendees)


def decide(situation: Situation, news: News, rules: Rules) -> Decision | Rejection:
    """What the news changes in the situation, and what should be told of it; or why it changes nothing."""
    before, event = situation.booking, news.event
    if before is None and not founds(event):
        return Rejection(because="nobody has told of this booking yet")
    if before is not None and not isinstance(event, events.ByHand) and is_past(before, event.booking):
        return Rejection(because=_about_the_past(event.booking))
    decision = _decided(before, news, rules)
    if isinstance(decision, Rejection):
        return decision
    decision = moved.corrected(before, moved.quietly_moved(before, decision, news, rules))
    decision = missed.followed_up(before, moved.left_out(before, decision), news, rules)
    return announcing.announced(before, decision, news, rules)


def _decided(before: Booking | None, news: News, rules: Rules) -> Decision | Rejection:
    event = news.event
    match event:
        case events.BookingMade():
            return booked.made(before, event, news, rules)
        case events.BookingRequested():
            return booked.requested(before, event, news, rules)
        case events.PaymentStarted():
            return booked.payment_started(before, news, rules)
        case events.BookingPaid():
            return booked.paid(before, news, rules)
        case events.BookingRejected():
            return booked.rejected(before, event, news, rules)
        case events.BookingRescheduled():
            return moved.rescheduled(before, event, news, rules)
        case events.SeatMoved():
            return moved.seat_moved(before, event, news, rules)
        case events.SeatLeft():
            return moved.seat_left(before, event, news)
        case events.BookingCancelled():
            return moved.cancelled(before, event, news, rules)
        case events.LocationChanged():
            return moved.location_changed(before, news, rules)
        case events.OrganizerChanged():
            return moved.organizer_changed(before, news, rules)
        case events.MeetingStarted():
            return attended.meeting_started(before, news, rules)
        case events.MeetingEnded():
            return attended.meeting_ended(before, event, news, rules)
        case events.AttendanceReported():
            return attended.reported(before, news)
        case events.GuestsMissed():
            return attended.guests_missed(before, news)
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
            return by_hand.outcome_reported(before, event)
        case events.BookingAttached():
            return by_hand.attached(before, event)
        case events.DealChanged():
            return by_hand.deal_changed(before)
        case _ as never:
            assert_never(never)


def _about_the_past(seen: BookingSeen) -> str:
    name = f"uid {seen.uid}" if seen.uid is not None else f"booking {seen.calcom_booking_id}"
    return f"it is about {name}, which a reschedule has replaced"
