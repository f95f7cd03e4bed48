"""The OpenAPI document, and `/docs`: the same document as a page that needs no script and no other server."""

import json
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from fastapi.routing import iter_route_contexts

from showup.web.api.shapes import Problem
from showup.web.page import page
from showup.web.problems import PROBLEMS

TITLE = "Showup"
DESCRIPTION = (
    "What stands: bookings, deals, people and companies, the raw events they came from, and what people do with them."
    " A change that comes again with the same `Idempotency-Key` is done once. Lists answer"
    ' `{"items": […], "next_cursor": …}`; `next_cursor` goes back as `cursor` for the next page. Times are'
    " RFC 3339 in UTC, ids are UUIDs, problems are `application/problem+json`."
)

router = APIRouter(include_in_schema=False)


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=TITLE, version=app.version, description=DESCRIPTION, routes=app.routes)
        shape = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas |= shape.pop("$defs") | {"Problem": shape}
        _give_back_nulls(made, app)
        app.openapi_schema = made
    return app.openapi_schema


def _give_back_nulls(document: dict[str, Any], app: FastAPI) -> None:
    """Put the examples in once more: FastAPI leaves out whatever is None, where we mean null."""
    for route in iter_route_contexts(app.routes):
        for method in (route.methods or ()) if route.path in document["paths"] else ():
            answers = document["paths"][route.path][method.lower()]["responses"]
            for status, answer in route.responses.items():
                for media_type, content in answer.get("content", {}).items():
                    answers[str(status)]["content"][media_type]["example"] = content["example"]


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """Draw the documentation."""
    return page(f"{TITLE} API", _content(describe(request.app)))


def _content(document: dict[str, Any]) -> str:
    operations = [
        _operation(method, path, operation, document["components"]["schemas"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return (
        f"<h1>{TITLE} API</h1><p>{_marked(DESCRIPTION)}</p>"
        "<p>Send a key as <code>Authorization: Bearer KEY</code>; "
        "<code>showup keys create NAME --scope read</code> makes one. "
        'The machine-readable document is <a href="openapi.json">openapi.json</a>.</p>'
        f"<h2>Paths</h2>{''.join(operations)}<h2>Problems</h2>{_problems()}"
    )


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    scopes = [scope for needed in operation.get("security", []) for names in needed.values() for scope in names]
    needs = f"Scope <code>{escape(scopes[0])}</code>." if scopes else "Open to all."
    return (
        f"<details><summary><b>{escape(method.upper())}</b> <code>{escape(path)}</code></summary><div>"
        f"<p>{_marked(operation['description'])} {needs}</p>"
        f"{_parameters(operation.get('parameters', []))}{_body(operation, schemas)}"
        f"{_example(operation['responses'])}</div></details>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return ""
    rows = (
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(each['in'])}</td>"
        f"<td>{_choices(each['schema'])}{_marked(each.get('description', ''))}</td></tr>"
        for each in parameters
    )
    return f"<h3>Parameters</h3><table>{''.join(rows)}</table>"


def _body(operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    if "requestBody" not in operation:
        return ""
    (content,) = operation["requestBody"]["content"].values()
    schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
    example = json.dumps(schema["examples"][0], indent=2, ensure_ascii=False)
    return f"<h3>Body</h3><p>{_marked(schema['description'])}</p><pre tabindex=0>{escape(example)}</pre>"


def _choices(schema: dict[str, Any]) -> str:
    kinds = [schema, *schema.get("anyOf", [])]
    values = [value for kind in kinds for value in kind.get("enum", [])]
    return "".join(f"<code>{escape(str(value))}</code> " for value in values)


def _example(responses: dict[str, Any]) -> str:
    for content in responses.get("200", responses.get("201", {})).get("content", {}).values():
        example = content["example"]
        text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
        return f"<h3>Answer</h3><pre tabindex=0>{escape(text)}</pre>"
    return ""


def _problems() -> str:
    rows = (
        f"<tr><td>{problem.status}</td><td><code>urn:showup:problem:{kind}</code></td>"
        f"<td>{escape(problem.title)}. {_marked(problem.detail)}</td></tr>"
        for kind, problem in PROBLEMS.items()
    )
    return f"<table>{''.join(rows)}</table>"


def _marked(text: str) -> str:
    """Plain text, escaped, in which `backticks` become code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
