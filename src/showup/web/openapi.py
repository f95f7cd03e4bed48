"""The OpenAPI document, and `/docs`: the same document as an HTML page without scripts or external resources."""

import json
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts

from showup.web.api.schemas import ProblemDetails
from showup.web.http.cached_document import CachedDocument
from showup.web.http.problems import PROBLEMS
from showup.web.page import render_page

TITLE = "Showup"
DESCRIPTION = (
    "Bookings, deals, people and companies, the inbox events behind them, and commands that change them."
    " Showup executes a repeated request with the same `Idempotency-Key` once. Lists return"
    ' `{"items": […], "next_cursor": …}`; to get the next page, send `next_cursor` as `cursor`. Times are'
    " RFC 3339 in UTC, ids are UUIDs, and problems are `application/problem+json`."
    " A search in `q` has at most 8 words of at most 60 letters. At most 3 reads of a key, 4 of a workspace and 5 of all"
    " run at a time in one process; others wait, and get 429 with `Retry-After` after 3 s."
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


def add_documents(app: FastAPI) -> None:
    """Add `/openapi.json` and `/docs` to `app`; they need no key, so each is built once and then served as bytes."""
    document = CachedDocument(lambda: JSONResponse(build_openapi(app)))
    page = CachedDocument(lambda: render_page(f"{TITLE} API", _render_content(build_openapi(app))))
    for path, cached in (("/openapi.json", document), ("/docs", page)):
        app.add_route(path, cached.respond)


def _render_content(document: dict[str, Any]) -> str:
    operations = [
        _render_operation(method, path, operation, document["components"]["schemas"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return (
        f"<h1>{TITLE} API</h1><p>{_render_text(DESCRIPTION)}</p>"
        "<p>Send an API key as <code>Authorization: Bearer KEY</code>. "
        "To create a key, run <code>showup keys create NAME --scope read</code>. "
        'The machine-readable document is <a href="openapi.json">openapi.json</a>.</p>'
        f"<h2>Paths</h2>{''.join(operations)}<h2>Problems</h2>{_render_problems()}"
    )


def _render_operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    scopes = [
        scope for requirement in operation.get("security", []) for names in requirement.values() for scope in names
    ]
    access = f"Scope <code>{escape(scopes[0])}</code>." if scopes else "No key required."
    return (
        f"<details><summary><b>{escape(method.upper())}</b> <code>{escape(path)}</code></summary><div>"
        f"<p>{_render_text(operation['description'])} {access}</p>"
        f"{_render_parameters(operation.get('parameters', []))}{_render_body(operation, schemas)}"
        f"{_render_example(operation['responses'])}</div></details>"
    )


def _render_parameters(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return ""
    rows = (
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(parameter['in'])}</td>"
        f"<td>{_render_choices(parameter['schema'])}{_render_text(parameter.get('description', ''))}</td></tr>"
        for parameter in parameters
    )
    return f"<h3>Parameters</h3><table>{''.join(rows)}</table>"


def _render_body(operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    if "requestBody" not in operation:
        return ""
    (content,) = operation["requestBody"]["content"].values()
    schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
    example = json.dumps(schema["examples"][0], indent=2, ensure_ascii=False)
    return f"<h3>Body</h3><p>{_render_text(schema['description'])}</p><pre tabindex=0>{escape(example)}</pre>"


def _render_choices(schema: dict[str, Any]) -> str:
    kinds = [schema, *schema.get("anyOf", [])]
    values = [value for kind in kinds for value in kind.get("enum", [])]
    return "".join(f"<code>{escape(str(value))}</code> " for value in values)


def _render_example(responses: dict[str, Any]) -> str:
    for content in responses.get("200", responses.get("201", {})).get("content", {}).values():
        example = content["example"]
        text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
        return f"<h3>Response</h3><pre tabindex=0>{escape(text)}</pre>"
    return ""


def _render_problems() -> str:
    rows = (
        f"<tr><td>{problem.status}</td><td><code>urn:showup:problem:{kind}</code></td>"
        f"<td>{escape(problem.title)}. {_render_text(problem.detail)}</td></tr>"
        for kind, problem in PROBLEMS.items()
    )
    return f"<table>{''.join(rows)}</table>"


def _render_text(text: str) -> str:
    """Return plain text as escaped HTML, with `backticks` as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
