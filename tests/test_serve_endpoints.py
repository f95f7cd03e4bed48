"""TE8: a complete Showup delivers received bookings to an endpoint, which verifies the signatures."""

import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2
import pytest

from tests.conftest import RUN_FOLDER
from tests.destinations.fake_vendors.webhook import FakeWebhookReceiver
from tests.histories.webhooks import body, payload
from tests.showup_process import ADMIN_KEY, TIMEOUT, ShowupProcess
from tests.vendors.server import ReceivedRequest, VendorResponse

KEY = {"Authorization": f"Bearer {ADMIN_KEY}"}
KINDS = ["booking.*", "deal.*"]


class ExpectingWebhook(FakeWebhookReceiver):
    """Sets `complete` once all expected types have arrived."""

    def __init__(self, *types: str) -> None:
        super().__init__()
        self._expected = set(types)
        self.complete = threading.Event()

    def answer(self, request: ReceivedRequest) -> VendorResponse:
        response = super().answer(request)
        if self._expected <= set(self.types):
            self.complete.set()
        return response


@pytest.fixture
def showup(request: pytest.FixtureRequest) -> Iterator[ShowupProcess]:
    folder = request.config.stash[RUN_FOLDER] / uuid4().hex[:8]
    allowed = getattr(request, "param", "true")
    process = ShowupProcess(SHOWUP_DATA_DIR=str(folder), SHOWUP_ALLOW_PRIVATE_ADDRESSES=allowed)
    yield process
    process.stop(signal.SIGINT)


def register(showup: ShowupProcess, url: str) -> httpx2.Response:
    return showup.client.post("/api/endpoints", json={"url": url, "kinds": KINDS}, headers=KEY)


def test_an_ingested_booking_is_delivered_signed(showup: ShowupProcess) -> None:
    with ExpectingWebhook("booking.created", "deal.created") as endpoint:
        created = register(showup, endpoint.url).raise_for_status().json()
        endpoint.secret = created["secret"]
        now = datetime.now(UTC)
        booked = payload("one", 1, now + timedelta(days=5), ["ann@acme.com"])
        showup.post(body("BOOKING_CREATED", now, booked)).raise_for_status()
        assert endpoint.complete.wait(TIMEOUT), endpoint.violations
        assert set(endpoint.effects.values()) == {1}
        by_type = {request.payload["type"]: request.payload["data"] for request in endpoint.accepted}
    deal = by_type["deal.created"]["deal"]
    assert deal["company"]["domain"] == "acme.com"
    booking = by_type["booking.created"]["booking"]
    assert booking["attendee"]["email"] == "ann@acme.com"
    assert booking["deal_id"] == deal["id"]


@pytest.mark.parametrize("showup", ["false"], indirect=True)
def test_a_private_address_is_refused_unless_allowed(showup: ShowupProcess) -> None:
    for url in ("http://127.0.0.1:8000/", "https://127.0.0.1:8000/", "https://localhost/"):
        refused = register(showup, url)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "url")


def test_u02_a_connections_test_over_the_api_asks_the_other_side(showup: ShowupProcess) -> None:
    """Nobody listens at port 9. Each test calls another system, so a workspace may not repeat it at once."""
    connection = {"kind": "smtp", "name": "mail", "credentials": {"url": "smtp://127.0.0.1:9"}}
    created = showup.client.post("/api/connections", json=connection, headers=KEY).raise_for_status().json()
    path = f"/api/connections/{created['id']}/test"
    found = showup.client.post(path, headers=KEY).raise_for_status().json()
    assert (found["ok"], found["message"], found["workspace"]) == (False, None, "default")
    assert "127.0.0.1" in found["faults"][0]
    again = showup.client.post(path, headers=KEY)
    assert (again.status_code, again.json()["type"]) == (429, "urn:showup:problem:too-many-tests")
    assert 0 < int(again.headers["retry-after"]) <= 5
    unknown = showup.client.post(f"/api/connections/{uuid4()}/test", headers=KEY)
    assert unknown.status_code == 404
