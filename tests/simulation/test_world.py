import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from showup.simulation.chaos import ruined
from showup.simulation.ledger import _HEARD
from showup.simulation.render import render
from showup.simulation.stories.deck import DECK, dealt
from showup.simulation.truth import truth_of
from showup.simulation.world import make_world

START = datetime(2026, 9, 15, 12, 0, tzinfo=UTC)
FULL = make_world(1, START, 600)


def test_a_seed_and_an_instant_make_the_same_run_to_the_byte() -> None:
    again = make_world(1, START, 600)
    assert [render(one) for one in again.news] == [render(one) for one in FULL.news]


def test_another_second_makes_a_run_that_shares_no_name_with_it() -> None:
    other = truth_of(make_world(1, START + timedelta(seconds=1), 600).news)
    truth = truth_of(FULL.news)
    assert not truth.bookings.keys() & other.bookings.keys()
    assert not truth.companies.keys() & other.companies.keys()
    assert not truth.people.keys() & other.people.keys()


def test_a_run_has_about_as_many_news_as_asked_for() -> None:
    assert 600 <= len(FULL.news) < 630
    assert 1 <= len(make_world(1, START, 1).news) < 30


def test_nothing_happens_after_the_start_or_long_before() -> None:
    assert all(START - timedelta(days=14, hours=1) < one.at <= START for one in FULL.news)


def test_news_come_in_source_order_and_those_of_one_booking_never_at_once() -> None:
    assert all(one.at <= other.at for one, other in pairwise(FULL.news))
    told = Counter((one.booking.uid, one.at) for one in FULL.news if one.booking)
    assert set(told.values()) == {1}


def test_a_full_deck_plays_every_story_and_tells_every_trigger() -> None:
    stories = dealt(random.Random(1))  # noqa: S311 - repeatable chance, not secrecy
    size = sum(times for _, times in DECK)
    assert {next(stories) for _ in range(size)} == {story for story, _ in DECK}
    assert {one.trigger for one in FULL.news} == {*_HEARD, "MEETING_STARTED", "PING", "FORM_SUBMITTED"}


def test_every_outcome_is_among_the_truth() -> None:
    truth = truth_of(FULL.news)
    assert {one.status for one in truth.bookings.values()} == {"ACCEPTED", "PENDING", "CANCELLED", "REJECTED"}
    assert {one.state for one in truth.bookings.values()} == {
        "showed",
        "no_show",
        "host_absent",
        "unreported",
    }
    assert {(one.status, one.stage) for one in truth.deals} >= {
        ("active", "booked"), ("active", "met"), ("cancelled", "booked")
    }  # fmt: skip
    assert max(one.reschedule_count for one in truth.bookings.values()) == 3


def test_meetings_lie_in_the_past_and_in_the_future() -> None:
    starts = [one.start_time for one in truth_of(FULL.news).bookings.values()]
    assert min(starts) < START < max(starts)


def test_chaos_loses_nothing_invents_nothing_and_repeats_some() -> None:  # IN4, PI9
    sent = ruined(FULL.news, 1)
    assert {render(one) for one in FULL.news} <= {render(one) for one in sent}
    original = {(one.trigger, one.at, one.booking) for one in FULL.news}
    assert {(one.trigger, one.at, one.booking) for one in sent} == original
    bytes_sent = Counter(render(one) for one in sent)
    assert len(FULL.news) < len(bytes_sent) < len(sent)


def test_chaos_reorders_even_the_story_of_one_booking() -> None:  # PI9
    sent = ruined(FULL.news, 1)
    by_number: dict[int, list[datetime]] = {}
    for one in sent:
        if one.booking:
            by_number.setdefault(one.booking.number, []).append(one.at)
    assert any(times != sorted(times) for times in by_number.values())


def test_chaos_is_the_same_for_a_seed_and_leaves_the_truth_as_it_is() -> None:  # PI9
    sent = ruined(FULL.news, 1)
    assert sent == ruined(FULL.news, 1) != ruined(FULL.news, 2)
