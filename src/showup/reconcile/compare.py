"""What Cal.com's API says of a booking beside what we were told: the differences, and by which news each heals."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

from showup import events
from showup.bookings.booking import Attendee, Booking
from showup.events import News, Replaced
from showup.reconcile.absence import absences
from showup.sources.calcom.api_values import ApiAttendee, ApiBooking
from showup.sources.calcom.as_webhook import Telling, Trigger, guests_of, is_seated
from showup.sources.calcom.payload import url

Kind: TypeAlias = Literal[
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

_MAKING = (
    events.BookingMade,
    events.BookingRequested,
    events.PaymentStarted,
    events.BookingRescheduled,
    events.SeatMoved,
)
# Cal.com writes its row first and tells of it then.
_TOLD_WITHIN: Final = timedelta(minutes=2)
_JUST_AFTER: Final = timedelta(milliseconds=1)
_PHONE_ONLY: Final = "@sms.cal.com"


KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Standing(Struct, frozen=True, kw_only=True):
    """What stands of a booking, and all the news of it in source order; `booking` is None where it is not known."""

    booking: Booking | None = None
    news: tuple[News, ...] = ()


class Difference(Struct, frozen=True, kw_only=True):
    """One thing on which the two disagree, and the news that would put it right. `ours`, `theirs`: for people."""

    kind: Kind
    telling: Telling
    ours: str
    theirs: str


def changed_at(theirs: ApiBooking) -> datetime | None:
    """When the API's booking became what it is; None where an old instance does not say."""
    return theirs.updated_at or theirs.created_at


def differences(standing: Standing, theirs: ApiBooking, over_by: datetime) -> list[Difference]:
    """All differences that can be told now, the one that others depend on first or alone.

    A meeting that ended before `over_by` is over, and Cal.com should have said so.
    """
    about = [one for one in standing.news if is_about(one, theirs)]
    if made := _making(standing.booking, about, theirs):
        return [made]
    ours = standing.booking
    if ours is None or (theirs.uid is not None and ours.uid not in (None, theirs.uid)) or theirs.rescheduled_to_uid:
        # Under this uid the booking is past: what became of it, its successor says.
        return []
    # Who else has a seat decides whether a seat that was given back was the last.
    if theirs.status == "accepted" and (seats := [*_seats(ours, about, theirs)]):
        return seats
    if status := _status(ours, theirs):
        return [status]
    found = [*_reassigned(ours, about, theirs)]
    if theirs.status in ("accepted", "pending"):
        found += _moved(ours, theirs)
    if theirs.status == "accepted":
        found += [*_relocated(ours, theirs), *_over(ours, about, theirs, over_by)]
    return found


def is_about(news: News, theirs: ApiBooking) -> bool:
    """Whether Cal.com's news is about this very uid, and not about one that the booking had before or after."""
    if isinstance(news.event, events.ByHand):
        return False
    seen = news.event.booking
    if seen.uid is not None and theirs.uid is not None:
        return seen.uid == theirs.uid
    return seen.calcom_booking_id is not None and seen.calcom_booking_id == str(theirs.id)


def ends_at(theirs: ApiBooking) -> datetime:
    """The scheduled end, or the start where the API says no end."""
    return theirs.end or theirs.start


def _making(ours: Booking | None, about: Sequence[News], theirs: ApiBooking) -> Difference | None:
    """How the booking came to be: told too late, a cancellation would have no deal to cancel."""
    seated = is_seated(theirs)
    before = None if seated else theirs.rescheduled_from_uid
    told = [one.event for one in about if isinstance(one.event, _MAKING)]
    if told and (before is None or (ours is not None and ours.held(before))):
        return None
    waits = theirs.status in ("pending", "rejected")
    kind: Kind
    trigger: Trigger
    if before is not None:
        # Its acceptance was told without what it took the place of: Cal.com says that when it is asked for only.
        kind, trigger = "rescheduled", "BOOKING_REQUESTED" if waits or told else "BOOKING_RESCHEDULED"
    else:
        kind, trigger = ("requested", "BOOKING_REQUESTED") if waits else ("created", "BOOKING_CREATED")
    telling = Telling(
        trigger=trigger,
        at=theirs.created_at or changed_at(theirs),
        replaces=None if before is None else Replaced(uid=before),
        seats=tuple(guests_of(theirs)[:1]) if seated else (),
    )
    return Difference(kind=kind, telling=telling, ours="not told of", theirs=theirs.status)


def _status(ours: Booking, theirs: ApiBooking) -> Difference | None:
    kind: Kind
    trigger: Trigger
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
    telling = Telling(trigger=trigger, at=changed_at(theirs))
    return Difference(kind=kind, telling=telling, ours=ours.status, theirs=theirs.status)


