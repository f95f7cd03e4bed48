"""Idempotency keys: a repeated mutation with the same Idempotency-Key gets the stored response.

The response is stored in the transaction of the change itself. It therefore exists exactly if the change was committed,
even if the process stopped before it sent the response.
"""

import hashlib
from typing import Annotated

from fastapi import Header, Request, Response
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.clock import Clock
from showup.commands import idempotency_store
from showup.web.http.problems import MEDIA_TYPE, Refusal

REPLAYED_HEADER = "Idempotency-Replayed"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description=(
            "Any text of your choice, such as a UUID. Showup executes the same request with the same key once."
            f" For at least {idempotency_store.RETENTION.days} days, a repeated request gets the first response, with"
            f" the header `{REPLAYED_HEADER}: true`."
        ),
        examples=["3f0c9a52-7d1e-4c1b-9a8e-2b6f4d5c7e10"],
    ),
]


class IdempotentReplay(Exception):
    """Raised if the request was already answered; `response` is the stored response."""

    def __init__(self, stored: idempotency_store.StoredResponse) -> None:
        super().__init__("the request was already answered")
        assert stored.status is not None, "a response is stored"
        media_type = "application/json" if stored.status < 400 else MEDIA_TYPE
        self.response = Response(stored.answer, stored.status, {REPLAYED_HEADER: "true"}, media_type)


class Claim(Struct, frozen=True):
    """An idempotency key that this request holds until its transaction ends."""

    tx: AsyncConnection
    actor: str
    key: str

    async def store_response(self, response: Response) -> None:
        """Store the response in the transaction of the change."""
        body = bytes(response.body).decode()
        await idempotency_store.store_response(
            self.tx, actor=self.actor, key=self.key, status=response.status_code, response_body=body
        )


async def claim_key(
    request: Request, tx: AsyncConnection, permission: Permission, key: str | None, clock: Clock
) -> None:
    """Claim the key for this request.

    Raises IdempotentReplay if it was already answered. Refuses a key that was used for a different request.
    """
    if key is None:
        return
    digest = await _digest(request)
    stored = await idempotency_store.claim_key(tx, actor=permission.actor, key=key, request_digest=digest, now=clock())
    if stored.request_digest != digest:
        raise Refusal("key-of-another-request")
    if stored.status is not None:
        raise IdempotentReplay(stored)
    request.state.claim = Claim(tx, permission.actor, key)


async def _digest(request: Request) -> bytes:
    hasher = hashlib.sha256()
    for part in (request.method.encode(), request.url.path.encode(), request.url.query.encode(), await request.body()):
        # Each part is prefixed with its length, so that two different requests never have the same digest input.
        hasher.update(len(part).to_bytes(8) + part)
    return hasher.digest()
