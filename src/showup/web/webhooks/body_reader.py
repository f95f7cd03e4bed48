"""Read the body of a signed request before its signature is checked, so the sender is not trusted yet."""

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from showup.web.http.problems import Refusal
from showup.web.webhooks.calcom import MAX_BODY_BYTES, RECEIVE_TIMEOUT


async def read_body(request: Request) -> bytes:
    """Read the whole body. Refuses a body that is too large, missing or too slow."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:12]) > MAX_BODY_BYTES:
        raise Refusal("too-large")
    body = bytearray()
    try:
        async with asyncio.timeout(RECEIVE_TIMEOUT):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise Refusal("too-large")
    except (TimeoutError, ClientDisconnect):
        raise Refusal("too-slow") from None
    if not body:
        raise Refusal("no-body")
    return bytes(body)
