"""All problem types of the API in one table, returned as problem+json (RFC 9457)."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from showup.database.fault import POSSIBLE_OUTAGES, driver_error_of, is_outage
from showup.reads.rows import Item
from showup.web.validation_errors import describe_errors

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
        "The cursor can't be read",
        "Take `next_cursor` from the page before, unchanged and with the same `sort`, or leave `cursor` out.",
    ),
    "unauthorized": ProblemType(
        401,
        "A valid API key is needed",
        "Send `Authorization: Bearer KEY`. `showup keys create NAME --scope read` makes a key.",
    ),
    "forbidden": ProblemType(403, "The key's scope doesn't reach", "Use a key with a wider scope."),
    "not-found": ProblemType(404, "There is no such thing", "Check the id, and that the key is for its workspace."),
    "no-such-path": ProblemType(404, "There is no such path", "See /docs for the paths there are."),
    "no-such-method": ProblemType(405, "The path doesn't take this method", "The Allow header names those it takes."),
    "bad-signature": ProblemType(
        401, "Invalid signature", "The signature is not this account's over exactly this body."
    ),
    "unknown-account": ProblemType(404, "There is no such Cal.com account", "`showup accounts add NAME` makes one."),
    "post-only": ProblemType(405, "Webhooks are sent with POST", "Enter this address as the webhook's URL at Cal.com."),
    "no-body": ProblemType(400, "The webhook has no body", "Send what is to be kept."),
    "not-understood": ProblemType(
        400, "The payload can't be understood", "It is kept, and can be run again after a fix."
    ),
    "no-attendees": ProblemType(400, "The payload names no attendee", "It is kept and applied all the same."),
    "too-slow": ProblemType(408, "The request did not come in time", "A request has 10 s to come; send it again."),
    "too-large": ProblemType(413, "The webhook is too large", "It was not kept: a webhook has at most 1 MiB."),
    "no-secret": ProblemType(
        503,
        "The Cal.com account has no webhook secret",
        "Set CALCOM_WEBHOOK_SECRET, or run `showup accounts add` or `showup accounts rotate-secret`, and give the same "
        "secret to the webhook at Cal.com.",
    ),
    "no-mail-secret": ProblemType(
        503,
        "There is no webhook secret for Resend",
        "Set RESEND_WEBHOOK_SECRET, or `webhook_secret` among the connection's credentials, to the signing secret that "
        "Resend shows for the webhook: it begins with whsec_.",
    ),
    "no-slack-secret": ProblemType(
        503,
        "There is no signing secret for Slack",
        "Set SLACK_SIGNING_SECRET, or `signing_secret` among the connection's credentials, to what Slack shows for the "
        "app under Basic Information.",
    ),
    "not-stored": ProblemType(
        503, "The webhook could not be kept in time", "Send it again: the database is busy or away."
    ),
    "body-too-large": ProblemType(413, "The body is too large", "No command needs more than 256 KiB."),
    "refused-by-rules": ProblemType(
        409, "The rules of the pipeline refuse it", "See `detail` for why; the log keeps what was refused."
    ),
    "exists-already": ProblemType(409, "It exists already", "`detail` names its id: correct it there."),
    "key-of-another-request": ProblemType(
        422,
        "The Idempotency-Key was given to another request",
        "Take a new key for a new request; a repeated one must be the same in method, path, query and body.",
    ),
    "busy": ProblemType(503, "Others are changing the same things", "Try again in a few seconds."),
    "conflict": ProblemType(409, "It can't be done in this state", "Read it again, then decide."),
    "invalid": ProblemType(422, "The request can't be understood", "See `errors`: each one names a field."),
    "refused": ProblemType(400, "The request was refused", "Check the request."),
    "fault": ProblemType(500, "Showup made a mistake", "The log of the server has the details; try again later."),
    "database-away": ProblemType(503, "The database is away", "Try again in a few seconds: it usually comes back."),
}
_BY_STATUS = {404: "no-such-path", 405: "no-such-method", 413: "body-too-large"}


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
        raise Refusal("not-found", f"There is no {noun} with this id that the key may see.")
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


async def _handle_http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code)
    if kind is not None:
        return problem_response(kind, headers=error.headers)
    return problem_response("refused", str(error.detail), status=error.status_code, headers=error.headers)


async def _handle_database_error(_request: Request, error: Exception) -> JSONResponse:
    if not is_outage(error):
        # A bug in our SQL: log it with its traceback.
        raise error
    is_lock_timeout = isinstance(driver_error_of(error), asyncpg.LockNotAvailableError)
    return problem_response("busy" if is_lock_timeout else "database-away", headers=RETRY_SOON)


async def _handle_fault(_request: Request, _error: Exception) -> JSONResponse:
    return problem_response("fault")


async def _handle_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response("invalid", errors=describe_errors(error.errors(), request.scope.get("route")))
