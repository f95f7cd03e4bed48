"""`/api/deals` (AP1): filters, and the history of a deal."""

import httpx2
import pytest

from tests.web.sample_data import id_of


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=active&stage=met", ["acme_deal"]),
        ("status=cancelled", ["globex_lost"]),
        (f"company_id={id_of('ours.globex')}&status=active", ["globex_deal"]),
        ("q=acm", ["acme_deal"]),
        ("q=globex+uk", ["globex_deal", "globex_lost"]),
        ("owner=DANA@brand.example&stage=met", ["acme_deal"]),
        ("owner=somebody@brand.example", []),
        ("created_from=2026-03-02", []),
        ("created_to=2026-03-01", []),
        ("created_from=2026-03-01&created_to=2026-03-02&stage=met", ["acme_deal"]),
    ],
)
async def test_filters(reader: httpx2.AsyncClient, query: str, expected: list[str]) -> None:
    items = (await reader.get(f"/api/deals?{query}")).json()["items"]
    assert {item["id"] for item in items} == {str(id_of(f"ours.{name}")) for name in expected}


async def test_an_item_has_the_promised_fields(reader: httpx2.AsyncClient) -> None:
    (item,) = (await reader.get("/api/deals?stage=met")).json()["items"]
    promised = (
        "id company status stage owner_email amount currency created_at updated_at stage_entered_at workspace simulated"
    )
    assert set(item) == set(promised.split())
    assert item["company"] == {"id": str(id_of("ours.acme")), "name": "Acme Corp", "domain": "acme.com"}
    assert item["amount"] == 12000.5


async def test_a_deal_includes_contacts_bookings_and_history(reader: httpx2.AsyncClient) -> None:
    deal = (await reader.get(f"/api/deals/{id_of('ours.acme_deal')}")).json()
    assert [person["email"] for person in deal["contacts"]] == ["bob@acme.com", "sarah.chen@acme.com"]
    assert [booking["title"] for booking in deal["bookings"]] == ["Meeting demo", "Meeting intro"]
    assert [(step["status"], step["stage"]) for step in deal["stage_history"]] == [
        ([None, "active"], None),
        (None, ["booked", "met"]),
    ]


async def test_the_timeline_is_in_source_order(reader: httpx2.AsyncClient) -> None:
    """PI9, PI11: the booking comes first, although its event was received last."""
    deal = (await reader.get(f"/api/deals/{id_of('ours.acme_deal')}")).json()
    assert [line["what"] for line in deal["timeline"]] == ["booking.made", "deal.opened", "deal.moved"]


@pytest.mark.parametrize("path", ["deals/ours.acme_deal", "companies/ours.acme", "people/ours.sarah"])
async def test_a_uid_is_shown_with_its_booking_only(reader: httpx2.AsyncClient, path: str) -> None:
    noun, _, name = path.partition("/")
    response = await reader.get(f"/api/{noun}/{id_of(name)}")
    assert response.status_code == 200
    assert "Meeting intro" in response.text
    assert "booking.made" in response.text
    assert "uid-intro" not in response.text
