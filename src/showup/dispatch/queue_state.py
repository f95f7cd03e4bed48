"""The state of a queue: its rate-limit tokens, its free slots, and its pause while the destination is down.

Pure: PostgreSQL stores the state between two cycles, for all processes.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from showup.destinations.contract import Delivered, GaveUp, NeedsAnswer, Outcome, Pace, TryAgain

_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=5)
_LIMIT_PAUSE: Final = timedelta(seconds=1)
_MAX_FAILURES: Final = 5


class QueueState(Struct, frozen=True, kw_only=True):
    """Tokens as of `tokens_at`; `failures` are the destination's consecutive failures since `failing_since`.

    `passed_at` is the latest start of a call that the destination answered: the failure of a call that began earlier is
    out of date, and doesn't count.
    """

    tokens: float
    tokens_at: datetime
    paused_until: datetime | None = None
    because: str | None = None
    failures: int = 0
    failing_since: datetime | None = None
    passed_at: datetime | None = None


def breaker_threshold(pace: Pace) -> int:
    """Returns how many consecutive failures open the circuit breaker: at most as many as a delivery has attempts."""
    return min(_MAX_FAILURES, len(pace.retry_after) + 1)


def is_down(state: QueueState, pace: Pace) -> bool:
    """Returns whether the destination counts as down: then one call at a time probes it."""
    return state.failures >= breaker_threshold(pace)


def jittered(pause: timedelta, jitter: float) -> timedelta:
    """Returns the pause, up to a quarter shorter or longer by `jitter` (0..1), to spread simultaneous retries."""
    return pause * (0.75 + jitter / 2)


def rate_limited_until(outcome: TryAgain, now: datetime) -> datetime:
    """Returns until when a rate-limited destination gets no calls: for a second at least."""
    return max(outcome.not_before or now, now + _LIMIT_PAUSE)


def refilled(state: QueueState, pace: Pace, now: datetime) -> QueueState:
    """Returns the state with refilled tokens: at most a second's worth, or one."""
    # Clocks of several machines differ, and a machine that is behind must not take tokens back.
    tokens = state.tokens + max(0.0, (now - state.tokens_at).total_seconds()) * pace.rate_per_second
    return replace(state, tokens=min(tokens, max(1.0, pace.rate_per_second)), tokens_at=max(now, state.tokens_at))


def free_slots(state: QueueState, pace: Pace, in_flight: int, now: datetime) -> int:
    """Returns how many more deliveries may start now, with `in_flight` running; the queue is refilled."""
    if state.paused_until is not None and state.paused_until > now:
        return 0
    at_once = 1 if is_down(state, pace) else pace.at_once
    return max(0, min(at_once - in_flight, int(state.tokens)))


def next_token_at(state: QueueState, pace: Pace, now: datetime) -> datetime:
    """Returns when one whole token is available."""
    return now + timedelta(seconds=max(0.0, 1.0 - state.tokens) / pace.rate_per_second)


def apply_outcome(
    state: QueueState, outcome: Outcome, pace: Pace, now: datetime, jitter: float, *, began_at: datetime
) -> QueueState:
    """Returns the queue's state after the outcome of a call that began at `began_at`.

    `jitter` in 0..1 spreads the retries of processes and queues.
    """
    match outcome:
        case TryAgain(fault="limit"):
            return _paused(state, rate_limited_until(outcome, now), outcome.because)
        case TryAgain(fault="destination"):
            if _is_stale_failure(state, pace, now, began_at):
                return state
            return _after_failure(state, outcome, pace, now, jitter)
        case Delivered() | GaveUp() | NeedsAnswer() | TryAgain():
            # It answered, whatever the answer was.
            pause_ended = state.failing_since is not None or state.paused_until is None or state.paused_until <= now
            return replace(
                state,
                failures=0,
                failing_since=None,
                paused_until=None if pause_ended else state.paused_until,
                because=None if pause_ended else state.because,
                passed_at=max(began_at, state.passed_at or began_at),
            )


def _is_stale_failure(state: QueueState, pace: Pace, now: datetime, began_at: datetime) -> bool:
    """Returns whether the failure is stale: many hanging calls end together, after others passed or a pause began."""
    if state.passed_at is not None and began_at < state.passed_at:
        return True
    return is_down(state, pace) and state.paused_until is not None and state.paused_until > now


def _after_failure(state: QueueState, outcome: TryAgain, pace: Pace, now: datetime, jitter: float) -> QueueState:
    failed = replace(state, failures=state.failures + 1, failing_since=state.failing_since or now)
    excess = failed.failures - breaker_threshold(pace)
    if excess < 0:
        if outcome.not_before is not None:
            return _paused(failed, outcome.not_before, outcome.because)
        return replace(failed, because=outcome.because)
    pause = jittered(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(excess, 10)), jitter)
    until = max(outcome.not_before or now, now + pause)
    return _paused(
        failed, until, f"{outcome.because}: no delivery succeeded since {failed.failing_since:%Y-%m-%d %H:%M:%S} UTC"
    )


def _paused(state: QueueState, until: datetime, because: str) -> QueueState:
    return replace(state, paused_until=max(until, state.paused_until or until), because=because)
