"""What holds for every answer, whichever door gives it: its headers, and that there is one after a fault of ours."""

import traceback
from collections.abc import Sequence

import structlog
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from showup.database.fault import shown
from showup.web.headers import Headers
from showup.web.problems import problem

_log = structlog.get_logger()


def completed(doors: ASGIApp, *, cors_origins: Sequence[str]) -> ASGIApp:
    """The doors, with every answer completed. Only pages of `cors_origins` may call them from a browser."""
    answering = Headers(FaultsAnswered(doors))
    if not cors_origins:
        return answering
    return CORSMiddleware(
        answering,
        allow_origins=list(cors_origins),
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
        expose_headers=["Idempotency-Replayed", "Retry-After"],
    )


class FaultsAnswered:
    """An ASGI layer that answers 500 when what is below it fails, and logs where, without anybody's data."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; a fault after the answer has begun leaves that answer as it is."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as fault:
            if scope["type"] != "http":
                raise
            log_fault(scope, fault)
            if not begun:
                await problem("fault")(scope, receive, send)


def log_fault(scope: Scope, fault: Exception) -> None:
    """Says where a request failed; of `scope` its method and path."""
    # Without the texts of the errors: the database's repeat the values that it refuses.
    where = "".join(traceback.format_tb(fault.__traceback__))
    _log.error("a request failed", fault=shown(fault), method=scope["method"], path=scope["path"], where=where)
