"""Compares a booking in Cal.com's API with its events in Showup: the differences, and the event that repairs each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

from showup.bookings.booking import Attendee, Booking
from showup.events import booking as events
from showup.events.details import ReplacedBooking
from showup.events.envelope import BookingRecord
from showup.events.manual import ManualBookingEvent
from showup.reconcile.absence import find_absences
from showup.sources.calcom.api_values import ApiAttendee, ApiBooking
from showup.sources.calcom.booking_details.location import is_same_place, read_place
from showup.sources.calcom.payload import PHONE_ONLY, number_of_invented_email, url
from showup.sources.calcom.synthetic_webhook import SyntheticWebhook, WebhookTrigger, is_seated, list_guests
from showup.values.email_address import email_domain, normalize_email
from showup.values.redaction import is_pseudonym

SyncDifferenceKind: TypeAlias = Literal[
    "created",
    "requested",
    "rescheduled",
    "accepted",
    "rejected",
    "cancelled",
    "moved",
    "reassigned",
    "relocated",
    "seat_taken",
    "seat_given_back",
    "ended",
    "absence",
    "host_absence",
]

_CREATION_EVENTS = (
    events.BookingMade,
    events.BookingRequested,
    events.PaymentStarted,
    events.BookingRescheduled,
    events.SeatMoved,
)
# Cal.com writes its row first, and sends the webhook then.
_REPORTED_WITHIN: Final = timedelta(minutes=2)
_JUST_AFTER: Final = timedelta(milliseconds=1)


DIFFERENCE_KINDS: Final[tuple[SyncDifferenceKind, ...]] = get_args(SyncDifferenceKind)


class LocalBooking(Struct, frozen=True, kw_only=True):
    """The current booking and all its event records in source order; `booking` is None where it is unknown."""

    booking: Booking | None = None
    records: tuple[BookingRecord, ...] = ()


class SyncDifference(Struct, frozen=True, kw_only=True):
    """One difference, and the webhook that would repair it. `ours`, `theirs`: readable values."""

    kind: SyncDifferenceKind
    webhook: SyntheticWebhook
    ours: str
    theirs: str


def changed_at(theirs: ApiBooking) -> datetime | None:
    """Returns when the API's booking last changed; None where an old instance does not say."""
    return theirs.updated_at or theirs.created_at


def find_differences(local: LocalBooking, theirs: ApiBooking, ended_before: datetime) -> list[SyncDifference]:
    """Returns all differences that can be repaired now; one that others depend on comes first, or alone.

    A meeting that ended before `ended_before` is over, and Cal.com should have reported that.
    """
    records = [one for one in local.records if is_about(one, theirs)]
    if creation := _creation_difference(local.booking, records, theirs):
        return [creation]
    ours = local.booking
    if ours is None or (theirs.uid is not None and ours.uid not in (None, theirs.uid)) or theirs.rescheduled_to_uid:
        # The booking has moved on from this uid; its successor has the current state.
        return []
    # The other seats decide whether a seat that was given back was the last.
    if theirs.status == "accepted" and (seats := [*_seat_differences(ours, records, theirs)]):
        return seats
    if status_difference := _status_difference(ours, theirs):
        return [status_difference]
    found = [*_organizer_differences(ours, records, theirs)]
    if theirs.status in ("accepted", "pending"):
        found += _time_differences(ours, theirs)
    if theirs.status == "accepted":
        found += [*_location_differences(ours, theirs), *_end_differences(ours, records, theirs, ended_before)]
    return found


def is_about(record: BookingRecord, theirs: ApiBooking) -> bool:
    """Returns whether Cal.com's event is about this very uid, not about an earlier or later uid of the booking."""
    if isinstance(record.event, ManualBookingEvent):
        return False
    booking = record.event.booking
    if booking.uid is not None and theirs.uid is not None:
        return booking.uid == theirs.uid
    return booking.calcom_booking_id is not None and booking.calcom_booking_id == str(theirs.id)


def ends_at(theirs: ApiBooking) -> datetime:
    """Returns the scheduled end, or the start where the API gives no end."""
    return theirs.end or theirs.start


