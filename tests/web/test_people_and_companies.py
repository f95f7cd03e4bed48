"""`/api/people` and `/api/companies` (AP1)."""

import httpx2
import pytest

from tests.web.sample_data import id_of


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("people?q=sar+acme", ["sarah"]),
        ("people?email=PAT@gmail.com", ["pat"]),
        (f"people?company_id={id_of('ours.globex')}", ["gina"]),
        ("people?sort=email&limit=1", ["bob"]),
        ("companies?q=glo", ["globex"]),
        ("companies?domain=ACME.com", ["acme"]),
        ("companies?sort=name", ["acme", "globex"]),
        ("companies?sort=-created_at", ["globex", "acme"]),
    ],
)
async def test_filters(reader: httpx2.AsyncClient, path: str, expected: list[str]) -> None:
    items = (await reader.get(f"/api/{path}")).json()["items"]
    assert [item["id"] for item in items] == [str(id_of(f"ours.{name}")) for name in expected]


async def test_a_person_behind_a_personal_domain_has_no_company(reader: httpx2.AsyncClient) -> None:
    """PI2: a personal domain identifies no company."""
    person = (await reader.get(f"/api/people/{id_of('ours.pat')}")).json()
    assert person["company"] is None
    assert [booking["title"] for booking in person["bookings"]] == ["Meeting stood_up"]


async def test_a_guest_is_shown_the_booking(reader: httpx2.AsyncClient) -> None:
    person = (await reader.get(f"/api/people/{id_of('ours.bob')}")).json()
    assert [booking["title"] for booking in person["bookings"]] == ["Meeting intro"]


async def test_a_company_includes_people_deals_and_timeline(reader: httpx2.AsyncClient) -> None:
    company = (await reader.get(f"/api/companies/{id_of('ours.acme')}")).json()
    assert [person["email"] for person in company["people"]] == ["bob@acme.com", "sarah.chen@acme.com"]
    assert [deal["stage"] for deal in company["deals"]] == ["met"]
    assert [line["what"] for line in company["timeline"]] == ["booking.made", "deal.opened", "deal.moved"]
