"""CA3: attendees without a lead are reviewed by people: linked to a lead, dismissed, and undone."""

import httpx2

from tests.web.scenario import Scenario
from tests.web.test_leads import SARAH, post

PAT = "pat@gmail.com"


async def unmatched_of(client: httpx2.AsyncClient, **query: str | list[str]) -> dict[str, str]:
    """Return the ids of the unmatched attendees, by address."""
    items = (await client.get("/api/unmatched", params=query)).json()["items"]
    return {item["attendee"]: item["id"] for item in items}


async def test_an_attendee_without_a_lead_is_listed_until_the_lead_arrives(writer: httpx2.AsyncClient) -> None:
    before = await unmatched_of(writer)
    assert {SARAH, PAT} <= before.keys()
    assert "ian@initech.com" not in before, "a cancelled booking needs no review"
    await post(writer)
    assert before.keys() - (await unmatched_of(writer)).keys() == {SARAH}


async def test_a_person_links_an_attendee_and_undoes_it(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    """Seed 002, edge case 2: the attendee's address differs from the lead's."""
    await post(writer)
    (lead,) = (await writer.get("/api/leads")).json()["items"]
    path = f"/api/unmatched/{(await unmatched_of(writer))[PAT]}/link"
    linked = await writer.post(path, json={"lead_id": lead["id"]})
    match = linked.json()
    del match["as_of"]
    assert (linked.status_code, match["attendee"], match["lead"]["email"]) == (201, PAT, SARAH), linked.text
    assert (match["method"], match["score"], match["actor"]) == ("manual", 1.0, "key:writer")
    assert PAT not in await unmatched_of(writer)
    assert (await writer.post(path, json={"lead_id": lead["id"]})).status_code == 404
    booking = (await writer.get(f"/api/bookings/{await scenario.booking_id('private')}")).json()
    assert booking["matches"] == [match]
    assert (await writer.delete(f"/api/matches/{match['id']}")).status_code == 200
    assert PAT in await unmatched_of(writer)


async def test_an_unknown_lead_is_refused(writer: httpx2.AsyncClient) -> None:
    ids = await unmatched_of(writer)
    response = await writer.post(f"/api/unmatched/{ids[PAT]}/link", json={"lead_id": ids[PAT]})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "lead_id")


async def test_a_dismissed_attendee_leaves_the_review_until_it_is_restored(writer: httpx2.AsyncClient) -> None:
    ids = await unmatched_of(writer)
    dismissed = await writer.post(f"/api/unmatched/{ids[PAT]}/dismiss")
    assert (dismissed.status_code, dismissed.json()["dismissed"]) == (200, True)
    assert PAT not in await unmatched_of(writer)
    assert await unmatched_of(writer, dismissed="true") == {PAT: ids[PAT]}
    assert PAT in await unmatched_of(writer, dismissed=["true", "false"])
    assert (await writer.post(f"/api/unmatched/{ids[PAT]}/restore")).json()["dismissed"] is False
    assert await unmatched_of(writer) == ids


async def test_a_lead_with_the_same_address_still_matches_a_dismissed_attendee(writer: httpx2.AsyncClient) -> None:
    ids = await unmatched_of(writer)
    await writer.post(f"/api/unmatched/{ids[PAT]}/dismiss")
    await post(writer, f"email\n{PAT}\n".encode())
    assert PAT not in await unmatched_of(writer, dismissed=["true", "false"])
