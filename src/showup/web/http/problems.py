"""All problem types of the API in one table, returned as problem+json (RFC 9457)."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from showup.database.fault import POSSIBLE_OUTAGES, driver_error_of, is_outage
from showup.reads.rows import Item
from showup.web.http.body_limits import MAX_BODY_BYTES, MAX_WEBHOOK_BYTES, describe_size
from showup.web.http.connection_limits import DEFAULT_LIMITS
from showup.web.http.validation_errors import describe_errors

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SOON: Final = {"Retry-After": "2"}


class ProblemType(NamedTuple):
    """A problem type: HTTP `status`, `title` (what happened) and `detail` (what to do in general)."""

    status: int
    title: str
    detail: str


PROBLEMS: dict[str, ProblemType] = {
    "broken-cursor": ProblemType(
        400,
        "Invalid cursor",
        "Send the `next_cursor` of the previous page unchanged, with the same `sort`; or omit `cursor` to get the "
        "first page.",
    ),
    "unauthorized": ProblemType(
        401,
        "Missing or invalid API key",
        "Send the header `Authorization: Bearer KEY`. To create a key, run `showup keys create NAME --scope read`.",
    ),
    "too-many-wrong-keys": ProblemType(
        429,
        "Too many wrong API keys from this address",
        "Wait for the seconds in Retry-After, then send a key that `showup keys list` shows as active.",
    ),
    "forbidden": ProblemType(403, "The key's permission is insufficient", "Use a key with a wider scope."),
    "not-found": ProblemType(404, "Not found", "Check the id. A key for one workspace can see only that workspace."),
    "no-such-path": ProblemType(404, "Unknown path", "See /docs for all paths."),
    "no-such-method": ProblemType(405, "Method not allowed", "The Allow header names the allowed methods."),
    "bad-signature": ProblemType(
        401,
        "Invalid signature",
        "The signature does not match the body, or no account or connection has the name in the path. Compare the path "
        "with `showup accounts list` or `showup connections list`. Check that no proxy changes the body. To give both "
        "sides the same secret, run `showup accounts rotate-secret` or `showup connections set`, and enter the new "
        "secret at the sender. docs/WEBHOOKS_BY_HAND.md shows how to compute a signature.",
    ),
    "no-signature": ProblemType(
        401,
        "Missing signature",
        "Webhooks must be signed: Cal.com's in the header X-Cal-Signature-256, Resend's in svix-signature, Slack's in "
        "X-Slack-Signature. Enter a secret for the webhook at the sender, and check that no proxy removes the header. "
        "docs/WEBHOOKS_BY_HAND.md shows how to sign a webhook with openssl.",
    ),
    "post-only": ProblemType(
        405, "Webhooks require the method POST", "Enter this address as the webhook's URL in Cal.com."
    ),
    "no-body": ProblemType(400, "The webhook has no body", "Send the event as the request body."),
    "not-understood": ProblemType(
        400, "The payload is unreadable", "Showup stored the event. It can be replayed after a fix."
    ),
    "no-attendees": ProblemType(400, "The payload names no attendee", "Showup stored the event and will process it."),
    "malformed": ProblemType(
        400,
        "The request is not valid HTTP",
        "Send HTTP/1.1 as RFC 9112 defines it, on a new connection.",
    ),
    "too-slow": ProblemType(
        408,
        "The request took too long",
        f"The complete request must arrive within {DEFAULT_LIMITS.receive_seconds:.0f} s. Send it again.",
    ),
    "url-too-long": ProblemType(
        414, "The URL is too long", f"The maximum size is {describe_size(DEFAULT_LIMITS.url_bytes)}."
    ),
    "head-too-large": ProblemType(
        431,
        "The request's headers are too large",
        f"The maximum size of the request line and all headers is {describe_size(DEFAULT_LIMITS.head_bytes)}.",
    ),
    "overloaded": ProblemType(
        503, "Showup receives too many requests at once", "The request was not processed. Send it again."
    ),
    "too-large": ProblemType(
        413,
        "The webhook is too large",
        f"Showup did not store it. The maximum size is {describe_size(MAX_WEBHOOK_BYTES)}.",
    ),
    "no-secret": ProblemType(
        503,
        "The Cal.com account has no webhook secret",
        "Set CALCOM_WEBHOOK_SECRET, or run `showup accounts add` or `showup accounts rotate-secret`. Then enter the "
        "same secret for the webhook in Cal.com.",
    ),
    "no-mail-secret": ProblemType(
        503,
        "The signing secret of Resend is not set",
        "Set RESEND_WEBHOOK_SECRET, or the credential `webhook_secret` of the connection, to the signing secret that "
        "Resend shows for the webhook. It begins with whsec_.",
    ),
    "no-slack-secret": ProblemType(
        503,
        "The signing secret of Slack is not set",
        "Set SLACK_SIGNING_SECRET, or the credential `signing_secret` of the connection, to the signing secret that "
        "Slack shows for the app under Basic Information.",
    ),
    "no-model": ProblemType(
        409,
        "The chat has no language model",
        "Set ANTHROPIC_API_KEY to a key of Anthropic's API, and restart Showup. MCP works without it.",
    ),
    "not-stored": ProblemType(
        503, "The webhook could not be stored in time", "The database is busy or unreachable. Send the webhook again."
    ),
    "wrong-content-type": ProblemType(
        415,
        "The request body has the wrong content type",
        "Send JSON, with the header `Content-Type: application/json`.",
    ),
    "body-too-large": ProblemType(
        413, "The request body is too large", f"The maximum size is {describe_size(MAX_BODY_BYTES)}."
    ),
    "refused-by-rules": ProblemType(
        409,
        "The pipeline's rules refused the command",
        "`detail` gives the reason. The log records refused commands too.",
    ),
    "quota-reached": ProblemType(
        409, "The workspace has reached a limit", "`detail` names the limit. Delete something that is no longer needed."
    ),
    "exists-already": ProblemType(409, "It already exists", "`detail` contains its id. Update it instead."),
    "key-of-another-request": ProblemType(
        422,
        "The Idempotency-Key was used for a different request",
        "Use a new key for each new request. A repeated request must have the same method, path, query and body.",
    ),
    "busy": ProblemType(503, "Other requests are changing the same data", "Try again in a few seconds."),
    "conflict": ProblemType(
        409, "The current state does not allow this request", "Get the current state, then send another request."
    ),
    "invalid": ProblemType(
        422, "The request is invalid", "Each entry of `errors` names a field and how to correct it."
    ),
    "refused": ProblemType(400, "The request was refused", "Check the request."),
    "too-many-tests": ProblemType(
        429,
        "The workspace's connections were tested a moment ago",
        "Wait for the seconds in Retry-After, then test again: each test calls another system.",
    ),
    "too-many-reads": ProblemType(
        429,
        "Too many reads at the same time",
        "Other requests of this key or workspace are still running. Send fewer at a time, and try again after the time "
        "in Retry-After.",
    ),
    "read-too-slow": ProblemType(
        503,
        "The query took too long",
        "Showup stopped it. Ask for less: fewer or longer words in `q`, a shorter period, more filters or a smaller "
        "`limit`.",
    ),
    "fault": ProblemType(500, "Internal error", "The server's log has the details. Try again later."),
    "database-away": ProblemType(503, "The database is unreachable", "Try again in a few seconds."),
}
_BY_STATUS = {404: "no-such-path", 413: "body-too-large"}


class Refusal(Exception):
    """Raised by a route to answer with a problem type from PROBLEMS; `errors` are `{field, in, detail}`."""

    def __init__(
        self,
        kind: str,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail
        self.headers = headers
        self.errors = errors

    @property
    def status(self) -> int:
        """Return the HTTP status of the response."""
        return PROBLEMS[self.kind].status

    def response(self) -> JSONResponse:
        """Return the response."""
        return problem_response(self.kind, self.detail, headers=self.headers, errors=self.errors)


def invalid_field(field: str, location: str, detail: str) -> Refusal:
    """Return a refusal of one invalid field, which is in `location`: query, path or body."""
    return Refusal("invalid", errors=[{"field": field, "in": location, "detail": detail}])


def found_or_404(item: Item | None, noun: str) -> Item:
    """Return `item`. Refuses with 404 if it is None, whether or not another workspace has it."""
    if item is None:
        raise Refusal("not-found", f"The key can see no {noun} with this id.")
    return item


def register_handlers(app: FastAPI) -> None:
    """Register handlers that turn every refusal, exception and outage into a problem response."""
    app.add_exception_handler(Refusal, _handle_refusal)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_http_error)
    for error_type in POSSIBLE_OUTAGES:
        app.add_exception_handler(error_type, _handle_database_error)
    app.add_exception_handler(Exception, _handle_fault)


def problem_response(
    kind: str,
    detail: str | None = None,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> JSONResponse:
    """Return the response for a problem type from PROBLEMS; `errors` are `{field, in, detail}`."""
    content: dict[str, Any] = problem_body(kind, detail)
    if status is not None:
        content["status"] = status
    if errors:
        content["errors"] = errors
    return JSONResponse(content, content["status"], headers, media_type=MEDIA_TYPE)


def problem_body(kind: str, detail: str | None = None) -> dict[str, Any]:
    """Return `{type, title, status, detail}` of a problem type from PROBLEMS."""
    problem_type = PROBLEMS[kind]
    return {
        "type": f"urn:showup:problem:{kind}",
        "title": problem_type.title,
        "status": problem_type.status,
        "detail": detail or problem_type.detail,
    }


def quota_reached(limit: ValueError) -> Refusal:
    """Return the refusal of one more object than a workspace may have; the text names the limit."""
    text = str(limit)
    return Refusal("quota-reached", f"{text[0].upper()}{text[1:]}.")


def problem_examples(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of a route that may answer with these problem types."""
    return {
        PROBLEMS[kind].status: {
            "description": PROBLEMS[kind].title,
            "content": {
                MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": problem_body(kind)}
            },
        }
        for kind in kinds
    }


