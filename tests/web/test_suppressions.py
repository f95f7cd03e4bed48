"""`/api/suppressions`: list addresses that receive no mail and the reasons, and remove them (TE9)."""

import httpx2

from tests.web.conftest import ClientFactory
from tests.web.sample_data import id_of
from tests.web.scenario import Scenario

PATH = "/api/suppressions"


async def test_the_latest_comes_first_with_its_reason(reader: httpx2.AsyncClient) -> None:
    items = (await reader.get(PATH)).json()["items"]
    assert [(one["email"], one["scope"], one["reason"]) for one in items] == [
        ("pat@gmail.com", "follow_up", "unsubscribed"),
        ("gina@globex.co.uk", "all", "bounced"),
        (None, "all", "unreachable"),
    ]
    assert [one["phone"] for one in items] == [None, None, "+4915112345678"]


async def test_filters(reader: httpx2.AsyncClient) -> None:
    for query, expected in {
        "email=GINA@globex.co.uk": ["gina@globex.co.uk"],
        "email=gina": [],
        "scope=follow_up": ["pat@gmail.com"],
        "reason=bounced": ["gina@globex.co.uk"],
        "reason=complained": [],
        "phone=%2B49 (0)151 12345678": [None],
        "phone=15112345678": [],
        "sort=created_at": [None, "gina@globex.co.uk", "pat@gmail.com"],
    }.items():
        response = await reader.get(f"{PATH}?{query}")
        assert (query, [one["email"] for one in response.json()["items"]]) == (query, expected)
    assert (await reader.get(f"{PATH}?reason=bored")).status_code == 422


async def test_pages(reader: httpx2.AsyncClient) -> None:
    first = (await reader.get(f"{PATH}?limit=1")).json()
    second = (await reader.get(PATH, params={"limit": 1, "cursor": first["next_cursor"]})).json()
    third = (await reader.get(PATH, params={"limit": 1, "cursor": second["next_cursor"]})).json()
    assert [page["items"][0]["email"] for page in (first, second, third)] == [
        *("pat@gmail.com", "gina@globex.co.uk"),
        None,
    ]
    assert third["next_cursor"] is None


async def test_an_address_can_be_written_to_again(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    path = f"{PATH}/{id_of('ours.bounced')}"
    response = await writer.delete(path)
    assert (response.status_code, response.json()["email"]) == (200, "gina@globex.co.uk")
    assert await scenario.rows("suppressions") == []
    assert (await writer.delete(path)).status_code == 404


async def test_the_same_request_gets_the_first_answer_again(
    scenario_client_as: ClientFactory, scenario: Scenario
) -> None:
    path, once = f"{PATH}/{id_of('ours.bounced')}", {"Idempotency-Key": "once"}
    first = await scenario_client_as("writer").delete(path, headers=once)
    again = await scenario_client_as("writer").delete(path, headers=once)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert await scenario.rows("suppressions") == []
