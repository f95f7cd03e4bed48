"""All booking events.

An event carries the booking as its source reported it (`BookingDetails`), so that any one event can replace others that
were lost.
"""

from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from showup.bookings.booking import MeetingOutcome
from showup.campaigns.match import Method
from showup.events.deal import DealChanged
from showup.events.details import BookingDetails, BookingEvent, ReplacedBooking
from showup.events.manual import ManualBookingEvent
from showup.events.proposal import ProposalMarked, ProposalSaved


class BookingMade(BookingEvent, frozen=True, kw_only=True):
    """A booking was accepted: at once, by the host's confirmation, or by payment. One event for each seat."""

    replaces: ReplacedBooking | None = None


class BookingRequested(BookingEvent, frozen=True, kw_only=True):
    """A booking waits for the host's confirmation; with `replaces`, an attendee asks for another time."""

    replaces: ReplacedBooking | None = None


class PaymentStarted(BookingEvent, frozen=True, kw_only=True):
    """A booking waits for its payment."""


class BookingPaid(BookingEvent, frozen=True, kw_only=True):
    """The payment of a booking arrived; `needs_confirmation`: the host must still confirm the booking."""

    needs_confirmation: bool = False


class BookingRejected(BookingEvent, frozen=True, kw_only=True):
    """The host declined a booking that waited for confirmation."""

    reason: str | None = None


class BookingRescheduled(BookingEvent, frozen=True, kw_only=True):
    """A booking got another time and, nearly always, another uid."""

    replaces: ReplacedBooking
    reason: str | None = None
    by: str | None = None


class SeatMoved(BookingEvent, frozen=True, kw_only=True):
    """One attendee left a seat in `replaces` and took one in this booking; both bookings may continue."""

    replaces: ReplacedBooking
    by: str | None = None


class SeatLeft(BookingEvent, frozen=True, kw_only=True):
    """The other half of `SeatMoved`: the listed attendees left this booking."""

    by: str | None = None


class BookingCancelled(BookingEvent, frozen=True, kw_only=True):
    """A booking, or one seat of it, was cancelled; `reschedule_requested`: the host asks for another time."""

    reason: str | None = None
    by: str | None = None
    reschedule_requested: bool = False


class LocationChanged(BookingEvent, frozen=True, kw_only=True):
    """The meeting place changed."""


class OrganizerChanged(BookingEvent, frozen=True, kw_only=True):
    """Another teammate became the host."""


class MeetingStarted(BookingEvent, frozen=True, kw_only=True):
    """The scheduled start passed; it says nothing about attendance."""


class MeetingEnded(BookingEvent, frozen=True, kw_only=True):
    """The scheduled end passed; attendance is assumed unless the source reports it."""

    host_absent: bool = False


class AttendanceReported(BookingEvent, frozen=True, kw_only=True):
    """A witness reported attendance; `booking.attendees[].attended` says who came and who did not."""


class GuestsMissed(BookingEvent, frozen=True, kw_only=True):
    """Cal Video saw no guest join."""


class HostMissed(BookingEvent, frozen=True, kw_only=True):
    """Cal Video saw a host not join; `host_email` is None if the source does not name the host."""

    host_email: str | None = None


class RecordingReady(BookingEvent, frozen=True, kw_only=True):
    """A recording of the meeting is available at `url`."""

    url: str | None = None


class TranscriptReady(BookingEvent, frozen=True, kw_only=True):
    """A transcript of the meeting is available at `url`."""

    url: str | None = None


class InviteDeclined(BookingEvent, frozen=True, kw_only=True):
    """An attendee declined the calendar invite without cancelling the booking."""

    email: str | None = None


class AssignmentDisputed(BookingEvent, frozen=True, kw_only=True):
    """A teammate reported that the booking was routed to the wrong person."""

    by: str | None = None
    correct_organizer: str | None = None


class OutcomeReported(ManualBookingEvent, frozen=True, kw_only=True):
    """A witness reported the meeting's outcome; `rescheduled`: it did not take place and another will follow.

    `offer`: whether people who did not come are offered another time; None: as the rules say.
    """

    outcome: MeetingOutcome
    notes: str | None = None
    next_step: str | None = None
    offer: bool | None = None


class AttendeeReported(ManualBookingEvent, frozen=True, kw_only=True):
    """A witness reported whether one attendee (by `Attendee.key`) came; None takes earlier reports about them back."""

    attendee: str
    came: bool | None


class NextStepChanged(ManualBookingEvent, frozen=True, kw_only=True):
    """A person changed what is to be done next after the meeting; an empty text: nothing, or it is done."""

    next_step: str


class CommandUndone(ManualBookingEvent, frozen=True, kw_only=True):
    """A person undid a report of the outcome, or a change of the deal that the booking opened.

    `command` is its event; it counts as if nobody had given it.
    """

    command: UUID


class AttendeeConfirmed(ManualBookingEvent, frozen=True, kw_only=True):
    """An attendee (by `Attendee.key`) said that they will come at `start_time`. It says nothing about attendance."""

    attendee: str
    start_time: datetime


