"""U11: one style for all answers; U05: rates say what they divide."""

from decimal import Decimal
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.web.app import openapi_document
from tests.web.conftest import ClientFactory
from tests.web.sample_data import NOW, id_of

DOCUMENT = openapi_document()
ROWS = ("bookings", "deals", "people", "companies", "deliveries", "events")


@pytest.mark.parametrize("noun", ROWS)
async def test_u11_rows_say_their_workspace_and_whether_they_are_simulated(client_as: ClientFactory, noun: str) -> None:
    """U11, U03: a key for all workspaces must know whose a row is."""
    items = (await client_as("everywhere").get(f"/api/{noun}")).json()["items"]
    assert {"ours", "theirs"} <= {item["workspace"] for item in items}
    assert {item["simulated"] for item in items} == {False}


@pytest.mark.parametrize("noun", ["merges", "queues", "endpoints", "suppressions", "attention", "connections"])
def test_ap1_rows_of_every_list_say_their_workspace(noun: str) -> None:
    answer = DOCUMENT["paths"][f"/api/{noun}"]["get"]["responses"]["200"]["content"]["application/json"]
    page = DOCUMENT["components"]["schemas"][answer["schema"]["allOf"][0]["$ref"].rpartition("/")[2]]
    row = DOCUMENT["components"]["schemas"][page["properties"]["items"]["items"]["$ref"].rpartition("/")[2]]
    assert "workspace" in row["required"]


LISTS_AND_MORE = [
    path
    for path, operations in DOCUMENT["paths"].items()
    if path.startswith("/api/")
    and "get" in operations
    and "application/json" in operations["get"]["responses"]["200"]["content"]
]


@pytest.mark.parametrize("path", [path for path in LISTS_AND_MORE if "{" not in path])
async def test_ap1_every_answer_says_as_of_when_it_holds(client_as: ClientFactory, path: str) -> None:
    answer = await client_as("admin").get(path)
    assert answer.status_code == 200, answer.text
    assert list(answer.json())[-1] == "as_of"
    assert answer.json()["as_of"] == NOW.isoformat().replace("+00:00", "Z")
    assert int(answer.headers["content-length"]) == len(answer.content)
    document = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    assert document["schema"]["allOf"][1] == {"$ref": "#/components/schemas/AsOf"}
    assert "as_of" in document["example"]


async def test_u11_workspaces_are_listed(client_as: ClientFactory) -> None:
    assert [item["slug"] for item in (await client_as("reader").get("/api/workspaces")).json()["items"]] == ["ours"]
    everywhere = (await client_as("everywhere").get("/api/workspaces")).json()["items"]
    assert {item["slug"] for item in everywhere} >= {"ours", "theirs"}


READ_PATHS = [
    "/",
    "/docs",
    "/healthz",
    "/openapi.json",
    "/api/deals",
    "/api/stats",
    f"/api/deals/{id_of('ours.acme_deal')}",
]


@pytest.mark.parametrize("path", READ_PATHS)
async def test_u11_head_answers_as_get_does(reader: httpx2.AsyncClient, path: str) -> None:
    got, head = await reader.get(path), await reader.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.headers["content-length"] == got.headers["content-length"]


def test_u11_money_is_a_number_everywhere() -> None:
    """U11: a JSON number with at most two decimals, in requests and answers alike."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        amount = schema.get("properties", {}).get("amount")
        if amount is not None:
            kinds = {option["type"] for option in amount.get("anyOf", [amount])}
            assert kinds <= {"number", "null"}, name


@pytest.mark.parametrize(
    ("email", "domain"),
    [("ann@initech.com", "initech.com"), ("ann@mail.globex.co.uk", "globex.co.uk"), ("ann@gmail.com", None)],
)
async def test_u11_a_new_persons_address_sets_the_company_as_a_booking_would(
    writer: httpx2.AsyncClient, email: str, domain: str | None
) -> None:
    created = (await writer.post("/api/people", json={"email": email})).json()
    assert (created["company"] and created["company"]["domain"]) == domain
    timeline: list[dict[str, Any]] = created["timeline"]
    assert timeline, "it says why"


@pytest.mark.usefixtures("own_sample_database")
@pytest.mark.parametrize("sort", ["amount", "-amount"])
async def test_u11_deals_sort_by_amount_page_by_page(
    sample_engine: AsyncEngine, reader: httpx2.AsyncClient, sort: str
) -> None:
    """Deals without an amount come below those with 0; equal amounts keep one order."""
    amounts = {"ours.acme_deal": 7, "ours.globex_lost": 0, "ours.globex_deal": None}
    async with sample_engine.begin() as tx:
        for name, amount in amounts.items():
            await tx.execute(
                text("UPDATE showup.deals SET amount = :amount WHERE id = :id"),
                {"amount": None if amount is None else Decimal(amount), "id": id_of(name)},
            )
    found: list[float | None] = []
    cursor = ""
    while cursor is not None:
        page = (await reader.get(f"/api/deals?sort={sort}&limit=1{cursor and f'&cursor={cursor}'}")).json()
        found += [deal["amount"] for deal in page["items"]]
        cursor = page["next_cursor"]
    assert found == ([None, 0, 7] if sort == "amount" else [7, 0, None])


@pytest.mark.usefixtures("own_sample_database")
async def test_u05_rates_say_what_they_divide(sample_engine: AsyncEngine, reader: httpx2.AsyncClient) -> None:
    """U05, M10: a meeting that was held and then cancelled counts in `showed` and in both rates."""
    async with sample_engine.begin() as tx:
        await tx.execute(
            text("UPDATE showup.bookings SET attended = true, attendance_evidence = 'reported' WHERE id = :id"),
            {"id": id_of("ours.called_off")},
        )
    found = (await reader.get("/api/stats")).json()
    assert next(iter(found)) == "held_rate"
    assert (found["held_rate"], found["held_rate_of"]["numerator"], found["held_rate_of"]["denominator"]) == (
        66.666667,
        2,
        3,
    )
    assert found["bookings"]["showed"] == found["show_rate_of"]["numerator"] == 2
    assert (found["show_rate"], found["show_rate_of"]["denominator"]) == (33.333333, 6)
    assert [name for name in found if name.endswith("_rate")] == ["held_rate", "show_rate"], "there is no third rate"
    assert {found[f"{name}_rate_of"]["unit"] for name in ("held", "show")} == {"meetings"}


@pytest.mark.usefixtures("own_sample_database")
async def test_u05_a_report_on_a_meeting_that_is_not_over_waits(
    sample_engine: AsyncEngine, reader: httpx2.AsyncClient
) -> None:
    async with sample_engine.begin() as tx:
        await tx.execute(
            text("UPDATE showup.bookings SET attended = true, attendance_evidence = 'reported' WHERE id = :id"),
            {"id": id_of("ours.demo")},
        )
    assert (await reader.get("/api/stats")).json()["held_rate_of"]["denominator"] == 2
