"""Everything that can happen to a booking, in our own words and in the past tense.

An event carries the booking as its source saw it (`BookingSeen`), so that any one event can stand in for others that
were lost. `None` in a seen field means "the source did not say", never "there is none". `News` is an event together
with when it happened, when we heard of it, and where it stands in source order.
"""

from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

from msgspec import Struct

from showup.bookings.booking import MeetingOutcome
from showup.deals.deal import DealChange

_START_OF_TIME = datetime(1, 1, 1, tzinfo=UTC)


class AttendeeSeen(Struct, frozen=True, kw_only=True):
    """One attendee as a source listed them; `email` is lower case, or None for somebody known by phone only."""

    email: str | None
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    seat_uid: str | None = None
    no_show: bool | None = None
    attended: bool | None = None


class BookingSeen(Struct, frozen=True, kw_only=True):
    """A booking as a source saw it; every field may be missing, and what is missing is not news."""

    uid: str | None = None
    calcom_booking_id: str | None = None
    title: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    # When the source says that the booking was made (only MEETING_* bodies carry it).
    booked_at: datetime | None = None
    organizer_email: str | None = None
    organizer_name: str | None = None
    organizer_time_zone: str | None = None
    # The organizer and the co-hosts: whoever is listed here is never a prospect of this booking.
    hosts: frozenset[str] = frozenset()
    attendees: tuple[AttendeeSeen, ...] = ()
    # False where the list of attendees may also hold our own side, or leave some out, as in MEETING_* bodies.
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


class Replaced(Struct, frozen=True, kw_only=True):
    """The booking that a newer one took the place of: its uid, its number and the times it had."""

    uid: str | None
    calcom_booking_id: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None


class BookingEvent(Struct, frozen=True, kw_only=True):
    """What all events have in common: the booking they are about."""

    booking: BookingSeen


class BookingMade(BookingEvent, frozen=True, kw_only=True):
    """A booking is accepted: at once, by the host's confirmation, or by payment. One seat each, where seated."""

    replaces: Replaced | None = None


class BookingRequested(BookingEvent, frozen=True, kw_only=True):
    """A booking waits for the host's yes; with `replaces` it is an attendee's wish for another time."""

    replaces: Replaced | None = None


class PaymentStarted(BookingEvent, frozen=True, kw_only=True):
    """A booking waits for its payment."""


class BookingPaid(BookingEvent, frozen=True, kw_only=True):
    """The payment of a booking arrived."""


class BookingRejected(BookingEvent, frozen=True, kw_only=True):
    """The host declined a booking that waited for their yes."""

    reason: str | None = None


class BookingRescheduled(BookingEvent, frozen=True, kw_only=True):
    """A booking got another time, and with it, nearly always, another uid."""

    replaces: Replaced
    reason: str | None = None
    by: str | None = None


class SeatMoved(BookingEvent, frozen=True, kw_only=True):
    """One attendee left a seat in `replaces` and took one in this booking; both bookings may live on."""

    replaces: Replaced
    by: str | None = None


class SeatLeft(BookingEvent, frozen=True, kw_only=True):
    """The other half of `SeatMoved`: the attendees listed left the booking in which they had a seat."""

    by: str | None = None


class BookingCancelled(BookingEvent, frozen=True, kw_only=True):
    """A booking, or one seat of it, was cancelled; `reschedule_requested`: the host asks for another time."""

    reason: str | None = None
    by: str | None = None
    reschedule_requested: bool = False


class LocationChanged(BookingEvent, frozen=True, kw_only=True):
    """The meeting takes place elsewhere."""


class OrganizerChanged(BookingEvent, frozen=True, kw_only=True):
    """Another teammate hosts the meeting."""


class MeetingStarted(BookingEvent, frozen=True, kw_only=True):
    """The scheduled start came; it says nothing of who was there."""


class MeetingEnded(BookingEvent, frozen=True, kw_only=True):
    """The scheduled end came; who was there is assumed, except where the source says it."""

    host_absent: bool = False


class AttendanceReported(BookingEvent, frozen=True, kw_only=True):
    """Somebody said which attendees came; `booking.attendees[].attended` says who did and who did not."""


class GuestsMissed(BookingEvent, frozen=True, kw_only=True):
    """Cal Video saw no guest join."""


class HostMissed(BookingEvent, frozen=True, kw_only=True):
    """Cal Video saw a host not join; `host_email` is None where the source does not name them."""

    host_email: str | None = None


