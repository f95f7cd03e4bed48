"""Pages: each item appears once in every sort order, and cursors are validated."""

import base64

import httpx2
import pytest
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import transaction
from showup.database.tables import deliveries
from tests.web.sample_data import id_of

LISTS = {
    "deals": ["created_at", "updated_at", "stage_entered_at"],
    "bookings": ["start_time", "created_at", "booked_at"],
    "companies": ["created_at", "updated_at", "name"],
    "people": ["created_at", "updated_at", "email"],
    "deliveries": ["created_at", "due_at"],
    "events": ["received_at"],
    "merges": ["at"],
}
SORTINGS = [(noun, sign + name) for noun, names in LISTS.items() for name in names for sign in ("", "-")]


async def read_all_pages(reader: httpx2.AsyncClient, collection: str, sort: str) -> list[str]:
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"sort": sort, "limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = (await reader.get(f"/api/{collection}", params=params)).json()
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    return ids


@pytest.mark.parametrize(("collection", "sort"), SORTINGS)
async def test_pages_show_every_item_once_in_the_order_of_the_whole_list(
    reader: httpx2.AsyncClient, collection: str, sort: str
) -> None:
    full_list = (await reader.get(f"/api/{collection}", params={"sort": sort})).json()["items"]
    assert len(full_list) > 1
    assert await read_all_pages(reader, collection, sort) == [item["id"] for item in full_list]
    reverse_sort = sort.removeprefix("-") if sort.startswith("-") else f"-{sort}"
    assert await read_all_pages(reader, collection, reverse_sort) == [item["id"] for item in reversed(full_list)]


@pytest.mark.usefixtures("own_sample_database")
async def test_a_page_begins_where_the_last_ended_though_its_last_row_is_gone(
    reader: httpx2.AsyncClient, sample_engine: AsyncEngine
) -> None:
    full_list = [item["id"] for item in (await reader.get("/api/deliveries")).json()["items"]]
    first = (await reader.get("/api/deliveries?limit=1")).json()
    async with transaction(sample_engine) as tx:
        await tx.execute(delete(deliveries).where(deliveries.c.id == full_list[0]))
    remaining = await reader.get("/api/deliveries", params={"cursor": first["next_cursor"]})
    assert [item["id"] for item in remaining.json()["items"]] == full_list[1:]


def encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


BROKEN_CURSORS = {
    "no base64": "%%%",
    "no JSON": encode("nonsense"),
    "too little": encode('["-created_at"]'),
    "another sorting": encode(f'["created_at", "2026-03-01T00:00:00+00:00", "{id_of("x")}"]'),
    "no time": encode(f'["-created_at", "yesterday", "{id_of("x")}"]'),
    "no zone": encode(f'["-created_at", "2026-03-01T00:00:00", "{id_of("x")}"]'),
    "a zone that leaves the calendar": encode(f'["-created_at", "0001-01-01T00:00:00+14:00", "{id_of("x")}"]'),
    "no id": encode('["-created_at", "2026-03-01T00:00:00+00:00", "x"]'),
    "not ASCII": "ü",
    "a NUL": encode("\0"),
}


@pytest.mark.parametrize("cursor", BROKEN_CURSORS.values(), ids=BROKEN_CURSORS.keys())
async def test_a_broken_cursor_is_refused_with_what_to_do(reader: httpx2.AsyncClient, cursor: str) -> None:
    response = await reader.get("/api/deals", params={"cursor": cursor})
    assert response.status_code == 400
    assert response.json()["type"] == "urn:showup:problem:broken-cursor"
    assert "next_cursor" in response.json()["detail"]


async def test_a_cursor_with_a_nul_in_its_text_is_refused(reader: httpx2.AsyncClient) -> None:
    cursor = encode(f'["name", "\\u0000", "{id_of("x")}"]')
    response = await reader.get("/api/companies", params={"cursor": cursor, "sort": "name"})
    assert response.status_code == 400
