"""All booking events, named in Showup's own vocabulary and in the past tense.

An event carries the booking as its source reported it (`BookingDetails`), so that any one event can replace others that
were lost. `None` in such a field means "the source did not say", never "there is none". `EventRecord` is an event with
its source time, its received time and its place in source order.
"""

from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

from msgspec import Struct

from showup.bookings.booking import MeetingOutcome
from showup.deals.deal import DealChange

_EPOCH = datetime(1, 1, 1, tzinfo=UTC)


class AttendeeDetails(Struct, frozen=True, kw_only=True):
    """One attendee as a source listed them; `email` is lower case, or None for an attendee known by phone only."""

    email: str | None
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    seat_uid: str | None = None
    no_show: bool | None = None
    attended: bool | None = None


class BookingDetails(Struct, frozen=True, kw_only=True):
    """A booking as a source reported it; every field may be missing, and a missing field changes nothing."""

    uid: str | None = None
    calcom_booking_id: str | None = None
    title: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    # When the booking was made, according to the source (only MEETING_* bodies carry it).
    booked_at: datetime | None = None
    organizer_email: str | None = None
    organizer_name: str | None = None
    organizer_time_zone: str | None = None
    # The organizer and the co-hosts: they are never prospects of this booking.
    hosts: frozenset[str] = frozenset()
    attendees: tuple[AttendeeDetails, ...] = ()
    # False if the list of attendees may include team members or omit attendees, as in MEETING_* bodies.
    attendees_are_guests: bool = True
    seated: bool = False
    event_type: str | None = None
    event_type_title: str | None = None
    calcom_event_type_id: str | None = None
    team_id: int | None = None
    location: str | None = None
    meeting_url: str | None = None
    notes: str | None = None
    answers: dict[str, str] = {}
    company_answer: str | None = None
    ical_uid: str | None = None
    ical_sequence: int | None = None
    booker_url: str | None = None
    price: int | None = None
    currency: str | None = None
    simulated: bool = False


class ReplacedBooking(Struct, frozen=True, kw_only=True):
    """The booking that a newer one replaced: its uid, its number and its times."""

    uid: str | None
    calcom_booking_id: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None


class BookingEvent(Struct, frozen=True, kw_only=True):
    """The base of all booking events: the booking they are about."""

    booking: BookingDetails


class BookingMade(BookingEvent, frozen=True, kw_only=True):
    """A booking was accepted: at once, by the host's confirmation, or by payment. One event for each seat."""

    replaces: ReplacedBooking | None = None


class BookingRequested(BookingEvent, frozen=True, kw_only=True):
    """A booking waits for the host's confirmation; with `replaces`, an attendee asks for another time."""

    replaces: ReplacedBooking | None = None


class PaymentStarted(BookingEvent, frozen=True, kw_only=True):
    """A booking waits for its payment."""


class BookingPaid(BookingEvent, frozen=True, kw_only=True):
    """The payment of a booking arrived."""


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


class ManualBookingEvent(BookingEvent, frozen=True, kw_only=True):
    """The base of manual events about a booking, found by one of its names. They carry no other booking details."""

    booking_name: str
    booking: BookingDetails = BookingDetails()


class OutcomeReported(ManualBookingEvent, frozen=True, kw_only=True):
    """A witness reported the meeting's outcome; `rescheduled`: it did not take place and another will follow."""

    outcome: MeetingOutcome
    notes: str | None = None
    next_step: str | None = None


class BookingAttached(ManualBookingEvent, frozen=True, kw_only=True):
    """A person attached the booking to another company (key), or to the deal that the booking named `deal` opened."""

    company: str
    deal: str | None = None


class DealChanged(ManualBookingEvent, frozen=True, kw_only=True):
    """A person changed the deal that this booking opened."""

    change: DealChange


AnyManualBookingEvent: TypeAlias = OutcomeReported | BookingAttached | DealChanged

Event: TypeAlias = (
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
    | BookingAttached
    | DealChanged
)

# At the same instant the earlier kind comes first: a booking is requested, then made, then moved, then over.
_KIND_ORDER: tuple[type[Event], ...] = (
    PaymentStarted,
    BookingRequested,
    BookingMade,
    BookingPaid,
    BookingRejected,
    BookingRescheduled,
    SeatMoved,
    SeatLeft,
    LocationChanged,
    OrganizerChanged,
    BookingCancelled,
    InviteDeclined,
    AssignmentDisputed,
    MeetingStarted,
    HostMissed,
    GuestsMissed,
    MeetingEnded,
    AttendanceReported,
    RecordingReady,
    TranscriptReady,
    OutcomeReported,
    BookingAttached,
    DealChanged,
)
_KIND_RANK: dict[type, int] = {kind: rank for rank, kind in enumerate(_KIND_ORDER)}
_LAST_RANK = 99


class EventRecord(Struct, frozen=True, kw_only=True):
    """An event, when it happened (`source_at`), when we received it, and its place in source order.

    `account_id` is None for manual events. `is_history`: it is a backfilled event and causes no notifications (PI13).
    """

    event_id: UUID
    account_id: UUID | None
    event: Event
    source_at: datetime
    received_at: datetime
    order_key: str
    actor: str
    simulated: bool = False
    is_history: bool = False


def booking_names(event: Event, account_id: UUID | None) -> tuple[str, ...]:
    """Return the names that identify the event's booking: its uids, or its number, or its time and booker.

    Two bookings of one workspace that share such a name are one, whichever account reports them. Cal.com's numbers are
    not such names if there is a uid: they are unique only within one Cal.com instance, so they apply to one account.
    """
    if isinstance(event, ManualBookingEvent):
        return (event.booking_name,)
    details = event.booking
    if details.uid is None and details.calcom_booking_id is None:
        booker = next((one.email for one in details.attendees if one.email is not None), "")
        return (f"at:{account_id}:{details.start_time:%Y%m%dT%H%M%SZ}:{booker}",)
    if details.uid is None:
        return (f"id:{account_id}:{details.calcom_booking_id}",)
    replaced = _replaced_booking(event)
    linked = () if replaced is None or replaced.uid is None else (f"uid:{replaced.uid}",)
    return (f"uid:{details.uid}", *linked)


def alternate_booking_names(event: Event, account_id: UUID | None) -> tuple[str, ...]:
    """Return names under which later events may look up the same booking."""
    details, replaced = event.booking, _replaced_booking(event)
    numbers = (details.calcom_booking_id, replaced.calcom_booking_id if replaced is not None else None)
    return tuple(f"id:{account_id}:{number}" for number in numbers if number is not None)


def seat_left_event(event: SeatMoved) -> SeatLeft:
    """Return what a moved seat means for the booking that the attendee left."""
    left_booking = BookingDetails(uid=event.replaces.uid, attendees=event.booking.attendees)
    return SeatLeft(booking=left_booking, by=event.by)


def _replaced_booking(event: Event) -> ReplacedBooking | None:
    match event:
        case BookingMade() | BookingRequested() | BookingRescheduled():
            return event.replaces
        case _:
            return None


def order_key(source_at: datetime, event: object, digest: bytes) -> str:
    """Return a sort key for an event: text that sorts by source time, then kind, then body digest.

    It does not depend on when or how often the event was received, so any order of arrival gives the same order.
    """
    micros = round((source_at - _EPOCH).total_seconds() * 1_000_000)
    return f"{micros:020d}.{_KIND_RANK.get(type(event), _LAST_RANK):02d}.{digest.hex()[:16]}"
