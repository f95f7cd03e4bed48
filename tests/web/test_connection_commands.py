"""`/api/connections`: create, update and delete connections; secrets are never returned."""

from typing import Any

import httpx2
import pytest

from showup.connections.quotas import MAX_CONNECTIONS
from tests.web.conftest import ClientFactory
from tests.web.sample_data import id_of
from tests.web.scenario import Scenario

PATH = "/api/connections"
SLACK = {
    "kind": "slack",
    "name": "team",
    "settings": {"channel": "C0123456789"},
    "credentials": {"bot_token": "xoxb-very-secret", "signing_secret": "also-very-secret"},
}
CLICKUP = {
    "kind": "clickup",
    "name": "sales",
    "settings": {"lists": ["901"], "inbound_list": "902"},
    "credentials": {"token": "pk_very_secret"},
}


@pytest.fixture
def admin(scenario_client_as: ClientFactory) -> httpx2.AsyncClient:
    return scenario_client_as("admin")


@pytest.fixture
async def created(admin: httpx2.AsyncClient) -> dict[str, Any]:
    response = await admin.post(PATH, json=SLACK)
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    return body


async def subscribed_kinds(scenario: Scenario, destination: str = "slack") -> set[str]:
    rows = await scenario.rows("subscriptions", destination=destination, until=None)
    return {kind for row in rows for kind in row["kinds"]}


async def test_a_new_connection_is_subscribed_from_now_on(created: dict[str, Any], scenario: Scenario) -> None:
    assert (created["kind"], created["name"], created["has_credentials"]) == ("slack", "team", True)
    assert created["settings"] == SLACK["settings"]
    assert "booking.created" in await subscribed_kinds(scenario)
    (row,) = await scenario.rows("connections", kind="slack")
    assert b"very-secret" not in row["credentials"]


async def test_secrets_are_never_shown(created: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    listed = await admin.get(PATH)
    changed = await admin.patch(
        f"{PATH}/{created['id']}", json={"credentials": {"bot_token": "xoxb-another-very-secret"}}
    )
    for text in (str(created), listed.text, changed.text):
        assert "very-secret" not in text


async def test_omitted_settings_are_unchanged(
    created: dict[str, Any], admin: httpx2.AsyncClient, scenario: Scenario
) -> None:
    path = f"{PATH}/{created['id']}"
    changed = (await admin.patch(path, json={"settings": {"notices": ["booking.no_show"]}})).json()
    assert changed["settings"] == SLACK["settings"] | {"notices": ["booking.no_show"]}
    assert await subscribed_kinds(scenario) == {"booking.no_show"}
    restored = (await admin.patch(path, json={"settings": {"notices": None}})).json()
    assert restored["settings"] == SLACK["settings"]
    assert "booking.created" in await subscribed_kinds(scenario)
    assert restored["has_credentials"]


async def test_a_deleted_connection_is_unsubscribed(
    created: dict[str, Any], admin: httpx2.AsyncClient, scenario: Scenario
) -> None:
    path = f"{PATH}/{created['id']}"
    assert (await admin.delete(path)).json()["id"] == created["id"]
    assert await subscribed_kinds(scenario) == set()
    assert (await admin.delete(path)).status_code == 404


async def test_s07_a_workspace_has_a_limited_number_of_connections(
    created: dict[str, Any], admin: httpx2.AsyncClient
) -> None:
    body = {"kind": "resend", "settings": {}, "credentials": {"api_key": "re_1"}}
    for number in range(MAX_CONNECTIONS - 1):
        response = await admin.post(PATH, json=body | {"name": f"mail{number}"})
        assert response.status_code == 201, response.text
    refused = await admin.post(PATH, json=body | {"name": "one more"})
    assert refused.status_code == 409
    assert f"may have {MAX_CONNECTIONS} connections" in refused.json()["detail"]
    changed = await admin.patch(f"{PATH}/{created['id']}", json={"settings": {"channel": "C9876543210"}})
    assert changed.status_code == 200, "existing ones can still be changed"


async def test_kind_and_name_are_unique(created: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    again = await admin.post(PATH, json=SLACK)
    assert again.json()["type"] == "urn:showup:problem:exists-already"
    assert created["id"] in again.json()["detail"]
    other = await admin.post(PATH, json=SLACK | {"name": "others"})
    assert (other.status_code, "change that one" in other.text) == (422, True)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (CLICKUP | {"settings": {"lists": ["901"], "inbound_lst": "902"}}, "did you mean inbound_list?"),
        (CLICKUP | {"settings": {"lists": ["sales"], "inbound_list": "902"}}, "not a list id"),
        (CLICKUP | {"credentials": {"tokn": "x"}}, "token"),
        (CLICKUP | {"settings": {"lists": ["1"], "inbound_list": "2", "api_url": "http://10.0.0.1/"}}, "https://"),
        (CLICKUP | {"settings": {"lists": ["1"], "inbound_list": "2", "api_url": "https://10.0.0.1"}}, "not a public"),
        # S13: limits have limits, for each kind.
        (CLICKUP | {"settings": {"lists": ["1"], "inbound_list": "2", "at_once": 51}}, "at_once"),
        (CLICKUP | {"settings": {"lists": ["1"], "inbound_list": "2", "rate_per_second": 1e9}}, "rate_per_second"),
        ({"kind": "smtp", "name": "mine", "settings": {"at_once": 10**9}}, "at_once"),
        ({"kind": "resend", "name": "mine", "settings": {"at_once": -1}}, "at_once"),
        ({"kind": "resend", "name": "mine", "settings": {"note": "x" * 65_536}}, "too long"),
        (CLICKUP | {"kind": "calcom"}, "clickup"),
        (CLICKUP | {"kind": "fax"}, "clickup"),
        # Connections from the environment may use any address.
        (CLICKUP | {"name": "environment"}, "reserved"),
    ],
)
async def test_invalid_connections_are_refused_with_a_reason(
    admin: httpx2.AsyncClient, scenario: Scenario, fields: dict[str, Any], reason: str
) -> None:
    response = await admin.post(PATH, json=fields)
    assert response.status_code == 422
    assert reason in response.text
    assert "very_secret" not in response.text
    assert await scenario.rows("connections", kind="clickup") == []


