"""Checks requests and responses against Cal.com's own OpenAPI document of March 2026, with its known errors."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.vendors.openapi import OpenApiDocument

DOCUMENT = Path(__file__).with_name("openapi.json")
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
# The list of 2026-05-01 goes by cursor, and the triggers of absence need a delay.
NEWER_PARAMETERS = {"/v2/bookings": ("limit", "cursor")}
NEWER_FIELDS = {"CreateWebhookInputDto": ("time", "timeUnit"), "UpdateWebhookInputDto": ("time", "timeUnit")}


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
    """Returns the document with its exceptions, and with the names and triggers that came later."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text())
    for exception in EXCEPTIONS:
        _apply(exception, document)
    _add_newer_names(document)
    for schema in document["components"]["schemas"].values():
        triggers = schema.get("properties", {}).get("triggers", {}).get("items", {})
        if "enum" in triggers:
            triggers["enum"] = [*triggers["enum"], *NEWER_TRIGGERS]
    for parameter in document["paths"]["/v2/bookings"]["get"]["parameters"]:
        # Several statuses are joined by commas.
        if parameter["name"] == "status":
            parameter["explode"] = False
    return document


def _apply(patch: DocumentPatch, document: dict[str, Any]) -> None:
    *parents, last = patch.at
    node = document
    for step in parents:
        node = node[step]
    assert last in node, f"the document no longer has {'/'.join(patch.at)}"
    node[last] = copy.deepcopy(patch.path)


def _add_newer_names(document: dict[str, Any]) -> None:
    for path, names in NEWER_PARAMETERS.items():
        document["paths"][path]["get"]["parameters"] += [{"name": one, "in": "query", "schema": {}} for one in names]
    for name, fields in NEWER_FIELDS.items():
        document["components"]["schemas"][name]["properties"] |= {one: {} for one in fields}


class CalcomDocument(OpenApiDocument):
    """Accepts every call of API v1, which the document does not have."""

    def find_violation(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> str | None:
        return None if _is_v1(target) else super().find_violation(method, target, headers, body)

    def find_response_violation(self, method: str, target: str, status: int, body: bytes) -> str | None:
        return None if _is_v1(target) else super().find_response_violation(method, target, status, body)


@cache
def calcom_document() -> CalcomDocument:
    """Reads the document, once for all fake Cal.coms of a run."""
    return CalcomDocument(load_patched_document())


def _is_v1(target: str) -> bool:
    return target.startswith("/v1/")
