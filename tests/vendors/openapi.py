"""Checks requests and responses against a vendor's own OpenAPI document."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

DOCUMENTS = Path(__file__).parents[1] / "destinations" / "openapi"


@cache
def vendor_document(name: str) -> "OpenApiDocument":
    """Reads a document, once for all fake vendors of a run: reading takes longer than most tests."""
    return OpenApiDocument(json.loads((DOCUMENTS / f"{name}.json").read_text()))


class OpenApiDocument:
    """One vendor's document. Its methods return the violation, or None; a name that it does not have is a violation."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        # Cal.com's document breaks OpenAPI's own rules in places that we don't use.
        self._checked = OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))
        self._server: str = document["servers"][0]["url"]

    def find_violation(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> str | None:
        """Checks a request to `target`, path and query."""
        lower_headers = {name.lower(): value for name, value in headers.items()}
        try:
            self._checked.validate_request(self._mock_request(method, target, lower_headers, body))
        except OpenAPIError as error:
            return f"{method} {target}: {error.__cause__ or error!r}"
        operation = self._operation(method, urlsplit(target).path)
        if missing := _required_headers(operation) - lower_headers.keys():
            return f"{method} {target}: needs {sorted(missing)}"
        unknown = self._unknown_names(operation, target, lower_headers, body)
        return f"{method} {target}: unknown names {sorted(unknown)}" if unknown else None

    def find_response_violation(self, method: str, target: str, status: int, body: bytes) -> str | None:
        """Checks the response to such a request."""
        try:
            self._checked.validate_response(self._mock_request(method, target, {}, b""), MockResponse(body, status))
        except OpenAPIError as error:
            return f"{status} to {method} {target}: {error.__cause__ or error!r}"
        return None

    def _mock_request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> MockRequest:
        address = urlsplit(target)
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        kind = _content_type(headers)
        return MockRequest(
            self._server, method, address.path, args=query, headers=dict(headers), data=body, content_type=kind
        )

    def _unknown_names(
        self, operation: Mapping[str, Any], target: str, headers: Mapping[str, str], body: bytes
    ) -> set[str]:
        """Returns parameters and fields that the operation doesn't have: most vendors ignore them silently."""
        parameters = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
        names = {name for name, _ in parse_qsl(urlsplit(target).query)}
        if not body:
            return names - parameters
        kind = _content_type(headers)
        content = operation.get("requestBody", {}).get("content", {})
        schema = self._resolve(content.get(kind, {}).get("schema", {}))
        fields = json.loads(body) if kind == "application/json" else dict(parse_qsl(body.decode()))
        return (names - parameters) | (fields.keys() - schema.get("properties", {}).keys())

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        """Returns the operation with all its parameters."""
        base = urlsplit(self._server).path.rstrip("/")
        for template, operations in self._document["paths"].items():
            pattern = base + re.sub(r"\\\{[^}]+\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and method.lower() in operations:
                found: dict[str, Any] = operations[method.lower()]
                parameters = [*operations.get("parameters", []), *found.get("parameters", [])]
                return found | {"parameters": [self._resolve(one) for one in parameters]}
        raise AssertionError(f"{method} {path}")

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in node:
            return node
        found: dict[str, Any] = self._document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found


def _required_headers(operation: Mapping[str, Any]) -> set[str]:
    """Returns the required headers: openapi-core considers one with a default as sent."""
    return {one["name"].lower() for one in operation["parameters"] if one["in"] == "header" and one.get("required")}


def _content_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "application/json").partition(";")[0]
