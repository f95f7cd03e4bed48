"""Everything that can go wrong for a caller, in one table, answered as problem+json (RFC 9457)."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from showup.database.fault import MAY_MEAN_AWAY, cause, is_away
from showup.reads.rows import Found
from showup.web.explaining import explained

MEDIA_TYPE: Final = "application/problem+json"
BUSY: Final = {"Retry-After": "2"}


class Problem(NamedTuple):
    """`status` is HTTP's; `title` says what is the matter, `detail` what to do, in general."""

    status: int
    title: str
    detail: str


PROBLEMS: dict[str, Problem] = {
    "broken-cursor": Problem(
        400,
        "The cursor can't be read",
        "Take `next_cursor` from the page before, unchanged and with the same `sort`, or leave `cursor` out.",
    ),
    "unauthorized": Problem(
        401,
        "A valid API key is needed",
        "Send `Authorization: Bearer KEY`. `showup keys create NAME --scope read` makes a key.",
    ),
    "forbidden": Problem(403, "The key's scope doesn't reach", "Use a key with a wider scope."),
    "not-found": Problem(404, "There is no such thing", "Check the id, and that the key is for its workspace."),
    "no-such-path": Problem(404, "There is no such path", "See /docs for the paths there are."),
    "no-such-method": Problem(405, "The path doesn't take this method", "The Allow header names those it takes."),
    "bad-signature": Problem(401, "Invalid signature", "The signature is not this account's over exactly this body."),
    "unknown-account": Problem(404, "There is no such Cal.com account", "`showup accounts add NAME` makes one."),
    "post-only": Problem(405, "Webhooks are sent with POST", "Enter this address as the webhook's URL at Cal.com."),
    "no-body": Problem(400, "The webhook has no body", "Send what is to be kept."),
    "not-understood": Problem(400, "The payload can't be understood", "It is kept, and can be run again after a fix."),
    "no-attendees": Problem(400, "The payload names no attendee", "It is kept and applied all the same."),
    "too-slow": Problem(408, "The request did not come in time", "A request has 10 s to come; send it again."),
    "too-large": Problem(413, "The webhook is too large", "It was not kept: a webhook has at most 1 MiB."),
    "no-secret": Problem(
        503,
        "The Cal.com account has no webhook secret",
        "Set CALCOM_WEBHOOK_SECRET, or run `showup accounts add` or `showup accounts rotate-secret`, and give the same "
        "secret to the webhook at Cal.com.",
    ),
    "no-mail-secret": Problem(
        503,
        "There is no webhook secret for Resend",
        "Set RESEND_WEBHOOK_SECRET, or `webhook_secret` among the connection's credentials, to the signing secret that "
        "Resend shows for the webhook: it begins with whsec_.",
    ),
    "no-slack-secret": Problem(
        503,
        "There is no signing secret for Slack",
        "Set SLACK_SIGNING_SECRET, or `signing_secret` among the connection's credentials, to what Slack shows for the "
        "app under Basic Information.",
    ),
    "not-kept": Problem(503, "The webhook could not be kept in time", "Send it again: the database is busy or away."),
    "body-too-large": Problem(413, "The body is too large", "No command needs more than 256 KiB."),
    "refused-by-rules": Problem(
        409, "The rules of the pipeline refuse it", "See `detail` for why; the log keeps what was refused."
    ),
    "exists-already": Problem(409, "It exists already", "`detail` names its id: correct it there."),
    "key-of-another-request": Problem(
        422,
        "The Idempotency-Key was given to another request",
        "Take a new key for a new request; a repeated one must be the same in method, path, query and body.",
    ),
    "busy": Problem(503, "Others are changing the same things", "Try again in a few seconds."),
    "conflict": Problem(409, "It can't be done in this state", "Read it again, then decide."),
    "invalid": Problem(422, "The request can't be understood", "See `errors`: each one names a field."),
    "refused": Problem(400, "The request was refused", "Check the request."),
    "fault": Problem(500, "Showup made a mistake", "The log of the server has the details; try again later."),
    "database-away": Problem(503, "The database is away", "Try again in a few seconds: it usually comes back."),
}
_BY_STATUS = {404: "no-such-path", 405: "no-such-method", 413: "body-too-large"}


class Refusal(Exception):
    """Raised by a route to answer with one of PROBLEMS, by its name there; `errors` are `{field, in, detail}`."""

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
        """The HTTP status of the answer."""
        return PROBLEMS[self.kind].status

    def response(self) -> JSONResponse:
        """The answer."""
        return problem(self.kind, self.detail, headers=self.headers, errors=self.errors)


def refused_field(field: str, within: str, detail: str) -> Refusal:
    """A refusal of one field, which stands `within` query, path or body, as if it could not be understood."""
    return Refusal("invalid", errors=[{"field": field, "in": within, "detail": detail}])


def found_or_refused(found: Found | None, noun: str) -> Found:
    """What was found. Refuses with 404 when it was not, whether or not another workspace has it."""
    if found is None:
        raise Refusal("not-found", f"There is no {noun} with this id that the key may see.")
    return found


def register(app: FastAPI) -> None:
    """Make `app` answer every refusal, fault and outage with a problem."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_framework)
    for away in MAY_MEAN_AWAY:
        app.add_exception_handler(away, _of_database)
    app.add_exception_handler(Exception, _fault)


def problem(
    kind: str,
    detail: str | None = None,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> JSONResponse:
    """The answer for one of PROBLEMS; `errors` are `{field, in, detail}`."""
    content: dict[str, Any] = body(kind, detail)
    if status is not None:
        content["status"] = status
    if errors:
        content["errors"] = errors
    return JSONResponse(content, content["status"], headers, media_type=MEDIA_TYPE)


def body(kind: str, detail: str | None = None) -> dict[str, Any]:
    """`{type, title, status, detail}` of one of PROBLEMS."""
    known = PROBLEMS[kind]
    return {
        "type": f"urn:showup:problem:{kind}",
        "title": known.title,
        "status": known.status,
        "detail": detail or known.detail,
    }


def documented(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses of a route that may answer with these of PROBLEMS."""
    return {
        PROBLEMS[kind].status: {
            "description": PROBLEMS[kind].title,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": body(kind)}},
        }
        for kind in kinds
    }


async def _refused(_request: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Refusal)
    return refusal.response()


async def _of_framework(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code)
    if kind is not None:
        return problem(kind, headers=error.headers)
    return problem("refused", str(error.detail), status=error.status_code, headers=error.headers)


async def _of_database(_request: Request, error: Exception) -> JSONResponse:
    if not is_away(error):
        # A bug in our SQL: it belongs into the log, with its traceback.
        raise error
    waited = isinstance(cause(error), asyncpg.LockNotAvailableError)
    return problem("busy" if waited else "database-away", headers=BUSY)


async def _fault(_request: Request, _error: Exception) -> JSONResponse:
    return problem("fault")


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem("invalid", errors=explained(error.errors(), request.scope.get("route")))
