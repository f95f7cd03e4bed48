"""U10: an error says what is wrong and what to send instead."""

from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from showup.web.app import openapi_document
from tests.web.conftest import ClientFactory
from tests.web.sample_data import id_of

DOCUMENT = openapi_document()
DEAL = f"/api/deals/{id_of('ours.acme_deal')}"
JSON_TYPE = {"Content-Type": "application/json"}


@pytest.fixture
def writer(client_as: ClientFactory) -> httpx2.AsyncClient:
    return client_as("writer")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ('{"amount": 5', "Line 1, column 13, at its end"),
        ('{"amount": 5,\n "currency" "EUR"}', "Line 2, column 13, before '\"EUR\"}'"),
        ("", ""),
        ("{'amount': 5}", "Line 1, column 2, before"),
        ("amount=5", "Line 1, column 1, before 'amount=5'"),
    ],
)
async def test_u10_broken_json_says_where_it_breaks(writer: httpx2.AsyncClient, body: str, where: str) -> None:
    response = await writer.patch(DEAL, content=body, headers=JSON_TYPE)
    (error,) = response.json()["errors"]
    assert (response.status_code, error["field"], error["in"]) == (422, "body", "body")
    assert where in error["detail"]
    assert "JSON" in error["detail"]


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(content_type=st.sampled_from(["", "text/plain", "application/x-www-form-urlencoded", "text/json; x=1", "json"]))
async def test_u10_another_content_type_is_answered_with_the_one_to_send(
    writer: httpx2.AsyncClient, content_type: str
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await writer.patch(DEAL, content=b'{"amount": 5}', headers=headers)
    problem = response.json()
    assert (response.status_code, problem["type"]) == (415, "urn:showup:problem:wrong-content-type")
    assert "application/json" in problem["detail"]
    assert (repr(content_type) if content_type else "no Content-Type") in problem["detail"]


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
async def test_u10_json_is_taken_as_such(writer: httpx2.AsyncClient, content_type: str) -> None:
    response = await writer.patch(DEAL, content=b'{"amunt": 5}', headers={"Content-Type": content_type})
    assert "Did you mean 'amount'?" in response.json()["errors"][0]["detail"]


async def test_u10_a_missing_body_or_field_is_named(writer: httpx2.AsyncClient) -> None:
    missing_body = (await writer.post("/api/deals")).json()["errors"]
    assert missing_body == [
        {"field": "body", "in": "body", "detail": 'Send a JSON object as the body, such as {"name": "Acme Corp"}.'}
    ]
    missing_field = (await writer.post("/api/deals", json={"stage": "met"})).json()["errors"]
    assert missing_field == [{"field": "company_id", "in": "body", "detail": "The field 'company_id' is required."}]
    a_list = (await writer.post("/api/deals", json=[1])).json()["errors"]
    assert a_list[0]["detail"].startswith("Send a JSON object")


def example_path(path: str) -> str:
    parts = (str(id_of("x")) if part.startswith("{") else part for part in path.split("/"))
    return "/".join(parts)


@pytest.mark.parametrize("path", sorted(DOCUMENT["paths"]))
async def test_u10_a_wrong_method_is_answered_with_the_right_ones(writer: httpx2.AsyncClient, path: str) -> None:
    """U10: all methods of the path, not those of its first route."""
    allowed = {method.upper() for method in DOCUMENT["paths"][path]}
    # A longer path may fit too: /api/people/merge is also /api/people/{person_id}.
    if path in ("/api/people/merge", "/api/companies/merge"):
        allowed |= {"GET", "PATCH"}
    if path == "/api/deliveries/retry":
        allowed |= {"GET"}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    response = await writer.put(example_path(path))
    assert (response.status_code, set(response.headers["allow"].split(", "))) == (405, allowed)
    assert all(method in response.json()["detail"] for method in allowed)


LISTS = [
    (path, [p for p in methods["get"].get("parameters", []) if p["in"] == "query"])
    for path, methods in DOCUMENT["paths"].items()
    if "get" in methods and "next_cursor" in str(methods["get"]["responses"]["200"])
]
FILTERS = [(path, p["name"], p["schema"]) for path, parameters in LISTS for p in parameters]
PAGING = {"limit", "cursor", "sort", "q", "workspace", "simulated"}


def values_of(schema: dict[str, Any]) -> list[str]:
    items = schema.get("items", schema)
    if "enum" in items:
        return [str(value) for value in (*items["enum"], *items["enum"])][:2]
    if items.get("type") == "integer":
        return ["1", "2"]
    return [str(id_of("a")), str(id_of("b"))] if items.get("format") == "uuid" else ["a@x.example", "b@x.example"]


@pytest.mark.parametrize(("path", "name", "schema"), FILTERS, ids=[f"{path}?{name}" for path, name, _ in FILTERS])
async def test_u10_a_repeated_filter_means_any_of_and_anything_else_is_refused(
    client_as: ClientFactory, path: str, name: str, schema: dict[str, Any]
) -> None:
    """U10: never the last value silently."""
    admin = client_as("admin")
    values = values_of(schema)
    response = await admin.get(path, params=[(name, value) for value in values])
    if name in PAGING or "from" in name or name.endswith("to"):
        assert response.status_code in (404, 422), response.text
        return
    assert (response.status_code, schema["type"]) == (200, "array"), response.text
    both = {item["id"] for item in response.json()["items"]}
    each = [(await admin.get(path, params={name: value})).json()["items"] for value in values]
    assert both == {item["id"] for items in each for item in items}


async def test_u10_any_of_finds_both(client_as: ClientFactory) -> None:
    reader = client_as("reader")
    statuses = {
        deal["status"] for deal in (await reader.get("/api/deals?status=active&status=cancelled")).json()["items"]
    }
    assert statuses == {"active", "cancelled"}
    answer = await reader.get("/api/bookings?attended=true&attended=false")
    assert {booking["attended"] for booking in answer.json()["items"]} == {True, False}


@pytest.mark.parametrize("path", sorted(path for path, methods in DOCUMENT["paths"].items() if "get" in methods))
async def test_u10_an_unknown_parameter_is_refused_with_the_nearest_name(client_as: ClientFactory, path: str) -> None:
    if path in ("/healthz", "/readyz", "/metrics"):
        return
    response = await client_as("admin").get(example_path(path), params={"workspce": "ours"})
    (error,) = response.json()["errors"]
    assert (response.status_code, error["field"]) == (422, "workspce")
    assert "Did you mean 'workspace'?" in error["detail"]
