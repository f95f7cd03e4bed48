"""The body of a request whose signature has still to be looked at: nothing is known of its sender yet."""

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from showup.web.problems import Refusal
from showup.web.webhooks import COME_WITHIN, LARGEST_BODY


async def whole_body(request: Request) -> bytes:
    """All of it. Refuses one that is too large, missing, or does not come in time."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:12]) > LARGEST_BODY:
        raise Refusal("too-large")
    body = bytearray()
    try:
        async with asyncio.timeout(COME_WITHIN):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise Refusal("too-large")
    except (TimeoutError, ClientDisconnect):
        raise Refusal("too-slow") from None
    if not body:
        raise Refusal("no-body")
    return bytes(body)
