"""M02: of a booking with seats, each company has its own deal, which people read and change like any other."""

from typing import Any

import httpx2

from tests.histories.webhooks import MONDAY, body, ended_body, payload
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
    assert booking["deal"]["id"] == left["id"]


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
