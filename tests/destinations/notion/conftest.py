"""Notion on loopback, and ours before it."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.destinations.far.notion import FarNotion
from tests.destinations.notion.ours import Ours


@pytest.fixture
def far() -> Iterator[FarNotion]:
    """At the end nothing may have been asked that Notion's own document forbids."""
    with FarNotion() as far:
        yield far
    assert far.wrong == []


@pytest.fixture
def ours(client: httpx2.AsyncClient, far: FarNotion) -> Ours:
    return Ours(client, far)
