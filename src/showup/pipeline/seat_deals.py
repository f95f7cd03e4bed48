"""Deal events of a booking: one stream of its own company, and with seats one for each other company (M02).

Of a booking with seats, each company's seats are a meeting of their own: it is on while the booking is on and one of
these seats is taken, and it was held if one of these attendees came. The booking's own company, that of its first
business address, has the booking's own stream.

Older events can make another company the own one, after a person changed a deal. So a change belongs to the company
whose deal it was, and not to a stream. If this company has no deal here any more, the change is a conflict (M01).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from uuid import UUID, uuid5

from showup.bookings.booking import Attendee, Booking
from showup.companies.company import domain_of_key
from showup.deals.deal import DealEvent, DealEventKind
from showup.events import booking as events
from showup.events.booking import BookingAttached
from showup.events.deal import DealChanged
from showup.events.envelope import BookingRecord
from showup.events.manual import ManualBookingEvent
from showup.pipeline.change import Change
from showup.pipeline.merges import Identities
from showup.values.domain_name import display_domain

# No uid contains a space.
_SEATS: Final = " seats of "
# Stands for the stream of the booking's own company, where the key of a company stands for that of its seats.
_OWN: Final = ""
_MANUAL_KINDS: Final = frozenset({"changed", "attached"})
_ATTENDANCE_EVENTS: Final = (
    events.MeetingEnded,
    events.AttendanceReported,
    events.GuestsMissed,
    events.HostMissed,
    events.OutcomeReported,
    events.AttendeeReported,
)


def seat_stream_id(booking_id: UUID, company: str) -> UUID:
    """Return the id of the deal events that the seats of this company cause, unless it is the booking's own company."""
    return uuid5(booking_id, f"seats of {company}")


def deal_name(booking: str, seats_of: str | None) -> str:
    """Return the name of the deal that a booking, or the seats of another company in it, opened."""
    return booking if seats_of is None else f"{booking}{_SEATS}{seats_of}"


def split_deal_name(name: str) -> tuple[str, str | None]:
    """Return the booking's name, and the company (key) whose seats opened the deal, from the name of a deal."""
    booking, _, seats_of = name.rpartition(_SEATS)
    return (booking, seats_of) if booking else (name, None)


def own_deal_events(booking_id: UUID, changes: Sequence[Change], identities: Identities) -> list[DealEvent]:
    """Return the deal events of the booking's own company."""
    return [
        _deal_event(booking_id, change, kind)
        for change in changes
        for kind in _own_kinds(change, changes[-1].after, identities)
    ]


def seat_deal_events(booking_id: UUID, changes: Sequence[Change], identities: Identities) -> dict[str, list[DealEvent]]:
    """Return, by company key, the deal events of the other companies that have or had seats."""
    found = {}
    for company in sorted(_other_companies(changes[-1].after) if changes else ()):
        stream_id = seat_stream_id(booking_id, company)
        found[company] = [
            _deal_event(stream_id, change, kind)
            for change in changes
            for kind in (
                *_seat_kinds(change, company),
                *(_manual_kinds(change) if _stream_of(change, changes[-1].after, identities) == company else ()),
            )
        ]
    return found


def changes_without_deal(
    changes: Sequence[Change], streams: Iterable[Sequence[DealEvent]]
) -> Iterator[tuple[BookingRecord, str]]:
    """Yield people's changes of deals that their companies do not have in these streams any more, each with the reason.

    It concerns bookings with seats: without seats, the booking's deal follows the booking to another company.
    """
    placed = {event_id for stream in streams for event_id in _placed_changes(stream)}
    for record in (change.record for change in changes):
        event = record.event
        if not isinstance(event, DealChanged) or not _is_of_company(event, changes[-1].after):
            continue
        if record.event_id not in placed:
            company = display_domain(domain_of_key(event.seats_of or "") or "the company")
            yield record, f"{company} has no deal in this booking, and the deals of others stay as they are"


def _placed_changes(stream: Sequence[DealEvent]) -> Iterator[UUID]:
    is_open = False
    for deal_event in sorted(stream, key=lambda one: one.order_key):
        is_open = is_open or deal_event.kind == "booked"
        if is_open and deal_event.kind == "changed":
            yield deal_event.event_id


