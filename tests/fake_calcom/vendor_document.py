"""Checks requests and responses against Cal.com's own OpenAPI document of March 2026, with its known errors."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

DOCUMENT = Path(__file__).parents[1] / "vendors" / "calcom" / "openapi.json"
NEWER_TRIGGERS = [
    "BOOKING_LOCATION_UPDATED",
    "BOOKING_REASSIGNED",
    "INSTANT_MEETING_ACCEPTED",
    "CALENDAR_ENTRY_REJECTED",
    "DELEGATION_CREDENTIAL_SECRET_ROTATED",
    "DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED",
    "DELEGATION_CREDENTIAL_ROTATION_REQUIRED",
]
_TEXT_OR_NULL = {"type": "string", "nullable": True}
_BOOKING = [
    {"$ref": f"#/components/schemas/{name}"}
    for name in (
        "BookingOutput_2024_08_13",
        "RecurringBookingOutput_2024_08_13",
        "GetSeatedBookingOutput_2024_08_13",
    )
]
_CURSOR_PAGE = {
    "type": "object",
    "required": ["nextCursor", "hasMore"],
    "properties": {"nextCursor": _TEXT_OR_NULL, "hasMore": {"type": "boolean"}},
}
_SLOTS = {
    "type": "object",
    "required": ["status", "data"],
    "properties": {
        "status": {"type": "string", "enum": ["success"]},
        "data": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}},
    },
}
# Parameters and fields of bodies that the document lacks, by their place in it.
NEWER_PARAMETERS = {"/v2/bookings": {"limit", "cursor"}}
NEWER_FIELDS = {"CreateWebhookInputDto": {"time", "timeUnit"}, "UpdateWebhookInputDto": {"time", "timeUnit"}}


@dataclass(frozen=True, slots=True)
class DocumentPatch:
    """One place of the document that real instances contradict: its replacement, and the reason."""

    at: tuple[str, ...]
    path: Any
    because: str


def _schema(name: str, *below: str) -> tuple[str, ...]:
    return ("components", "schemas", name, "properties", *below)


EXCEPTIONS = [
    *(
        DocumentPatch(_schema(name, "updatedAt"), _TEXT_OR_NULL, "null until the first change")
        for name in (ref["$ref"].rpartition("/")[2] for ref in _BOOKING)
    ),
    DocumentPatch(
        _schema("GetBookingsOutput_2024_08_13", "data"),
        {"type": "array", "items": {"anyOf": _BOOKING}},
        "a recurring booking is a booking too, so oneOf matches neither",
    ),
    DocumentPatch(
        _schema("GetBookingsOutput_2024_08_13", "pagination"),
        {"anyOf": [{"$ref": "#/components/schemas/PaginationMetaDto"}, _CURSOR_PAGE]},
        "version 2026-05-01 pages by cursor",
    ),
    DocumentPatch(
        _schema("GetBookingOutput_2024_08_13", "data"),
        {"anyOf": [*_BOOKING, {"type": "array", "items": {"anyOf": _BOOKING}}]},
        "as in the list",
    ),
    DocumentPatch(_schema("MarkAbsentBookingOutput_2024_08_13", "data"), {"anyOf": _BOOKING}, "as in the list"),
    *(
        change
        for name in ("UserWebhookOutputDto", "EventTypeWebhookOutputDto", "TeamWebhookOutputDto")
        for change in (
            DocumentPatch(_schema(name, "id"), {"type": "string", "format": "uuid"}, "ids of webhooks are UUIDs"),
            DocumentPatch(_schema(name, "payloadTemplate"), _TEXT_OR_NULL, "null where there is no template"),
            DocumentPatch(_schema(name, "secret"), _TEXT_OR_NULL, "null where there is no secret"),
        )
    ),
    *(
        DocumentPatch(
            _schema(name, "version"),
            {"type": "string", "enum": ["2021-10-20", "2026-07-27"]},
            "a version was added in July 2026",
        )
        for name in ("CreateWebhookInputDto", "UpdateWebhookInputDto")
    ),
    DocumentPatch(
        _schema("EventTypeOutput_2024_06_14", "recurrence"),
        {"type": "object", "nullable": True},
        "null where it does not repeat; the document says so in a place without effect",
    ),
    DocumentPatch(
        ("paths", "/v2/slots", "get", "responses", "200", "content", "application/json", "schema"),
        _SLOTS,
        "the days are in an envelope, as in the document's own example",
    ),
]


def load_patched_document() -> dict[str, Any]:
    """Returns the document with its exceptions; later triggers are added to every list of triggers."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text())
    for exception in EXCEPTIONS:
        *parents, last = exception.at
        node = document
        for step in parents:
            node = node[step]
        assert last in node, f"the document no longer has {'/'.join(exception.at)}"
        node[last] = copy.deepcopy(exception.path)
    for schema in document["components"]["schemas"].values():
        triggers = schema.get("properties", {}).get("triggers", {}).get("items", {})
        if "enum" in triggers:
            triggers["enum"] = [*triggers["enum"], *NEWER_TRIGGERS]
    for parameter in document["paths"]["/v2/bookings"]["get"]["parameters"]:
        # Several statuses are joined by commas.
        if parameter["name"] == "status":
            parameter["explode"] = False
    return document


class VendorDocument:
    """`check_request` and its counterpart for responses return the violation, or None."""

    def __init__(self) -> None:
        self._document = load_patched_document()
        # The document breaks OpenAPI's own rules in places that these tests do not use.
        self._checked = OpenAPI.from_dict(self._document, config=Config(spec_validator_cls=None))
        self._server: str = self._document["servers"][0]["url"]

    def check_request(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> str | None:
        try:
            self._checked.validate_request(self._mock_request(method, path, query, headers, body))
        except OpenAPIError as error:
            return f"{method} {path}: {error.__cause__ or error}"
        return None

    def check_response(self, method: str, path: str, status: int, body: bytes) -> str | None:
        asked = self._mock_request(method, path, {}, {}, b"")
        try:
            self._checked.validate_response(asked, MockResponse(body, status))
        except OpenAPIError as error:
            return f"{status} to {method} {path}: {error.__cause__ or error}"
        return None

    def unknown_fields(
        self, method: str, template: str, query: Mapping[str, str], asked: Mapping[str, Any]
    ) -> list[str]:
        """Returns parameters and fields that the document does not have; Cal.com refuses them."""
        operation = self._document["paths"][template][method.lower()]
        parameters = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        parameters |= NEWER_PARAMETERS.get(template, set())
        if "requestBody" not in operation:
            return sorted({*query, *asked} - parameters)
        schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        fields = {*self._document["components"]["schemas"][schema]["properties"], *NEWER_FIELDS.get(schema, set())}
        return sorted({*query} - parameters | {*asked} - fields)

    def _mock_request(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> MockRequest:
        kind = headers.get("content-type", "application/json").partition(";")[0]
        return MockRequest(
            self._server, method, path, args=dict(query), headers=dict(headers), data=body, content_type=kind
        )
