"""The OpenAPI document, and the names of its operations."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, iter_route_contexts

from showup.web.api.schemas import ProblemDetails
from showup.web.http.api_route import AS_OF, ApiRoute
from showup.web.http.cached_document import CachedDocument

TITLE = "Showup"
DESCRIPTION = (
    "Bookings, deals, people and companies, the inbox events behind them, and commands that change them."
    " Showup executes a repeated request with the same `Idempotency-Key` once. Lists return"
    ' `{"items": […], "next_cursor": …}`; to get the next page, send `next_cursor` as `cursor`.'
    " Every answer ends with `as_of`: it has all changes that were complete then. Times are"
    " RFC 3339 in UTC, ids are UUIDs, and problems are `application/problem+json`."
    " A search in `q` has at most 8 words of at most 60 letters. At most 3 reads of a key, 4 of a workspace and 5 of"
    " all run at a time in one process; others wait, and get 429 with `Retry-After` after 3 s."
    " A key of scope read sees no uid of Cal.com, no link that contains one and no raw body, because they can cancel"
    " meetings."
)


def build_openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of `app`, built once."""
    if app.openapi_schema is None:
        schema_document = get_openapi(title=TITLE, version=app.version, description=DESCRIPTION, routes=app.routes)
        problem_schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = schema_document.setdefault("components", {}).setdefault("schemas", {})
        schemas |= problem_schema.pop("$defs") | {"Problem": problem_schema}
        _restore_nulls(schema_document, app)
        _add_as_of(schema_document, app)
        app.openapi_schema = schema_document
    return app.openapi_schema


def _restore_nulls(document: dict[str, Any], app: FastAPI) -> None:
    """Restore the nulls in the examples: FastAPI omits None values, but here null is meant."""
    for route in iter_route_contexts(app.routes):
        for method in (route.methods or ()) if route.path in document["paths"] else ():
            responses_by_status = document["paths"][route.path][method.lower()]["responses"]
            for status, documented_response in route.responses.items():
                for media_type, content in documented_response.get("content", {}).items():
                    responses_by_status[str(status)]["content"][media_type]["example"] = content["example"]


def _add_as_of(document: dict[str, Any], app: FastAPI) -> None:
    """Add `as_of` to the answers of the API's routes: their models don't have it, since `ApiRoute` adds it."""
    document["components"]["schemas"]["AsOf"] = {
        "type": "object",
        "properties": {
            AS_OF: {
                "type": "string",
                "format": "date-time",
                "description": "The answer has every change that was complete at this time.",
            }
        },
        "required": [AS_OF],
    }
    for route in iter_route_contexts(app.routes):
        if not isinstance(route.original_route, ApiRoute):
            continue
        for method in route.methods or ():
            for status, documented_response in document["paths"][route.path][method.lower()]["responses"].items():
                content = documented_response.get("content", {}).get("application/json")
                if status.startswith("2") and content is not None:
                    content["schema"] = {"allOf": [content["schema"], {"$ref": "#/components/schemas/AsOf"}]}
                    content["example"] = {**content["example"], AS_OF: "2026-03-12T16:00:00Z"}


def add_document(app: FastAPI) -> None:
    """Add `/openapi.json` to `app`; it needs no key, so it is built once and then served as bytes."""
    app.add_route("/openapi.json", CachedDocument(lambda: JSONResponse(build_openapi(app))).respond)


def operation_id(route: APIRoute) -> str:
    """Return the name of a route for generated clients: `updateDeal` for the route `update_deal`."""
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)
