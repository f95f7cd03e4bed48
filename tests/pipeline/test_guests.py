"""TE1: guests get the same notifications as the booker if the rules say so."""

from msgspec.structs import replace

from showup.events.booking import BookingMade, LocationChanged
from showup.events.envelope import EventRecord
from showup.pipeline.rules import Rules
from tests.pipeline.sample_events import (
    MIDDAY,
    MIKE,
    MONDAY,
    PAT,
    SARAH,
    TOM,
    booking,
    cancelled,
    hours,
    made,
    messages_of,
    record_of,
    rescheduled,
    seat,
    state_of,
)

NOTIFY_ALL = Rules(notify_guests=True)
BOTH = [SARAH.email, TOM.email]


def recipients_of(
    kind: str, *records: EventRecord, rules: Rules = NOTIFY_ALL, delivery_state: str = "scheduled"
) -> list[str]:
    return sorted(one.recipient for one in messages_of(state_of(*records, rules=rules), kind, delivery_state))


def relocated(**more: object) -> EventRecord:
    return record_of(LocationChanged(booking=booking(meeting_url="https://meet.example/2", **more)), MIDDAY)


def test_guests_are_notified_of_every_change() -> None:
    created = made(who=(SARAH, TOM))
    assert recipients_of("confirmation", created) == BOTH
    assert recipients_of("reminder", created) == sorted(BOTH * 3)
    assert recipients_of("rescheduled", created, rescheduled(who=(SARAH, TOM))) == BOTH
    assert recipients_of("cancelled", created, cancelled(who=(SARAH, TOM))) == BOTH
    assert recipients_of("new_place", created, relocated(who=(SARAH, TOM))) == BOTH


def test_by_default_only_the_booker_is_notified() -> None:
    created = made(who=(SARAH, TOM))
    assert recipients_of("confirmation", created, rules=Rules()) == [SARAH.email]
    assert recipients_of("cancelled", created, cancelled(who=(SARAH, TOM)), rules=Rules()) == [SARAH.email]


def test_teammates_and_attendees_without_an_address_are_not_notified() -> None:
    ours = replace(NOTIFY_ALL, team_domains=frozenset({"techstart.io"}))
    assert recipients_of("confirmation", made(who=(SARAH, MIKE, PAT)), rules=ours) == [SARAH.email]


def test_only_a_new_guest_is_notified() -> None:
    more = record_of(BookingMade(booking=booking(who=(SARAH, TOM))), MIDDAY)
    assert recipients_of("confirmation", made(), more) == BOTH


def test_a_removed_guest_is_not_reminded() -> None:
    fewer = record_of(BookingMade(booking=booking(who=(SARAH,))), MIDDAY)
    created = made(who=(SARAH, TOM))
    assert recipients_of("reminder", created, fewer) == [SARAH.email] * 3
    assert recipients_of("reminder", created, fewer, delivery_state="withdrawn") == [TOM.email] * 3


def test_a_replaced_booker_is_not_reminded() -> None:
    other = record_of(BookingMade(booking=booking(who=(TOM,))), MIDDAY)
    records = (made(), other)
    assert recipients_of("reminder", *records, rules=Rules()) == [TOM.email] * 3


def test_a_guest_listed_again_is_reminded() -> None:
    fewer = record_of(BookingMade(booking=booking(who=(SARAH,))), MIDDAY)
    again = record_of(BookingMade(booking=booking(who=(SARAH, TOM))), MIDDAY + hours(1))
    assert recipients_of("reminder", made(who=(SARAH, TOM)), fewer, again).count(TOM.email) == 3


def test_each_seat_is_notified_with_or_without_the_rule() -> None:
    one = made(who=seat(SARAH, 1), seated=True)
    two = record_of(BookingMade(booking=booking(who=seat(MIKE, 2), seated=True)), MONDAY + hours(1))
    for rules in (NOTIFY_ALL, Rules()):
        assert recipients_of("confirmation", one, two, rules=rules) == [MIKE.email, SARAH.email]
