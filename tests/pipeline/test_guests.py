"""TE1: guests are told of a meeting as its booker is, where rules say so."""

from msgspec.structs import replace

from showup.effects import Confirm, Effect, Remind, TellCancelled, TellNewPlace, TellRescheduled
from showup.events import BookingMade, LocationChanged, News
from showup.pipeline.rules import Rules
from tests.pipeline.cast import (
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
    news,
    rescheduled,
    said,
    seat,
    story,
)

ALL = Rules(tell_guests=True)
BOTH = [SARAH.email, TOM.email]


def told(kind: type[Effect], *given: News, rules: Rules = ALL, state: str = "scheduled") -> list[str]:
    return sorted(one.recipient for one in said(story(*given, rules=rules), kind, state))


def relocated(**more: object) -> News:
    return news(LocationChanged(booking=booking(meeting_url="https://meet.example/2", **more)), MIDDAY)


def test_of_all_that_happens_to_it() -> None:
    there = made(who=(SARAH, TOM))
    assert told(Confirm, there) == BOTH
    assert told(Remind, there) == sorted(BOTH * 3)
    assert told(TellRescheduled, there, rescheduled(who=(SARAH, TOM))) == BOTH
    assert told(TellCancelled, there, cancelled(who=(SARAH, TOM))) == BOTH
    assert told(TellNewPlace, there, relocated(who=(SARAH, TOM))) == BOTH


def test_otherwise_the_booker_alone_is() -> None:
    there = made(who=(SARAH, TOM))
    assert told(Confirm, there, rules=Rules()) == [SARAH.email]
    assert told(TellCancelled, there, cancelled(who=(SARAH, TOM)), rules=Rules()) == [SARAH.email]


def test_nobody_of_our_own_and_nobody_without_an_address() -> None:
    ours = replace(ALL, team_domains=frozenset({"techstart.io"}))
    assert told(Confirm, made(who=(SARAH, MIKE, PAT)), rules=ours) == [SARAH.email]


def test_a_guest_who_joins_later_is_told_and_the_others_are_not_again() -> None:
    more = news(BookingMade(booking=booking(who=(SARAH, TOM))), MIDDAY)
    assert told(Confirm, made(), more) == BOTH


def test_who_is_not_listed_any_more_is_reminded_no_more() -> None:
    fewer = news(BookingMade(booking=booking(who=(SARAH,))), MIDDAY)
    there = made(who=(SARAH, TOM))
    assert told(Remind, there, fewer) == [SARAH.email] * 3
    assert told(Remind, there, fewer, state="withdrawn") == [TOM.email] * 3


def test_nor_is_a_booker_whose_place_another_took() -> None:
    other = news(BookingMade(booking=booking(who=(TOM,))), MIDDAY)
    given = (made(), other)
    assert told(Remind, *given, rules=Rules()) == [TOM.email] * 3


def test_who_is_listed_again_is_reminded_again() -> None:
    fewer = news(BookingMade(booking=booking(who=(SARAH,))), MIDDAY)
    again = news(BookingMade(booking=booking(who=(SARAH, TOM))), MIDDAY + hours(1))
    assert told(Remind, made(who=(SARAH, TOM)), fewer, again).count(TOM.email) == 3


def test_with_seats_each_hears_of_their_own_as_ever() -> None:
    one = made(who=seat(SARAH, 1), seated=True)
    two = news(BookingMade(booking=booking(who=seat(MIKE, 2), seated=True)), MONDAY + hours(1))
    for rules in (ALL, Rules()):
        assert told(Confirm, one, two, rules=rules) == [MIKE.email, SARAH.email]