async def _handle_refusal(_request: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Refusal)
    return refusal.response()


async def _handle_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return _method_not_allowed(request)
    kind = _BY_STATUS.get(error.status_code)
    if kind is not None:
        return problem_response(kind, headers=error.headers)
    return problem_response("refused", str(error.detail), status=error.status_code, headers=error.headers)


def _method_not_allowed(request: Request) -> JSONResponse:
    """Return 405 with the methods of all routes of the path: each route knows only its own."""
    allowed: set[str] = set()
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    for route in iter_route_contexts(request.app.routes):
        if compile_path(route.path or "")[0].match(path):
            allowed |= set(route.methods or ())
    if "GET" in allowed:
        allowed.add("HEAD")
    names = sorted(allowed)
    words = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    detail = f"This path allows {words}, and you sent {request.method}."
    return problem_response("no-such-method", detail, headers={"Allow": ", ".join(names)})


async def _handle_database_error(_request: Request, error: Exception) -> JSONResponse:
    if not is_outage(error):
        # A bug in our SQL: log it with its traceback.
        raise error
    match driver_error_of(error):
        case asyncpg.LockNotAvailableError():
            return problem_response("busy", headers=RETRY_SOON)
        case asyncpg.QueryCanceledError():
            return problem_response("read-too-slow")
        case _:
            return problem_response("database-away", headers=RETRY_SOON)


async def _handle_fault(_request: Request, _error: Exception) -> JSONResponse:
    return problem_response("fault")


async def _handle_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response("invalid", errors=describe_errors(error.errors(), request.scope.get("route"), error.body))