class RecordingReady(BookingEvent, frozen=True, kw_only=True):
    """A recording of the meeting can be fetched at `url`."""

    url: str | None = None


class TranscriptReady(BookingEvent, frozen=True, kw_only=True):
    """A transcript of the meeting can be fetched at `url`."""

    url: str | None = None


class InviteDeclined(BookingEvent, frozen=True, kw_only=True):
    """An attendee declined the calendar entry, without cancelling the booking."""

    email: str | None = None


class AssignmentDisputed(BookingEvent, frozen=True, kw_only=True):
    """A teammate reported that the booking was routed to the wrong person."""

    by: str | None = None
    correct_organizer: str | None = None


class ByHand(BookingEvent, frozen=True, kw_only=True):
    """What a person did about a booking, where `of` is one of its names; they tell nothing else of it."""

    of: str
    booking: BookingSeen = BookingSeen()


class OutcomeReported(ByHand, frozen=True, kw_only=True):
    """Somebody who was there says how the meeting went; `rescheduled`: it did not take place, another is coming."""

    outcome: MeetingOutcome
    notes: str | None = None
    next_step: str | None = None


class BookingAttached(ByHand, frozen=True, kw_only=True):
    """The booking belongs to another company (its key), or to the deal that the booking named `deal` opened."""

    company: str
    deal: str | None = None


class DealChanged(ByHand, frozen=True, kw_only=True):
    """The deal that this booking opened is changed by hand."""

    change: DealChange


HandEvent: TypeAlias = OutcomeReported | BookingAttached | DealChanged

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

# At the same instant the earlier kind comes first: a booking is asked for, then made, then moved, then over.
_ORDER: tuple[type[Event], ...] = (
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
_RANK: dict[type, int] = {kind: rank for rank, kind in enumerate(_ORDER)}
_LAST = 99


class News(Struct, frozen=True, kw_only=True):
    """An event, when it happened (`source_at`), when we heard of it, and its place in source order.

    `account_id` is None for what people did. `untold`: it is history, of which nobody outside is told (PI13).
    """

    event_id: UUID
    account_id: UUID | None
    event: Event
    source_at: datetime
    received_at: datetime
    order_key: str
    actor: str
    simulated: bool = False
    untold: bool = False


def names(event: Event, account_id: UUID | None) -> tuple[str, ...]:
    """The names by which the booking of this event is found: its uids; else its number; else its time and booker.

    Two bookings of one workspace that share such a name are one, whichever account tells of them. Cal.com's numbers are
    no such names beside a uid: they are only as unique as the instance that gave them, so they hold for one account.
    """
    if isinstance(event, ByHand):
        return (event.of,)
    seen = event.booking
    if seen.uid is None and seen.calcom_booking_id is None:
        booker = next((one.email for one in seen.attendees if one.email is not None), "")
        return (f"at:{account_id}:{seen.start_time:%Y%m%dT%H%M%SZ}:{booker}",)
    if seen.uid is None:
        return (f"id:{account_id}:{seen.calcom_booking_id}",)
    replaced = _replaced_by(event)
    linked = () if replaced is None or replaced.uid is None else (f"uid:{replaced.uid}",)
    return (f"uid:{seen.uid}", *linked)


def further_names(event: Event, account_id: UUID | None) -> tuple[str, ...]:
    """Names under which later news may look for the same booking."""
    seen, replaced = event.booking, _replaced_by(event)
    numbers = (seen.calcom_booking_id, replaced.calcom_booking_id if replaced is not None else None)
    return tuple(f"id:{account_id}:{number}" for number in numbers if number is not None)


def departure(event: SeatMoved) -> SeatLeft:
    """What a moved seat means for the booking that it was a seat of."""
    old = BookingSeen(uid=event.replaces.uid, attendees=event.booking.attendees)
    return SeatLeft(booking=old, by=event.by)


def _replaced_by(event: Event) -> Replaced | None:
    match event:
        case BookingMade() | BookingRequested() | BookingRescheduled():
            return event.replaces
        case _:
            return None


def order_key(source_at: datetime, event: object, digest: bytes) -> str:
    """Where an event or a deed stands among others: text that sorts by source time, then kind, then body digest.

    Nothing in it depends on when or how often the event reached us, so that any order of arrival sorts alike.
    """
    micros = round((source_at - _START_OF_TIME).total_seconds() * 1_000_000)
    return f"{micros:020d}.{_RANK.get(type(event), _LAST):02d}.{digest.hex()[:16]}"
