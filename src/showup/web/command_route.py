"""The way of a request that changes something: how much of it is read, and what of its answer is kept."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from showup.web.idempotency import AnsweredBefore
from showup.web.problems import Refusal

LARGEST_BODY: Final = 256 * 1024
"""Bytes that a body may have; it is read before the key is looked at."""


class CommandRoute(APIRoute):
    """A route that changes something: what it answers, or why it refused, is kept for who comes with the same key.

    What the state of things refuses (409) is an answer like any other, and its transaction is committed: the log tells
    of the refusal. Whatever else is raised takes everything back, the key too.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, with the keeping around it; the transaction of `Writing` ends after both."""
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            try:
                response = await handle(Request(request.scope, _limited(request.receive)))
            except AnsweredBefore as known:
                return known.response
            except Refusal as refusal:
                if refusal.status != 409:
                    raise
                response = refusal.response()
            if (claim := getattr(request.state, "claim", None)) is not None:
                await claim.keep(self.kept(response))
            return response

        return handle_once

    def kept(self, response: Response) -> Response:
        """What is kept of the answer: all of it."""
        return response


class SecretRoute(CommandRoute):
    """A route that shows a secret once: whoever comes with the same key again gets null for it."""

    def kept(self, response: Response) -> Response:
        """The answer without its `secret`."""
        answer = json.loads(bytes(response.body))
        return JSONResponse(answer | {"secret": None} if "secret" in answer else answer, response.status_code)


def _limited(receive: Receive) -> Receive:
    read = 0

    async def receive_limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > LARGEST_BODY:
            raise HTTPException(413)
        return message

    return receive_limited
