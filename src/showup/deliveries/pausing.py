"""How much a lane may be told, and when: its tokens, its free places, its pause while the destination is down.

Pure: PostgreSQL keeps the state between two looks, for all processes.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from showup.destinations.contract import Asks, Delivered, GaveUp, Outcome, Pace, TryAgain

_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=5)
_LIMIT_PAUSE: Final = timedelta(seconds=1)
_MOST_FAILURES: Final = 5


class LaneState(Struct, frozen=True, kw_only=True):
    """Tokens as they were at `tokens_at`; `failures` of the destination in a row, since `failing_since`.

    `passed_at`: when the newest call was begun to which the destination answered.
    """

    tokens: float
    tokens_at: datetime
    paused_until: datetime | None = None
    because: str | None = None
    failures: int = 0
    failing_since: datetime | None = None
    passed_at: datetime | None = None


def breaks_after(pace: Pace) -> int:
    """How many failures in a row count as the destination being down: never more than a delivery has attempts."""
    return min(_MOST_FAILURES, len(pace.retry_after) + 1)


def is_down(lane: LaneState, pace: Pace) -> bool:
    """Whether the destination counts as down: then one call at a time finds out whether it still is."""
    return lane.failures >= breaks_after(pace)


def spread(pause: timedelta, chance: float) -> timedelta:
    """The pause, a quarter shorter or longer by `chance` (0..1), so that what failed together is not tried together."""
    return pause * (0.75 + chance / 2)


def limited_until(outcome: TryAgain, now: datetime) -> datetime:
    """Until when a destination that takes no more is left in peace: for a second at least."""
    return max(outcome.not_before or now, now + _LIMIT_PAUSE)


def refilled(lane: LaneState, pace: Pace, now: datetime) -> LaneState:
    """The tokens as they are now; never more than a second's worth, or than one."""
    # The clocks of several machines differ, and whoever is behind must take nothing back.
    grown = lane.tokens + max(0.0, (now - lane.tokens_at).total_seconds()) * pace.rate_per_second
    return replace(lane, tokens=min(grown, max(1.0, pace.rate_per_second)), tokens_at=max(now, lane.tokens_at))


def places(lane: LaneState, pace: Pace, under_way: int, now: datetime) -> int:
    """How many more may be told now, with so many under way; the lane is refilled."""
    if lane.paused_until is not None and lane.paused_until > now:
        return 0
    at_once = 1 if is_down(lane, pace) else pace.at_once
    return max(0, min(at_once - under_way, int(lane.tokens)))


def next_token_at(lane: LaneState, pace: Pace, now: datetime) -> datetime:
    """When a whole token is there."""
    return now + timedelta(seconds=max(0.0, 1.0 - lane.tokens) / pace.rate_per_second)


def after(
    lane: LaneState, outcome: Outcome, pace: Pace, now: datetime, chance: float, *, began_at: datetime
) -> LaneState:
    """The lane after the outcome of a call that was begun at `began_at`.

    `chance` in 0..1 spreads the moments at which processes and lanes try again.
    """
    match outcome:
        case TryAgain(fault="limit"):
            return _paused(lane, limited_until(outcome, now), outcome.because)
        case TryAgain(fault="destination"):
            if _says_nothing_new(lane, pace, now, began_at):
                return lane
            return _after_failure(lane, outcome, pace, now, chance)
        case Delivered() | GaveUp() | Asks() | TryAgain():
            # It answered, whatever it said.
            is_over = lane.failing_since is not None or lane.paused_until is None or lane.paused_until <= now
            return replace(
                lane,
                failures=0,
                failing_since=None,
                paused_until=None if is_over else lane.paused_until,
                because=None if is_over else lane.because,
                passed_at=max(began_at, lane.passed_at or began_at),
            )


def _says_nothing_new(lane: LaneState, pace: Pace, now: datetime, began_at: datetime) -> bool:
    """Many that hang end together, long after others have passed, or after the pause that is theirs has begun."""
    if lane.passed_at is not None and began_at < lane.passed_at:
        return True
    return is_down(lane, pace) and lane.paused_until is not None and lane.paused_until > now


def _after_failure(lane: LaneState, outcome: TryAgain, pace: Pace, now: datetime, chance: float) -> LaneState:
    failed = replace(lane, failures=lane.failures + 1, failing_since=lane.failing_since or now)
    too_many = failed.failures - breaks_after(pace)
    if too_many < 0:
        if outcome.not_before is not None:
            return _paused(failed, outcome.not_before, outcome.because)
        return replace(failed, because=outcome.because)
    pause = spread(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(too_many, 10)), chance)
    until = max(outcome.not_before or now, now + pause)
    return _paused(
        failed, until, f"{outcome.because}: nothing has passed since {failed.failing_since:%Y-%m-%d %H:%M:%S} UTC"
    )


def _paused(lane: LaneState, until: datetime, because: str) -> LaneState:
    return replace(lane, paused_until=max(until, lane.paused_until or until), because=because)
