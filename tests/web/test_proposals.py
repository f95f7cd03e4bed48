"""AP3: proposals over the API: saved once, with a PDF, the deal's move and an announcement, and marked."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx2

from showup.container import event_handlers
from showup.database.engine import driver_connection, transaction
from showup.destinations.email.settings import SenderRule
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.outbox.subscriptions import subscribe
from showup.web.app import create_app
from tests.proposals.test_pdf_writer import png
from tests.web.conftest import ClientFactory, client_of
from tests.web.sample_data import ADMIN_KEY, id_of
from tests.web.scenario import Scenario, ticking_clock

OFFER: dict[str, Any] = {
    "title": "Reporting for 8 reps",
    "scope": 'Numbers per rep.\n\n#read("/etc/passwd") *not bold*',
    "items": [
        {"description": "Seats", "quantity": 8, "unit_price": "5100.00"},
        {"description": "Discount", "quantity": "1", "unit_price": -0.5},
    ],
    "currency": "USD",
    "valid_until": "2026-10-01",
    "recipient": "sarah@acme.com",
}


async def offer(writer: httpx2.AsyncClient, scenario: Scenario, uid: str = "met", **fields: Any) -> httpx2.Response:
    return await writer.post(f"/api/bookings/{await scenario.booking_id(uid)}/proposal", json=OFFER | fields)


async def deal_of(writer: httpx2.AsyncClient, scenario: Scenario) -> dict[str, Any]:
    deal: dict[str, Any] = (await writer.get(f"/api/deals/{await scenario.deal_id('met')}")).json()
    return deal


async def differing(scenario: Scenario) -> list[object]:
    """Returns what a replay of the log finds otherwise (PI10), besides the deliveries that no event made."""
    found = await rebuild(scenario.engine, RebuildOptions(workspace_ids=[id_of("ours")]))
    return [one for one in found.examples if not one.row.startswith("confirmation to None")]


async def test_a_proposal_moves_the_deal_tells_subscribers_and_has_a_pdf(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        await subscribe(
            connection, id_of("ours"), "webhook:tool", ["proposal.requested"], datetime(2026, 9, 1, tzinfo=UTC)
        )
    made = await offer(writer, scenario)
    assert made.status_code == 201, made.text
    proposal = made.json()
    assert (proposal["number"], proposal["status"], proposal["total"]) == (1, "ready", 40799.5)
    assert [one["amount"] for one in proposal["items"]] == [40800.0, -0.5]
    deal = await deal_of(writer, scenario)
    assert (deal["stage"], deal["amount"], deal["currency"]) == ("proposal", 40799.5, "USD")
    assert {"proposal.requested", "deal.moved"} <= {line["what"] for line in deal["timeline"]}
    pdf = await writer.get(proposal["pdf_url"])
    assert (pdf.status_code, pdf.headers["content-type"], pdf.content[:5]) == (200, "application/pdf", b"%PDF-")
    [delivery] = await scenario.rows("deliveries", kind="proposal.requested")
    assert (delivery["destination"], delivery["details"]["proposal"]["total"]) == ("webhook:tool", 40799.5)
    assert await differing(scenario) == []


async def test_the_pdf_has_the_logo_of_the_sender_whose_file_showup_has(scenario: Scenario) -> None:
    """A logo at another address is not loaded: the document has the sender's name then."""
    logo, name, pictures = png(200, 56), f"{'a' * 32}.png", []
    for address in (f"https://showup.example/logos/{name}", "https://cdn.example/logo.png"):
        app = create_app(
            engine=scenario.engine,
            clock=ticking_clock(),
            admin_key=ADMIN_KEY,
            version="0",
            event_handlers=event_handlers(),
            public_url="https://showup.example",
            senders=[SenderRule(address="hello@brand.example", name="Brand", logo=address)],
            logos={name: logo},
        )
        client = client_of(app, "writer")
        made = await offer(client, scenario, title=address)
        assert made.status_code == 201, made.text
        pictures.append(b"/Subtype/Image" in (await client.get(made.json()["pdf_url"])).content)
    assert pictures == [True, False]


async def test_the_same_proposal_twice_or_by_two_at_once_is_one(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    first, second = await asyncio.gather(offer(writer, scenario), offer(writer, scenario))
    assert first.json()["id"] == second.json()["id"]
    others = await asyncio.gather(*(offer(writer, scenario, title=f"Another {one}") for one in range(3)))
    assert sorted(one.json()["number"] for one in others) == [2, 3, 4]
    replaced = (await writer.get(f"/api/proposals/{first.json()['id']}")).json()
    assert replaced["is_replaced"]
    assert await differing(scenario) == []


async def test_an_accepted_proposal_wins_the_deal_and_is_final(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    path = f"/api/proposals/{(await offer(writer, scenario)).json()['id']}"
    changed = await writer.patch(path, json={"items": [{"description": "All", "quantity": 2, "unit_price": 0.335}]})
    assert (changed.json()["total"], changed.json()["title"]) == (0.67, OFFER["title"])
    assert (await writer.patch(path, json={"status": "sent"})).json()["status"] == "sent"
    refused = await writer.patch(path, json={"title": "Other"})
    assert (refused.status_code, "sent already" in refused.json()["detail"]) == (409, True)
    accepted = (await writer.patch(path, json={"status": "accepted"})).json()
    deal = await deal_of(writer, scenario)
    assert (accepted["status"], deal["status"], deal["amount"]) == ("accepted", "won", 0.67)
    again = (await writer.patch(path, json={"status": "accepted"})).json()
    assert again | {"as_of": None} == accepted | {"as_of": None}
    assert (await writer.patch(path, json={"status": "declined"})).status_code == 409
    another = await offer(writer, scenario, title="More")
    assert (another.status_code, "won" in another.json()["detail"]) == (409, True)
    assert await differing(scenario) == []


async def test_what_cannot_be_offered_is_refused_with_what_to_do(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    line = OFFER["items"][0]
    for fields, field in (
        ({"items": [line | {"quantity": 0}]}, "items.0"),
        ({"items": [line | {"unit_price": -1}]}, "items"),
        ({"items": [line | {"unit_price": "1e999"}]}, "items"),
        ({"valid_until": "2020-01-01"}, "valid_until"),
        ({"recipient": "eve@evil.example"}, "recipient"),
        ({"currency": "usd"}, "currency"),
        ({"items": []}, "items"),
    ):
        refused = await offer(writer, scenario, **fields)
        assert refused.status_code == 422, fields
        assert refused.json()["errors"][0]["field"].startswith(field), refused.text
    without_deal = await offer(writer, scenario, "private", recipient="pat@gmail.com")
    assert (without_deal.status_code, "no such deal" in without_deal.json()["detail"]) == (409, True)
    assert await scenario.rows("proposals") == []


async def test_another_workspace_sees_no_proposal(
    writer: httpx2.AsyncClient, scenario: Scenario, scenario_client_as: ClientFactory
) -> None:
    path = f"/api/proposals/{(await offer(writer, scenario)).json()['id']}"
    theirs = scenario_client_as("stranger")
    for response in (
        await theirs.get(path),
        await theirs.get(f"{path}/pdf"),
        await theirs.patch(path, json={"title": "x"}),
    ):
        assert response.status_code == 404
