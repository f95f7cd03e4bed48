"""TE10: the pace and the pauses of a queue, with plain values."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from showup.destinations.contract import Delivered, GaveUp, Pace, TryAgain
from showup.dispatch.queue_state import (
    QueueState,
    apply_outcome,
    breaker_threshold,
    free_slots,
    is_down,
    next_token_at,
    refilled,
)

NOW = datetime(2026, 9, 7, 9, tzinfo=UTC)
PACE = Pace(rate_per_second=5, at_once=8, timeout=timedelta(seconds=20), retry_after=(timedelta(seconds=30),) * 2)
FRESH = QueueState(tokens=5, tokens_at=NOW)
DOWN = TryAgain(because="nobody answers", fault="destination")


def fail_times(times: int, state: QueueState = FRESH, *, jitter: float = 0.5) -> QueueState:
    """Returns the state after that many failed calls in a row, each made after the previous pause."""
    for _ in range(times):
        now = pause_end(state)
        state = apply_outcome(state, DOWN, PACE, now, jitter, began_at=now)
    return state


def pause_end(state: QueueState) -> datetime:
    return state.paused_until or NOW


def pause_seconds(times: int) -> float | None:
    """Returns the length of the pause after that many failures, in seconds."""
    state = fail_times(times)
    return (
        None if state.paused_until is None else (state.paused_until - pause_end(fail_times(times - 1))).total_seconds()
    )


@pytest.mark.parametrize(
    ("spent", "later", "remaining"),
    [(5, 0.0, 0), (5, 0.1, 0), (5, 0.2, 1), (5, 1.0, 5), (5, 60.0, 5), (2, 0.0, 3), (2, 0.4, 5)],
)
def test_tokens_refill_at_the_rate_up_to_one_second(spent: int, later: float, remaining: int) -> None:
    now = NOW + timedelta(seconds=later)
    state = refilled(replace(FRESH, tokens=FRESH.tokens - spent), PACE, now)
    assert free_slots(state, PACE, 0, now) == remaining


def test_a_slow_rate_holds_one_token() -> None:
    slow = replace(PACE, rate_per_second=0.1)
    state = refilled(QueueState(tokens=0, tokens_at=NOW), slow, NOW + timedelta(seconds=4))
    assert free_slots(state, slow, 0, NOW) == 0
    assert next_token_at(state, slow, NOW + timedelta(seconds=4)) == NOW + timedelta(seconds=10)
    later = NOW + timedelta(hours=1)
    assert free_slots(refilled(state, slow, later), slow, 0, later) == 1


def test_in_flight_deliveries_take_slots() -> None:
    state = replace(FRESH, tokens=100)
    assert [free_slots(state, PACE, in_flight, NOW) for in_flight in (0, 3, 8, 20)] == [8, 5, 0, 0]


@pytest.mark.parametrize(("attempts", "threshold"), [(1, 1), (3, 3), (5, 5), (9, 5)])
def test_the_circuit_breaker_opens_before_a_delivery_fails(attempts: int, threshold: int) -> None:
    assert breaker_threshold(replace(PACE, retry_after=(timedelta(seconds=1),) * (attempts - 1))) == threshold


def test_the_first_failure_sets_the_reason() -> None:
    stale = replace(FRESH, because="something of yesterday")
    assert apply_outcome(stale, DOWN, PACE, NOW, 0.5, began_at=NOW).because == "nobody answers"


def test_pauses_grow_during_an_outage_and_end_with_the_first_success() -> None:
    assert [pause_seconds(times) for times in (1, 2)] == [None, None]
    assert [pause_seconds(times) for times in (3, 4, 5, 8, 9, 30)] == [5, 10, 20, 160, 300, 300]
    down = fail_times(4)
    assert is_down(down, PACE)
    assert down.because == "nobody answers: no delivery succeeded since 2026-09-07 09:00:00 UTC"
    later = NOW + timedelta(minutes=1)
    assert free_slots(replace(down, tokens=5), PACE, 0, later) == 1, "one call probes it"
    assert free_slots(replace(down, tokens=5), PACE, 1, later) == 0
    for answer in (Delivered(provider="far"), GaveUp(because="no such address"), TryAgain(because="busy")):
        up = apply_outcome(down, answer, PACE, later, 0.5, began_at=later)
        assert (up.failures, up.failing_since, up.paused_until, up.because) == (0, None, None, None)


def test_calls_that_time_out_together_count_once() -> None:
    """Otherwise a dozen of them would cause a pause as long as an hour's outage does."""
    down = fail_times(3)
    for _ in range(12):
        down = apply_outcome(down, DOWN, PACE, NOW + timedelta(seconds=1), 0.5, began_at=NOW - timedelta(seconds=10))
    assert down == fail_times(3)


def test_a_failure_older_than_the_last_success_is_ignored() -> None:
    state = apply_outcome(FRESH, Delivered(provider="far"), PACE, NOW, 0.5, began_at=NOW - timedelta(seconds=1))
    for _ in range(9):
        state = apply_outcome(state, DOWN, PACE, NOW, 0.5, began_at=NOW - timedelta(seconds=10))
    assert state.failures == 0
    assert apply_outcome(state, DOWN, PACE, NOW, 0.5, began_at=NOW).failures == 1


def test_jitter_changes_a_pause_by_a_quarter() -> None:
    assert [(pause_end(fail_times(3, jitter=jitter)) - NOW).total_seconds() for jitter in (0.0, 1.0)] == [3.75, 6.25]


def test_a_rate_limit_pauses_without_a_failure() -> None:
    until = NOW + timedelta(seconds=42)
    state = apply_outcome(
        FRESH, TryAgain(because="too many calls", not_before=until, fault="limit"), PACE, NOW, 0.5, began_at=NOW
    )
    assert (state.paused_until, state.failures, state.because) == (until, 0, "too many calls")
    assert free_slots(state, PACE, 0, until - timedelta(seconds=1)) == 0
    assert free_slots(state, PACE, 0, until) > 0
    # A mail in flight succeeds meanwhile: the requested pause still applies.
    assert apply_outcome(state, Delivered(provider="far"), PACE, NOW, 0.5, began_at=NOW).paused_until == until
    # A shorter pause does not shorten it.
    assert (
        apply_outcome(state, TryAgain(because="x", fault="limit"), PACE, NOW, 0.5, began_at=NOW).paused_until == until
    )
