"""`/api/connections`: the state of EmailBison, and the request to read it now (CA1)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert, update

from showup.database.engine import transaction
from showup.database.tables import syncs
from tests.web.conftest import ClientFactory
from tests.web.scenario import Scenario

PATH = "/api/connections"
EMAILBISON = {
    "kind": "emailbison",
    "name": "main",
    "settings": {"api_url": "https://dedi.emailbison.com"},
    "credentials": {"api_key": "1|very-secret"},
}


@pytest.fixture
def admin(scenario_client_as: ClientFactory) -> httpx2.AsyncClient:
    return scenario_client_as("admin")


@pytest.fixture
async def connection(admin: httpx2.AsyncClient) -> dict[str, Any]:
    response = await admin.post(PATH, json=EMAILBISON)
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    assert body["emailbison"] is None
    return body


async def test_a_new_connection_is_not_read_yet(admin: httpx2.AsyncClient, connection: dict[str, Any]) -> None:
    response = await admin.post(f"{PATH}/{connection['id']}/sync", json={})
    assert (response.status_code, response.json()["type"]) == (409, "urn:showup:problem:conflict")
    assert "it is new (try again in a minute)" in response.json()["detail"]


async def test_a_request_makes_the_sync_due(
    admin: httpx2.AsyncClient, scenario_client_as: ClientFactory, connection: dict[str, Any], scenario: Scenario
) -> None:
    now = datetime.now(UTC)
    async with transaction(scenario.engine) as tx:
        row = {"account_id": connection["id"], "began_at": now, "next_at": now + timedelta(hours=1)}
        await tx.execute(insert(syncs).values(row))
    response = await admin.post(f"{PATH}/{connection['id']}/sync", json={"full": True})
    assert response.status_code == 200, response.text
    state = response.json()["emailbison"]
    assert (state["available"], state["leads"]["state"]) == (None, "waiting")
    [row] = await scenario.rows("syncs", account_id=connection["id"])
    assert row["next_at"] < now + timedelta(hours=1)
    async with transaction(scenario.engine) as tx:
        await tx.execute(
            update(syncs)
            .where(syncs.c.account_id == connection["id"])
            .values(failing_since=now, because="EmailBison is unavailable: HTTP 502.")
        )
    [listed] = [one for one in (await admin.get(PATH)).json()["items"] if one["kind"] == "emailbison"]
    assert (listed["emailbison"]["available"], listed["emailbison"]["last_synced_at"]) == (False, None)
    assert listed["emailbison"]["message"].endswith("last good sync never")
    for key, status in (("writer", 403), ("stranger", 404)):
        refused = await scenario_client_as(key).post(f"{PATH}/{connection['id']}/sync", json={})
        assert refused.status_code == status
