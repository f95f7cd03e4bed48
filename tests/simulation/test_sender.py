import asyncio

import httpx2
import pytest

from showup.simulation.sender import Answer, Pace, Summary, send
from showup.simulation.wire import Door, Outgoing
from tests.simulation.house import SECRET, House

FAST = Pace(rate=0, at_once=4, tries=4, backoff_for=0.001)


async def sent(house: House, *bodies: bytes, secret: str = SECRET, pace: Pace = FAST) -> Summary:
    door = Door(f"{house.url}/webhooks/calcom/simulated-1", secret)
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await send(client, [Outgoing(door, body) for body in bodies], pace)


async def test_every_body_arrives_as_it_is_and_rightly_signed(house: House) -> None:  # IN2
    bodies = [f'{{"n":{number},"name":"Zoë"}}'.encode() for number in range(40)]
    summary = await sent(house, *bodies)
    assert sorted(house.bodies) == sorted(bodies)
    assert (summary.sent, summary.accepted, summary.tried_again, house.forged) == (40, 40, 0, 0)
    assert set(house.paths) == {"/webhooks/calcom/simulated-1"}
    assert len(summary.event_ids) == 40


async def test_a_503_is_tried_again_with_the_same_bytes(house: House) -> None:  # IN3
    house.stumbles = 3
    summary = await sent(house, b"{}")
    assert house.bodies == [b"{}"]
    assert (summary.sent, summary.accepted, summary.tried_again) == (1, 1, 3)


async def test_a_webhook_is_given_up_after_its_last_try(house: House) -> None:
    house.stumbles = 100
    summary = await sent(house, b"{}")
    assert (summary.accepted, summary.refused) == (0, {"503": 1})
    assert len(house.paths) == FAST.tries


async def test_a_wrong_secret_is_refused_once_and_counted(house: House) -> None:
    summary = await sent(house, b"{}", secret="another")
    assert (summary.accepted, summary.refused, house.forged) == (0, {"401": 1}, 1)


async def test_duplicates_are_counted(house: House) -> None:  # IN4
    summary = await sent(house, b"{}", b"{}", b"[]", pace=Pace(rate=0, at_once=1))
    assert (summary.accepted, summary.duplicates) == (3, 1)


async def test_nobody_there_is_no_answer(unused_port: int) -> None:
    summary = await sent(House(url=f"http://127.0.0.1:{unused_port}"), b"{}")
    assert (summary.sent, summary.refused) == (1, {"no answer": 1})


async def test_each_answer_is_told_as_it_comes(house: House) -> None:
    seen: asyncio.Queue[Answer] = asyncio.Queue()
    door = Door(house.url, SECRET)
    async with httpx2.AsyncClient(trust_env=False) as client:
        await send(client, [Outgoing(door, b"{}")] * 2, FAST, seen.put_nowait)
    assert [seen.get_nowait().status, seen.get_nowait().status] == [200, 200]


@pytest.mark.parametrize(("share", "seconds"), [(0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_latency_is_the_one_at_its_rank(share: float, seconds: float) -> None:
    assert Summary(latencies=[float(n) for n in range(100, 0, -1)]).latency(share) == seconds
    assert Summary().latency(share) is None
