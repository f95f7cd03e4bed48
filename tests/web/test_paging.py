"""Pages: every item once, whatever the sorting, and a cursor that is checked."""

import base64

import httpx2
import pytest
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import transaction
from showup.database.tables import deliveries
from tests.web.cast import id_of

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


async def paged(reader: httpx2.AsyncClient, noun: str, sort: str) -> list[str]:
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"sort": sort, "limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = (await reader.get(f"/api/{noun}", params=params)).json()
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    return ids


@pytest.mark.parametrize(("noun", "sort"), SORTINGS)
async def test_pages_show_every_item_once_in_the_order_of_the_whole_list(
    reader: httpx2.AsyncClient, noun: str, sort: str
) -> None:
    whole = (await reader.get(f"/api/{noun}", params={"sort": sort})).json()["items"]
    assert len(whole) > 1
    assert await paged(reader, noun, sort) == [item["id"] for item in whole]
    back = sort.removeprefix("-") if sort.startswith("-") else f"-{sort}"
    assert await paged(reader, noun, back) == [item["id"] for item in reversed(whole)]


@pytest.mark.usefixtures("changes")
async def test_a_page_begins_where_the_last_ended_though_its_last_row_is_gone(
    reader: httpx2.AsyncClient, cast_engine: AsyncEngine
) -> None:
    whole = [item["id"] for item in (await reader.get("/api/deliveries")).json()["items"]]
    first = (await reader.get("/api/deliveries?limit=1")).json()
    async with transaction(cast_engine) as tx:
        await tx.execute(delete(deliveries).where(deliveries.c.id == whole[0]))
    rest = await reader.get("/api/deliveries", params={"cursor": first["next_cursor"]})
    assert [item["id"] for item in rest.json()["items"]] == whole[1:]


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


BROKEN = {
    "no base64": "%%%",
    "no JSON": packed("nonsense"),
    "too little": packed('["-created_at"]'),
    "another sorting": packed(f'["created_at", "2026-03-01T00:00:00+00:00", "{id_of("x")}"]'),
    "no time": packed(f'["-created_at", "yesterday", "{id_of("x")}"]'),
    "no zone": packed(f'["-created_at", "2026-03-01T00:00:00", "{id_of("x")}"]'),
    "a zone that leaves the calendar": packed(f'["-created_at", "0001-01-01T00:00:00+14:00", "{id_of("x")}"]'),
    "no id": packed('["-created_at", "2026-03-01T00:00:00+00:00", "x"]'),
    "not ASCII": "ü",
    "a NUL": packed("\0"),
}


@pytest.mark.parametrize("cursor", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_cursor_is_refused_with_what_to_do(reader: httpx2.AsyncClient, cursor: str) -> None:
    answer = await reader.get("/api/deals", params={"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:showup:problem:broken-cursor"
    assert "next_cursor" in answer.json()["detail"]


async def test_a_cursor_with_a_nul_in_its_text_is_refused(reader: httpx2.AsyncClient) -> None:
    cursor = packed(f'["name", "\\u0000", "{id_of("x")}"]')
    answer = await reader.get("/api/companies", params={"cursor": cursor, "sort": "name"})
    assert answer.status_code == 400