def _creation_difference(
    ours: Booking | None, records: Sequence[BookingRecord], theirs: ApiBooking
) -> SyncDifference | None:
    """Returns the missing creation event: if it came later, a cancellation would have no deal to cancel."""
    seated = is_seated(theirs)
    previous_uid = None if seated else theirs.rescheduled_from_uid
    creation_events = [one.event for one in records if isinstance(one.event, _CREATION_EVENTS)]
    if creation_events and (previous_uid is None or (ours is not None and ours.has_had_uid(previous_uid))):
        return None
    is_unconfirmed = theirs.status in ("pending", "rejected")
    kind: SyncDifferenceKind
    trigger: WebhookTrigger
    if previous_uid is not None:
        # Its acceptance came without the booking that it replaces: the API returns that only on request.
        kind, trigger = (
            "rescheduled",
            "BOOKING_REQUESTED" if is_unconfirmed or creation_events else "BOOKING_RESCHEDULED",
        )
    else:
        kind, trigger = ("requested", "BOOKING_REQUESTED") if is_unconfirmed else ("created", "BOOKING_CREATED")
    webhook = SyntheticWebhook(
        trigger=trigger,
        at=theirs.created_at or changed_at(theirs),
        replaces=None if previous_uid is None else ReplacedBooking(uid=previous_uid),
        seats=tuple(list_guests(theirs)[:1]) if seated else (),
    )
    return SyncDifference(kind=kind, webhook=webhook, ours="not received", theirs=theirs.status)


def _status_difference(ours: Booking, theirs: ApiBooking) -> SyncDifference | None:
    kind: SyncDifferenceKind
    trigger: WebhookTrigger
    match theirs.status, ours.status:
        case "accepted", status if status != "ACCEPTED":
            kind, trigger = "accepted", "BOOKING_CREATED"
        case "pending", status if status != "PENDING":
            kind, trigger = "requested", "BOOKING_REQUESTED"
        case "rejected", status if status != "REJECTED":
            kind, trigger = "rejected", "BOOKING_REJECTED"
        case "cancelled", status if status != "CANCELLED":
            kind, trigger = "cancelled", "BOOKING_CANCELLED"
        case _:
            return None
    webhook = SyntheticWebhook(trigger=trigger, at=changed_at(theirs))
    return SyncDifference(kind=kind, webhook=webhook, ours=ours.status, theirs=theirs.status)


def _time_differences(ours: Booking, theirs: ApiBooking) -> Iterator[SyncDifference]:
    end_differs = theirs.end is not None and ours.end_time is not None and theirs.end != ours.end_time
    if theirs.start != ours.start_time or end_differs:
        # Not a reschedule: any event with another time moves the booking.
        trigger: WebhookTrigger = "BOOKING_CREATED" if theirs.status == "accepted" else "BOOKING_REQUESTED"
        # It moved before it began: with a later event, its end would belong to an unknown time.
        webhook = SyntheticWebhook(trigger=trigger, at=_earlier(changed_at(theirs), theirs.start - _JUST_AFTER))
        ours_at, theirs_at = (f"{start:%Y-%m-%dT%H:%MZ}" for start in (ours.start_time, theirs.start))
        yield SyncDifference(kind="moved", webhook=webhook, ours=ours_at, theirs=theirs_at)


def _earlier(one: datetime | None, other: datetime) -> datetime | None:
    return None if one is None else min(one, other)


def _organizer_differences(
    ours: Booking, records: Sequence[BookingRecord], theirs: ApiBooking
) -> Iterator[SyncDifference]:
    host = normalize_email(theirs.hosts[0].email) if theirs.hosts else ""
    if not host or ours.organizer_email is None:
        return
    # Another event may have named the host since: the deal has another owner from the reassignment on.
    changed = changed_at(theirs)
    reported_organizers = [
        one.event.booking.organizer_email
        for one in records
        if changed is None or one.source_at <= changed + _REPORTED_WITHIN
    ]
    organizer_by_then = next((one for one in reversed(reported_organizers) if one is not None), host)
    if host != ours.organizer_email or host != organizer_by_then:
        webhook = SyntheticWebhook(trigger="BOOKING_REASSIGNED", at=changed_at(theirs))
        yield SyncDifference(kind="reassigned", webhook=webhook, ours=organizer_by_then, theirs=host)


