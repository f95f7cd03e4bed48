"""Fixtures: a scripted Cal.com API, and a client for it."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from showup.destinations import vendor_api
from showup.sources.calcom.client import CalcomClient
from showup.sources.calcom.client_v1 import CalcomV1Client
from tests.sources.calcom_api.scripted_calcom import KEY, FakeTime, ScriptedCalcom


@pytest.fixture
def fake_calcom() -> Iterator[ScriptedCalcom]:
    """At the end, every scripted response was used."""
    with ScriptedCalcom() as fake_calcom:
        yield fake_calcom
    assert not fake_calcom.faults.has_queued


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with vendor_api.client("1.2.3") as client:
        yield client


@pytest.fixture
def calcom(client: httpx2.AsyncClient, fake_calcom: ScriptedCalcom, time: FakeTime) -> CalcomClient:
    """Returns a client without jitter: every wait has its maximum length."""
    return CalcomClient(client, url=fake_calcom.url, key=KEY, clock=time.clock, jitter=lambda: 0.0, pause=time.pause)


@pytest.fixture
def calcom_v1(client: httpx2.AsyncClient, fake_calcom: ScriptedCalcom, time: FakeTime) -> CalcomV1Client:
    return CalcomV1Client(
        client, url=fake_calcom.url_v1, key=KEY, clock=time.clock, jitter=lambda: 0.0, pause=time.pause
    )
