"""Decides what an outcome means for a delivery: delivered or previewed, retried later, or ended with a reason. Pure."""

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct, to_builtins

from showup.destinations.contract import MAIL_PREVIEW, Delivered, GaveUp, NeedsAnswer, Outcome, Pace, TryAgain
from showup.dispatch.queue_state import QueueState, is_down, jittered, rate_limited_until


class NotSent(Struct, frozen=True, kw_only=True):
    """The delivery was not sent, because it is no longer valid.

    `withdrawn`: its booking's history no longer calls for it, and gives the reason. `skipped`: a check at the time of
    sending found the reason, which the history does not know.
    """

    state: Literal["withdrawn", "skipped"]
    because: str


class Postponed(Struct, frozen=True, kw_only=True):
    """The delivery was not sent yet: it waits for another one, until `until`."""

    until: datetime
    because: str


AttemptResult: TypeAlias = Outcome | NotSent | Postponed
"""The result of an attempt."""


class FinishedAttempt(Struct, frozen=True, kw_only=True):
    """A delivery after an attempt. `wake_at` is the time of the next attempt if it is still scheduled.

    `attempt` is recorded in the attempt's row. `failures` counts the failures that use up the retry policy. `record`,
    `found` and `question` are what the attempt found out; None if nothing.
    """

    delivery_id: UUID
    attempt_id: UUID
    state: str
    outcome: str
    because: str | None
    failures: int
    wake_at: datetime
    provider: str | None = None
    provider_id: str | None = None
    record: str | None = None
    found: dict[str, Any] | None = None
    question: dict[str, Any] | None = None


class AttemptRef(Struct, frozen=True, kw_only=True):
    """The part of a delivery that is needed to record its outcome; `failures` are those before this attempt."""

    delivery_id: UUID
    attempt_id: UUID
    failures: int


def finish_attempt(
    attempt_ref: AttemptRef, result: AttemptResult, queue: QueueState, pace: Pace, now: datetime, jitter: float
) -> FinishedAttempt:
    """Applies the outcome. `queue` is the state after the outcome; `jitter` in 0..1 spreads simultaneous retries."""
    match result:
        case Delivered(provider=provider):
            state = "previewed" if provider == MAIL_PREVIEW else "delivered"
            return _finished(attempt_ref, state, state, None, now, result)
        case GaveUp():
            return _finished(attempt_ref, "failed", "gave_up", result.because, now, result)
        case NotSent():
            return _finished(attempt_ref, result.state, "stopped", result.because, now)
        case Postponed():
            return FinishedAttempt(
                delivery_id=attempt_ref.delivery_id,
                attempt_id=attempt_ref.attempt_id,
                state="scheduled",
                outcome="stopped",
                because=result.because,
                failures=attempt_ref.failures,
                wake_at=result.until,
            )
        case NeedsAnswer():
            return _waiting_for_answer(attempt_ref, result)
        case TryAgain(fault="limit"):
            return _retried(attempt_ref, result, attempt_ref.failures, rate_limited_until(result, now))
        case TryAgain():
            return _after_failure(attempt_ref, result, queue, pace, now, jitter)


def _after_failure(
    attempt_ref: AttemptRef, result: TryAgain, queue: QueueState, pace: Pace, now: datetime, jitter: float
) -> FinishedAttempt:
    failures = attempt_ref.failures + 1
    if failures <= len(pace.retry_after):
        pause = jittered(pace.retry_after[failures - 1], jitter)
        return _retried(attempt_ref, result, failures, max(result.not_before or now, now + pause))
    if result.fault == "destination" and is_down(queue, pace):
        # The destination is down. That is no fault of this delivery: it waits for the destination instead of giving up.
        return _retried(
            attempt_ref, result, attempt_ref.failures, max(result.not_before or now, queue.paused_until or now)
        )
    because = f"{result.because} (attempt {failures} of {failures})"
    return _finished(attempt_ref, "failed", "gave_up", because, now, result, failures=failures)


def _waiting_for_answer(attempt_ref: AttemptRef, result: NeedsAnswer) -> FinishedAttempt:
    return FinishedAttempt(
        delivery_id=attempt_ref.delivery_id,
        attempt_id=attempt_ref.attempt_id,
        state="scheduled",
        outcome="asked",
        because=result.because,
        failures=attempt_ref.failures,
        wake_at=result.question.until,
        question=to_builtins(result.question),
    )


def _retried(attempt_ref: AttemptRef, result: TryAgain, failures: int, wake_at: datetime) -> FinishedAttempt:
    return FinishedAttempt(
        delivery_id=attempt_ref.delivery_id,
        attempt_id=attempt_ref.attempt_id,
        state="scheduled",
        outcome="try_again",
        because=result.because,
        failures=failures,
        wake_at=wake_at,
        record=result.record,
        found=result.found or None,
    )


def _finished(
    attempt_ref: AttemptRef,
    state: str,
    outcome: str,
    because: str | None,
    now: datetime,
    result: Delivered | TryAgain | GaveUp | None = None,
    *,
    failures: int | None = None,
) -> FinishedAttempt:
    return FinishedAttempt(
        delivery_id=attempt_ref.delivery_id,
        attempt_id=attempt_ref.attempt_id,
        state=state,
        outcome=outcome,
        because=because,
        failures=attempt_ref.failures if failures is None else failures,
        wake_at=now,
        provider=result.provider if isinstance(result, Delivered) else None,
        provider_id=result.reference if isinstance(result, Delivered) else None,
        record=result.record if result else None,
        found=(result.found or None) if result else None,
    )
