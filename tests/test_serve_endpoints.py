"""TE8: a whole Showup tells an endpoint what came through its door, and its reader verifies it."""

import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2
import pytest

from tests.conftest import RUN_FOLDER
from tests.destinations.far.webhook import FarWebhook
from tests.serving import ADMIN_KEY, AT_MOST, Serving
from tests.stories.webhooks import body, payload

KEY = {"Authorization": f"Bearer {ADMIN_KEY}"}
KINDS = ["booking.*", "deal.*"]


class Expecting(FarWebhook):
    """Says when it was told all that it waits for."""

    def __init__(self, *types: str) -> None:
        super().__init__()
        self._awaited = set(types)
        self.told = threading.Event()

    def _take(self, body: bytes, headers: dict[str, str]) -> None:
        super()._take(body, headers)
        if self._awaited <= set(self.types):
            self.told.set()


@pytest.fixture
def serving(request: pytest.FixtureRequest) -> Iterator[Serving]:
    folder = request.config.stash[RUN_FOLDER] / uuid4().hex[:8]
    allowed = getattr(request, "param", "true")
    begun = Serving(SHOWUP_DATA_DIR=str(folder), SHOWUP_ALLOW_PRIVATE_ADDRESSES=allowed)
    yield begun
    begun.end(signal.SIGINT)


def register(serving: Serving, url: str) -> httpx2.Response:
    return serving.client.post("/api/endpoints", json={"url": url, "kinds": KINDS}, headers=KEY)


def test_what_comes_in_goes_out_signed(serving: Serving) -> None:
    with Expecting("booking.created", "deal.created") as far:
        made = register(serving, far.url).raise_for_status().json()
        far.secret = made["secret"]
        now = datetime.now(UTC)
        booked = payload("one", 1, now + timedelta(days=5), ["ann@acme.com"])
        serving.post(body("BOOKING_CREATED", now, booked)).raise_for_status()
        assert far.told.wait(AT_MOST), far.wrong
        assert far.wrong == []
        assert set(far.effects.values()) == {1}
        by_type = {one.said["type"]: one.said["data"] for one in far.heard}
    deal = by_type["deal.created"]["deal"]
    assert deal["company"]["domain"] == "acme.com"
    booking = by_type["booking.created"]["booking"]
    assert booking["attendee"]["email"] == "ann@acme.com"
    assert booking["deal_id"] == deal["id"]


@pytest.mark.parametrize("serving", ["false"], indirect=True)
def test_an_address_in_our_own_network_is_refused_unless_that_is_allowed(serving: Serving) -> None:
    for url in ("http://127.0.0.1:8000/", "https://127.0.0.1:8000/", "https://localhost/"):
        refused = register(serving, url)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "url")
