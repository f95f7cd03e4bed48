from collections.abc import Iterator

import httpx2
import pytest

from tests.fake_calcom.scenario import Scenario, open_client
from tests.fake_calcom.server import FakeCalcom


@pytest.fixture
def world() -> Scenario:
    return Scenario()


@pytest.fixture
def fake_calcom(world: Scenario) -> Iterator[FakeCalcom]:
    with FakeCalcom(world) as fake_calcom:
        yield fake_calcom


@pytest.fixture
def client(fake_calcom: FakeCalcom) -> Iterator[httpx2.Client]:
    with open_client(fake_calcom) as client:
        yield client
