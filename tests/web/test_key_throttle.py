"""S12: wrong API keys are throttled by source address and logged, within limits; keys that worked keep working."""

from datetime import timedelta

import httpx2
from fastapi import FastAPI
from structlog.testing import capture_logs

from showup.web.http.key_throttle import WRONG_KEY_INTERVAL, WRONG_KEYS_AT_ONCE, KeyThrottle
from showup.web.limited_log import LINES_PER_MINUTE
from tests.web.sample_data import ADMIN_KEY, NOW, key_of

PATH = "/api/queues"


def from_address(app: FastAPI, address: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, client=(address, 5000))
    return httpx2.AsyncClient(transport=transport, base_url="http://showup.example")


async def status(client: httpx2.AsyncClient, key: str) -> int:
    return (await client.get(PATH, headers={"Authorization": f"Bearer {key}"})).status_code


async def test_s12_an_address_that_guesses_keys_is_throttled(app: FastAPI) -> None:
    with capture_logs() as logs:
        async with from_address(app, "203.0.113.7") as guesser, from_address(app, "203.0.113.8") as other:
            assert await status(guesser, key_of("reader")) == 200
            statuses = [await status(guesser, f"showup_wrong_{number}") for number in range(WRONG_KEYS_AT_ONCE + 5)]
            assert statuses == [401] * WRONG_KEYS_AT_ONCE + [429] * 5
            refused = await guesser.get(PATH, headers={"Authorization": f"Bearer {ADMIN_KEY}"})
            assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
            assert refused.json()["type"] == "urn:showup:problem:too-many-wrong-keys"
            # Neither the key that worked from there before, nor another address.
            assert (await status(guesser, key_of("reader")), await status(other, "showup_wrong")) == (200, 401)
    lines = [one for one in logs if one["event"] == "wrong API key"]
    assert len(lines) == LINES_PER_MINUTE
    assert lines[0]["source_address"] == "203.0.113.7"
    assert "showup_wrong" not in str(logs)


def test_s12_a_throttled_address_may_try_again_after_an_interval() -> None:
    now = NOW
    throttle = KeyThrottle(lambda: now)
    for _ in range(WRONG_KEYS_AT_ONCE):
        assert throttle.retry_after("2001:db8::1", "guess") is None
        throttle.record("2001:db8::1", "guess", is_valid=False)
    wait = throttle.retry_after("2001:db8::ffff", "guess")
    assert wait == WRONG_KEY_INTERVAL.total_seconds()
    assert throttle.retry_after("2001:db8:0:1::1", "guess") is None
    now += timedelta(seconds=wait)
    assert throttle.retry_after("2001:db8::1", "guess") is None
    throttle.record("2001:db8::1", "guess", is_valid=False)
    assert throttle.retry_after("2001:db8::1", "guess") is not None


def test_s12_the_log_of_wrong_keys_is_bounded_and_says_how_many_were_omitted() -> None:
    now = NOW
    throttle = KeyThrottle(lambda: now)
    with capture_logs() as logs:
        for number in range(5_000):
            throttle.record(f"198.51.100.{number % 250}", "guess", is_valid=False)
        now += timedelta(minutes=1)
        throttle.record("198.51.100.1", "guess", is_valid=False)
    assert len(logs) == LINES_PER_MINUTE + 2
    assert logs[-2]["omitted_lines"] == 5_000 - LINES_PER_MINUTE
