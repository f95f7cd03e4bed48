"""The pace and the pauses of a lane, on plain values (TE10)."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from showup.deliveries.pausing import LaneState, after, breaks_after, is_down, next_token_at, places, refilled
from showup.destinations.contract import Delivered, GaveUp, Pace, TryAgain

NOW = datetime(2026, 9, 7, 9, tzinfo=UTC)
PACE = Pace(rate_per_second=5, at_once=8, timeout=timedelta(seconds=20), retry_after=(timedelta(seconds=30),) * 2)
FRESH = LaneState(tokens=5, tokens_at=NOW)
DOWN = TryAgain(because="nobody answers", fault="destination")


def failed(times: int, lane: LaneState = FRESH, *, chance: float = 0.5) -> LaneState:
    """So many calls in a row, each begun when the pause before it was over."""
    for _ in range(times):
        now = ends(lane)
        lane = after(lane, DOWN, PACE, now, chance, began_at=now)
    return lane


def ends(lane: LaneState) -> datetime:
    return lane.paused_until or NOW


def pause(times: int) -> float | None:
    """The seconds of the pause after so many failures."""
    lane = failed(times)
    return None if lane.paused_until is None else (lane.paused_until - ends(failed(times - 1))).total_seconds()


@pytest.mark.parametrize(
    ("spent", "later", "left"),
    [(5, 0.0, 0), (5, 0.1, 0), (5, 0.2, 1), (5, 1.0, 5), (5, 60.0, 5), (2, 0.0, 3), (2, 0.4, 5)],
)
def test_tokens_grow_back_at_the_rate_and_never_beyond_a_second(spent: int, later: float, left: int) -> None:
    now = NOW + timedelta(seconds=later)
    lane = refilled(replace(FRESH, tokens=FRESH.tokens - spent), PACE, now)
    assert places(lane, PACE, 0, now) == left


def test_a_slow_pace_has_one_token_at_most() -> None:
    slow = replace(PACE, rate_per_second=0.1)
    lane = refilled(LaneState(tokens=0, tokens_at=NOW), slow, NOW + timedelta(seconds=4))
    assert places(lane, slow, 0, NOW) == 0
    assert next_token_at(lane, slow, NOW + timedelta(seconds=4)) == NOW + timedelta(seconds=10)
    later = NOW + timedelta(hours=1)
    assert places(refilled(lane, slow, later), slow, 0, later) == 1


def test_what_is_under_way_takes_places() -> None:
    lane = replace(FRESH, tokens=100)
    assert [places(lane, PACE, under_way, NOW) for under_way in (0, 3, 8, 20)] == [8, 5, 0, 0]


@pytest.mark.parametrize(("attempts", "breaks"), [(1, 1), (3, 3), (5, 5), (9, 5)])
def test_a_destination_counts_as_down_before_a_delivery_could_give_up(attempts: int, breaks: int) -> None:
    assert breaks_after(replace(PACE, retry_after=(timedelta(seconds=1),) * (attempts - 1))) == breaks


def test_why_it_fails_is_known_from_the_first_failure_on() -> None:
    stale = replace(FRESH, because="something of yesterday")
    assert after(stale, DOWN, PACE, NOW, 0.5, began_at=NOW).because == "nobody answers"


def test_pauses_grow_while_nothing_passes_and_end_with_the_first_that_does() -> None:
    assert [pause(times) for times in (1, 2)] == [None, None]
    assert [pause(times) for times in (3, 4, 5, 8, 9, 30)] == [5, 10, 20, 160, 300, 300]
    down = failed(4)
    assert is_down(down, PACE)
    assert down.because == "nobody answers: nothing has passed since 2026-09-07 09:00:00 UTC"
    later = NOW + timedelta(minutes=1)
    assert places(replace(down, tokens=5), PACE, 0, later) == 1, "one call finds out"
    assert places(replace(down, tokens=5), PACE, 1, later) == 0
    for answer in (Delivered(provider="far"), GaveUp(because="no such address"), TryAgain(because="busy")):
        up = after(down, answer, PACE, later, 0.5, began_at=later)
        assert (up.failures, up.failing_since, up.paused_until, up.because) == (0, None, None, None)


def test_calls_that_hang_and_end_together_are_one_reason_for_a_pause() -> None:
    """Else a dozen of them would make the pause as long as an hour's outage does."""
    down = failed(3)
    for _ in range(12):
        down = after(down, DOWN, PACE, NOW + timedelta(seconds=1), 0.5, began_at=NOW - timedelta(seconds=10))
    assert down == failed(3)


def test_what_began_before_another_call_passed_says_nothing_of_now() -> None:
    lane = after(FRESH, Delivered(provider="far"), PACE, NOW, 0.5, began_at=NOW - timedelta(seconds=1))
    for _ in range(9):
        lane = after(lane, DOWN, PACE, NOW, 0.5, began_at=NOW - timedelta(seconds=10))
    assert lane.failures == 0
    assert after(lane, DOWN, PACE, NOW, 0.5, began_at=NOW).failures == 1


def test_chance_spreads_a_pause_by_a_quarter() -> None:
    assert [(ends(failed(3, chance=chance)) - NOW).total_seconds() for chance in (0.0, 1.0)] == [3.75, 6.25]


def test_a_limit_is_a_pause_and_no_failure() -> None:
    until = NOW + timedelta(seconds=42)
    lane = after(
        FRESH, TryAgain(because="too many calls", not_before=until, fault="limit"), PACE, NOW, 0.5, began_at=NOW
    )
    assert (lane.paused_until, lane.failures, lane.because) == (until, 0, "too many calls")
    assert places(lane, PACE, 0, until - timedelta(seconds=1)) == 0
    assert places(lane, PACE, 0, until) > 0
    # A mail that was under way goes through meanwhile: the pause that was asked for holds all the same.
    assert after(lane, Delivered(provider="far"), PACE, NOW, 0.5, began_at=NOW).paused_until == until
    # And a shorter one does not cut it.
    assert after(lane, TryAgain(because="x", fault="limit"), PACE, NOW, 0.5, began_at=NOW).paused_until == until
