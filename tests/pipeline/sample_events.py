"""Sample attendees, and events about their meetings as plain values.

It is Monday 2 March 2026. Sarah Chen of Acme has booked half an hour with Ben on Thursday at 14:00 UTC. By default,
Showup receives each event ten seconds after it happened.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from msgspec.structs import replace

from showup.events import booking as events
from showup.events.details import AttendeeDetails, BookingDetails, ReplacedBooking
from showup.events.envelope import Event, EventRecord, order_key
from showup.outbox.planned import PlannedDelivery
from showup.pipeline.company_deals import CompanyDeals
from showup.pipeline.deals import replay_deals
from showup.pipeline.replay import BookingState, replay
from showup.pipeline.rules import RuleBook, Rules

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
MIDDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
AFTERNOON = datetime(2026, 3, 2, 15, tzinfo=UTC)
THURSDAY = datetime(2026, 3, 5, 14, tzinfo=UTC)
FRIDAY = datetime(2026, 3, 6, 10, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
RULES = Rules()

SARAH = AttendeeDetails(email="sarah.chen@acme.com", name="Sarah Chen", time_zone="America/New_York")
TOM = AttendeeDetails(email="tom@mail.acme.com", name="Tom Reed", time_zone="Europe/London")
MIKE = AttendeeDetails(email="mike@techstart.io", name="Mike Johnson", time_zone="Europe/Berlin")
GWEN = AttendeeDetails(email="gwen@gmail.com", name="Gwen Private")
PAT = AttendeeDetails(email=None, name="Pat Phone", phone="+4915112345678")
BEN, ANN = "ben@outboundsolutions.com", "ann@outboundsolutions.com"

FIRST, SECOND = uuid5(NAMESPACE_URL, "first booking"), uuid5(NAMESPACE_URL, "second booking")
_ACCOUNT_ID = uuid5(NAMESPACE_URL, "account")


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def booking(
    uid: str | None = "abc123",
    start: datetime | None = THURSDAY,
    who: tuple[AttendeeDetails, ...] = (SARAH,),
    **more: Any,
) -> BookingDetails:
    """A booking as Cal.com lists it; `more` are fields of `BookingDetails`."""
    host = more.pop("organizer_email", BEN)
    fields = {"hosts": frozenset({host} if host else ()), "end_time": start + HALF_HOUR if start else None, **more}
    return BookingDetails(uid=uid, start_time=start, attendees=who, organizer_email=host, **fields)


def bare_booking(uid: str | None = "abc123", **more: Any) -> BookingDetails:
    """Returns the details of webhooks that only identify the booking."""
    return BookingDetails(uid=uid, **more)


def record_of(event: Event, at: datetime, delay: timedelta = timedelta(seconds=10), route: str = "user") -> EventRecord:
    """Returns the record of an event at `at`; `route` distinguishes two webhooks for one event."""
    digest = sha256(msgspec.json.encode((event, at, route), order="deterministic")).digest()
    return EventRecord(
        event_id=uuid5(NAMESPACE_URL, f"{digest.hex()}"),
        account_id=_ACCOUNT_ID,
        event=event,
        source_at=at,
        received_at=at + delay,
        order_key=order_key(at, event, digest),
        actor="calcom",
    )


def made(at: datetime = MONDAY, *, replaces: ReplacedBooking | None = None, **more: Any) -> EventRecord:
    return record_of(events.BookingMade(booking=booking(**more), replaces=replaces), at)


def requested(at: datetime = MONDAY, *, replaces: ReplacedBooking | None = None, **more: Any) -> EventRecord:
    return record_of(events.BookingRequested(booking=booking(**more), replaces=replaces), at)


def rescheduled(at: datetime = MIDDAY, *, old_uid: str = "abc123", by: str | None = None, **more: Any) -> EventRecord:
    """Moves the booking to Friday under the uid xyz789; `more` overrides fields."""
    details = booking(**{"uid": "xyz789", "start": FRIDAY, **more})
    return record_of(events.BookingRescheduled(booking=details, replaces=ReplacedBooking(uid=old_uid), by=by), at)


def cancelled(
    at: datetime = AFTERNOON, *, reason: str | None = None, reschedule_requested: bool = False, **more: Any
) -> EventRecord:
    """`ask`: the host cancels and requests another time."""
    details = booking(**more)
    return record_of(
        events.BookingCancelled(booking=details, reason=reason, by=BEN, reschedule_requested=reschedule_requested), at
    )


def started(start: datetime = THURSDAY, **more: Any) -> EventRecord:
    details = booking(start=start, attendees_are_guests=False, **more)
    return record_of(events.MeetingStarted(booking=details), start)


def ended(start: datetime = THURSDAY, *, host_absent: bool = False, **more: Any) -> EventRecord:
    details = booking(start=start, attendees_are_guests=False, **more)
    return record_of(events.MeetingEnded(booking=details, host_absent=host_absent), start + HALF_HOUR)


def marked(at: datetime, *, came: bool, attendee: AttendeeDetails = SARAH, uid: str = "abc123") -> EventRecord:
    """Marks `who` as absent, or removes the mark."""
    details = bare_booking(uid, attendees=(AttendeeDetails(email=attendee.email, phone=attendee.phone, attended=came),))
    return record_of(events.AttendanceReported(booking=details), at)


def guests_missed(start: datetime = THURSDAY) -> EventRecord:
    return record_of(events.GuestsMissed(booking=bare_booking(start_time=start)), start + timedelta(minutes=5))


def host_missed(host: str | None = BEN, start: datetime = THURSDAY) -> EventRecord:
    return record_of(
        events.HostMissed(booking=bare_booking(start_time=start), host_email=host), start + timedelta(minutes=5)
    )


def seat(attendee: AttendeeDetails, number: int) -> tuple[AttendeeDetails, ...]:
    """Returns `who` in a numbered seat of a booking with seats."""
    return (replace(attendee, seat_uid=f"seat-{number}"),)


def state_of(*records: EventRecord, rules: Rules = RULES, booking_id: UUID = FIRST) -> BookingState:
    return replay(booking_id, records, RuleBook(versions=(rules,)))


def deals_of(*states: BookingState, rules: Rules = RULES) -> CompanyDeals:
    """Returns the deals of the company to which all these histories belong."""
    return replay_deals(
        [deal_event for state in states for deal_event in state.deal_events], RuleBook(versions=(rules,))
    )


def deal_after(*records: EventRecord, rules: Rules = RULES) -> tuple[str, str]:
    """Returns the status and stage of the only deal in the history's result."""
    (deal,) = deals_of(state_of(*records, rules=rules), rules=rules).deals
    return deal.status, deal.stage


def messages_of(state: BookingState, kind: str, delivery_state: str = "scheduled") -> list[PlannedDelivery]:
    """Returns the planned messages of one kind, in the order in which they are due."""
    messages = [one for one in state.plan.messages.values() if (one.kind, one.state) == (kind, delivery_state)]
    return sorted(messages, key=lambda message: message.due_at)


def entry_codes(state: BookingState | CompanyDeals) -> list[str]:
    """Returns the codes of the audit entries, in order."""
    return [entry.what for entry in state.entries]