def _location_differences(ours: Booking, theirs: ApiBooking) -> Iterator[SyncDifference]:
    meeting_url = url(theirs.metadata.get("videoCallUrl")) or url(theirs.meeting_url) or url(theirs.location)
    if meeting_url is not None:
        ours_is, theirs_is = ours.meeting_url, meeting_url
    elif (place := read_place(theirs.location)) is not None:
        ours_is, theirs_is = ours.location, place
    else:
        return
    # A booking that never changed since its creation differs only in how the place is written.
    if not is_same_place(ours_is, theirs_is) and theirs.updated_at is not None:
        webhook = SyntheticWebhook(trigger="BOOKING_LOCATION_UPDATED", at=changed_at(theirs))
        yield SyncDifference(kind="relocated", webhook=webhook, ours=ours_is or "none", theirs=theirs_is)


def _seat_differences(ours: Booking, records: Sequence[BookingRecord], theirs: ApiBooking) -> Iterator[SyncDifference]:
    if not is_seated(theirs):
        return
    taken = {_seat_key(one): one for one in list_guests(theirs) if one.seat_uid is not None}
    known = {one.key: one for one in ours.seats}
    erased = Counter(email_domain(key) for key in known if is_pseudonym(key))
    at = theirs.created_at or changed_at(theirs)
    for key, one in taken.items():
        if key in known:
            at = _seat_reported_at(key, records) or at
        elif erased[email_domain(key)] > 0:
            # Cal.com still names somebody who was erased here.
            erased[email_domain(key)] -= 1
        else:
            # The first attendee counts as the booker, so each seat comes after the one that is listed before it.
            at = None if at is None else at + _JUST_AFTER
            webhook = SyntheticWebhook(trigger="BOOKING_CREATED", at=at, seats=(one,))
            yield SyncDifference(kind="seat_taken", webhook=webhook, ours="no seat", theirs=key)
    for key, seat in known.items():
        if key not in taken and not is_pseudonym(key):
            webhook = SyntheticWebhook(trigger="BOOKING_CANCELLED", at=changed_at(theirs), seats=(_api_seat(seat),))
            yield SyncDifference(kind="seat_given_back", webhook=webhook, ours=key, theirs="no seat")


def _seat_reported_at(key: str, records: Sequence[BookingRecord]) -> datetime | None:
    created = (one for one in records if isinstance(one.event, _CREATION_EVENTS))
    return next(
        (one.source_at for one in created if any(attendee.key == key for attendee in one.event.booking.attendees)),
        None,
    )


def _seat_key(one: ApiAttendee) -> str:
    return number_of_invented_email(one.email) or normalize_email(one.email)


def _api_seat(attendee: Attendee) -> ApiAttendee:
    address = attendee.email or f"{(attendee.phone or '').lstrip('+')}{PHONE_ONLY}"
    return ApiAttendee(email=address, name=attendee.name, seat_uid=attendee.seat_uid or address)


def _end_differences(
    ours: Booking, records: Sequence[BookingRecord], theirs: ApiBooking, ended_before: datetime
) -> Iterator[SyncDifference]:
    is_over = ends_at(theirs) < ended_before
    ended = [
        one.event for one in records if isinstance(one.event, events.MeetingEnded) and one.source_at >= theirs.start
    ]
    ended_webhook = SyntheticWebhook(trigger="MEETING_ENDED", at=ends_at(theirs))
    if is_over and not ended:
        yield SyncDifference(kind="ended", webhook=ended_webhook, ours="not received", theirs="over")
    elif is_over and theirs.absent_host and not ours.host_absent:
        # Cal.com sends no webhook for it; a MEETING_ENDED event with the booking's row contains it.
        yield SyncDifference(kind="host_absence", webhook=ended_webhook, ours="present", theirs="absent")
    elif theirs.absent_host is False and any(one.host_absent for one in ended):
        yield SyncDifference(kind="host_absence", webhook=ended_webhook, ours="absent", theirs="present")
    if marks := find_absences(ours, records, theirs):
        earliest_at = ends_at(theirs) if is_over else theirs.start
        at = max(changed_at(theirs) or earliest_at, earliest_at)
        webhook = SyntheticWebhook(trigger="BOOKING_NO_SHOW_UPDATED", at=at, absences=marks)
        summary = ", ".join(f"{email} {'absent' if absent else 'present'}" for email, absent in marks)
        yield SyncDifference(kind="absence", webhook=webhook, ours="not received", theirs=summary)
