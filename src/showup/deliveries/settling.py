"""What an outcome makes of a delivery: delivered, tried again at some time, or over, each with its reason. Pure."""

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct, to_builtins

from showup.deliveries.pausing import LaneState, is_down, limited_until, spread
from showup.destinations.contract import Asks, Delivered, GaveUp, Outcome, Pace, TryAgain


class Stopped(Struct, frozen=True, kw_only=True):
    """It was not sent at all, since it does not hold any more; `state` says in which way."""

    state: Literal["withdrawn", "skipped"]
    because: str


End: TypeAlias = Outcome | Stopped
"""What came of an attempt."""


class Settled(Struct, frozen=True, kw_only=True):
    """A delivery after an attempt. `wake_at`: when it is tried again, if it is still scheduled.

    `attempt` is what the attempt's own row says; `failures` counts those that use up the retry policy.
    `record`, `found` and `question` are what was learned, None where it was nothing.
    """

    delivery_id: UUID
    attempt_id: UUID
    state: str
    attempt: str
    because: str | None
    failures: int
    wake_at: datetime
    provider: str | None = None
    provider_id: str | None = None
    record: str | None = None
    found: dict[str, Any] | None = None
    question: dict[str, Any] | None = None


class Tried(Struct, frozen=True, kw_only=True):
    """What is needed of a delivery to settle its attempt: `failures` before it."""

    delivery_id: UUID
    attempt_id: UUID
    failures: int


def settle(tried: Tried, end: End, lane: LaneState, pace: Pace, now: datetime, chance: float) -> Settled:
    """`lane` is as it is after the outcome; `chance` in 0..1 spreads the pauses of many that failed together."""
    match end:
        case Delivered():
            return _over(tried, "delivered", "delivered", None, now, end)
        case GaveUp():
            return _over(tried, "failed", "gave_up", end.because, now)
        case Stopped():
            return _over(tried, end.state, "stopped", end.because, now)
        case Asks():
            return _asked(tried, end)
        case TryAgain(fault="limit"):
            return _again(tried, end, tried.failures, limited_until(end, now))
        case TryAgain():
            return _failed(tried, end, lane, pace, now, chance)


def _failed(tried: Tried, end: TryAgain, lane: LaneState, pace: Pace, now: datetime, chance: float) -> Settled:
    failures = tried.failures + 1
    if failures <= len(pace.retry_after):
        pause = spread(pace.retry_after[failures - 1], chance)
        return _again(tried, end, failures, max(end.not_before or now, now + pause))
    if end.fault == "destination" and is_down(lane, pace):
        # Nothing passes: that is no fault of this delivery, and it waits for the destination instead of giving up.
        return _again(tried, end, tried.failures, max(end.not_before or now, lane.paused_until or now))
    because = f"{end.because} (attempt {failures} of {failures})"
    return _over(tried, "failed", "gave_up", because, now, failures=failures)


def _asked(tried: Tried, end: Asks) -> Settled:
    return Settled(
        delivery_id=tried.delivery_id,
        attempt_id=tried.attempt_id,
        state="scheduled",
        attempt="asked",
        because=end.because,
        failures=tried.failures,
        wake_at=end.question.until,
        question=to_builtins(end.question),
    )


def _again(tried: Tried, end: TryAgain, failures: int, wake_at: datetime) -> Settled:
    return Settled(
        delivery_id=tried.delivery_id,
        attempt_id=tried.attempt_id,
        state="scheduled",
        attempt="try_again",
        because=end.because,
        failures=failures,
        wake_at=wake_at,
    )


def _over(
    tried: Tried,
    state: str,
    attempt: str,
    because: str | None,
    now: datetime,
    taken: Delivered | None = None,
    *,
    failures: int | None = None,
) -> Settled:
    return Settled(
        delivery_id=tried.delivery_id,
        attempt_id=tried.attempt_id,
        state=state,
        attempt=attempt,
        because=because,
        failures=tried.failures if failures is None else failures,
        wake_at=now,
        provider=taken.provider if taken else None,
        provider_id=taken.reference if taken else None,
        record=taken.record if taken else None,
        found=(taken.found or None) if taken else None,
    )
