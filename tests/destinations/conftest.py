"""Fake vendors on loopback, and mail to send to them."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from showup.destinations import vendor_api
from tests.destinations.fake_vendors.resend import FakeResend
from tests.destinations.fake_vendors.smtp import FakeSmtp


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """The process's HTTP client."""
    async with vendor_api.client("1.2.3") as client:
        yield client


@pytest.fixture
def fake_resend() -> Iterator[FakeResend]:
    """A fake Resend; checks at the end that all requests match Resend's document."""
    with FakeResend() as fake:
        yield fake


@pytest.fixture
def fake_smtp() -> Iterator[FakeSmtp]:
    """An SMTP server without login or TLS."""
    with FakeSmtp() as fake:
        yield fake
