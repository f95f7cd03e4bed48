"""A fake EmailBison with a lead in two campaigns, and the destination that calls it."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.destinations.conformance.case import MEETING
from tests.destinations.emailbison.emailbison_connection import EmailBisonConnection
from tests.destinations.fake_vendors.emailbison import FakeEmailBison


@pytest.fixture
def fake() -> Iterator[FakeEmailBison]:
    """A fake EmailBison; checks at the end that all requests match EmailBison's document."""
    with FakeEmailBison() as fake:
        fake.workspace.add_campaign(101, "Founders NL")
        fake.workspace.add_campaign(102, "Agencies")
        fake.workspace.add_lead(MEETING.guest.email, [101, 102])
        yield fake


@pytest.fixture
def connection(client: httpx2.AsyncClient, fake: FakeEmailBison) -> EmailBisonConnection:
    return EmailBisonConnection(client, fake)
