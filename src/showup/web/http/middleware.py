"""Middleware for all responses: it adds headers and turns an unexpected exception into a 500 response."""

import re
import traceback
from collections.abc import Sequence

import structlog
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from showup import traces
from showup.database.fault import describe_error
from showup.web.http.headers import SecurityHeadersMiddleware
from showup.web.http.problems import problem_response

# Ids are shorter: a part of a path that is as long is a token, and opens something.
_TOKEN = re.compile(r"[^/]{60,}")
_log = structlog.get_logger()


def with_middleware(app: ASGIApp, *, cors_origins: Sequence[str]) -> ASGIApp:
    """Wrap `app` in the middleware. Only pages of `cors_origins` may call it from a browser."""
    stack: ASGIApp = SecurityHeadersMiddleware(FaultMiddleware(HeadMiddleware(app)))
    if traces.is_on():
        stack = TraceMiddleware(stack)
    if not cors_origins:
        return stack
    return CORSMiddleware(
        stack,
        allow_origins=list(cors_origins),
        allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
        expose_headers=["Idempotency-Replayed", "Retry-After"],
    )


class HeadMiddleware:
    """ASGI middleware that answers HEAD wherever GET is answered, with the same head and no body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, HEAD as GET."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET"}, receive, send_without_body)


class FaultMiddleware:
    """ASGI middleware that answers 500 after an unexpected exception and logs its location, without personal data."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on. An exception after the response has started leaves the response as it is."""
        has_started = False

        async def send_tracked(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, send_tracked)
        except Exception as fault:
            if scope["type"] != "http":
                raise
            log_fault(scope, fault)
            if not has_started:
                await problem_response("fault")(scope, receive, send)


class TraceMiddleware:
    """ASGI middleware that makes a span of each request, named by its method and the first part of its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_annotated(message: Message) -> None:
            if message["type"] == "http.response.start":
                traces.annotate(status=message["status"])
            await send(message)

        path = _TOKEN.sub("…", scope["path"])
        with traces.span(f"{scope['method']} /{path.split('/')[1]}", method=scope["method"], path=path):
            await self._app(scope, receive, send_annotated)


def log_fault(scope: Scope, fault: Exception) -> None:
    """Log where the request failed; of `scope`, only the method and path."""
    # The error messages are omitted: the database's messages repeat rejected values.
    traceback_text = "".join(traceback.format_tb(fault.__traceback__))
    _log.error(
        "request failed",
        fault=describe_error(fault),
        method=scope["method"],
        path=_TOKEN.sub("…", scope["path"]),
        where=traceback_text,
    )