class BookingAttached(ManualBookingEvent, frozen=True, kw_only=True):
    """A person attached the booking to another company (key), or to the deal that the booking named `deal` opened."""

    company: str
    deal: str | None = None


class LeadMatched(ManualBookingEvent, frozen=True, kw_only=True):
    """An attendee (by `Attendee.key`) was found to be a lead (email) of a campaign, by Showup or by a person.

    `method`, `score` and `evidence` are those of a `campaigns.match.FoundMatch`.
    """

    attendee: str
    lead: str
    campaign_id: int
    method: Method
    score: float
    evidence: dict[str, str]


class MatchWithdrawn(ManualBookingEvent, frozen=True, kw_only=True):
    """The evidence of an attendee's match is gone, or shows another lead."""

    attendee: str
    lead: str


class MatchUndone(ManualBookingEvent, frozen=True, kw_only=True):
    """A person undid a match: the attendee is not this lead. Showup doesn't match the two again by itself."""

    attendee: str
    lead: str


class AttendeeDismissed(ManualBookingEvent, frozen=True, kw_only=True):
    """A person said that no campaign brought this attendee (by `Attendee.key`): nobody has to review them."""

    attendee: str


class DismissalUndone(ManualBookingEvent, frozen=True, kw_only=True):
    """A person wants to review the attendee (by `Attendee.key`) again."""

    attendee: str


MatchEvent: TypeAlias = LeadMatched | MatchWithdrawn | MatchUndone | AttendeeDismissed | DismissalUndone
"""The events about matches: they change nothing else about the booking."""

AnyBookingEvent: TypeAlias = (
    BookingMade
    | BookingRequested
    | PaymentStarted
    | BookingPaid
    | BookingRejected
    | BookingRescheduled
    | SeatMoved
    | SeatLeft
    | BookingCancelled
    | LocationChanged
    | OrganizerChanged
    | MeetingStarted
    | MeetingEnded
    | AttendanceReported
    | GuestsMissed
    | HostMissed
    | RecordingReady
    | TranscriptReady
    | InviteDeclined
    | AssignmentDisputed
    | OutcomeReported
    | AttendeeReported
    | NextStepChanged
    | CommandUndone
    | AttendeeConfirmed
    | BookingAttached
    | LeadMatched
    | MatchWithdrawn
    | MatchUndone
    | AttendeeDismissed
    | DismissalUndone
    | ProposalSaved
    | ProposalMarked
    | DealChanged
)


def booking_names(event: AnyBookingEvent, account_id: UUID | None) -> tuple[str, ...]:
    """Return the names that identify the event's booking: its uids, or its number, or its time and booker.

    Two bookings of one workspace that share such a name are one, whichever account reports them. Cal.com's numbers are
    not such names if there is a uid: they are unique only within one Cal.com instance, so they apply to one account.
    """
    if isinstance(event, ManualBookingEvent):
        return (event.subject,)
    details = event.booking
    if details.uid is None and details.calcom_booking_id is None:
        return _time_names(event, account_id)
    if details.uid is None:
        return (f"id:{account_id}:{details.calcom_booking_id}",)
    replaced = _replaced_booking(event)
    linked = () if replaced is None or replaced.uid is None else (f"uid:{replaced.uid}",)
    return (f"uid:{details.uid}", *linked)


def alternate_booking_names(event: AnyBookingEvent, account_id: UUID | None) -> tuple[str, ...]:
    """Return names under which later events may look up the same booking."""
    details, replaced = event.booking, _replaced_booking(event)
    numbers = (details.calcom_booking_id, replaced.calcom_booking_id if replaced is not None else None)
    return tuple(f"id:{account_id}:{number}" for number in numbers if number is not None)


def seat_left_event(event: SeatMoved) -> SeatLeft:
    """Return what a moved seat means for the booking that the attendee left."""
    left_booking = BookingDetails(uid=event.replaces.uid, attendees=event.booking.attendees)
    return SeatLeft(booking=left_booking, by=event.by)


def booker_key(details: BookingDetails) -> str | None:
    """Return the email of the first attendee who has one, else the first phone number; None without either."""
    emails = (one.email for one in details.attendees if one.email is not None)
    phones = (one.phone for one in details.attendees if one.phone is not None)
    return next(emails, None) or next(phones, None)


def _time_names(event: AnyBookingEvent, account_id: UUID | None) -> tuple[str, ...]:
    """Return the names of a booking without uid and number: its time and its booker, and its old time if it moved."""
    replaced = _replaced_booking(event)
    times = (event.booking.start_time, None if replaced is None else replaced.start_time)
    booker = booker_key(event.booking) or ""
    named = (f"at:{account_id}:{time:%Y%m%dT%H%M%SZ}:{booker}" for time in times if time is not None)
    return tuple(dict.fromkeys(named))


def _replaced_booking(event: AnyBookingEvent) -> ReplacedBooking | None:
    match event:
        case BookingMade() | BookingRequested() | BookingRescheduled():
            return event.replaces
        case _:
            return None
