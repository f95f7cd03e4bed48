"""A post whose clock stands at Monday, 7 September 2026, 09:00 in UTC."""

from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.deliveries.post import Post


@pytest.fixture
def post(engine: AsyncEngine, workspace: UUID, account: UUID) -> Post:
    return Post(engine, workspace, account)
