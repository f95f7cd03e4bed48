"""Never twice: a mutation that comes again with its Idempotency-Key gets the answer of the first time.

The answer is kept in the transaction of what it tells of. So it is there if that was done, whoever died before it was
sent, and it is not there if that was not done.
"""

import hashlib
from typing import Annotated

from fastapi import Header, Request, Response
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permit import Permit
from showup.clock import Clock
from showup.web import idempotency_store
from showup.web.problems import MEDIA_TYPE, Refusal

REPLAYED = "Idempotency-Replayed"

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description=(
            "Any text of your choice, such as a UUID. The same request with the same key is done once: when it comes"
            f" again, within seven days at least, it gets the first answer, with `{REPLAYED}: true`."
        ),
        examples=["3f0c9a52-7d1e-4c1b-9a8e-2b6f4d5c7e10"],
    ),
]


class AnsweredBefore(Exception):
    """Raised where a request turns out to be one that was answered already; `response` is that answer."""

    def __init__(self, known: idempotency_store.Known) -> None:
        super().__init__("answered before")
        assert known.status is not None, "only what was answered is answered again"
        media_type = "application/json" if known.status < 400 else MEDIA_TYPE
        self.response = Response(known.answer, known.status, {REPLAYED: "true"}, media_type)


class Claim(Struct, frozen=True):
    """A key that this request has for itself until its transaction ends."""

    tx: AsyncConnection
    actor: str
    key: str

    async def keep(self, response: Response) -> None:
        """Keeps the answer, beside what it tells of."""
        answer = bytes(response.body).decode()
        await idempotency_store.answered(
            self.tx, actor=self.actor, key=self.key, status=response.status_code, answer=answer
        )


async def claim(request: Request, tx: AsyncConnection, permit: Permit, key: str | None, clock: Clock) -> None:
    """Takes the key for this request. Raises AnsweredBefore; refuses a key that was given to another request."""
    if key is None:
        return
    digest = await _digest(request)
    known = await idempotency_store.claim(tx, actor=permit.actor, key=key, request_digest=digest, now=clock())
    if known.request_digest != digest:
        raise Refusal("key-of-another-request")
    if known.status is not None:
        raise AnsweredBefore(known)
    request.state.claim = Claim(tx, permit.actor, key)


async def _digest(request: Request) -> bytes:
    asked = hashlib.sha256()
    for part in (request.method.encode(), request.url.path.encode(), request.url.query.encode(), await request.body()):
        # Each part says how long it is, so that no two requests read the same.
        asked.update(len(part).to_bytes(8) + part)
    return asked.digest()