def _own_company(booking: Booking) -> str | None:
    return None if booking.company_attendee is None else booking.company_attendee.company_key


def _other_companies(booking: Booking) -> set[str]:
    """Return the keys of the companies that have or had seats, other than the booking's own."""
    if not booking.seated:
        return set()
    companies = {one.company_key for one in booking.attendees if one.company_key is not None}
    return companies - {_own_company(booking)}


def _own_kinds(change: Change, last: Booking, identities: Identities) -> Iterable[DealEventKind]:
    if _stream_of(change, last, identities) != _OWN:
        return ()
    if not change.after.seated:
        return change.decision.deal_events
    return (*_seat_kinds(change, _own_company(last)), *_manual_kinds(change))


def _manual_kinds(change: Change) -> Iterable[DealEventKind]:
    return (one for one in change.decision.deal_events if one in _MANUAL_KINDS)


def _stream_of(change: Change, last: Booking, identities: Identities) -> str | None:
    """Return the stream that a person's change belongs to; None if its company has no stream. All else is `_OWN`."""
    event = change.record.event
    if not isinstance(event, DealChanged) or not _is_of_company(event, last):
        return _OWN
    streams: dict[str | None, str] = {last.attached_to: _OWN}
    streams |= {one: one for one in sorted(_other_companies(last))}
    streams[_own_company(last)] = _OWN
    if event.seats_of in streams:
        return streams[event.seats_of]
    by_identity = {identities.company(key): stream for key, stream in streams.items() if key is not None}
    return by_identity.get(identities.company(event.seats_of or ""))


def _is_of_company(event: DealChanged, last: Booking) -> bool:
    """Return whether the change belongs to one company, whichever company is the booking's own."""
    return last.seated and event.seats_of is not None


def _seat_kinds(change: Change, company: str | None) -> Iterable[DealEventKind]:
    """Yield what the change means for the seats of a company; None: for all seats, where no attendee has a company."""
    before, after, kinds = change.before, change.after, change.decision.deal_events
    was_on, is_on = _is_on(before, company), _is_on(after, company)
    if is_on and not was_on:
        yield "booked"
    elif was_on and not is_on:
        yield "cancelled" if _is_cancelled(change) else "suspended"
    elif is_on and "moved" in kinds:
        yield "moved"
    elif "cancelled" in kinds and _seats(after, company):
        yield "cancelled"
    if is_on and "reassigned" in kinds:
        yield "reassigned"
    if is_on and _reports_attendance(change):
        came_before, came = None if before is None else _attended(before, company), _attended(after, company)
        if came != came_before:
            yield "showed" if came else "unshowed"


def _is_on(booking: Booking | None, company: str | None) -> bool:
    if booking is None or not booking.is_live:
        return False
    # Before it had seats, the booking was a meeting of its own company alone.
    return bool(_seats(booking, company)) and (booking.seated or company == _own_company(booking))


def _seats(booking: Booking, company: str | None) -> list[Attendee]:
    return [one for one in booking.seats if company is None or one.company_key == company]


def _attended(booking: Booking, company: str | None) -> bool | None:
    """Return whether one of these attendees came; None while that is unknown."""
    marks = {one.attended for one in _seats(booking, company)}
    return True if True in marks else False if False in marks else None


def _is_cancelled(change: Change) -> bool:
    event = change.record.event
    return isinstance(event, events.BookingCancelled) and not event.reschedule_requested


def _reports_attendance(change: Change) -> bool:
    event = change.record.event
    is_postponed = isinstance(event, events.OutcomeReported) and event.outcome == "rescheduled"
    return isinstance(event, _ATTENDANCE_EVENTS) and not is_postponed


def _deal_event(stream_id: UUID, change: Change, kind: DealEventKind) -> DealEvent:
    record, event = change.record, change.record.event
    return DealEvent(
        stream_id=stream_id,
        event_id=record.event_id,
        kind=kind,
        at=record.source_at,
        order_key=record.order_key,
        start_time=change.after.start_time,
        organizer_email=change.after.organizer_email,
        series_uid=change.after.series_uid,
        change=event.change if isinstance(event, DealChanged) else None,
        deal_name=event.deal if isinstance(event, BookingAttached) else None,
        actor=record.actor if isinstance(event, ManualBookingEvent) else None,
    )
