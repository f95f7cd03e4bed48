"""`/api/events` and `/api/deliveries`: what reached us, byte for byte, and what was told."""

import base64
import json

import httpx2
import pytest

from tests.web.cast import READABLE_BODY, UNREADABLE_BODY, id_of
from tests.web.conftest import Asking


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


async def test_a_body_is_text_when_it_can_be(reader: httpx2.AsyncClient) -> None:
    event = (await reader.get(f"/api/events/{id_of('ours.made')}")).json()
    assert (event["body"], event["body_base64"]) == (READABLE_BODY.decode(), None)


async def test_a_body_that_is_no_text_comes_in_base64(reader: httpx2.AsyncClient) -> None:
    event = (await reader.get(f"/api/events/{id_of('ours.garbled')}")).json()
    assert (event["body"], base64.b64decode(event["body_base64"])) == (None, UNREADABLE_BODY)


async def test_the_raw_bytes_are_never_shown_by_a_browser(reader: httpx2.AsyncClient) -> None:
    answer = await reader.get(f"/api/events/{id_of('ours.garbled')}/body")
    assert answer.content == UNREADABLE_BODY
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.usefixtures("changes")
async def test_what_could_not_be_read_is_run_again(asking: Asking) -> None:
    """IN5."""
    path = f"/api/events/{id_of('ours.garbled')}"
    answer = await asking("writer").post(f"{path}/replay")
    assert (answer.status_code, answer.json()["state"]) == (200, "kept")
    assert (await asking("reader").get(path)).json()["state"] == "kept"


async def test_what_was_applied_is_not_run_again(asking: Asking) -> None:
    """IN4."""
    answer = await asking("writer").post(f"/api/events/{id_of('ours.made')}/replay")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:showup:problem:conflict"


async def test_a_stranger_runs_nothing_again(asking: Asking) -> None:
    path = f"/api/events/{id_of('ours.garbled')}"
    assert (await asking("stranger").post(f"{path}/replay")).status_code == 404
    assert (await asking("reader").get(path)).json()["state"] == "unreadable"
    # Nor do they learn that there is something which can't be run again.
    assert (await asking("stranger").post(f"/api/events/{id_of('ours.made')}/replay")).status_code == 404


async def test_what_people_did_is_among_the_events(writer: httpx2.AsyncClient) -> None:
    """PI11."""
    made = await writer.post("/api/companies", json={"name": "The Shop"})
    assert made.status_code == 201
    (item,) = (await writer.get("/api/events?trigger=record_company")).json()["items"]
    assert (item["origin"], item["account"], item["actor"], item["state"]) == ("hand", None, "key:writer", "applied")
    event = (await writer.get(f"/api/events/{item['id']}")).json()
    assert json.loads(event["body"])["command"] == "record_company"
    assert made.json()["timeline"][0]["event_id"] == item["id"]
