from collections.abc import Iterator

import httpx2
import pytest

from tests.calcom_far.server import FarCalcom
from tests.calcom_far.stage import Stage, asking


@pytest.fixture
def world() -> Stage:
    return Stage()


@pytest.fixture
def far(world: Stage) -> Iterator[FarCalcom]:
    with FarCalcom(world) as far:
        yield far


@pytest.fixture
def client(far: FarCalcom) -> Iterator[httpx2.Client]:
    with asking(far) as client:
        yield client
