"""`/api/endpoints`: create, update, pause, rotate the secret, ping, delete; and redeliver a webhook (TE8)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import insert
from standardwebhooks.webhooks import Webhook

from showup.connections.quotas import MAX_ENDPOINTS
from showup.container import event_handlers
from showup.database.engine import transaction
from showup.database.tables import destination_queues
from showup.destinations.public_addresses import AddressPolicy
from showup.web.app import create_app
from showup.web.http.middleware import with_middleware
from tests.web.conftest import ClientFactory, client_of
from tests.web.sample_data import ADMIN_KEY, id_of
from tests.web.scenario import TODAY, Scenario, ticking_clock

PATH = "/api/endpoints"
ENDPOINT_FIELDS = {
    "url": "https://crm.example.com/showup",
    "kinds": ["deal.won", "booking.*"],
    "description": "our CRM",
}


@pytest.fixture
def admin(scenario_client_as: ClientFactory) -> httpx2.AsyncClient:
    return scenario_client_as("admin")


@pytest.fixture
async def created(admin: httpx2.AsyncClient) -> dict[str, Any]:
    response = await admin.post(PATH, json=ENDPOINT_FIELDS)
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    return body


async def subscriptions(scenario: Scenario, endpoint_id: str) -> list[dict[str, Any]]:
    rows = await scenario.rows("subscriptions", destination=f"webhook:{endpoint_id}")
    return sorted(rows, key=lambda row: row["since"])


async def test_its_secret_is_shown_once(created: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    secret = created.pop("secret")
    Webhook(secret)
    assert secret.startswith("whsec_")
    assert (created["state"], created["description"]) == ("working", "our CRM")
    assert created["kinds"][-1] == "deal.won"
    assert "booking.no_show" in created["kinds"]
    read = (await admin.get(f"{PATH}/{created['id']}")).json()
    assert read.pop("as_of") != created.pop("as_of")
    assert read == created
    listed = (await admin.get(PATH)).json()["items"]
    assert listed == [created]


async def test_a_repeated_request_omits_the_secret(admin: httpx2.AsyncClient, scenario: Scenario) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = [await admin.post(PATH, json=ENDPOINT_FIELDS, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (201, 201, "true")
    assert first.json()["secret"].startswith("whsec_")
    assert again.json() == first.json() | {"secret": None}
    (stored_key,) = await scenario.rows("idempotency_keys")
    assert "whsec_" not in stored_key["answer"]
    assert len((await admin.get(PATH)).json()["items"]) == 1


async def test_s07_a_workspace_has_a_limited_number_of_endpoints(admin: httpx2.AsyncClient) -> None:
    ids = []
    for _ in range(MAX_ENDPOINTS):
        response = await admin.post(PATH, json=ENDPOINT_FIELDS)
        assert response.status_code == 201
        ids.append(response.json()["id"])
    refused = await admin.post(PATH, json=ENDPOINT_FIELDS)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:showup:problem:quota-reached")
    assert f"may have {MAX_ENDPOINTS} endpoints" in refused.json()["detail"]
    assert (await admin.delete(f"{PATH}/{ids[0]}")).status_code == 200
    assert (await admin.post(PATH, json=ENDPOINT_FIELDS)).status_code == 201


async def test_it_is_subscribed_to_its_kinds_from_now_on(
    created: dict[str, Any], admin: httpx2.AsyncClient, scenario: Scenario
) -> None:
    (first,) = await subscriptions(scenario, created["id"])
    assert (first["kinds"], first["until"]) == (sorted(created["kinds"]), None)
    response = await admin.patch(f"{PATH}/{created['id']}", json={"kinds": ["deal.*"]})
    assert all(kind.startswith("deal.") for kind in response.json()["kinds"])
    ended, second = await subscriptions(scenario, created["id"])
    assert (ended["until"], second["kinds"]) == (second["since"], sorted(response.json()["kinds"]))


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"url": "http://crm.example.com/"}, "url", "https://"),
        ({"url": "https://127.0.0.1/"}, "url", "not a public address"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url", "not a public address"),
        ({"url": "https://localhost:8000/api/rules"}, "url", "not a public address"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "url", "not a public address"),
        ({"url": "https://me:secret@crm.example.com/"}, "url", "user or password"),
        ({"url": "crm"}, "url", "not a URL"),
        ({"kinds": ["deal.wun"]}, "kinds", "deal.won"),
        ({"kinds": []}, "kinds", ""),
    ],
)
async def test_invalid_endpoints_are_refused(
    admin: httpx2.AsyncClient, created: dict[str, Any], fields: dict[str, Any], field: str, reason: str
) -> None:
    for response in (
        await admin.post(PATH, json=ENDPOINT_FIELDS | fields),
        await admin.patch(f"{PATH}/{created['id']}", json=fields),
    ):
        assert response.status_code == 422
        (error,) = response.json()["errors"]
        assert error["field"] == field
        assert reason in error["detail"]
        assert "secret" not in error["detail"]


async def test_a_name_that_leads_into_our_network_is_refused(scenario: Scenario) -> None:
    async def lookup(_host: str, _port: int) -> Sequence[str]:
        return ["10.0.0.7"]

    for private, status in ((False, 422), (True, 201)):
        outside = AddressPolicy(allow_private=private, lookup=lookup)
        app = create_app(
            engine=scenario.engine,
            clock=ticking_clock(),
            admin_key=ADMIN_KEY,
            version="0",
            address_policy=outside,
            event_handlers=event_handlers(),
        )
        response = await client_of(with_middleware(app, cors_origins=[]), "admin").post(PATH, json=ENDPOINT_FIELDS)
        assert response.status_code == status, response.text


async def test_pause_and_resume(created: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    path = f"{PATH}/{created['id']}"
    paused = (await admin.patch(path, json={"paused": True})).json()
    assert (paused["state"], paused["because"]) == ("paused", "paused by key:admin")
    assert paused["paused_at"] is not None
    refused = await admin.post(f"{path}/test")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:showup:problem:conflict")
    working = (await admin.patch(path, json={"paused": False})).json()
    assert (working["state"], working["because"], working["paused_at"]) == ("working", None, None)


async def test_a_ping_is_a_delivery(created: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    response = await admin.post(f"{PATH}/{created['id']}/test")
    assert response.status_code == 200
    ping = response.json()
    assert (ping["kind"], ping["state"], ping["booking_id"]) == ("ping", "scheduled", None)
    assert ping["destination"] == f"webhook:{created['id']}"
    again = (await admin.post(f"{PATH}/{created['id']}/test")).json()
    assert again["id"] != ping["id"]


async def test_a_rotated_secret_is_another_and_is_shown_once(
    created: dict[str, Any], admin: httpx2.AsyncClient, scenario: Scenario
) -> None:
    (before,) = await scenario.rows("endpoints")
    response = await admin.post(f"{PATH}/{created['id']}/rotate-secret")
    assert response.status_code == 200
    assert response.json()["secret"] not in (None, created["secret"])
    (after,) = await scenario.rows("endpoints")
    assert after["secrets"] != before["secrets"]
    assert "secret" not in (await admin.get(f"{PATH}/{created['id']}")).json()


async def test_a_deleted_one_is_gone(created: dict[str, Any], admin: httpx2.AsyncClient, scenario: Scenario) -> None:
    path = f"{PATH}/{created['id']}"
    ping = (await admin.post(f"{path}/test")).json()
    assert (await admin.delete(path)).json()["id"] == created["id"]
    for response in (await admin.get(path), await admin.delete(path), await admin.post(f"{path}/test")):
        assert response.status_code == 404
    assert (await admin.get(PATH)).json()["items"] == []
    (row,) = await scenario.rows("deliveries", id=UUID(ping["id"]))
    assert (row["state"], row["because"]) == ("withdrawn", "key:admin deleted its endpoint")
    (ended,) = await subscriptions(scenario, created["id"])
    assert ended["until"] is not None


async def test_its_health_is_shown(created: dict[str, Any], admin: httpx2.AsyncClient, scenario: Scenario) -> None:
    failure = {"because": "the endpoint answered 500", "failing_since": TODAY, "failures": 2}
    row = {"workspace_id": id_of("ours"), "destination": f"webhook:{created['id']}", "tokens": 1.0, "tokens_at": TODAY}
    async with transaction(scenario.engine) as tx:
        await tx.execute(insert(destination_queues).values(**row, **failure))
    shown = (await admin.get(f"{PATH}/{created['id']}")).json()
    assert (shown["state"], shown["because"]) == ("failing", "the endpoint answered 500")
    assert shown["failing_since"] == "2026-09-14T12:00:00Z"


async def test_only_outgoing_webhooks_are_sent_again(writer: httpx2.AsyncClient) -> None:
    response = await writer.post(f"/api/deliveries/{id_of('ours.failed')}/redeliver")
    assert response.status_code == 409
    assert "only outgoing webhooks" in response.json()["detail"].lower()
