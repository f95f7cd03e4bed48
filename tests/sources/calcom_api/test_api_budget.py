"""No key calls more often than it may, however many ask at once (reference: Cal.com 9.1)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from showup.sources.calcom.api import Calcom
from showup.sources.calcom.api_budget import MOST, Budget, Window
from tests.sources.calcom_api.far import KEY, NOW, FarCalcom, Time, ok

MINUTE = timedelta(minutes=1)
ME = ok({"id": 7})


def worst_minute(made: list[datetime]) -> int:
    return max(sum(first <= other < first + MINUTE for other in made) for first in made)


def spending(budget: Budget, time: Time, made: list[datetime]) -> Callable[[], Awaitable[None]]:
    async def spend() -> None:
        await budget.spend()
        made.append(time.now)

    return spend


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 90), st.integers(1, 12)), min_size=1, max_size=8))
def test_no_minute_has_too_many(most: int, rushes: list[tuple[int, int]]) -> None:
    async def rush() -> list[datetime]:
        time, made = Time(), list[datetime]()
        spend = spending(Budget(time.clock, time.pause, most=most), time, made)
        for idle, at_once in rushes:
            time.now += timedelta(seconds=idle)
            await asyncio.gather(*(spend() for _ in range(at_once)))
        return made

    made = asyncio.run(rush())
    assert len(made) == sum(at_once for _, at_once in rushes)
    assert worst_minute(made) <= most


async def test_what_is_allowed_waits_for_nothing_and_what_is_not_for_no_longer_than_it_must() -> None:
    time, made = Time(), list[datetime]()
    spend = spending(Budget(time.clock, time.pause), time, made)
    for _ in range(MOST):
        await spend()
    assert time.paused == []
    time.now += timedelta(seconds=20)
    await spend()
    assert time.paused == [40.0]
    assert MOST < 120  # theirs


async def test_who_asked_first_goes_first() -> None:
    """Even if somebody asks in the very moment in which the wait of the first is over."""
    time, order, later = Time(), list[int](), list[asyncio.Task[None]]()

    async def pause(seconds: float) -> None:
        await time.pause(seconds)
        if not later:
            later.append(asyncio.create_task(spend(2)))
            await asyncio.sleep(0)

    async def spend(number: int) -> None:
        await budget.spend()
        order.append(number)

    budget = Budget(time.clock, pause, most=1)
    await spend(0)
    await spend(1)
    await asyncio.gather(*later)
    assert order == [0, 1, 2]


async def test_who_gives_up_waiting_blocks_nobody() -> None:
    time, waits, forever = Time(), asyncio.Event(), asyncio.Event()

    async def pause(seconds: float) -> None:
        if not waits.is_set():
            waits.set()
            await forever.wait()
        await time.pause(seconds)

    budget = Budget(time.clock, pause, most=1)
    await budget.spend()
    waiting = asyncio.create_task(budget.spend())
    await waits.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await budget.spend()
    assert time.now == NOW + MINUTE


def test_a_hold_ends_and_a_shorter_one_does_not_shorten_it() -> None:
    window = Window(10)
    window.hold(NOW + timedelta(seconds=30), NOW)
    window.hold(NOW + timedelta(seconds=10), NOW)
    assert window.wait(NOW) == timedelta(seconds=30)
    assert window.wait(NOW + timedelta(seconds=30)) == timedelta(0)


def test_no_hold_is_longer_than_two_minutes() -> None:
    window = Window(10)
    window.hold(NOW + timedelta(hours=3), NOW)
    assert window.wait(NOW) == timedelta(minutes=2)
    assert window.wait(NOW + timedelta(minutes=2)) == timedelta(0)


def test_a_clock_that_is_set_back_costs_a_minute_at_most() -> None:
    window, before = Window(1), NOW - timedelta(hours=1)
    window.make(NOW)
    window.hold(NOW + timedelta(seconds=90), NOW)
    assert window.wait(before) == timedelta(minutes=2)
    assert window.wait(before + timedelta(minutes=2)) == timedelta(0)


async def test_two_clients_of_one_key_share_it(client: httpx2.AsyncClient, far: FarCalcom, time: Time) -> None:
    budget = Budget(time.clock, time.pause, most=3)
    one, other = (
        Calcom(client, url=far.url, key=KEY, clock=time.clock, budget=budget, pause=time.pause) for _ in range(2)
    )
    far.will_say(*[ME] * 4)
    await asyncio.gather(one.me(), other.me(), one.me(), other.me())
    assert time.paused == [60.0]


async def test_every_try_counts(client: httpx2.AsyncClient, far: FarCalcom, time: Time) -> None:
    budget = Budget(time.clock, time.pause, most=1)
    calcom = Calcom(client, url=far.url, key=KEY, clock=time.clock, budget=budget, chance=lambda: 0.0, pause=time.pause)
    far.will_say(ok(None, status=500), ME)
    await calcom.me()
    assert time.paused == [1.0, 59.0]


async def test_a_limit_that_is_used_up_is_waited_out_before_it_is_broken(
    calcom: Calcom, far: FarCalcom, time: Time
) -> None:
    used_up = {"X-RateLimit-Remaining-Default": "0", "X-RateLimit-Reset-Default": "33"}
    other = {"X-RateLimit-Remaining-Other": "5", "X-RateLimit-Reset-Other": "90"}
    far.will_say(ok({"id": 7}, headers=used_up | other), ME)
    await calcom.me()
    assert time.paused == []
    await calcom.me()
    assert time.paused == [33.0]
