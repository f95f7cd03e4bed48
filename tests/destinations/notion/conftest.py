"""Notion on loopback, and ours before it."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.destinations.fake_vendors.notion import FakeNotion
from tests.destinations.notion.notion_connection import NotionConnection


@pytest.fixture
def fake() -> Iterator[FakeNotion]:
    """At the end nothing may have been asked that Notion's own document forbids."""
    with FakeNotion() as fake:
        yield fake
    assert fake.wrong == []


@pytest.fixture
def connection(client: httpx2.AsyncClient, fake: FakeNotion) -> NotionConnection:
    return NotionConnection(client, fake)
