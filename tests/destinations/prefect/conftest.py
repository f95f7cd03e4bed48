"""A fake Prefect, and the destination that calls it."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.destinations.fake_vendors.prefect import FakePrefect
from tests.destinations.prefect.prefect_connection import PrefectConnection


@pytest.fixture
def fake() -> Iterator[FakePrefect]:
    """A fake Prefect; checks at the end that all requests match Prefect's document."""
    with FakePrefect() as fake:
        yield fake


@pytest.fixture
def connection(client: httpx2.AsyncClient, fake: FakePrefect) -> PrefectConnection:
    return PrefectConnection(client, fake)
