"""`/api/events` and `/api/deliveries`: received events, byte for byte, and sent notifications."""

import base64
import json

import httpx2
import pytest

from tests.web.conftest import ClientFactory
from tests.web.sample_data import READABLE_BODY, UNREADABLE_BODY, id_of


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=unreadable", ["garbled"]),
        ("trigger=BOOKING_CREATED", ["made"]),
        ("uid=uid-intro", ["made"]),
        ("state=failed", []),
    ],
)
async def test_filters_of_events(reader: httpx2.AsyncClient, query: str, expected: list[str]) -> None:
    items = (await reader.get(f"/api/events?{query}")).json()["items"]
    assert [item["id"] for item in items] == [str(id_of(f"ours.{name}")) for name in expected]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=scheduled", ["reminder"]),
        ("destination=slack", ["reminder"]),
        (f"booking_id={id_of('ours.intro')}", ["confirmed", "moved"]),
    ],
)
async def test_filters_of_deliveries(reader: httpx2.AsyncClient, query: str, expected: list[str]) -> None:
    items = (await reader.get(f"/api/deliveries?{query}")).json()["items"]
    assert {item["id"] for item in items} == {str(id_of(f"ours.{name}")) for name in expected}


async def test_a_body_is_text_when_it_can_be(client_as: ClientFactory) -> None:
    event = (await client_as("writer").get(f"/api/events/{id_of('ours.made')}")).json()
    assert (event["body"], event["body_base64"]) == (READABLE_BODY.decode(), None)


async def test_a_body_that_is_no_text_comes_in_base64(client_as: ClientFactory) -> None:
    event = (await client_as("writer").get(f"/api/events/{id_of('ours.garbled')}")).json()
    assert (event["body"], base64.b64decode(event["body_base64"])) == (None, UNREADABLE_BODY)


async def test_the_raw_bytes_are_never_shown_by_a_browser(client_as: ClientFactory) -> None:
    response = await client_as("writer").get(f"/api/events/{id_of('ours.garbled')}/body")
    assert response.content == UNREADABLE_BODY
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment")
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.usefixtures("own_sample_database")
async def test_an_unreadable_event_is_replayed(client_as: ClientFactory) -> None:
    """IN5: a replay of an unreadable event applies it."""
    path = f"/api/events/{id_of('ours.garbled')}"
    response = await client_as("writer").post(f"{path}/replay")
    assert (response.status_code, response.json()["state"]) == (200, "pending")
    assert (await client_as("reader").get(path)).json()["state"] == "pending"


async def test_an_applied_event_is_not_replayed(client_as: ClientFactory) -> None:
    """IN4: an event is applied once."""
    response = await client_as("writer").post(f"/api/events/{id_of('ours.made')}/replay")
    assert response.status_code == 409
    assert response.json()["type"] == "urn:showup:problem:conflict"


async def test_a_stranger_cannot_replay(client_as: ClientFactory) -> None:
    path = f"/api/events/{id_of('ours.garbled')}"
    assert (await client_as("stranger").post(f"{path}/replay")).status_code == 404
    assert (await client_as("reader").get(path)).json()["state"] == "unreadable"
    # The response also does not reveal that an event exists that can't be replayed.
    assert (await client_as("stranger").post(f"/api/events/{id_of('ours.made')}/replay")).status_code == 404


async def test_commands_are_listed_as_events(writer: httpx2.AsyncClient) -> None:
    """PI11: the list of events includes commands."""
    created = await writer.post("/api/companies", json={"name": "The Shop"})
    assert created.status_code == 201
    (item,) = (await writer.get("/api/events?trigger=company_recorded")).json()["items"]
    assert (item["origin"], item["account"], item["actor"], item["state"]) == ("manual", None, "key:writer", "applied")
    event = (await writer.get(f"/api/events/{item['id']}")).json()
    assert json.loads(event["body"])["event"]["type"] == "company_recorded"
    assert created.json()["timeline"][0]["event_id"] == item["id"]
