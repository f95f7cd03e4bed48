"""The OpenAPI document, and the pages that need no key."""

import re
from importlib.resources import files
from typing import Any

import httpx2
import jsonschema_rs
import pytest
from fastapi import Request, Response
from openapi_spec_validator import validate

from showup.web.app import openapi_document
from showup.web.http.cached_document import CachedDocument

DOCUMENT = openapi_document()
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
each_operation = pytest.mark.parametrize(
    "operation", [operation for _, operation in OPERATIONS], ids=[name for name, _ in OPERATIONS]
)


@each_operation
def test_every_operation_has_a_description_and_example(operation: dict[str, Any]) -> None:
    assert operation["description"]
    for response in operation["responses"].values():
        (content,) = response["content"].values()
        assert "example" in content


@each_operation
def test_examples_match_their_schemas(operation: dict[str, Any]) -> None:
    for response in operation["responses"].values():
        (content,) = response["content"].values()
        if "schema" in content:
            schema = {**content["schema"], "components": DOCUMENT["components"]}
            jsonschema_rs.validate(schema, content["example"], validate_formats=True)


@each_operation
def test_every_guarded_operation_documents_its_problems(operation: dict[str, Any]) -> None:
    if "security" in operation:
        assert {"401", "403", "404", "422", "500", "503"} <= set(operation["responses"])


async def test_the_served_document_is_the_printed_one(anonymous: httpx2.AsyncClient) -> None:
    served = (await anonymous.get("/openapi.json")).json()
    assert served["paths"] == DOCUMENT["paths"]


def test_u06_the_document_is_valid() -> None:
    """U06: by the specification's own schema; names of components may have no spaces."""
    validate(DOCUMENT)
    (scheme,) = DOCUMENT["components"]["securitySchemes"]
    assert re.fullmatch(r"[A-Za-z0-9._-]+", scheme)


VERBS = (
    "get list create update delete report move merge undo replay retry redeliver withdraw choose test rotate check sync"
    " import link dismiss restore stream grant deny ask"
)


def test_u06_operations_have_the_names_of_functions() -> None:
    """U06: `updateDeal`, not a name that a path was made into."""
    names = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert {"updateDeal", "listBookings", "getDeal", "createPerson", "reportOutcome", "listWorkspaces"} <= set(names)
    for name, (route, operation) in zip(names, OPERATIONS, strict=True):
        assert re.fullmatch(rf"({'|'.join(VERBS.split())})([A-Z][a-z]+)+", name), name
        is_list = "next_cursor" in str(operation["responses"].get("200", {}))
        assert name.startswith("list") is (is_list and route.startswith("GET")), name


@each_operation
def test_u06_every_guarded_operation_documents_that_it_may_be_too_much(operation: dict[str, Any]) -> None:
    if "security" in operation:
        assert "429" in operation["responses"]
        if "requestBody" in operation:
            assert {"413", "415"} <= set(operation["responses"])


DOCS_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "start.js")


async def test_u06_docs_are_served_from_here_under_a_strict_policy(anonymous: httpx2.AsyncClient) -> None:
    """U06: vendored Swagger UI: no other server, no inline script, no inline style."""
    page = await anonymous.get("/docs")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {f"docs/{name}" for name in DOCS_FILES} < set(sources)
    assert not [source for source in sources if "//" in source]
    assert not re.search(r"<script>|<style|style=| on[a-z]+=", page.text)
    for name in DOCS_FILES:
        response = await anonymous.get(f"/docs/{name}")
        assert (response.status_code, response.headers["content-type"].partition(";")[0]) == (
            200,
            "text/css" if name.endswith("css") else "text/javascript",
        )
        assert "sourceMappingURL" not in response.text[-300:]


def test_u06_the_vendored_files_name_their_version_and_licence() -> None:
    folder = files("showup.web").joinpath("swagger_ui")
    assert re.search(r"Swagger UI \d+\.\d+\.\d+", folder.joinpath("README.txt").read_text())
    assert "Apache License" in folder.joinpath("LICENSE.txt").read_text()


async def test_only_configured_pages_may_call_from_a_browser(anonymous: httpx2.AsyncClient) -> None:
    ask = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    ours = await anonymous.options("/api/deals", headers=ask | {"Origin": "https://app.example"})
    other = await anonymous.options("/api/deals", headers=ask | {"Origin": "https://evil.example"})
    assert ours.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
async def test_s10_an_open_document_is_built_once_and_cached(anonymous: httpx2.AsyncClient, path: str) -> None:
    first = await anonymous.get(path, headers={"Origin": "https://app.example"})
    again = await anonymous.get(path)
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert again.headers["cache-control"] == "public, max-age=300"
    assert "access-control-allow-origin" not in again.headers, "it belonged to the first request"
    for known in (first.headers["etag"], f'"other", W/{first.headers["etag"]}'):
        unchanged = await anonymous.get(path, headers={"If-None-Match": known})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (await anonymous.get(path, headers={"If-None-Match": '"other"'})).content == first.content


async def test_s10_a_document_is_built_once() -> None:
    """S10: a request gets the bytes that the first one made."""
    built: list[Response] = []

    def build() -> Response:
        built.append(Response("the document"))
        return built[-1]

    document = CachedDocument(build)
    for _ in range(3):
        response = await document.respond(Request({"type": "http", "headers": []}))
        assert response.body == b"the document"
    assert len(built) == 1
