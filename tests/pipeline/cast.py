"""A small fixed cast, and news of their meetings as plain values: what happened, and when it happened by its source.

It is Monday 2 March 2026. Sarah Chen of Acme has booked Ben's half hour on Thursday at two; unless a test says
otherwise, news reaches us ten seconds after it happened.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from msgspec.structs import replace

from showup import events
from showup.effects import Effect
from showup.events import AttendeeSeen, BookingSeen, Event, News, Replaced, order_key
from showup.pipeline.deal_book import DealBook
from showup.pipeline.dealing import fold_deals
from showup.pipeline.rules import RuleBook, Rules
from showup.pipeline.story import Story, tell

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
MIDDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
AFTERNOON = datetime(2026, 3, 2, 15, tzinfo=UTC)
THURSDAY = datetime(2026, 3, 5, 14, tzinfo=UTC)
FRIDAY = datetime(2026, 3, 6, 10, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
RULES = Rules()

SARAH = AttendeeSeen(email="sarah.chen@acme.com", name="Sarah Chen", time_zone="America/New_York")
TOM = AttendeeSeen(email="tom@mail.acme.com", name="Tom Reed", time_zone="Europe/London")
MIKE = AttendeeSeen(email="mike@techstart.io", name="Mike Johnson", time_zone="Europe/Berlin")
GWEN = AttendeeSeen(email="gwen@gmail.com", name="Gwen Private")
PAT = AttendeeSeen(email=None, name="Pat Phone", phone="+4915112345678")
BEN, ANN = "ben@outboundsolutions.com", "ann@outboundsolutions.com"

FIRST, SECOND = uuid5(NAMESPACE_URL, "first booking"), uuid5(NAMESPACE_URL, "second booking")
_ACCOUNT = uuid5(NAMESPACE_URL, "account")


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def booking(
    uid: str | None = "abc123", start: datetime | None = THURSDAY, who: tuple[AttendeeSeen, ...] = (SARAH,), **more: Any
) -> BookingSeen:
    """A booking as Cal.com lists it; `more` are fields of `BookingSeen`."""
    host = more.pop("organizer_email", BEN)
    fields = {"hosts": frozenset({host} if host else ()), "end_time": start + HALF_HOUR if start else None, **more}
    return BookingSeen(uid=uid, start_time=start, attendees=who, organizer_email=host, **fields)


def bare(uid: str | None = "abc123", **more: Any) -> BookingSeen:
    """What the small webhooks say of a booking: which one it is."""
    return BookingSeen(uid=uid, **more)


def news(event: Event, at: datetime, heard: timedelta = timedelta(seconds=10), route: str = "user") -> News:
    """News of an event at `at`; `route` tells two webhooks of one event apart."""
    digest = sha256(msgspec.json.encode((event, at, route), order="deterministic")).digest()
    return News(
        event_id=uuid5(NAMESPACE_URL, f"{digest.hex()}"),
        account_id=_ACCOUNT,
        event=event,
        source_at=at,
        received_at=at + heard,
        order_key=order_key(at, event, digest),
        actor="calcom",
    )


def made(at: datetime = MONDAY, *, replaces: Replaced | None = None, **more: Any) -> News:
    return news(events.BookingMade(booking=booking(**more), replaces=replaces), at)


def requested(at: datetime = MONDAY, *, replaces: Replaced | None = None, **more: Any) -> News:
    return news(events.BookingRequested(booking=booking(**more), replaces=replaces), at)


def rescheduled(at: datetime = MIDDAY, *, old: str = "abc123", by: str | None = None, **more: Any) -> News:
    """To Friday under the uid xyz789, unless `more` says otherwise."""
    seen = booking(**{"uid": "xyz789", "start": FRIDAY, **more})
    return news(events.BookingRescheduled(booking=seen, replaces=Replaced(uid=old), by=by), at)


def cancelled(at: datetime = AFTERNOON, *, reason: str | None = None, ask: bool = False, **more: Any) -> News:
    """`ask`: by the host, who asks for another time."""
    seen = booking(**more)
    return news(events.BookingCancelled(booking=seen, reason=reason, by=BEN, reschedule_requested=ask), at)


def started(start: datetime = THURSDAY, **more: Any) -> News:
    seen = booking(start=start, attendees_are_guests=False, **more)
    return news(events.MeetingStarted(booking=seen), start)


def ended(start: datetime = THURSDAY, *, host_absent: bool = False, **more: Any) -> News:
    seen = booking(start=start, attendees_are_guests=False, **more)
    return news(events.MeetingEnded(booking=seen, host_absent=host_absent), start + HALF_HOUR)


def marked(at: datetime, *, came: bool, who: AttendeeSeen = SARAH, uid: str = "abc123") -> News:
    """Somebody marked `who` as absent, or took the mark back."""
    seen = bare(uid, attendees=(AttendeeSeen(email=who.email, phone=who.phone, attended=came),))
    return news(events.AttendanceReported(booking=seen), at)


def guests_missed(start: datetime = THURSDAY) -> News:
    return news(events.GuestsMissed(booking=bare(start_time=start)), start + timedelta(minutes=5))


def host_missed(host: str | None = BEN, start: datetime = THURSDAY) -> News:
    return news(events.HostMissed(booking=bare(start_time=start), host_email=host), start + timedelta(minutes=5))


def seat(who: AttendeeSeen, number: int) -> tuple[AttendeeSeen, ...]:
    """`who` in a numbered seat of a shared booking."""
    return (replace(who, seat_uid=f"seat-{number}"),)


def story(*given: News, rules: Rules = RULES, booking_id: UUID = FIRST) -> Story:
    return tell(booking_id, given, RuleBook(versions=(rules,)))


def deals(*stories: Story, rules: Rules = RULES) -> DealBook:
    """The deals of one company, to which all the stories belong."""
    return fold_deals([turn for one in stories for turn in one.turns], RuleBook(versions=(rules,)))


def after(*given: News, rules: Rules = RULES) -> tuple[str, str]:
    """Status and stage of the one deal that a story leads to."""
    (deal,) = deals(story(*given, rules=rules), rules=rules).deals
    return deal.status, deal.stage


def said(of: Story, kind: type[Effect], state: str = "scheduled") -> list[Effect]:
    """The effects of a kind that a story calls for, in the order in which they are due."""
    found = [want.effect for want in of.wants.values() if isinstance(want.effect, kind) and want.state == state]
    return sorted(found, key=lambda effect: effect.due_at)


def whats(of: Story | DealBook) -> list[str]:
    """The journal's words, line by line."""
    return [line.what for line in of.lines]
