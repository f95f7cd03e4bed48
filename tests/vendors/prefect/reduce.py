"""Reduces the OpenAPI document of a Prefect server to our calls: `python -m tests.vendors.prefect.reduce DOCUMENT`.

A server prints its document at `/openapi.json`. What this changes is in tests/destinations/openapi/README.md.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.vendors.openapi import DOCUMENTS

OUTPUT = DOCUMENTS / "prefect.json"
CALLS = {
    "/deployments/name/{flow_name}/{deployment_name}": "get",
    "/deployments/{id}/create_flow_run": "post",
    "/flow_runs/filter": "post",
    "/flow_runs/{id}": "patch",
    "/flow_runs/{id}/set_state": "post",
}
# A flow run is filtered by its tags alone, and the rest of the filters is most of the document.
_UNUSED: Final = {
    "Body_read_flow_runs_flow_runs_filter_post": {"flows", "task_runs", "deployments", "work_pools", "work_pool_queues"}
}
# A deployment's own schedules, with their lists of time zones.
_OPAQUE: Final = {"DeploymentSchedule"}
_REFERENCE: Final = "#/components/schemas/"


def reduce_document(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the document with `CALLS` alone."""
    paths = {path: {method: _operation(document["paths"][path][method])} for path, method in CALLS.items()}
    schemas = {name: _schema(name, one) for name, one in document["components"]["schemas"].items()}
    kept: dict[str, Any] = {}
    waiting = list(_references(paths))
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = schemas[name]
            waiting += _references(schemas[name])
    return {
        "openapi": document["openapi"],
        "info": {"title": document["info"]["title"], "version": document["info"]["version"]},
        "servers": [{"url": "http://127.0.0.1:4200/api"}],
        "paths": paths,
        "components": {"schemas": dict(sorted(kept.items()))},
    }


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    responses = {status: one for status, one in operation["responses"].items() if status.startswith("2")}
    if "200" in responses:
        # The server answers 201 where it created something.
        responses["201"] = responses["200"]
    kept = {name: operation[name] for name in ("operationId", "parameters", "requestBody") if name in operation}
    return {**kept, "responses": responses}


def _schema(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if name in _OPAQUE:
        return {"type": "object"}
    dropped = _UNUSED.get(name, set())
    if dropped:
        kept = {one: found for one, found in schema["properties"].items() if one not in dropped}
        schema = {**schema, "properties": kept}
    return _without_notes(schema)


def _without_notes(value: Any) -> Any:
    """Returns the schema without descriptions, titles and examples; a property of such a name stays."""
    if isinstance(value, list):
        return [_without_notes(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for name, one in value.items():
        if name == "properties":
            found[name] = {key: _without_notes(kept) for key, kept in one.items()}
        elif name not in ("description", "title", "examples"):
            found[name] = _without_notes(one)
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix(_REFERENCE)
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


if __name__ == "__main__":
    OUTPUT.write_text(json.dumps(reduce_document(json.loads(Path(sys.argv[1]).read_text())), indent=1) + "\n")
