"""One dispatch cycle, in one short transaction: record finished attempts, then claim new ones."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import asyncpg
import structlog
from msgspec import Struct
from msgspec.structs import replace

from showup.clock import Clock
from showup.database.page_changes import DELIVERY_CHANGED, notify_pages
from showup.destinations.contract import GaveUp, Pace
from showup.dispatch import claims, notices, queue_store
from showup.dispatch.attempt_results import AttemptResult, FinishedAttempt, NotSent, Postponed, finish_attempt
from showup.dispatch.claims import Claimed
from showup.dispatch.endpoint_pauses import pause_failing_endpoint
from showup.dispatch.queue_state import QueueState, apply_outcome, free_slots, is_down, next_token_at, refilled
from showup.outbox import suppressions, system_notifications
from showup.outbox.delivery import DestinationQueue
from showup.outbox.suppressions import Suppression
from showup.outbox.wakeups import wake_queues


class EndedAttempt(Struct, frozen=True, kw_only=True):
    """A finished attempt and its result."""

    claimed: Claimed
    result: AttemptResult


class CycleRequest(Struct, frozen=True, kw_only=True):
    """The input of a cycle: record `ended`, and claim at most `capacity` deliveries.

    `linger` is how long the dispatcher waits for the next delivery; a later one needs a wake-up. None: the
    dispatcher has attempts in flight and runs another cycle anyway.
    """

    ended: Sequence[EndedAttempt]
    capacity: int
    linger: timedelta | None


class DispatchCycle(Struct, frozen=True, kw_only=True):
    """The result of a cycle: claimed deliveries, and when to run the next cycle if nothing else happens (None: never).

    `finished` has the recorded outcomes; `before` and `after` are the queue's states.
    """

    claimed: list[Claimed]
    next_at: datetime | None
    finished: list[FinishedAttempt]
    before: QueueState
    after: QueueState


async def run_dispatch_cycle(
    connection: asyncpg.Connection,
    queue: DestinationQueue,
    pace: Pace,
    request: CycleRequest,
    clock: Clock,
    jitter: Callable[[], float],
) -> DispatchCycle:
    """Runs one cycle while the queue is locked; `jitter` (0..1) spreads the pauses."""
    locked = await queue_store.lock(connection, queue, pace, clock())
    # Read the clock only now: another process may have held the queue for a while.
    now = clock()
    state = refilled(locked, pace, now)
    state, finished = _finish(state, request.ended, pace, now, jitter)
    await claims.record_outcomes(connection, finished, now)
    await _suppress_numbers(connection, queue, request.ended, now)
    await _notify(connection, queue, request.ended, finished, now)
    state = await pause_failing_endpoint(connection, queue, [one.result for one in request.ended], state, now)
    await claims.expire(connection, queue, now)
    free = (
        0
        if request.capacity <= 0
        else free_slots(state, pace, await claims.count_in_flight(connection, queue, now), now)
    )
    claimed = await claims.claim(connection, queue, now, min(request.capacity, free), is_probe=is_down(state, pace))
    state = replace(state, tokens=state.tokens - len(claimed))
    await queue_store.save(connection, queue, state)
    is_newly_down = is_down(state, pace) and not is_down(locked, pace)
    await system_notifications.notify_subscribers(
        connection, queue.workspace_id, notices.of_queue(queue, state, down=is_newly_down), now
    )
    next_at = await _next_at(connection, queue, state, pace, now)
    cycle = DispatchCycle(claimed=claimed, next_at=next_at, finished=finished, before=locked, after=state)
    wakeups = [(queue, one.wake_at) for one in finished if one.state == "scheduled"]
    if not claimed and request.linger is not None and next_at is not None and next_at > now + request.linger:
        wakeups.append((queue, next_at))
    await wake_queues(connection, wakeups, now)
    if finished or is_newly_down:
        await notify_pages(connection, queue.workspace_id, DELIVERY_CHANGED)
    return cycle


async def _suppress_numbers(
    connection: asyncpg.Connection, queue: DestinationQueue, ended: Sequence[EndedAttempt], now: datetime
) -> None:
    """Suppresses the numbers that can receive no text message, with the outcome that says so (M10)."""
    for one in ended:
        if isinstance(one.result, GaveUp) and (blocked := one.result.blocked) is not None:
            suppression = Suppression(scope="all", reason=blocked.reason, because=blocked.because)
            await suppressions.add_number(
                connection, queue.workspace_id, blocked.number, suppression, at=now, delivery_id=one.claimed.id
            )


async def _notify(
    connection: asyncpg.Connection,
    queue: DestinationQueue,
    ended: Sequence[EndedAttempt],
    finished: Sequence[FinishedAttempt],
    now: datetime,
) -> None:
    notifications = [
        notification
        for one, finished_attempt in zip(ended, finished, strict=True)
        for notification in notices.of_outcome(queue, one.claimed, one.result, finished_attempt, now)
    ]
    await system_notifications.notify_subscribers(connection, queue.workspace_id, notifications, now)


def _finish(
    state: QueueState, ended: Sequence[EndedAttempt], pace: Pace, now: datetime, jitter: Callable[[], float]
) -> tuple[QueueState, list[FinishedAttempt]]:
    finished = []
    for one in ended:
        if isinstance(one.result, NotSent | Postponed):
            # No request was made.
            state = replace(state, tokens=state.tokens + 1)
        else:
            state = apply_outcome(state, one.result, pace, now, jitter(), began_at=one.claimed.began_at)
        finished.append(finish_attempt(one.claimed.attempt_ref, one.result, state, pace, now, jitter()))
    return state, finished


async def _next_at(
    connection: asyncpg.Connection, queue: DestinationQueue, state: QueueState, pace: Pace, now: datetime
) -> datetime | None:
    next_due_at = await claims.next_at(connection, queue, now)
    blocked_until = None
    if state.paused_until is not None and state.paused_until > now:
        blocked_until = state.paused_until
    elif state.tokens < 1:
        blocked_until = next_token_at(state, pace, now)
    if blocked_until is None:
        return next_due_at
    if await claims.has_due(connection, queue, now):
        return blocked_until
    return None if next_due_at is None else max(next_due_at, blocked_until)


_log = structlog.get_logger()


def log_cycle(
    destination: str, workspace: str, ended: Sequence[EndedAttempt], cycle: DispatchCycle, pace: Pace
) -> None:
    """Logs what a dispatch cycle changed, once per change, and the outcome of each attempt in `ended`."""
    log = _log.bind(destination=destination, workspace=workspace)
    before, after = cycle.before, cycle.after
    if is_down(after, pace) and after.paused_until != before.paused_until:
        log.warning("destination paused after repeated failures", because=after.because, until=str(after.paused_until))
    elif after.failing_since is not None and before.failing_since is None:
        log.warning("destination failing", because=after.because)
    elif after.failing_since is None and before.failing_since is not None:
        log.info("destination recovered", since=str(before.failing_since))
    for one, finished in zip(ended, cycle.finished, strict=True):
        values = {"kind": one.claimed.kind, "attempt": one.claimed.number, **one.claimed.log_values}
        # Without the reason, which may quote an address: `showup deliveries list` shows it. A postponed delivery has no
        # line, so that an outage doesn't fill the log.
        match finished.state:
            case "failed":
                log.warning("delivery failed", **values)
            case "delivered":
                log.info("delivery delivered", provider=finished.provider, **values)
            case "previewed" | "withdrawn" | "skipped" as state:
                log.info("delivery not sent", state=state, **values)
            case _:
                pass
