"""S11: text and JSON that can't be stored is refused with 422, in each field of each body, query and path."""

import asyncio
import json
from collections.abc import Iterator
from string import Formatter
from typing import Any

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import cast, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import connect
from showup.values.storable import check_storable
from showup.web.app import openapi_document
from tests.web.conftest import ClientFactory
from tests.web.sample_data import id_of

DOCUMENT = openapi_document()
JSON = {"Content-Type": "application/json"}
# Unlike most strategies for JSON, these have surrogates and infinite numbers.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=5)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(width=16) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
TEXTS = ("a\0b", "a\ud800", "\udfffa")
OPERATIONS = [
    (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if "security" in operation
]


def nested_in(hostile: Any) -> Iterator[Any]:
    """Yields the value in each place that a field's nested JSON has."""
    yield hostile
    yield [hostile]
    yield {"a": [{"b": hostile}]}
    if isinstance(hostile, str):
        yield {hostile: "a"}


def deeply_nested() -> Any:
    value: Any = "a"
    for _ in range(300):
        value = [value]
    return value


HOSTILE = [one for hostile in (*TEXTS, float("nan"), float("inf")) for one in nested_in(hostile)] + [deeply_nested()]


def has_json_body(operation: dict[str, Any]) -> bool:
    # Files have tests of their own: tests/campaigns/test_hostile_files.py.
    return "application/json" in operation.get("requestBody", {}).get("content", {})


def body_schema(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation["requestBody"]["content"]["application/json"]
    schema: dict[str, Any] = DOCUMENT["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    return schema


WITH_BODY = [(method, path, body_schema(one)) for method, path, one in OPERATIONS if has_json_body(one)]


@pytest.mark.parametrize(("method", "path", "schema"), WITH_BODY, ids=[f"{one[0]} {one[1]}" for one in WITH_BODY])
async def test_s11_in_each_field_of_a_body(
    client_as: ClientFactory, method: str, path: str, schema: dict[str, Any]
) -> None:
    admin = client_as("admin")
    [example] = schema["examples"]
    for field in schema["properties"]:
        for hostile in HOSTILE:
            # Not `json=`: it refuses what a hostile client sends.
            content = json.dumps(example | {field: hostile})
            response = await admin.request(method.upper(), concrete(path), content=content, headers=JSON)
            assert response.status_code == 422, (field, hostile, response.text)
            assert {error["field"].partition(".")[0] for error in response.json()["errors"]} == {field}, response.text


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=[f"{one[0]} {one[1]}" for one in OPERATIONS])
async def test_s11_in_each_parameter(
    client_as: ClientFactory, method: str, path: str, operation: dict[str, Any]
) -> None:
    everywhere = client_as("everywhere")
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        # In a URL, a lone surrogate is three bytes that are no UTF-8.
        for hostile in ("a%00b", "%00", "a%ED%A0%80"):
            if parameter["in"] == "header":
                continue
            url = concrete(path, **({name: hostile} if parameter["in"] == "path" else {}))
            query = f"?{name}={hostile}" if parameter["in"] == "query" else ""
            response = await everywhere.request(method.upper(), url + query)
            # U+FFFD replaced the bytes that are no UTF-8: a text like any other.
            allowed = {200, 400, 404, 422} if "%ED" in hostile else {404, 422}
            assert response.status_code in allowed, (name, hostile, response.text)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", ["resend", "smtp", "notion", "slack", "twilio"])
async def test_s11_the_error_says_where(client_as: ClientFactory, kind: str, text: str) -> None:
    body = {"kind": kind, "name": "main", "settings": {"channels": {"booking.created": text}}, "credentials": {}}
    response = await post_json(client_as("admin"), body)
    [error] = response.json()["errors"]
    assert (response.status_code, error["field"]) == (422, "settings")
    assert "(at 'channels.booking.created')" in error["detail"]


@pytest.mark.parametrize("text", TEXTS)
async def test_s11_in_credentials(client_as: ClientFactory, text: str) -> None:
    body = {"kind": "resend", "name": "main", "settings": {}, "credentials": {"api_key": text}}
    response = await post_json(client_as("admin"), body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["credentials"]


def test_s11_postgresql_stores_whatever_is_accepted(shared_sample_database: str) -> None:
    engine = connect(shared_sample_database, pool_size=1)
    with asyncio.Runner() as runner:

        @settings(max_examples=100, deadline=None)
        @given(value=ANY_JSON)
        @example(value={"a\0": 1})
        @example(value=["a", {"b": "\udc00"}])
        def store(value: Any) -> None:
            try:
                check_storable(value)
            except ValueError:
                return
            assert runner.run(stored(engine, value)) == value

        store()
        runner.run(engine.dispose())


async def stored(engine: AsyncEngine, value: Any) -> Any:
    """Returns the value as PostgreSQL returns it."""
    async with engine.connect() as tx:
        return (await tx.execute(select(cast(literal(value, JSONB), JSONB)))).scalar_one()


async def test_s04_a_text_with_a_loop_is_refused(client_as: ClientFactory) -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    body = {
        "kind": "twilio",
        "name": "main",
        "settings": {"account_sid": "AC" + "0" * 32, "sender": "Acme", "text": loop},
        "credentials": {"auth_token": "secret"},
    }
    response = await post_json(client_as("admin"), body)
    assert response.status_code == 422
    assert "conditions, loops and expressions are not supported" in response.json()["errors"][0]["detail"]


async def post_json(client: httpx2.AsyncClient, body: dict[str, Any]) -> httpx2.Response:
    return await client.post("/api/connections", content=json.dumps(body), headers=JSON)


def concrete(path: str, **values: str) -> str:
    """Returns the path with an id for each name that has no other value."""
    names = {name for _, name, _, _ in Formatter().parse(path) if name}
    return path.format(**{name: str(id_of("made-up")) for name in names} | values)
