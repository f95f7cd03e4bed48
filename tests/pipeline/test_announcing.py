"""TE5 to TE8, PI13: what becomes of a booking is announced once, while it is news, to whoever listens."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from msgspec.structs import replace

from showup import events
from showup.effects import Announce
from showup.events import AttendeeSeen, News, OutcomeReported
from showup.pipeline.story import Story
from tests.pipeline.cast import (
    AFTERNOON,
    ANN,
    BEN,
    FRIDAY,
    HALF_HOUR,
    MIDDAY,
    MONDAY,
    PAT,
    SARAH,
    THURSDAY,
    TOM,
    bare,
    booking,
    cancelled,
    ended,
    guests_missed,
    host_missed,
    hours,
    made,
    marked,
    news,
    requested,
    rescheduled,
    seat,
    started,
    story,
)

NOON_OF_THURSDAY = "20260305T140000Z"


def announced(*given: News) -> list[Announce]:
    """What a story announces, in the order in which it was decided."""
    found = [want.effect for want in story(*given).announced.values()]
    return [one for one in found if isinstance(one, Announce)]


def kinds(*given: News) -> list[str]:
    """The same by kind, without the word before the dot."""
    return [one.kind.removeprefix("booking.") for one in announced(*given)]


def heard(item: News, late: timedelta, route: str = "user") -> News:
    """The same news, heard so long after it happened."""
    return news(item.event, item.source_at, late, route)


def rejected(at: datetime = MIDDAY) -> News:
    return news(events.BookingRejected(booking=booking(), reason="no time"), at)


def relocated(place: str, at: datetime = MIDDAY, route: str = "user") -> News:
    return news(events.LocationChanged(booking=booking(location=place)), at, route=route)


def given_to(host: str, at: datetime = MIDDAY) -> News:
    return news(events.OrganizerChanged(booking=booking(organizer_email=host)), at)


def outcome(how: str, at: datetime) -> News:
    return news(OutcomeReported(of="uid:abc123", outcome=how), at, timedelta(0))  # type: ignore[arg-type]  # any


LATER = FRIDAY + hours(3)
TOLD: dict[str, tuple[Iterable[News], list[str]]] = {
    "made": ([made()], ["created"]),
    "requested": ([requested()], ["requested"]),
    "requested and accepted": ([requested(), made(MIDDAY)], ["requested", "created"]),
    "requested and declined": ([requested(), rejected()], ["requested", "rejected"]),
    "rescheduled": ([made(), rescheduled()], ["created", "rescheduled"]),
    "rescheduled, and nothing was known before": ([rescheduled()], ["rescheduled"]),
    "moved, and Cal.com told nobody": (
        [made(), news(made(start=FRIDAY).event, MIDDAY)],
        ["created", "rescheduled"],
    ),
    "another time is asked for": (
        [made(), requested(MIDDAY, uid="xyz789", start=FRIDAY, replaces=events.Replaced(uid="abc123"))],
        ["created", "requested"],
    ),
    "cancelled": ([made(), cancelled()], ["created", "cancelled"]),
    "cancelled twice": ([made(), cancelled(), cancelled(AFTERNOON + hours(1))], ["created", "cancelled"]),
    "cancelled and booked anew": (
        [made(), cancelled(MIDDAY), rescheduled(AFTERNOON)],
        ["created", "cancelled", "rescheduled"],
    ),
    "reassigned": ([made(), given_to(ANN)], ["created", "reassigned"]),
    "reassigned to whoever has it": ([made(), given_to(BEN)], ["created"]),
    "relocated": ([made(), relocated("Room 5")], ["created", "location_changed"]),
    "relocated to where it is": ([made(location="Room 5"), relocated("Room 5")], ["created"]),
    "relocated, heard by two routes": (
        [made(), relocated("Room 5"), relocated("Room 5", MIDDAY + hours(1), "team")],
        ["created", "location_changed"],
    ),
    "held": ([made(), started(), ended()], ["created", "showed"]),
    "missed": ([made(), guests_missed(), ended()], ["created", "no_show"]),
    "the host missed it": ([made(), host_missed(), ended(host_absent=True)], ["created", "host_absent"]),
    "the host missed it, says the end": ([made(), ended(host_absent=True)], ["created", "host_absent"]),
    "assumed, then reported": ([made(), ended(), marked(LATER, came=False)], ["created", "showed", "no_show"]),
    "the report says what was assumed": ([made(), ended(), marked(LATER, came=True)], ["created", "showed"]),
    "somebody who was there says so": ([made(), ended(), outcome("no_show", LATER)], ["created", "showed", "no_show"]),
    "put off": ([made(), outcome("rescheduled", LATER)], ["created"]),
}


@pytest.mark.parametrize(("given", "told"), TOLD.values(), ids=TOLD)
def test_what_becomes_of_a_booking(given: Iterable[News], told: list[str]) -> None:
    assert kinds(*given) == told


def test_whoever_came_and_did_not_and_came_after_all_is_told_of_three_times() -> None:
    told = announced(
        made(),
        ended(),
        marked(LATER, came=False),
        marked(LATER + hours(1), came=True),
        marked(LATER + hours(2), came=False),
    )
    said = [
        one.key.removeprefix("booking.").replace(f":abc123:{NOON_OF_THURSDAY}:sarah.chen@acme.com", "") for one in told
    ]
    assert said == ["created", "showed", "no_show", "showed+1", "no_show+1"]


def test_an_announcement_knows_whom_it_is_about_and_when_it_is_due() -> None:
    item = made()
    (told,) = announced(item)
    assert (told.recipient, told.due_at, told.nobody) == (SARAH.email, item.received_at, False)
    assert told.expires_at == item.source_at + timedelta(days=7)


def test_what_is_announced_is_due_in_the_order_of_the_story() -> None:
    """Though the cancellation reached us first, nobody hears of it before the booking."""
    told = announced(heard(made(), hours(10)), rescheduled(), cancelled(uid="xyz789", start=FRIDAY))
    assert [one.due_at for one in told] == sorted({one.due_at for one in told})
    assert [one.kind for one in told] == ["booking.created", "booking.rescheduled", "booking.cancelled"]


def test_a_reschedule_says_which_time_it_takes_the_place_of() -> None:
    first, second = announced(made(), rescheduled())
    assert (first.old_start_time, second.old_start_time) == (None, THURSDAY)


def test_there_and_back_is_told_at_each_turn() -> None:
    there = news(made(start=FRIDAY).event, MIDDAY)
    back = news(made().event, AFTERNOON)
    again = news(made(start=FRIDAY).event, AFTERNOON + hours(1))
    told = announced(made(), there, back, again)
    assert [one.kind for one in told] == ["booking.created", *["booking.rescheduled"] * 3]
    assert len({one.key for one in told}) == 4


class TestWhatIsNews:
    @pytest.mark.parametrize(("late", "told"), [(hours(0), 1), (hours(23.9), 1), (hours(24), 0), (hours(70), 0)])
    def test_what_is_a_day_old_is_told_to_nobody(self, late: timedelta, told: int) -> None:
        assert len(announced(heard(made(), late))) == told

    def test_history_is_told_to_nobody(self) -> None:
        assert announced(replace(made(), untold=True), replace(ended(), untold=True)) == []

    def test_a_meeting_that_is_over_is_not_announced_but_who_came_is(self) -> None:
        assert kinds(heard(made(THURSDAY - hours(1)), hours(2)), ended()) == ["showed"]

    def test_who_came_long_ago_is_not(self) -> None:
        assert kinds(made(), heard(ended(), hours(30))) == ["created"]

    def test_a_cancellation_after_the_meeting_is_not(self) -> None:
        assert kinds(made(), ended(), cancelled(LATER)) == ["created", "showed"]

    def test_the_same_by_another_route_is_no_second_announcement(self) -> None:
        twice = [made(), rescheduled(), cancelled(uid="xyz789", start=FRIDAY)]
        again = [heard(one, hours(1), "team") for one in twice]
        assert kinds(*twice, *again) == kinds(*twice) == ["created", "rescheduled", "cancelled"]


class TestSeats:
    def taken(self, who: AttendeeSeen, number: int, at: datetime = MONDAY) -> News:
        return made(at, who=seat(who, number), seated=True)

    def told(self, *given: News) -> list[tuple[str, str]]:
        return [(one.kind.removeprefix("booking."), one.recipient) for one in announced(*given)]

    def test_each_is_told_of_for_itself(self) -> None:
        back = cancelled(AFTERNOON, who=(SARAH,), seated=True)
        assert self.told(self.taken(SARAH, 1), self.taken(TOM, 2, MIDDAY), back) == [
            ("created", SARAH.email),
            ("created", TOM.email),
            ("cancelled", SARAH.email),
        ]

    def test_whoever_comes_back_is_told_of_again(self) -> None:
        back = cancelled(MIDDAY, who=(SARAH,), seated=True)
        again = self.taken(SARAH, 3, AFTERNOON)
        told = self.told(self.taken(SARAH, 1), self.taken(TOM, 2), back, again)
        assert [kind for kind, who in told if who == SARAH.email] == ["created", "cancelled", "created"]

    def test_all_move_with_the_meeting(self) -> None:
        moved = rescheduled(AFTERNOON, uid="abc123", who=(SARAH, TOM), seated=True)
        told = self.told(self.taken(SARAH, 1), self.taken(TOM, 2, MIDDAY), moved)
        assert told[2:] == [("rescheduled", SARAH.email), ("rescheduled", TOM.email)]

    def test_the_host_and_the_place_are_everybodys(self) -> None:
        host = news(events.OrganizerChanged(booking=bare(organizer_email=ANN)), AFTERNOON)
        place = news(events.LocationChanged(booking=bare(location="Room 5")), AFTERNOON + hours(1))
        told = self.told(self.taken(SARAH, 1), self.taken(TOM, 2, MIDDAY), host, place)
        assert told[2:] == [
            ("reassigned", SARAH.email),
            ("reassigned", TOM.email),
            ("location_changed", SARAH.email),
            ("location_changed", TOM.email),
        ]

    def test_each_comes_or_does_not(self) -> None:
        missed = marked(THURSDAY + HALF_HOUR + hours(1), came=False, who=TOM)
        told = self.told(self.taken(SARAH, 1), self.taken(TOM, 2, MIDDAY), ended(who=(SARAH, TOM), seated=True), missed)
        assert told[2:] == [("showed", SARAH.email), ("showed", TOM.email), ("no_show", TOM.email)]


class TestWhoIsThere:
    def test_somebody_known_by_phone_only_has_no_address_and_is_somebody(self) -> None:
        (told,) = announced(made(who=(PAT,)))
        assert (told.recipient, told.nobody) == ("", False)

    def test_whoever_books_with_themselves_is_nobody(self) -> None:
        myself = AttendeeSeen(email=BEN, name="Ben")
        (told,) = announced(made(who=(myself,)))
        assert (told.recipient, told.nobody) == ("", True)


def facts(of: Story) -> dict[str, tuple[object, ...]]:
    return {key: (want.effect, want.event_id, want.state, want.decided_at) for key, want in of.announced.items()}


@pytest.mark.parametrize(
    "given",
    [
        (made(), rescheduled(), cancelled(AFTERNOON, uid="xyz789", start=FRIDAY)),
        (requested(), made(MIDDAY), ended(), marked(LATER, came=False), marked(LATER + hours(1), came=True)),
        (made(), heard(made(), hours(2), "team"), relocated("Room 5"), given_to(ANN, AFTERNOON)),
    ],
)
def test_any_order_announces_the_same(given: tuple[News, ...]) -> None:
    """PI9."""
    first, *others = (facts(story(*one)) for one in permutations(given))
    assert len(first) > 1
    assert all(other == first for other in others)


class TestACopyThatNobodyWasToldOf:
    """PI13, PI9: it may come first in source order, and must not swallow what another copy is news by."""

    @pytest.mark.parametrize("route", ["g", "h"])
    def test_that_came_days_late(self, route: str) -> None:
        assert kinds(heard(made(), hours(30), route), made()) == ["created"]

    @pytest.mark.parametrize("fresh", [made(), rescheduled(), cancelled()], ids=["made", "rescheduled", "cancelled"])
    def test_out_of_history(self, fresh: News) -> None:
        copy = replace(fresh, event_id=made(MIDDAY).event_id, untold=True, order_key="")
        (one,) = announced(copy, fresh)[-1:]
        assert one.kind == announced(fresh)[-1].kind

    def test_of_attendance(self) -> None:
        copy = replace(ended(), event_id=made(MIDDAY).event_id, untold=True, order_key=f"{ended().order_key}0")
        assert kinds(replace(made(), untold=True), replace(copy, order_key=""), ended())[-1:] == ["showed"]

    def test_is_announced_once_however_many_more_there_are(self) -> None:
        assert kinds(heard(made(), hours(30), "g"), made(), heard(made(), hours(1), "k")) == ["created"]

    def test_of_one_seat_beside_another_that_is_news(self) -> None:
        stale = heard(made(who=seat(SARAH, 1), seated=True), hours(30), "g")
        fresh = made(MIDDAY, who=(*seat(SARAH, 1), *seat(TOM, 2)), seated=True)
        told = {(one.kind, one.recipient) for one in announced(stale, fresh)}
        assert told == {("booking.created", SARAH.email), ("booking.created", TOM.email)}

    def test_and_nothing_is_made_of_an_old_copy_after_the_meeting_moved_quietly(self) -> None:
        moved = news(made(start=FRIDAY).event, MIDDAY)
        assert kinds(made(), moved, heard(made(MIDDAY), hours(0), "k"))[:2] == ["created", "rescheduled"]
