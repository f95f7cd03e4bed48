"""TE5: several calls for one delivery are counted with all others, so that a limit holds for all processes."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.deliveries import lane_store
from showup.deliveries.delivery import Lane
from showup.deliveries.metering import LaneMeter
from showup.deliveries.pausing import LaneState, refilled
from showup.destinations.contract import Pace
from showup.destinations.kind import OverLimit
from tests.stories.webhooks import MONDAY

PACE = Pace(rate_per_second=2, at_once=5, timeout=timedelta(seconds=20), retry_after=())


class Process:
    """One of several with a meter on the same lane. A pause moves the clock of all on."""

    def __init__(self, engine: AsyncEngine, lane: Lane, hands: "Hands", pace: Pace = PACE) -> None:
        self.meter = LaneMeter(engine, lane, pace, lambda: hands.now, hands.pass_by)
        self.hands = hands

    async def call(self, calls: int = 1) -> None:
        await self.meter.take(calls)
        self.hands.made.extend([self.hands.now] * calls)


class Hands:
    """A clock, and when each call was made by it."""

    def __init__(self) -> None:
        self.now: datetime = MONDAY
        self.made: list[datetime] = []

    async def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def most_within(made: list[datetime], span: timedelta) -> int:
    """How many fall into the fullest window of that span."""
    return max((sum(one <= other < one + span for other in made) for one in made), default=0)


@pytest.fixture
def lane(workspace: UUID) -> Lane:
    return Lane(workspace_id=workspace, destination="clickup")


async def state(engine: AsyncEngine, lane: Lane, now: datetime) -> LaneState:
    async with transaction(engine) as tx:
        return refilled(await lane_store.hold(await raw(tx), lane, PACE, now), PACE, now)


async def test_two_processes_never_exceed_the_rate_together(engine: AsyncEngine, lane: Lane) -> None:
    hands = Hands()
    one, other = Process(engine, lane, hands), Process(engine, lane, hands)
    for number in range(40):
        await (one if number % 2 else other).call(1 + number % 3)
    # What had gathered while nobody called, a second's worth, comes on top of the rate.
    for seconds in (1, 5, 20):
        assert most_within(hands.made, timedelta(seconds=seconds)) <= PACE.rate_per_second * (seconds + 1) + 2
    assert len(hands.made) > 70


async def test_what_nobody_used_gathers_for_a_second_only(engine: AsyncEngine, lane: Lane) -> None:
    hands = Hands()
    process = Process(engine, lane, hands)
    await process.call()
    hands.now += timedelta(hours=1)
    began = hands.now
    for _ in range(6):
        await process.call()
    assert hands.now - began == timedelta(seconds=2), "two at once, and then one each half second"


async def test_a_wait_that_is_too_long_is_refused_and_costs_nothing(engine: AsyncEngine, lane: Lane) -> None:
    hands = Hands()
    process = Process(engine, lane, hands)
    before = await state(engine, lane, hands.now)
    with pytest.raises(OverLimit) as refused:
        await process.call(100)
    assert refused.value.not_before == hands.now + timedelta(seconds=49)
    assert await state(engine, lane, hands.now) == before
    await process.call()
    assert hands.now == MONDAY


async def test_a_pace_of_less_than_one_a_second(engine: AsyncEngine, lane: Lane) -> None:
    hands = Hands()
    slow = Pace(rate_per_second=0.5, at_once=1, timeout=timedelta(seconds=20), retry_after=())
    process = Process(engine, lane, hands, slow)
    for _ in range(5):
        await process.call()
    assert hands.now - MONDAY == timedelta(seconds=8)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5)), max_size=60), st.sampled_from([0.5, 1.5, 5.0]))
@settings(max_examples=100, deadline=None)
def test_tokens_never_amount_to_more_than_the_rate(steps: list[tuple[float, int]], rate: float) -> None:
    """Whatever is taken and whenever: the bucket fills at the rate and holds a second's worth, or one."""
    pace = Pace(rate_per_second=rate, at_once=1, timeout=timedelta(seconds=20), retry_after=())
    now, lane = MONDAY, LaneState(tokens=max(1.0, rate), tokens_at=MONDAY)
    made: list[datetime] = []
    for wait, calls in steps:
        now += timedelta(seconds=wait)
        lane = refilled(lane, pace, now)
        if lane.tokens >= calls:
            lane = LaneState(tokens=lane.tokens - calls, tokens_at=lane.tokens_at)
            made += [now] * calls
    for seconds in (1, 10, 60):
        assert most_within(made, timedelta(seconds=seconds)) <= rate * seconds + max(1.0, rate) + 1e-6
