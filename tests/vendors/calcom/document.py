"""Checks calls against Cal.com's own OpenAPI document, which is older than Cal.com in some points."""

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest

DOCUMENT: Final = Path(__file__).with_name("openapi.json")
# Names that current instances know and the document of March 2026 lacks: method, path, and the name in query or body.
NEWER_PARAMETERS: Final = {
    ("GET", "/bookings", "limit"),  # the list of 2026-05-01 goes by cursor
    ("GET", "/bookings", "cursor"),
    ("POST", "/webhooks", "time"),  # the triggers of absence need a delay
    ("POST", "/webhooks", "timeUnit"),
    ("PATCH", "/webhooks", "time"),
    ("PATCH", "/webhooks", "timeUnit"),
}


class CalcomDocument:
    """`find_violation` returns what is wrong with a call, or None. Names that the document lacks are wrong too."""

    def __init__(self) -> None:
        self._document: dict[str, Any] = json.loads(DOCUMENT.read_text())
        # The document itself breaks the rules of OpenAPI: it has a `true` in place of a schema.
        self._validator = OpenAPI.from_dict(self._document, config=Config(spec_validator_cls=None))
        self._server: str = self._document["servers"][0]["url"]

    def find_violation(self, method: str, target: str, headers: dict[str, str], body: bytes) -> str | None:
        """Checks a call to `target`, path and query."""
        address = urlsplit(target)
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        request = MockRequest(self._server, method, address.path, args=query, headers=headers, data=body or None)
        try:
            self._validator.validate_request(request)
        except OpenAPIError as error:
            return f"{method} {target}: {error.__cause__ or error!r}"
        if missing := self._missing_headers(method, address.path, headers):
            return f"{method} {target}: needs {sorted(missing)}"
        unknown = self._unknown_names(method, address.path, query, body)
        return f"{method} {target}: unknown names {sorted(unknown)}" if unknown else None

    def _missing_headers(self, method: str, path: str, headers: dict[str, str]) -> set[str]:
        """Returns the required headers that are missing: openapi-core considers one with a default as sent."""
        listed = self._operation(method, path)["parameters"]
        needed = {each["name"].lower() for each in listed if each["in"] == "header" and each.get("required")}
        return needed - {name.lower() for name in headers}

    def _unknown_names(self, method: str, path: str, query: dict[str, str], body: bytes) -> set[str]:
        operation = self._operation(method, path)
        known = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
        names = set(query)
        if body:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            known |= self._document["components"]["schemas"][schema]["properties"].keys()
            names |= json.loads(body).keys()
        endpoint = "/webhooks" if "/webhooks" in path else path.removeprefix("/v2")
        return {name for name in names - known if (method, endpoint, name) not in NEWER_PARAMETERS}

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        parts = path.split("/")
        for template, operations in self._document["paths"].items():
            template_parts = template.split("/")
            if len(template_parts) == len(parts) and all(
                one.startswith("{") or one == other for one, other in zip(template_parts, parts, strict=True)
            ):
                found: dict[str, Any] = operations[method.lower()]
                return found
        raise AssertionError(path)
