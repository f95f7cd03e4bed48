"""Deal events of a booking: one stream of its own company, and with seats one for each other company (M02).

Of a booking with seats, each company's seats are a meeting of their own: it is on while the booking is on and one of
these seats is taken, and it was held if one of these attendees came. The booking's own company, that of its first
business address, has the booking's own stream, so commands about the booking's deal mean this company's deal.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID, uuid5

from showup.bookings.booking import Attendee, Booking
from showup.deals.deal import DealEvent, DealEventKind
from showup.events import booking as events
from showup.events.booking import BookingAttached
from showup.events.deal import DealChanged
from showup.events.manual import ManualBookingEvent
from showup.pipeline.change import Change

# No uid contains a space.
_SEATS: Final = " seats of "
_MANUAL_KINDS: Final = frozenset({"changed", "attached"})
_ATTENDANCE_EVENTS: Final = (
    events.MeetingEnded,
    events.AttendanceReported,
    events.GuestsMissed,
    events.HostMissed,
    events.OutcomeReported,
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


def own_deal_events(booking_id: UUID, changes: Sequence[Change]) -> list[DealEvent]:
    """Return the deal events of the booking's own company."""
    if not changes:
        return []
    last = changes[-1].after
    others = _other_companies(last)
    return [
        _deal_event(booking_id, change, kind)
        for change in changes
        for kind in _own_kinds(change, _own_company(last), others)
    ]


def seat_deal_events(booking_id: UUID, changes: Sequence[Change]) -> dict[str, list[DealEvent]]:
    """Return, by company key, the deal events of the other companies that have or had seats."""
    found = {}
    for company in sorted(_other_companies(changes[-1].after) if changes else ()):
        stream_id = seat_stream_id(booking_id, company)
        found[company] = [
            _deal_event(stream_id, change, kind)
            for change in changes
            for kind in (
                *_seat_kinds(change, company),
                *(_manual_kinds(change) if _seats_of(change) == company else ()),
            )
        ]
    return found


def _own_company(booking: Booking) -> str | None:
    return None if booking.company_attendee is None else booking.company_attendee.company_key


def _other_companies(booking: Booking) -> set[str]:
    """Return the keys of the companies that have or had seats, other than the booking's own."""
    if not booking.seated:
        return set()
    companies = {one.company_key for one in booking.attendees if one.company_key is not None}
    return companies - {_own_company(booking)}


def _own_kinds(change: Change, company: str | None, others: set[str]) -> Iterable[DealEventKind]:
    if _seats_of(change) in others:
        return ()
    if not change.after.seated:
        return change.decision.deal_events
    return (*_seat_kinds(change, company), *_manual_kinds(change))


def _manual_kinds(change: Change) -> Iterable[DealEventKind]:
    return (one for one in change.decision.deal_events if one in _MANUAL_KINDS)


def _seats_of(change: Change) -> str | None:
    """Return the company whose deal a person changed, if it is not the booking's own."""
    event = change.record.event
    return event.seats_of if isinstance(event, DealChanged) else None


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
