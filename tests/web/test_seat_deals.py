"""M02: of a booking with seats, each company has its own deal, which people read and change like any other."""

from typing import Any
from uuid import UUID

import httpx2

from showup.database.engine import driver_connection, transaction
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.reads.meetings import load_meetings
from tests.histories.webhooks import MONDAY, body, ended_body, payload
from tests.web.sample_data import id_of
from tests.web.scenario import DAY, HOUR, TODAY, Scenario, ingest_and_project

START = MONDAY + 2 * DAY


def seat(email: str, **fields: Any) -> dict[str, Any]:
    return payload("class", 40, START, [email], seatsPerTimeSlot=3, attendeeSeatId=f"seat of {email}", **fields)


async def receive_class(scenario: Scenario) -> None:
    """Seat 1 leaves, and the meeting is held with seat 2."""
    webhooks = [
        body("BOOKING_CREATED", MONDAY, seat("ann@a-corp.example")),
        body("BOOKING_CREATED", MONDAY + HOUR, seat("bob@b-corp.example")),
        body("BOOKING_CANCELLED", MONDAY + 2 * HOUR, seat("ann@a-corp.example", status="CANCELLED")),
        ended_body("class", 40, START, ["ann@a-corp.example", "bob@b-corp.example"], MONDAY),
    ]
    await ingest_and_project(scenario.engine, "ours", webhooks, lambda: TODAY)


async def deal_of(client: httpx2.AsyncClient, domain: str) -> dict[str, Any]:
    (found,) = (await client.get("/api/deals", params={"q": domain})).json()["items"]
    deal: dict[str, Any] = (await client.get(f"/api/deals/{found['id']}")).json()
    return deal


async def test_m02_the_deal_of_the_seat_that_stayed_is_met(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    await receive_class(scenario)
    left, stayed = await deal_of(writer, "a-corp"), await deal_of(writer, "b-corp")
    assert (left["status"], stayed["status"], stayed["stage"]) == ("cancelled", "active", "met")
    assert [one["title"] for one in stayed["bookings"]] == ["Intro call class"]
    assert [one["email"] for one in stayed["contacts"]] == ["bob@b-corp.example"]
    booking = (await writer.get(f"/api/bookings/{stayed['bookings'][0]['id']}")).json()
    seats = [(one["email"], one["attended"], one["deal_id"]) for one in booking["attendees"]]
    assert seats == [("ann@a-corp.example", None, left["id"]), ("bob@b-corp.example", True, stayed["id"])]
    listed = (await writer.get("/api/bookings", params={"uid": "class"})).json()["items"]
    for row in (booking, *listed):
        assert row["person"]["email"] == "bob@b-corp.example"
        assert (row["company"]["domain"], row["deal_id"]) == ("b-corp.example", stayed["id"])
    assert booking["deal"]["id"] == stayed["id"]
    company = (await writer.get(f"/api/companies/{stayed['company']['id']}")).json()
    assert [one["title"] for one in company["bookings"]] == ["Intro call class"]


async def test_m02_messages_name_the_company_and_deal_of_their_own_seat(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    await receive_class(scenario)
    left, stayed = await deal_of(writer, "a-corp"), await deal_of(writer, "b-corp")
    booking_id = UUID(stayed["bookings"][0]["id"])
    keys = {(booking_id, email) for email in ("ann@a-corp.example", "bob@b-corp.example")}
    async with transaction(scenario.engine) as tx:
        meetings = await load_meetings(await driver_connection(tx), keys)
    found = {email: (one.company_domain, str(one.deal_id)) for (_, email), one in meetings.items()}
    assert found == {
        "ann@a-corp.example": ("a-corp.example", left["id"]),
        "bob@b-corp.example": ("b-corp.example", stayed["id"]),
    }


async def test_m02_a_rebuild_finds_the_same_row(scenario: Scenario) -> None:
    await receive_class(scenario)
    before = await scenario.rows("bookings")
    (own_company_gone,) = (row for row in before if row["seat_company_id"] is not None)
    assert own_company_gone["calcom_uid"] == "class"
    result = await rebuild(scenario.engine, RebuildOptions(workspace_ids=[id_of("ours")]))
    assert [one for one in result.examples if one.table == "bookings"] == []


async def test_m02_people_change_the_deal_of_a_seat(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    await receive_class(scenario)
    deal = await deal_of(writer, "b-corp")
    response = await writer.patch(f"/api/deals/{deal['id']}", json={"stage": "proposal"})
    assert (response.status_code, response.json()["stage"]) == (200, "proposal")
    assert (await deal_of(writer, "a-corp"))["status"] == "cancelled"


async def test_m02_another_booking_is_attached_to_the_deal_of_a_seat(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    await receive_class(scenario)
    deal = await deal_of(writer, "b-corp")
    booking_id = await scenario.booking_id("private")
    response = await writer.post(f"/api/bookings/{booking_id}/move", json={"deal_id": deal["id"]})
    assert response.status_code == 200, response.text
    titles = {one["title"] for one in (await deal_of(writer, "b-corp"))["bookings"]}
    assert titles == {"Intro call class", "Intro call private"}


async def test_m02_m01_a_late_older_seat_moves_no_change_to_another_company(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    """The deal of seat 2 was the booking's own until the older event for seat 1 arrived."""
    seats = [
        body("BOOKING_CREATED", MONDAY + at, seat(email))
        for email, at in (("ann@a-corp.example", 0 * HOUR), ("bob@b-corp.example", HOUR))
    ]
    await ingest_and_project(scenario.engine, "ours", seats[1:], lambda: TODAY)
    deal = await deal_of(writer, "b-corp")
    fields = {"status": "won", "amount": 12_000, "currency": "USD"}
    assert (await writer.patch(f"/api/deals/{deal['id']}", json=fields)).status_code == 200
    await ingest_and_project(scenario.engine, "ours", seats[:1], lambda: TODAY)
    late, changed = await deal_of(writer, "a-corp"), await deal_of(writer, "b-corp")
    assert [(one["status"], one["amount"]) for one in (late, changed)] == [("active", None), ("won", 12_000)]


async def test_m02_a_booking_is_found_by_the_company_of_any_seat(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    await receive_class(scenario)
    for domain in ("a-corp", "b-corp"):
        deal = await deal_of(writer, domain)
        found = await writer.get("/api/bookings", params={"company_id": deal["company"]["id"]})
        assert [one["title"] for one in found.json()["items"]] == ["Intro call class"]
