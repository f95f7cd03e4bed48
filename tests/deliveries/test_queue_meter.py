"""TE5: several calls for one delivery count together with all others, so a limit applies to all processes."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Pace
from showup.destinations.destination_kind import OverLimit
from showup.dispatch import queue_store
from showup.dispatch.queue_state import QueueState, refilled
from showup.dispatch.queue_store import QueueMeter
from showup.outbox.delivery import DestinationQueue
from tests.histories.webhooks import MONDAY

PACE = Pace(rate_per_second=2, at_once=5, timeout=timedelta(seconds=20), retry_after=())


class Process:
    """One of several processes with a meter on the same queue. A wait moves the common clock."""

    def __init__(self, engine: AsyncEngine, queue: DestinationQueue, call_log: "CallLog", pace: Pace = PACE) -> None:
        self.meter = QueueMeter(engine, queue, pace, lambda: call_log.now, call_log.move_on)
        self.call_log = call_log

    async def call(self, calls: int = 1) -> None:
        await self.meter.take(calls)
        self.call_log.calls.extend([self.call_log.now] * calls)


class CallLog:
    """A clock, and the time of each call."""

    def __init__(self) -> None:
        self.now: datetime = MONDAY
        self.calls: list[datetime] = []

    async def move_on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def max_calls_within(call_times: list[datetime], span: timedelta) -> int:
    """Returns the maximum number of calls within a window of that length."""
    return max((sum(one <= other < one + span for other in call_times) for one in call_times), default=0)


@pytest.fixture
def queue(workspace: UUID) -> DestinationQueue:
    return DestinationQueue(workspace_id=workspace, destination="clickup")


async def state(engine: AsyncEngine, queue: DestinationQueue, now: datetime) -> QueueState:
    async with transaction(engine) as tx:
        return refilled(await queue_store.lock(await driver_connection(tx), queue, PACE, now), PACE, now)


async def test_two_processes_never_exceed_the_rate_together(engine: AsyncEngine, queue: DestinationQueue) -> None:
    call_log = CallLog()
    one, other = Process(engine, queue, call_log), Process(engine, queue, call_log)
    for number in range(40):
        await (one if number % 2 else other).call(1 + number % 3)
    # The tokens that were saved without calls, a second's worth, are added to the rate.
    for seconds in (1, 5, 20):
        assert max_calls_within(call_log.calls, timedelta(seconds=seconds)) <= PACE.rate_per_second * (seconds + 1) + 2
    assert len(call_log.calls) > 70


async def test_unused_tokens_accumulate_for_one_second(engine: AsyncEngine, queue: DestinationQueue) -> None:
    call_log = CallLog()
    process = Process(engine, queue, call_log)
    await process.call()
    call_log.now += timedelta(hours=1)
    started = call_log.now
    for _ in range(6):
        await process.call()
    assert call_log.now - started == timedelta(seconds=2), "two at once, and then one every half second"


async def test_a_too_long_wait_is_refused_and_takes_no_tokens(engine: AsyncEngine, queue: DestinationQueue) -> None:
    call_log = CallLog()
    process = Process(engine, queue, call_log)
    before = await state(engine, queue, call_log.now)
    with pytest.raises(OverLimit) as refused:
        await process.call(100)
    assert refused.value.not_before == call_log.now + timedelta(seconds=49)
    assert await state(engine, queue, call_log.now) == before
    await process.call()
    assert call_log.now == MONDAY


async def test_a_rate_below_one_per_second(engine: AsyncEngine, queue: DestinationQueue) -> None:
    call_log = CallLog()
    slow = Pace(rate_per_second=0.5, at_once=1, timeout=timedelta(seconds=20), retry_after=())
    process = Process(engine, queue, call_log, slow)
    for _ in range(5):
        await process.call()
    assert call_log.now - MONDAY == timedelta(seconds=8)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5)), max_size=60), st.sampled_from([0.5, 1.5, 5.0]))
@settings(max_examples=100, deadline=None)
def test_tokens_never_exceed_the_rate(steps: list[tuple[float, int]], rate: float) -> None:
    """For any calls at any time: the bucket fills at the rate, and has a second's worth of tokens, or one, at most."""
    pace = Pace(rate_per_second=rate, at_once=1, timeout=timedelta(seconds=20), retry_after=())
    now, queue = MONDAY, QueueState(tokens=max(1.0, rate), tokens_at=MONDAY)
    call_times: list[datetime] = []
    for wait, calls in steps:
        now += timedelta(seconds=wait)
        queue = refilled(queue, pace, now)
        if queue.tokens >= calls:
            queue = QueueState(tokens=queue.tokens - calls, tokens_at=queue.tokens_at)
            call_times += [now] * calls
    for seconds in (1, 10, 60):
        assert max_calls_within(call_times, timedelta(seconds=seconds)) <= rate * seconds + max(1.0, rate) + 1e-6
