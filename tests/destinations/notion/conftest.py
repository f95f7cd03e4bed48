"""A fake Notion, and the destination that calls it."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.destinations.fake_vendors.notion import FakeNotion
from tests.destinations.notion.notion_connection import NotionConnection


@pytest.fixture
def fake() -> Iterator[FakeNotion]:
    """A fake Notion; checks at the end that all requests match Notion's document."""
    with FakeNotion() as fake:
        yield fake


@pytest.fixture
def connection(client: httpx2.AsyncClient, fake: FakeNotion) -> NotionConnection:
    return NotionConnection(client, fake)