def _moved(ours: Booking, theirs: ApiBooking) -> Iterator[Difference]:
    other_end = theirs.end is not None and ours.end_time is not None and theirs.end != ours.end_time
    if theirs.start != ours.start_time or other_end:
        # Without a reschedule of its own: any news that carries another time moves the booking.
        trigger: Trigger = "BOOKING_CREATED" if theirs.status == "accepted" else "BOOKING_REQUESTED"
        # It moved before it began: told later than that, its end would be of a time that nobody knew of.
        telling = Telling(trigger=trigger, at=_earlier(changed_at(theirs), theirs.start - _JUST_AFTER))
        ours_at, theirs_at = (f"{start:%Y-%m-%dT%H:%MZ}" for start in (ours.start_time, theirs.start))
        yield Difference(kind="moved", telling=telling, ours=ours_at, theirs=theirs_at)


def _earlier(one: datetime | None, other: datetime) -> datetime | None:
    return None if one is None else min(one, other)


def _reassigned(ours: Booking, about: Sequence[News], theirs: ApiBooking) -> Iterator[Difference]:
    host = (theirs.hosts[0].email or "").strip().lower() if theirs.hosts else ""
    if not host or ours.organizer_email is None:
        return
    # News of something else may have named the host since: the deal has another owner from when it was reassigned on.
    changed = changed_at(theirs)
    told = [
        one.event.booking.organizer_email for one in about if changed is None or one.source_at <= changed + _TOLD_WITHIN
    ]
    by_then = next((one for one in reversed(told) if one is not None), host)
    if host != ours.organizer_email or host != by_then:
        telling = Telling(trigger="BOOKING_REASSIGNED", at=changed_at(theirs))
        yield Difference(kind="reassigned", telling=telling, ours=by_then, theirs=host)


def _relocated(ours: Booking, theirs: ApiBooking) -> Iterator[Difference]:
    place = url(theirs.metadata.get("videoCallUrl")) or url(theirs.meeting_url) or url(theirs.location)
    # What was never changed since it was booked is told by another name at most.
    if place is not None and place != ours.meeting_url and theirs.updated_at is not None:
        telling = Telling(trigger="BOOKING_LOCATION_UPDATED", at=changed_at(theirs))
        yield Difference(kind="relocated", telling=telling, ours=ours.meeting_url or "none", theirs=place)


def _seats(ours: Booking, about: Sequence[News], theirs: ApiBooking) -> Iterator[Difference]:
    if not is_seated(theirs):
        return
    taken = {_seat_key(one): one for one in guests_of(theirs) if one.seat_uid is not None}
    known = {one.key: one for one in ours.seats}
    at = theirs.created_at or changed_at(theirs)
    for key, one in taken.items():
        if key in known:
            at = _told_of_seat(key, about) or at
        else:
            # Whoever came first counts as the booker, so each seat comes after the one that is listed before it.
            at = None if at is None else at + _JUST_AFTER
            telling = Telling(trigger="BOOKING_CREATED", at=at, seats=(one,))
            yield Difference(kind="seat_taken", telling=telling, ours="no seat", theirs=key)
    for key, held in known.items():
        if key not in taken:
            telling = Telling(trigger="BOOKING_CANCELLED", at=changed_at(theirs), seats=(_seat_of(held),))
            yield Difference(kind="seat_given_back", telling=telling, ours=key, theirs="no seat")


def _told_of_seat(key: str, about: Sequence[News]) -> datetime | None:
    made = (one for one in about if isinstance(one.event, _MAKING))
    return next((one.source_at for one in made if any(_key(seen) == key for seen in one.event.booking.attendees)), None)


def _key(seen: events.AttendeeSeen) -> str | None:
    return seen.email or seen.phone or seen.name


def _seat_key(one: ApiAttendee) -> str:
    address = (one.email or "").strip().lower()
    return f"+{address.removesuffix(_PHONE_ONLY)}" if address.endswith(_PHONE_ONLY) else address


def _seat_of(held: Attendee) -> ApiAttendee:
    address = held.email or f"{(held.phone or '').lstrip('+')}{_PHONE_ONLY}"
    return ApiAttendee(email=address, name=held.name, seat_uid=held.seat_uid or address)


def _over(ours: Booking, about: Sequence[News], theirs: ApiBooking, over_by: datetime) -> Iterator[Difference]:
    over = ends_at(theirs) < over_by
    ended = [one.event for one in about if isinstance(one.event, events.MeetingEnded) and one.source_at >= theirs.start]
    end = Telling(trigger="MEETING_ENDED", at=ends_at(theirs))
    if over and not ended:
        yield Difference(kind="ended", telling=end, ours="not told of", theirs="over")
    elif over and theirs.absent_host and not ours.host_absent:
        # No webhook tells of it; a row that says so does.
        yield Difference(kind="host_absence", telling=end, ours="there", theirs="absent")
    elif theirs.absent_host is False and any(one.host_absent for one in ended):
        yield Difference(kind="host_absence", telling=end, ours="absent", theirs="there")
    if marks := absences(ours, about, theirs):
        came = ends_at(theirs) if over else theirs.start
        at = max(changed_at(theirs) or came, came)
        telling = Telling(trigger="BOOKING_NO_SHOW_UPDATED", at=at, absences=marks)
        said = ", ".join(f"{email} {'absent' if absent else 'there'}" for email, absent in marks)
        yield Difference(kind="absence", telling=telling, ours="not told of", theirs=said)
