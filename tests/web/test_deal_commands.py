"""Deals by hand (PI12): opened, moved, won, lost, reopened, corrected; and what the rules refuse."""

from typing import Any

import httpx2
import pytest

from tests.web.scene import Scene


async def changed(writer: httpx2.AsyncClient, scene: Scene, uid: str, **said: Any) -> httpx2.Response:
    return await writer.patch(f"/api/deals/{await scene.deal_of(uid)}", json=said)


def is_refused_by_rules(answer: httpx2.Response) -> bool:
    return (answer.status_code, answer.json()["type"]) == (409, "urn:showup:problem:refused-by-rules")


async def test_a_deal_moves_to_another_stage_and_says_who_moved_it(writer: httpx2.AsyncClient, scene: Scene) -> None:
    """PI11."""
    answer = await changed(writer, scene, "met", stage="proposal", amount=12000.5, currency="USD")
    assert answer.status_code == 200, answer.text
    deal = answer.json()
    assert (deal["stage"], deal["amount"], deal["currency"], deal["status"]) == ("proposal", 12000.5, "USD", "active")
    line = deal["timeline"][-1]
    assert (line["what"], line["actor"], line["change"]["stage"]) == ("deal.moved", "key:writer", ["met", "proposal"])
    assert deal["stage_history"][-1]["stage"] == ["met", "proposal"]


@pytest.mark.parametrize("said", [{"status": "won"}, {"status": "lost", "lost_reason": "too dear"}])
async def test_a_deal_is_won_or_lost_and_active_again(
    writer: httpx2.AsyncClient, scene: Scene, said: dict[str, str]
) -> None:
    closed = (await changed(writer, scene, "met", **said)).json()
    assert {name: closed[name] for name in said} == said
    assert closed["closed_at"] is not None
    again = (await changed(writer, scene, "met", status="active")).json()
    assert (again["status"], again["closed_at"], again["lost_reason"]) == ("active", None, None)


async def test_what_is_left_out_stays(writer: httpx2.AsyncClient, scene: Scene) -> None:
    await changed(writer, scene, "met", amount=10, currency="EUR")
    deal = (await changed(writer, scene, "met", owner_email="New.Owner@Brand.example ")).json()
    assert (deal["amount"], deal["currency"], deal["owner_email"]) == (10, "EUR", "new.owner@brand.example")
    assert deal["stage"] == "met"


async def test_the_amount_of_a_closed_deal_may_be_corrected(writer: httpx2.AsyncClient, scene: Scene) -> None:
    await changed(writer, scene, "met", status="won")
    assert (await changed(writer, scene, "met", amount=1, currency="USD")).json()["amount"] == 1


@pytest.mark.parametrize(
    ("before", "said", "why"),
    [
        ({}, {"stage": "signed"}, "booked, met, proposal, negotiation"),
        ({}, {"status": "lost"}, "lost_reason"),
        ({}, {"lost_reason": "too dear"}, "only a lost deal"),
        ({}, {"amount": 5}, "currency"),
        ({"status": "won"}, {"stage": "proposal"}, "only an active one"),
        ({"status": "won"}, {"status": "lost", "lost_reason": "no"}, "active"),
    ],
)
async def test_what_the_rules_refuse_is_answered_with_why_and_is_in_the_log(
    writer: httpx2.AsyncClient, scene: Scene, before: dict[str, Any], said: dict[str, Any], why: str
) -> None:
    """PI11: refused commands are in the log too."""
    if before:
        assert (await changed(writer, scene, "met", **before)).status_code == 200
    stood = (await writer.get(f"/api/deals/{await scene.deal_of('met')}")).json()
    answer = await changed(writer, scene, "met", **said)
    assert is_refused_by_rules(answer)
    assert why in answer.json()["detail"]
    assert (await writer.get(f"/api/deals/{await scene.deal_of('met')}")).json() == stood
    refused = (await writer.get("/api/events?state=refused")).json()["items"]
    assert [(one["trigger"], one["actor"], one["because"]) for one in refused] == [
        ("change_deal", "key:writer", answer.json()["detail"])
    ]


async def test_a_closed_deal_stays_closed_while_another_is_active(writer: httpx2.AsyncClient, scene: Scene) -> None:
    first = await scene.deal_of("off")
    made = await writer.post("/api/deals", json={"company_id": str(scene.company("initech.com"))})
    assert made.status_code == 201, made.text
    answer = await writer.patch(f"/api/deals/{first}", json={"status": "active"})
    assert is_refused_by_rules(answer)
    assert "another active deal" in answer.json()["detail"]


async def test_a_deal_is_opened_without_a_booking(writer: httpx2.AsyncClient, scene: Scene) -> None:
    said = {"company_id": str(scene.company("initech.com")), "stage": "met", "amount": 99.99, "currency": "USD"}
    answer = await writer.post("/api/deals", json=said)
    assert answer.status_code == 201, answer.text
    deal = answer.json()
    assert (deal["stage"], deal["status"], deal["amount"]) == ("met", "active", 99.99)
    assert deal["company"]["domain"] == "initech.com"
    assert deal["bookings"] == []
    assert (await writer.get(f"/api/deals/{deal['id']}")).json() == deal
    moved = await writer.patch(f"/api/deals/{deal['id']}", json={"stage": "negotiation", "owner_email": "a@b.example"})
    assert (moved.json()["stage"], moved.json()["owner_email"]) == ("negotiation", "a@b.example")


async def test_a_company_has_one_active_deal(writer: httpx2.AsyncClient, scene: Scene) -> None:
    answer = await writer.post("/api/deals", json={"company_id": str(scene.company("acme.com"))})
    assert is_refused_by_rules(answer)
    assert "at most one" in answer.json()["detail"]


async def test_a_deal_needs_a_company_that_is_known(writer: httpx2.AsyncClient, scene: Scene) -> None:
    answer = await writer.post("/api/deals", json={"company_id": str(scene.company("nowhere.example"))})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "company_id"


CANT_BE_MEANT: list[tuple[dict[str, Any], str]] = [
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


async def test_what_cannot_be_meant_is_refused_by_its_name(writer: httpx2.AsyncClient, scene: Scene) -> None:
    for said, field in CANT_BE_MEANT:
        answer = await changed(writer, scene, "met", **said)
        assert answer.status_code == 422, said
        (error,) = answer.json()["errors"]
        assert (error["field"], error["in"]) == (field, "body"), said
    assert not await scene.commands()


async def test_no_amount_is_beyond_numbers(writer: httpx2.AsyncClient, scene: Scene) -> None:
    path = f"/api/deals/{await scene.deal_of('met')}"
    for text in ("NaN", "Infinity", "-Infinity", "1e400"):
        content = f'{{"amount": {text}, "currency": "USD"}}'
        answer = await writer.patch(path, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, text


async def test_null_and_unknown_fields_are_told_what_to_do(writer: httpx2.AsyncClient, scene: Scene) -> None:
    null = await changed(writer, scene, "met", owner_email=None)
    assert "leave it out" in null.json()["errors"][0]["detail"]
    unknown = await changed(writer, scene, "met", stages="proposal")
    assert "Did you mean 'stage'?" in unknown.json()["errors"][0]["detail"]


async def test_half_a_character_is_no_name(writer: httpx2.AsyncClient, scene: Scene) -> None:
    path = f"/api/deals/{await scene.deal_of('met')}"
    for content in ('{"\\ud800": 1}', '{"stage": "\\ud800"}', "[" * 100_000, "{", '"met"', "9" * 5_000):
        answer = await writer.patch(path, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), content[:20]
        assert answer.headers["content-type"] == "application/problem+json"
