"""M01, M12, PI12: `/api/attention` lists what needs a person, until a person has acted."""

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.histories.webhooks import MONDAY, body, payload
from tests.web.scenario import DAY, HOUR, TODAY, Scenario, booking_created, ingest_and_project, ticking_clock


async def attention(client: httpx2.AsyncClient, **query: str) -> list[dict[str, Any]]:
    response = await client.get("/api/attention", params=query)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def cancel_before_anyone_acted(scenario: Scenario) -> None:
    cancelled = payload("met", 1, MONDAY + DAY, ["sarah@acme.com"])
    webhook = body("BOOKING_CANCELLED", MONDAY + timedelta(hours=5), cancelled)
    await ingest_and_project(scenario.engine, "ours", [webhook], ticking_clock())


async def test_a_conflict_is_listed_until_a_person_changes_the_deal_again(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    deal_id = await scenario.deal_id("met")
    won = {"status": "won", "amount": 12_000, "currency": "USD"}
    assert (await writer.patch(f"/api/deals/{deal_id}", json=won)).status_code == 200
    assert await attention(writer, kind="conflict") == []
    await cancel_before_anyone_acted(scenario)
    (conflict,) = await attention(writer, kind="conflict")
    assert (conflict["deal_id"], conflict["because"]) == (
        str(deal_id),
        "the deal is cancelled: set it to active first, then to won",
    )
    deal = (await writer.get(f"/api/deals/{deal_id}")).json()
    assert (deal["status"], deal["amount"]) == ("won", 12_000)
    assert "deal.conflict" in [entry["what"] for entry in deal["timeline"]]
    assert (await writer.patch(f"/api/deals/{deal_id}", json={"amount": 11_000})).status_code == 200
    assert await attention(writer, kind="conflict") == []


async def cancel_upcoming(scenario: Scenario, at: datetime) -> None:
    cancelled = body("BOOKING_CANCELLED", at, payload("ahead", 2, TODAY + DAY, ["sarah@acme.com"]))
    await ingest_and_project(scenario.engine, "ours", [cancelled], lambda: at)


@pytest.mark.parametrize("decision", ["keep the deal", "lose the deal", "book another meeting"])
async def test_a_persons_deal_without_its_meeting_is_listed_until_it_is_decided(
    writer: httpx2.AsyncClient, scenario: Scenario, decision: str
) -> None:
    deal_id = await scenario.deal_id("ahead")
    moved = (await writer.patch(f"/api/deals/{deal_id}", json={"stage": "proposal"})).json()
    await cancel_upcoming(scenario, datetime.fromisoformat(moved["updated_at"]) + timedelta(milliseconds=1))
    (item,) = await attention(writer, kind="meeting_cancelled")
    assert item["deal_id"] == str(deal_id)
    assert (await writer.get(f"/api/deals/{deal_id}")).json()["status"] == "active"
    if decision == "book another meeting":
        booked = booking_created("next", 6, TODAY + 2 * DAY, "sarah@acme.com")
        await ingest_and_project(scenario.engine, "ours", [booked], lambda: TODAY + 2 * HOUR)
    else:
        change = {"stage": "negotiation"} if decision == "keep the deal" else {"status": "lost", "lost_reason": "Price"}
        assert (await writer.patch(f"/api/deals/{deal_id}", json=change)).status_code == 200
    assert await attention(writer, kind="meeting_cancelled") == []


async def test_m12_one_cancelled_date_of_a_series_is_listed_while_the_others_stand(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    rule = {"recurringEvent": {"freq": 2, "count": 2, "interval": 1}}
    dates = [payload(f"date{one}", 20 + one, TODAY + one * DAY, ["new@series.example"], **rule) for one in (1, 2)]
    webhooks = [body("BOOKING_CREATED", TODAY, one) for one in dates]
    webhooks.append(body("BOOKING_CANCELLED", TODAY + HOUR, dates[0] | {"status": "CANCELLED"}))
    await ingest_and_project(scenario.engine, "ours", webhooks, lambda: TODAY + HOUR)
    (item,) = await attention(writer, kind="meeting_cancelled")
    assert (await writer.get(f"/api/deals/{item['deal_id']}")).json()["status"] == "active"
    booked = booking_created("next", 6, TODAY + 3 * DAY, "new@series.example")
    await ingest_and_project(scenario.engine, "ours", [booked], lambda: TODAY + 2 * HOUR)
    assert await attention(writer, kind="meeting_cancelled") == []


async def test_open_questions_and_recent_failures_are_listed(writer: httpx2.AsyncClient) -> None:
    assert [item["kind"] for item in await attention(writer, kind="question")] == ["question"]
    failures = await attention(writer, kind="failure")
    assert all(item["delivery_id"] == item["id"] and item["because"] == "it is busy" for item in failures)


async def test_a_meeting_without_an_outcome_is_listed_until_it_is_reported(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    booking_id = str(await scenario.booking_id("globex"))
    before = await attention(writer, kind="missing_outcome")
    assert booking_id in [item["booking_id"] for item in before]
    assert (await writer.post(f"/api/bookings/{booking_id}/outcome", json={"outcome": "showed"})).status_code == 200
    after = await attention(writer, kind="missing_outcome")
    assert [item["id"] for item in after] == [item["id"] for item in before if item["booking_id"] != booking_id]


@pytest.mark.parametrize("sort", ["at", "-at"])
async def test_all_kinds_come_in_one_list_by_time(writer: httpx2.AsyncClient, sort: str) -> None:
    items = await attention(writer, sort=sort)
    assert {item["kind"] for item in items} >= {"question", "missing_outcome"}
    assert [item["at"] for item in items] == sorted((item["at"] for item in items), reverse=sort == "-at")
    first = (await writer.get("/api/attention", params={"limit": "1", "sort": sort})).json()
    second = await attention(writer, limit="1", sort=sort, cursor=first["next_cursor"])
    assert [*first["items"], *second] == items[:2]
