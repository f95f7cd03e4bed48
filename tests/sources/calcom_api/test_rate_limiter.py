"""A key never exceeds its rate limit, however many tasks call at once (reference: Cal.com 9.1)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from showup.sources.calcom.client import CalcomClient
from showup.sources.calcom.rate_limiter import CALLS_PER_MINUTE, CallWindow, RateLimiter
from tests.sources.calcom_api.scripted_calcom import KEY, NOW, FakeTime, ScriptedCalcom, success_response

MINUTE = timedelta(minutes=1)
ME = success_response({"id": 7})


def worst_minute(calls: list[datetime]) -> int:
    return max(sum(first <= other < first + MINUTE for other in calls) for first in calls)


def acquiring(limiter: RateLimiter, time: FakeTime, calls: list[datetime]) -> Callable[[], Awaitable[None]]:
    async def acquire() -> None:
        await limiter.acquire()
        calls.append(time.now)

    return acquire


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 90), st.integers(1, 12)), min_size=1, max_size=8))
def test_no_minute_has_too_many(per_minute: int, bursts: list[tuple[int, int]]) -> None:
    async def burst() -> list[datetime]:
        time, calls = FakeTime(), list[datetime]()
        acquire = acquiring(RateLimiter(time.clock, time.pause, per_minute=per_minute), time, calls)
        for idle, at_once in bursts:
            time.now += timedelta(seconds=idle)
            await asyncio.gather(*(acquire() for _ in range(at_once)))
        return calls

    calls = asyncio.run(burst())
    assert len(calls) == sum(at_once for _, at_once in bursts)
    assert worst_minute(calls) <= per_minute


async def test_calls_wait_only_as_long_as_needed() -> None:
    time, calls = FakeTime(), list[datetime]()
    acquire = acquiring(RateLimiter(time.clock, time.pause), time, calls)
    for _ in range(CALLS_PER_MINUTE):
        await acquire()
    assert time.paused == []
    time.now += timedelta(seconds=20)
    await acquire()
    assert time.paused == [40.0]
    assert CALLS_PER_MINUTE < 120  # Cal.com's own limit


async def test_calls_are_first_in_first_out() -> None:
    """Even if another call is made at the moment when the first one's wait ends."""
    time, order, later = FakeTime(), list[int](), list[asyncio.Task[None]]()

    async def pause(seconds: float) -> None:
        await time.pause(seconds)
        if not later:
            later.append(asyncio.create_task(acquire(2)))
            await asyncio.sleep(0)

    async def acquire(number: int) -> None:
        await limiter.acquire()
        order.append(number)

    limiter = RateLimiter(time.clock, pause, per_minute=1)
    await acquire(0)
    await acquire(1)
    await asyncio.gather(*later)
    assert order == [0, 1, 2]


async def test_a_cancelled_call_blocks_no_other() -> None:
    time, waits, forever = FakeTime(), asyncio.Event(), asyncio.Event()

    async def pause(seconds: float) -> None:
        if not waits.is_set():
            waits.set()
            await forever.wait()
        await time.pause(seconds)

    limiter = RateLimiter(time.clock, pause, per_minute=1)
    await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await waits.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await limiter.acquire()
    assert time.now == NOW + MINUTE


def test_a_block_ends_and_is_not_shortened() -> None:
    window = CallWindow(10)
    window.block_until(NOW + timedelta(seconds=30), NOW)
    window.block_until(NOW + timedelta(seconds=10), NOW)
    assert window.wait_time(NOW) == timedelta(seconds=30)
    assert window.wait_time(NOW + timedelta(seconds=30)) == timedelta(0)


def test_no_block_exceeds_two_minutes() -> None:
    window = CallWindow(10)
    window.block_until(NOW + timedelta(hours=3), NOW)
    assert window.wait_time(NOW) == timedelta(minutes=2)
    assert window.wait_time(NOW + timedelta(minutes=2)) == timedelta(0)


def test_a_clock_set_back_costs_a_minute_at_most() -> None:
    window, before = CallWindow(1), NOW - timedelta(hours=1)
    window.record_call(NOW)
    window.block_until(NOW + timedelta(seconds=90), NOW)
    assert window.wait_time(before) == timedelta(minutes=2)
    assert window.wait_time(before + timedelta(minutes=2)) == timedelta(0)


async def test_two_clients_of_one_key_share_a_limiter(
    client: httpx2.AsyncClient, fake_calcom: ScriptedCalcom, time: FakeTime
) -> None:
    limiter = RateLimiter(time.clock, time.pause, per_minute=3)
    one, other = (
        CalcomClient(client, url=fake_calcom.url, key=KEY, clock=time.clock, limiter=limiter, pause=time.pause)
        for _ in range(2)
    )
    fake_calcom.script(*[ME] * 4)
    await asyncio.gather(one.me(), other.me(), one.me(), other.me())
    assert time.paused == [60.0]


async def test_every_attempt_counts(client: httpx2.AsyncClient, fake_calcom: ScriptedCalcom, time: FakeTime) -> None:
    limiter = RateLimiter(time.clock, time.pause, per_minute=1)
    calcom = CalcomClient(
        client, url=fake_calcom.url, key=KEY, clock=time.clock, limiter=limiter, jitter=lambda: 0.0, pause=time.pause
    )
    fake_calcom.script(success_response(None, status=500), ME)
    await calcom.me()
    assert time.paused == [1.0, 59.0]


async def test_an_exhausted_limit_delays_the_next_call(
    calcom: CalcomClient, fake_calcom: ScriptedCalcom, time: FakeTime
) -> None:
    exhausted = {"X-RateLimit-Remaining-Default": "0", "X-RateLimit-Reset-Default": "33"}
    other = {"X-RateLimit-Remaining-Other": "5", "X-RateLimit-Reset-Other": "90"}
    fake_calcom.script(success_response({"id": 7}, headers=exhausted | other), ME)
    await calcom.me()
    assert time.paused == []
    await calcom.me()
    assert time.paused == [33.0]
