"""Read the body of a signed request before its signature is checked, so the sender is not trusted yet."""

from fastapi import Request
from starlette.requests import ClientDisconnect

from showup.web.http.body_limits import MAX_WEBHOOK_BYTES
from showup.web.http.problems import Refusal


async def read_body(request: Request) -> bytes:
    """Read the whole body. Refuses a body that is too large, missing or incomplete when the connection ends."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:12]) > MAX_WEBHOOK_BYTES:
        raise Refusal("too-large")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_WEBHOOK_BYTES:
                raise Refusal("too-large")
    except ClientDisconnect:
        raise Refusal("too-slow") from None
    if not body:
        raise Refusal("no-body")
    return bytes(body)
