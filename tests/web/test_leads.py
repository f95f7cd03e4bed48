"""`/api/leads`, `/api/campaigns` and `/api/matches`: import over HTTP, lists, and the undoing of a match (CA1, CA2)."""

import asyncio
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import msgspec
import pytest
from sqlalchemy import insert

from showup.campaigns.leads_store import lock_leads
from showup.database.engine import driver_connection, transaction
from showup.database.tables import campaigns
from showup.web.lead_imports import MAX_FILE_BYTES
from tests.locks import wait_until_blocking
from tests.web.conftest import ClientFactory
from tests.web.sample_data import id_of
from tests.web.scenario import Scenario

SARAH = "sarah@acme.com"
FILE = f"email,first_name,company,replied\n{SARAH},Sarah,Acme,true\nbroken,B,C,\n{SARAH},,,\n".encode()
CSV = {"Content-Type": "text/csv"}


async def post(client: httpx2.AsyncClient, content: bytes = FILE, **query: Any) -> httpx2.Response:
    return await client.post("/api/leads/import", params={"campaign": "Founders"} | query, content=content, headers=CSV)


async def test_a_file_is_imported_once_and_matched(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    response = await post(writer)
    report = response.json()
    assert response.status_code == 200, response.text
    assert (report["state"], report["accepted"], report["repeated"]) == ("done", 1, 1)
    assert report["rejected_rows"] == [{"line": 3, "reason": "invalid_email"}]
    assert report["repeated_rows"] == [{"line": 4, "of_line": 2}]
    again = (await post(writer)).json()
    assert again == report | {"as_of": again["as_of"]}
    (campaign,) = (await writer.get("/api/campaigns")).json()["items"]
    assert (campaign["name"], campaign["source"], campaign["workspace"]) == ("Founders", "csv", "ours")
    assert isinstance(campaign["id"], int)
    (lead,) = (await writer.get("/api/leads", params={"campaign_id": campaign["id"]})).json()["items"]
    assert (lead["email"], lead["company"], lead["other_emails"]) == (SARAH, "Acme", [])
    assert [(one["name"], one["replied"], one["sent"]) for one in lead["campaigns"]] == [("Founders", True, None)]
    booking = (await writer.get(f"/api/bookings/{await scenario.booking_id('met')}")).json()
    (match,) = booking["matches"]
    assert (match["attendee"], match["lead"]["id"], match["campaign"]["id"]) == (SARAH, lead["id"], campaign["id"])
    assert (match["method"], match["score"], match["actor"]) == ("email", 1.0, "showup")
    assert match["evidence"]["address"] == f"{SARAH} is the lead's address"


async def test_a_workspace_imports_one_file_at_a_time(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    """Imports that wait for each other would otherwise take all connections, and webhooks would find none."""
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        await lock_leads(connection, id_of("ours"))
        first = asyncio.create_task(post(writer))
        await wait_until_blocking(connection)
        second = await post(writer, campaign="Another")
        assert (second.status_code, second.json()["type"]) == (503, "urn:showup:problem:busy")
        assert "Send this one again" in second.json()["detail"]
        assert (await post(writer, preview="true")).status_code == 200
    assert (await first).json()["state"] == "done"
    assert (await post(writer, campaign="Another")).status_code == 200


async def test_a_match_can_be_undone_and_is_not_made_again(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    await post(writer)
    path = f"/api/bookings/{await scenario.booking_id('met')}"
    (match,) = (await writer.get(path)).json()["matches"]
    undone = await writer.delete(f"/api/matches/{match['id']}")
    assert (undone.status_code, undone.json()) == (200, match | {"as_of": undone.json()["as_of"]})
    assert (await writer.delete(f"/api/matches/{match['id']}")).status_code == 404
    await post(writer, campaign="Another")
    booking = (await writer.get(path)).json()
    assert booking["matches"] == []
    assert [line["what"] for line in booking["timeline"]][-2:] == ["lead.matched", "match.undone"]
    ahead = (await writer.get(f"/api/bookings/{await scenario.booking_id('ahead')}")).json()
    assert len(ahead["matches"]) == 1


async def test_a_preview_imports_nothing(writer: httpx2.AsyncClient) -> None:
    content = "Adresse;Vorname\nann@acme.example;Ännchen\n".encode("cp1252")
    report = (await post(writer, content, map="Adresse=email", preview="true")).json()
    assert (report["id"], report["state"], report["encoding"], report["separator"]) == (None, "preview", "cp1252", ";")
    assert report["columns"] == {"email": ["Adresse"], "first_name": ["Vorname"]}
    (row,) = report["preview"]
    assert (row["line"], row["email"], row["first_name"], row["campaign"]) == (
        2,
        "ann@acme.example",
        "Ännchen",
        "Founders",
    )
    assert (await writer.get("/api/leads")).json()["items"] == []


@pytest.mark.parametrize(
    ("content", "query", "status", "words"),
    [
        (b"", {}, 422, "empty"),
        (b"name\nAnn\n", {}, 422, "No column is known"),
        (b"PK\x03\x04", {}, 422, "Excel"),
        (FILE, {"map": "Mail=email"}, 422, "no column"),
        (FILE, {"map": "email"}, 422, "COLUMN=FIELD"),
        (FILE, {"campaign": ""}, 422, "campaign"),
        (FILE, {"encoding": "klingon"}, 422, "not an encoding"),
        (b"email\n" + b"a" * MAX_FILE_BYTES, {}, 413, "8 MiB"),
    ],
)
async def test_a_wrong_file_is_refused(
    writer: httpx2.AsyncClient, content: bytes, query: dict[str, str], status: int, words: str
) -> None:
    response = await post(writer, content, **query)
    assert (response.status_code, words in response.text) == (status, True), response.text


async def test_pages_of_campaigns_and_leads_follow_each_other(writer: httpx2.AsyncClient) -> None:
    rows = "\n".join(f"p{number}@x.example,C{number % 3}" for number in range(7))
    await post(writer, f"email,campaign\n{rows}\n".encode())
    for path, names in (("/api/campaigns", ["C0", "C1", "C2"]), ("/api/leads", [f"p{n}@x.example" for n in range(7)])):
        found, cursor = [], None
        while True:
            page = (await writer.get(path, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
            found += [item.get("email") or item["name"] for item in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert found == names
    other = (await writer.get("/api/leads", params={"limit": 2})).json()["next_cursor"]
    assert (await writer.get("/api/campaigns", params={"cursor": other, "sort": "name"})).status_code == 400


@pytest.mark.parametrize("sort", ["name", "-name", "created_at", "-created_at"])
async def test_pages_list_the_same_campaign_of_two_workspaces_twice(
    scenario_client_as: ClientFactory, scenario: Scenario, sort: str
) -> None:
    """Both read one workspace of EmailBison, so number and name are the same."""
    async with transaction(scenario.engine) as tx:
        for slug in ("ours", "theirs"):
            rows = [{"workspace_id": id_of(slug), "id": number, "name": f"C{number}"} for number in (1, 2)]
            await tx.execute(insert(campaigns).values([row | _FROM_EMAILBISON for row in rows]))
    client, found, cursor = scenario_client_as("everywhere"), [], None
    while True:
        query = {"sort": sort, "limit": 1} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/api/campaigns", params=query)).json()
        found += [(item["workspace"], item["id"]) for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert sorted(found) == [("ours", 1), ("ours", 2), ("theirs", 1), ("theirs", 2)]


_FROM_EMAILBISON = {"source": "emailbison", "created_at": datetime(2026, 3, 1, tzinfo=UTC)}


@pytest.mark.parametrize("end", [(1,), (1, None), (2**63, UUID(int=1)), (-1, UUID(int=1)), (str(UUID(int=1)),)])
async def test_a_cursor_of_campaigns_needs_a_number_and_a_workspace(
    writer: httpx2.AsyncClient, end: tuple[object, ...]
) -> None:
    cursor = urlsafe_b64encode(msgspec.json.encode(("name", "C1", *end))).decode()
    answer = await writer.get("/api/campaigns", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:showup:problem:broken-cursor")


async def test_each_workspace_has_its_own_leads(scenario_client_as: ClientFactory, scenario: Scenario) -> None:
    await post(scenario_client_as("writer"))
    stranger = scenario_client_as("stranger")
    assert (await stranger.get("/api/leads")).json()["items"] == []
    assert (await post(stranger)).json()["accepted"] == 1
    owners = {row["id"]: row["workspace_id"] for row in await scenario.rows("bookings")}
    assert all(owners[row["booking_id"]] == row["workspace_id"] for row in await scenario.rows("matches"))
    assert len({row["id"] for row in await scenario.rows("campaigns")}) == 2
