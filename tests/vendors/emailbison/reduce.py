"""Reduces EmailBison's OpenAPI document to our calls: `python -m tests.vendors.emailbison.reduce DOCUMENT`.

What it changes is in tests/destinations/openapi/README.md, with the reasons.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.vendors.openapi import DOCUMENTS

OUTPUT = DOCUMENTS / "emailbison.json"
CALLS = {
    "/api/users": ("get",),
    "/api/workspaces/v1.1": ("get",),
    "/api/campaigns": ("get",),
    "/api/campaigns/{campaign_id}/leads/stop-future-emails": ("post",),
    "/api/campaign-events/stats": ("get",),
    "/api/leads": ("get",),
    "/api/leads/{lead_id}": ("get", "patch"),
    "/api/leads/{lead_id}/replies": ("get",),
    "/api/leads/{lead_id}/sent-emails": ("get",),
    "/api/sender-emails/{senderEmailId}": ("get",),
    "/api/replies": ("get",),
    "/api/custom-variables": ("get", "post"),
    "/api/webhook-url": ("get", "post"),
    "/api/webhook-url/{id}": ("put",),
    "/api/webhook-url/{webhook_url_id}": ("delete",),
}
LISTS = {
    "/api/campaigns": ("page",),
    "/api/leads": ("page", "pagination_type", "cursor"),
    "/api/leads/{lead_id}/replies": ("page",),
    "/api/leads/{lead_id}/sent-emails": ("page",),
    "/api/replies": ("pagination_type", "cursor"),
    "/api/custom-variables": ("page",),
    "/api/webhook-url": ("page",),
}


def reduce_document(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the document with `CALLS` alone, corrected."""
    paths = {}
    for path, methods in CALLS.items():
        template = document["paths"][path]
        kept = {"parameters": [_own(one) for one in template.get("parameters", []) if f"{{{one['name']}}}" in path]}
        for method in methods:
            operation = template[method]
            kept[method] = {
                "summary": operation["summary"],
                "parameters": [_own(one) for one in operation.get("parameters", [])] + _paging(path, method),
                **({"requestBody": _body(operation["requestBody"])} if "requestBody" in operation else {}),
                "responses": {status: _response(one) for status, one in operation["responses"].items()},
            }
        paths[path] = kept
    return {
        "openapi": document["openapi"],
        "info": document["info"],
        "servers": [{"url": document["servers"][0]["url"]}],
        "security": document["security"],
        "paths": paths,
        "components": document["components"],
    }


def _paging(path: str, method: str) -> list[dict[str, Any]]:
    names = LISTS.get(path, ()) if method == "get" else ()
    kinds = {"page": "integer"}
    return [{"name": one, "in": "query", "schema": {"type": kinds.get(one, "string")}} for one in names]


def _own(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in parameter["schema"].items() if key in ("type", "items")}
    return {"name": parameter["name"], "in": parameter["in"], "required": parameter["required"], "schema": schema}


def _body(body: dict[str, Any]) -> dict[str, Any]:
    schema = _schema(body["content"]["application/json"]["schema"], answered=False)
    return {"required": body["required"], "content": {"application/json": {"schema": schema}}}


def _response(response: dict[str, Any]) -> dict[str, Any]:
    """Returns the response; without a schema where the document has an example written as text."""
    content = response.get("content", {}).get("application/json")
    described = {"description": response["description"] or "success"}
    if content is None:
        return described | {"content": {"application/json": {"schema": {"type": "object", "required": ["data"]}}}}
    return described | {"content": {"application/json": {"schema": _schema(content["schema"], answered=True)}}}


def _schema(schema: dict[str, Any], *, answered: bool) -> dict[str, Any]:
    """Returns a schema without examples; each property of a response may be null."""
    if answered and "example" in schema and schema["example"] is None:
        # The generator calls text whatever it has only seen as null.
        return {"nullable": True}
    kept: dict[str, Any] = {key: schema[key] for key in ("required", "enum") if key in schema}
    # `required` stands where a type should be, and the events of a webhook are objects where their examples are text.
    kind = {"required": "string"}.get(schema["type"], schema["type"])
    kept["type"] = kind
    if schema.get("nullable") or answered:
        kept["nullable"] = True
    if "properties" in schema and "email_sent" in schema["properties"]:
        return {"type": "string", "enum": sorted(schema["properties"])}
    if "properties" in schema:
        kept["properties"] = {name: _schema(one, answered=answered) for name, one in schema["properties"].items()}
    if kind == "array":
        items = schema.get("items", {})
        # A day of a statistic is a list of two, a date and a number.
        kept["items"] = {} if "type" not in items or items == {"type": "array"} else _schema(items, answered=answered)
    return kept


if __name__ == "__main__":
    reduced = reduce_document(json.loads(Path(sys.argv[1]).read_text()))
    OUTPUT.write_text(json.dumps(reduced, ensure_ascii=False, indent=1) + "\n")
