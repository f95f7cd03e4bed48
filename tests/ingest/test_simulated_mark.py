"""U03, PI13: only a holder of the account's secret marks a webhook as simulated; no body of Cal.com can."""

import json
from datetime import UTC, datetime

import pytest

from showup.container import build_projection_worker
from showup.database.engine import driver_connection, transaction
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.simulation.wire import OutgoingWebhook, TargetEndpoint, signed_headers
from showup.sources.calcom.signature import sign, sign_as_simulated
from tests.histories.webhooks import MONDAY, body, payload
from tests.ingest.conftest import OLD_SECRET, OTHER_SECRET, SECRET, WebhookSender

NOW = datetime(2026, 9, 8, 12, tzinfo=UTC)
BODY = body("BOOKING_CREATED", MONDAY, payload("one", 1, NOW, ["ann@acme.com"]))
PATHS = ("/webhooks/calcom", "/webhooks/calcom?a=b", "/api/webhooks/cal")
"""The second takes the path through ASGI."""


async def simulated_bookings(sender: WebhookSender) -> list[bool]:
    """Return for each booking whether it is simulated, after everything was applied; a rebuild must agree."""
    await build_projection_worker(sender.engine, lambda: NOW).drain()
    async with transaction(sender.engine) as tx:
        connection = await driver_connection(tx)
        found = [row["simulated"] for row in await connection.fetch("SELECT simulated FROM bookings")]
        workspace = await connection.fetchval("SELECT id FROM workspaces WHERE slug = 'default'")
    assert (await rebuild(sender.engine, RebuildOptions(workspace_ids=[workspace]))).differing == 0
    return found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
async def test_u03_a_mark_with_the_accounts_secret_is_stored_with_the_event(
    sender: WebhookSender, path: str, secret: str
) -> None:
    endpoint = TargetEndpoint(path, secret)
    response = await sender.client.post(
        path, content=BODY, headers=signed_headers(OutgoingWebhook(endpoint, BODY, simulated=True))
    )
    assert response.status_code == 200
    assert [row["origin"] for row in await sender.stored()] == ["simulation"]
    assert await simulated_bookings(sender) == [True]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "mark",
    [
        pytest.param("true", id="no signature"),
        pytest.param("", id="empty"),
        pytest.param(sign(SECRET.encode(), BODY), id="the signature that Cal.com makes"),
        pytest.param(sign_as_simulated(OTHER_SECRET.encode(), BODY), id="another account's"),
        pytest.param(sign_as_simulated(SECRET.encode(), BODY + b" "), id="of another body"),
        pytest.param("é", id="no ASCII"),
    ],
)
async def test_u03_a_wrong_mark_is_refused(sender: WebhookSender, path: str, mark: str) -> None:
    headers = {"X-Cal-Signature-256": sign(SECRET.encode(), BODY)}
    marked = {key.encode(): value.encode("latin-1") for key, value in (headers | {"X-Showup-Simulated": mark}).items()}
    assert (await sender.client.post(path, content=BODY, headers=marked)).status_code == 401
    assert await sender.stored() == []


@pytest.mark.parametrize("value", ["simulated", "sample", True, {"simulated": True}])
@pytest.mark.parametrize("key", ["showup", "simulated", "origin"])
async def test_u03_an_attendees_link_cannot_hide_a_booking(sender: WebhookSender, key: str, value: object) -> None:
    """An attendee sets metadata at Cal.com by the booking link: `?metadata[showup]=simulated`."""
    fields = payload("one", 1, NOW, ["ann@acme.com"], metadata={key: value})
    sent = json.dumps(json.loads(body("BOOKING_CREATED", MONDAY, fields)) | {key: value}).encode()
    assert (await sender.send(sent)).status_code == 200
    assert [row["origin"] for row in await sender.stored()] == ["webhook"]
    assert await simulated_bookings(sender) == [False]
