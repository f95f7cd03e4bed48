"""Manual changes of deals (PI12): create, move, win, lose, reopen and correct; and refusals by the rules."""

from typing import Any

import httpx2
import pytest

from tests.web.scenario import Scenario


async def update_deal(writer: httpx2.AsyncClient, scenario: Scenario, uid: str, **fields: Any) -> httpx2.Response:
    return await writer.patch(f"/api/deals/{await scenario.deal_id(uid)}", json=fields)


def is_refused_by_rules(response: httpx2.Response) -> bool:
    return (response.status_code, response.json()["type"]) == (409, "urn:showup:problem:refused-by-rules")


async def test_a_deal_moves_to_another_stage_and_says_who_moved_it(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    """PI11: the timeline names the actor."""
    response = await update_deal(writer, scenario, "met", stage="proposal", amount=12000.5, currency="USD")
    assert response.status_code == 200, response.text
    deal = response.json()
    assert (deal["stage"], deal["amount"], deal["currency"], deal["status"]) == ("proposal", 12000.5, "USD", "active")
    line = deal["timeline"][-1]
    assert (line["what"], line["actor"], line["change"]["stage"]) == ("deal.moved", "key:writer", ["met", "proposal"])
    assert deal["stage_history"][-1]["stage"] == ["met", "proposal"]


@pytest.mark.parametrize("fields", [{"status": "won"}, {"status": "lost", "lost_reason": "too dear"}])
async def test_a_deal_is_won_or_lost_and_active_again(
    writer: httpx2.AsyncClient, scenario: Scenario, fields: dict[str, str]
) -> None:
    closed = (await update_deal(writer, scenario, "met", **fields)).json()
    assert {name: closed[name] for name in fields} == fields
    assert closed["closed_at"] is not None
    again = (await update_deal(writer, scenario, "met", status="active")).json()
    assert (again["status"], again["closed_at"], again["lost_reason"]) == ("active", None, None)


async def test_omitted_fields_are_unchanged(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    await update_deal(writer, scenario, "met", amount=10, currency="EUR")
    deal = (await update_deal(writer, scenario, "met", owner_email="New.Owner@Brand.example ")).json()
    assert (deal["amount"], deal["currency"], deal["owner_email"]) == (10, "EUR", "new.owner@brand.example")
    assert deal["stage"] == "met"


async def test_the_amount_of_a_closed_deal_may_be_corrected(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    await update_deal(writer, scenario, "met", status="won")
    assert (await update_deal(writer, scenario, "met", amount=1, currency="USD")).json()["amount"] == 1


@pytest.mark.parametrize(
    ("before", "fields", "reason"),
    [
        ({}, {"stage": "signed"}, "booked, met, proposal, negotiation"),
        ({}, {"status": "lost"}, "lost_reason"),
        ({}, {"lost_reason": "too dear"}, "only a lost deal"),
        ({}, {"amount": 5}, "currency"),
        ({"status": "won"}, {"stage": "proposal"}, "only an active deal"),
        ({"status": "won"}, {"status": "lost", "lost_reason": "no"}, "active"),
    ],
)
async def test_a_refused_command_answers_its_reason_and_is_logged(
    writer: httpx2.AsyncClient, scenario: Scenario, before: dict[str, Any], fields: dict[str, Any], reason: str
) -> None:
    """PI11: the log also contains refused commands."""
    if before:
        assert (await update_deal(writer, scenario, "met", **before)).status_code == 200
    before_rows = (await writer.get(f"/api/deals/{await scenario.deal_id('met')}")).json()
    response = await update_deal(writer, scenario, "met", **fields)
    assert is_refused_by_rules(response)
    assert reason in response.json()["detail"]
    after_rows = (await writer.get(f"/api/deals/{await scenario.deal_id('met')}")).json()
    assert after_rows == before_rows | {"as_of": after_rows["as_of"]}
    refused = (await writer.get("/api/events?state=refused")).json()["items"]
    assert [(event["trigger"], event["actor"], event["because"]) for event in refused] == [
        ("deal_changed", "key:writer", response.json()["detail"])
    ]


async def test_a_closed_deal_stays_closed_while_another_is_active(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    first = await scenario.deal_id("off")
    created = await writer.post("/api/deals", json={"company_id": str(scenario.company_id("initech.com"))})
    assert created.status_code == 201, created.text
    response = await writer.patch(f"/api/deals/{first}", json={"status": "active"})
    assert is_refused_by_rules(response)
    assert "another active deal" in response.json()["detail"]


async def test_a_deal_is_opened_without_a_booking(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    fields = {"company_id": str(scenario.company_id("initech.com")), "stage": "met", "amount": 99.99, "currency": "USD"}
    response = await writer.post("/api/deals", json=fields)
    assert response.status_code == 201, response.text
    deal = response.json()
    assert (deal["stage"], deal["status"], deal["amount"]) == ("met", "active", 99.99)
    assert deal["company"]["domain"] == "initech.com"
    assert deal["bookings"] == []
    read = (await writer.get(f"/api/deals/{deal['id']}")).json()
    assert read == deal | {"as_of": read["as_of"]}
    moved = await writer.patch(f"/api/deals/{deal['id']}", json={"stage": "negotiation", "owner_email": "a@b.example"})
    assert (moved.json()["stage"], moved.json()["owner_email"]) == ("negotiation", "a@b.example")


async def test_a_company_has_one_active_deal(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    response = await writer.post("/api/deals", json={"company_id": str(scenario.company_id("acme.com"))})
    assert is_refused_by_rules(response)
    assert "only one can be active" in response.json()["detail"]


async def test_a_deal_needs_a_company_that_is_known(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    response = await writer.post("/api/deals", json={"company_id": str(scenario.company_id("nowhere.example"))})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "company_id"


INVALID_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"amount": -1}, "amount"),
    ({"amount": 1.001}, "amount"),
    ({"amount": 10**12}, "amount"),
    ({"amount": "12"}, "amount"),
    ({"amount": True}, "amount"),
    ({"currency": "usd"}, "currency"),
    ({"currency": "DOLLARS"}, "currency"),
    ({"owner_email": "nobody"}, "owner_email"),
    ({"owner_email": "a\0@b.example"}, "owner_email"),
    ({"status": "lose"}, "status"),
    ({"stage": ""}, "stage"),
    ({"stage": "\0"}, "stage"),
    ({"lost_reason": "x" * 10_001}, "lost_reason"),
    ({"owner_email": None}, "owner_email"),
    ({}, "body"),
]


async def test_invalid_fields_are_refused_by_name(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    for fields, field in INVALID_FIELDS:
        response = await update_deal(writer, scenario, "met", **fields)
        assert response.status_code == 422, fields
        (error,) = response.json()["errors"]
        assert (error["field"], error["in"]) == (field, "body"), fields
    assert not await scenario.commands()


async def test_amounts_are_finite(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    path = f"/api/deals/{await scenario.deal_id('met')}"
    for text in ("NaN", "Infinity", "-Infinity", "1e400"):
        content = f'{{"amount": {text}, "currency": "USD"}}'
        response = await writer.patch(path, content=content, headers={"Content-Type": "application/json"})
        assert response.status_code == 422, text


async def test_null_and_unknown_fields_explain_the_fix(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    null = await update_deal(writer, scenario, "met", owner_email=None)
    assert "Omit the field" in null.json()["errors"][0]["detail"]
    unknown = await update_deal(writer, scenario, "met", stages="proposal")
    assert "Did you mean 'stage'?" in unknown.json()["errors"][0]["detail"]


async def test_malformed_json_is_refused(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    path = f"/api/deals/{await scenario.deal_id('met')}"
    for content in ('{"\\ud800": 1}', '{"stage": "\\ud800"}', "[" * 100_000, "{", '"met"', "9" * 5_000):
        response = await writer.patch(path, content=content, headers={"Content-Type": "application/json"})
        assert response.status_code in (400, 422), content[:20]
        assert response.headers["content-type"] == "application/problem+json"
