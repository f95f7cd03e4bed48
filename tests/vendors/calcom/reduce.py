"""Reduces Cal.com's OpenAPI document to the calls that we make: `python -m tests.vendors.calcom.reduce DOCUMENT`."""

import json
import sys
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).with_name("openapi.json")
# The document names no server, and its validator requires one.
SERVER_URL = "https://api.cal.com"
CALLS = {
    "/v2/me": ("get",),
    "/v2/event-types": ("get",),
    "/v2/slots": ("get",),
    "/v2/bookings": ("get",),
    "/v2/bookings/{bookingUid}": ("get",),
    "/v2/bookings/{bookingUid}/mark-absent": ("post",),
    "/v2/webhooks": ("get", "post"),
    "/v2/webhooks/{webhookId}": ("get", "patch", "delete"),
    "/v2/event-types/{eventTypeId}/webhooks": ("get", "post"),
    "/v2/event-types/{eventTypeId}/webhooks/{webhookId}": ("get", "patch", "delete"),
    "/v2/teams/{teamId}/event-types/{eventTypeId}/webhooks": ("get", "post"),
    "/v2/teams/{teamId}/event-types/{eventTypeId}/webhooks/{webhookId}": ("get", "patch", "delete"),
    "/v2/organizations/{orgId}/webhooks": ("get", "post"),
    "/v2/organizations/{orgId}/webhooks/{webhookId}": ("get", "patch", "delete"),
}


def reduce_document(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the document with `CALLS` alone, and the schemas that these need."""
    paths = {path: {method: document["paths"][path][method] for method in methods} for path, methods in CALLS.items()}
    schemas = document["components"]["schemas"]
    needed: set[str] = set()
    collect_schemas(paths, schemas, needed)
    return {
        "openapi": document["openapi"],
        "info": document["info"],
        "servers": [{"url": SERVER_URL}],
        "paths": paths,
        "components": {"schemas": {name: schemas[name] for name in sorted(needed)}},
    }


def collect_schemas(node: Any, schemas: dict[str, Any], needed: set[str]) -> None:
    """Returns the names of all schemas that `node` refers to."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if not isinstance(node, dict):
        return
    name = str(node.get("$ref", "")).rpartition("/")[2]
    if name and name not in needed:
        needed.add(name)
        collect_schemas(schemas[name], schemas, needed)
    for child in node.values():
        collect_schemas(child, schemas, needed)


if __name__ == "__main__":
    OUTPUT.write_text(
        json.dumps(reduce_document(json.loads(Path(sys.argv[1]).read_text())), ensure_ascii=False, indent=1) + "\n"
    )
