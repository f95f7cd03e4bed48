"""The envelope of an event: when it happened, when we received it, who caused it, and the stream that it belongs to."""

from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeAlias, TypeGuard, TypeVar
from uuid import UUID

from msgspec import Struct

from showup.events import booking
from showup.events.booking import AnyBookingEvent
from showup.events.deal import MANUAL_DEAL_PREFIX, DealChanged, DealOpened
from showup.events.delivery import MailFeedback, RecordChosen
from showup.events.details import BookingEvent
from showup.events.lead import LeadReported
from showup.events.manual import ManualEvent
from showup.events.proposal import ProposalMarked, ProposalSaved
from showup.events.stream import Stream
from showup.events.workspace import CompanyRecorded, Merged, MergeUndone, PersonRecorded, RulesChanged

Event: TypeAlias = (
    AnyBookingEvent
    | DealOpened
    | PersonRecorded
    | CompanyRecorded
    | Merged
    | MergeUndone
    | RulesChanged
    | MailFeedback
    | RecordChosen
    | LeadReported
)

AnyEvent = TypeVar("AnyEvent", covariant=True)

SIMULATED_ORIGINS: Final = ("sample", "simulation")
"""The bookings of these events are simulated. Nothing in Cal.com's bodies makes them so: attendees can write there."""


class EventRecord(Struct, Generic[AnyEvent], frozen=True, kw_only=True):
    """An event, when it happened (`source_at`), when we received it, and its place in source order.

    `account_id` is None unless it came from a Cal.com account. `is_history`: it is a backfilled event and causes no
    notifications (PI13).
    """

    event_id: UUID
    account_id: UUID | None
    event: AnyEvent
    source_at: datetime
    received_at: datetime
    order_key: str
    actor: str
    simulated: bool = False
    is_history: bool = False


BookingRecord: TypeAlias = EventRecord[AnyBookingEvent]
AnyRecord: TypeAlias = EventRecord[Event]


def is_booking_record(record: AnyRecord) -> TypeGuard[BookingRecord]:
    """Return whether the event belongs to a booking's history."""
    event = record.event
    if isinstance(event, DealChanged):
        return not event.subject.startswith(MANUAL_DEAL_PREFIX)
    return isinstance(event, BookingEvent)


def stream_of(record: AnyRecord) -> Stream:
    """Return the stream of an event."""
    if isinstance(record.event, ManualEvent | MailFeedback | LeadReported):
        return record.event.stream(record.event_id)
    return Stream("booking", booking.booking_names(record.event, record.account_id)[0])


def other_names(record: AnyRecord) -> tuple[str, ...]:
    """Return the names of other streams that the event must be found with."""
    return record.event.other_names if isinstance(record.event, ManualEvent) else ()


_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LAST_RANK = 99

# At the same instant the earlier kind comes first: a booking is requested, then made, then moved, then over.
_KIND_ORDER: tuple[type, ...] = (
    booking.PaymentStarted,
    booking.BookingRequested,
    booking.BookingMade,
    booking.BookingPaid,
    booking.BookingRejected,
    booking.BookingRescheduled,
    booking.SeatMoved,
    booking.SeatLeft,
    booking.LocationChanged,
    booking.OrganizerChanged,
    booking.BookingCancelled,
    booking.InviteDeclined,
    booking.AssignmentDisputed,
    booking.MeetingStarted,
    booking.HostMissed,
    booking.GuestsMissed,
    booking.MeetingEnded,
    booking.AttendanceReported,
    booking.RecordingReady,
    booking.TranscriptReady,
    booking.AttendeeConfirmed,
    booking.OutcomeReported,
    booking.AttendeeReported,
    booking.NextStepChanged,
    booking.BookingAttached,
    booking.LeadMatched,
    booking.MatchWithdrawn,
    booking.MatchUndone,
    booking.AttendeeDismissed,
    booking.DismissalUndone,
    ProposalSaved,
    ProposalMarked,
    DealChanged,
    booking.CommandUndone,
)
_KIND_RANK: dict[type, int] = {kind: rank for rank, kind in enumerate(_KIND_ORDER)}


def order_key(source_at: datetime, event: object, digest: bytes) -> str:
    """Return a sort key for an event: text that sorts by source time, then kind, then body digest.

    It does not depend on when or how often the event was received, so any order of arrival gives the same order.
    """
    # Whole numbers: a float counts the seconds since the year 1 in steps of 8 µs.
    micros = (source_at - _EPOCH) // _MICROSECOND
    return f"{micros:020d}.{_KIND_RANK.get(type(event), _LAST_RANK):02d}.{digest.hex()[:16]}"


def manual_order_key(order_key: str) -> str:
    """Return the order key of a detail that a person gave: it sorts after all source events, at any time."""
    return f"h{order_key}"