async def test_externally_managed_connections_are_refused(admin: httpx2.AsyncClient, scenario: Scenario) -> None:
    account = f"{PATH}/{id_of('ours.account')}"
    for response in (await admin.patch(account, json={"settings": {}}), await admin.delete(account)):
        assert response.status_code == 409
        assert "Cal.com account" in response.text
    assert len(await scenario.rows("connections", kind="calcom", workspace_id=id_of("ours"))) == 1


async def test_a_changed_address_needs_new_secrets(
    created: dict[str, Any], admin: httpx2.AsyncClient, scenario: Scenario
) -> None:
    """Otherwise a user who can change a connection, but never sees its token, could send it to their own address."""
    path, elsewhere = f"{PATH}/{created['id']}", {"settings": {"api_url": "https://mine.example/api"}}
    for fields in (elsewhere, elsewhere | {"credentials": {"signing_secret": "mine"}}):
        response = await admin.patch(path, json=fields)
        assert (response.status_code, "bot_token" in response.text) == (422, True)
    (row,) = await scenario.rows("connections", kind="slack")
    assert row["settings"] == SLACK["settings"]
    with_new_secrets = elsewhere | {"credentials": {"bot_token": "xoxb-mine"}}
    assert (await admin.patch(path, json=with_new_secrets)).status_code == 200
    # An unchanged address needs no new secrets.
    assert (await admin.patch(path, json=elsewhere)).status_code == 200


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("smtp://127.0.0.1:25", "not a public address"),
        ("smtp://ann:very-secret@10.0.0.1", "not a public address"),
        ("smtps://[::1]:465", "not a public address"),
        ("smtp://mailhost", "not a public address"),
        ("http://mail.example.com", "is not an SMTP address"),
    ],
)
async def test_mail_is_not_sent_into_our_own_network_either(
    admin: httpx2.AsyncClient, scenario: Scenario, url: str, reason: str
) -> None:
    fields = {"kind": "smtp", "name": "mine", "credentials": {"url": url}}
    response = await admin.post(PATH, json=fields)
    assert (response.status_code, reason in response.text) == (422, True)
    assert "very-secret" not in response.text
    assert await scenario.rows("connections", kind="smtp") == []


async def test_a_public_mail_server_can_be_connected(admin: httpx2.AsyncClient) -> None:
    fields = {"kind": "smtp", "name": "mine", "credentials": {"url": "smtp://ann:pw@mail.example.com:587"}}
    assert (await admin.post(PATH, json=fields)).status_code == 201
