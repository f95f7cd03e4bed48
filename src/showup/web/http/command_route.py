"""Route classes for commands: they limit the request body and store the response for idempotent retries."""

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.types import Message, Receive

from showup.commands.unit_of_work import CommandRefused
from showup.web.http.api_route import ApiRoute
from showup.web.http.body_limits import MAX_BODY_BYTES
from showup.web.http.idempotency import IdempotentReplay
from showup.web.http.problems import PROBLEMS, Refusal

_JSON: Final = re.compile(r"application/([\w.-]+\+)?json")
_MAX_SHOWN: Final = 80


class CommandRoute(ApiRoute):
    """A route that changes data: its response or refusal is stored under the request's idempotency key.

    A conflict with the current state (409) is a response like any other, and its transaction is committed: the log
    records the refusal. Any other exception rolls back everything, including the idempotency key.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, wrapped to store the response. The write transaction ends after both."""
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            self._check_content_type(request)
            try:
                response = await handle(Request(request.scope, _limit_body(request.receive)))
            except IdempotentReplay as replay:
                return replay.response
            except CommandRefused as refused:
                response = Refusal("refused-by-rules", refused.because).response()
            except Refusal as refusal:
                if refusal.status != 409:
                    raise
                response = refusal.response()
            if (claim := getattr(request.state, "claim", None)) is not None:
                await claim.store_response(self.response_to_store(response))
            return response

        return handle_once

    def _check_content_type(self, request: Request) -> None:
        """Refuse a body that is not declared as JSON: it would be read as text and each field reported as missing."""
        has_body = "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
        sent = request.headers.get("content-type", "")
        media_type = sent.partition(";")[0].strip().lower()
        if self.body_field is None or not has_body or _JSON.fullmatch(media_type):
            return
        sent_text = f"You sent {sent[:_MAX_SHOWN]!r}." if sent else "You sent no Content-Type."
        raise Refusal("wrong-content-type", f"{PROBLEMS['wrong-content-type'].detail} {sent_text}")

    def response_to_store(self, response: Response) -> Response:
        """Return the response to store: all of it."""
        return response


class SecretRoute(CommandRoute):
    """A route that returns a secret once: a repeated request with the same idempotency key gets null for it."""

    def response_to_store(self, response: Response) -> Response:
        """Return the response without its `secret`."""
        content = json.loads(bytes(response.body))
        return JSONResponse(content | {"secret": None} if "secret" in content else content, response.status_code)


def _limit_body(receive: Receive) -> Receive:
    received_bytes = 0

    async def receive_limited() -> Message:
        nonlocal received_bytes
        message = await receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > MAX_BODY_BYTES:
            raise HTTPException(413)
        return message

    return receive_limited
