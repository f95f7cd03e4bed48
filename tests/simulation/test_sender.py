import asyncio

import httpx2
import pytest

from showup.simulation.sender import SendOptions, SendResult, SendSummary, send
from showup.simulation.wire import OutgoingWebhook, TargetEndpoint
from tests.simulation.fake_showup import SECRET, FakeShowup

FAST = SendOptions(rate=0, concurrency=4, max_attempts=4, initial_backoff=0.001)


async def send_bodies(
    fake_showup: FakeShowup, *bodies: bytes, secret: str = SECRET, options: SendOptions = FAST
) -> SendSummary:
    endpoint = TargetEndpoint(f"{fake_showup.url}/webhooks/calcom/simulated-1", secret)
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await send(client, [OutgoingWebhook(endpoint, body) for body in bodies], options)


async def test_every_body_arrives_as_it_is_and_rightly_signed(fake_showup: FakeShowup) -> None:  # IN2
    bodies = [f'{{"n":{number},"name":"Zoë"}}'.encode() for number in range(40)]
    summary = await send_bodies(fake_showup, *bodies)
    assert sorted(fake_showup.bodies) == sorted(bodies)
    assert (summary.sent, summary.accepted, summary.retries, fake_showup.rejected) == (40, 40, 0, 0)
    assert fake_showup.paths == {"/webhooks/calcom/simulated-1"}
    assert len(summary.event_ids) == 40


async def test_a_503_is_tried_again_with_the_same_bytes(fake_showup: FakeShowup) -> None:  # IN3
    fake_showup.faults.queue(*["503"] * 3)
    summary = await send_bodies(fake_showup, b"{}")
    assert fake_showup.bodies == [b"{}"]
    assert (summary.sent, summary.accepted, summary.retries) == (1, 1, 3)


async def test_a_webhook_is_abandoned_after_its_last_attempt(fake_showup: FakeShowup) -> None:
    fake_showup.faults.queue(*["503"] * 100)
    summary = await send_bodies(fake_showup, b"{}")
    assert (summary.accepted, summary.failures) == (0, {"503": 1})
    assert len(fake_showup.requests) == FAST.max_attempts


async def test_a_wrong_secret_is_refused_once_and_counted(fake_showup: FakeShowup) -> None:
    summary = await send_bodies(fake_showup, b"{}", secret="another")
    assert (summary.accepted, summary.failures, fake_showup.rejected) == (0, {"401": 1}, 1)


async def test_duplicates_are_counted(fake_showup: FakeShowup) -> None:  # IN4
    summary = await send_bodies(fake_showup, b"{}", b"{}", b"[]", options=SendOptions(rate=0, concurrency=1))
    assert (summary.accepted, summary.duplicates) == (3, 1)


async def test_no_server_is_no_answer(fake_showup: FakeShowup) -> None:
    fake_showup.stop()
    summary = await send_bodies(fake_showup, b"{}")
    assert (summary.sent, summary.failures) == (1, {"no answer": 1})


async def test_each_result_is_reported_at_once(fake_showup: FakeShowup) -> None:
    results: asyncio.Queue[SendResult] = asyncio.Queue()
    endpoint = TargetEndpoint(fake_showup.url, SECRET)
    async with httpx2.AsyncClient(trust_env=False) as client:
        await send(client, [OutgoingWebhook(endpoint, b"{}")] * 2, FAST, results.put_nowait)
    assert [results.get_nowait().status, results.get_nowait().status] == [200, 200]


@pytest.mark.parametrize(("share", "seconds"), [(0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_latency_is_the_one_at_its_rank(share: float, seconds: float) -> None:
    assert SendSummary(latencies=[float(n) for n in range(100, 0, -1)]).latency(share) == seconds
    assert SendSummary().latency(share) is None
