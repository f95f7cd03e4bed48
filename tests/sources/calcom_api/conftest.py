"""Cal.com's API on loopback, and our client of it."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from showup.destinations import wire
from showup.sources.calcom.api import Calcom
from showup.sources.calcom.api_v1 import CalcomV1
from tests.sources.calcom_api.far import KEY, FarCalcom, Time


@pytest.fixture
def far() -> Iterator[FarCalcom]:
    """At the end nothing may have been asked that Cal.com's document forbids, and every answer was asked for."""
    with FarCalcom() as far:
        yield far
    assert far.wrong == []
    assert far.unsaid == 0


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with wire.client("1.2.3") as client:
        yield client


@pytest.fixture
def calcom(client: httpx2.AsyncClient, far: FarCalcom, time: Time) -> Calcom:
    """Without chance: every wait is as long as it may be."""
    return Calcom(client, url=far.url, key=KEY, clock=time.clock, chance=lambda: 0.0, pause=time.pause)


@pytest.fixture
def calcom_v1(client: httpx2.AsyncClient, far: FarCalcom, time: Time) -> CalcomV1:
    return CalcomV1(client, url=far.url_v1, key=KEY, clock=time.clock, chance=lambda: 0.0, pause=time.pause)
