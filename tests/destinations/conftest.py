"""Far sides on loopback, and mail to send to them."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from showup.destinations import wire
from tests.destinations.far.resend import FarResend
from tests.destinations.far.smtp import FarSmtp


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """The process's HTTP client."""
    async with wire.client("1.2.3") as client:
        yield client


@pytest.fixture
def far_resend() -> Iterator[FarResend]:
    """Resend; at the end nothing may have been asked that its own document forbids."""
    with FarResend() as far:
        yield far
    assert far.wrong == []


@pytest.fixture
def far_smtp() -> Iterator[FarSmtp]:
    """An SMTP server without login or TLS."""
    with FarSmtp() as far:
        yield far
