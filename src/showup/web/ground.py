"""What the routes stand on, handed to the app once and from there to each request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Request
from msgspec import Struct, field
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.access.keyring import Keyring
from showup.access.secrets_at_rest import Seal
from showup.clock import Clock
from showup.destinations.public_addresses import Outside
from showup.inbox.door_metrics import DoorMetrics
from showup.web.bell import Bell
from showup.web.idempotency_store import wait_at_most
from showup.web.problems import BUSY, Refusal

WAITS_FOR: Final = timedelta(seconds=5)
"""How long a change waits for others before it is answered that Showup is busy, where nothing else is said."""

# Changes of one workspace take turns anyway; those that wait must leave connections to reading and to webhooks.
_CHANGES_AT_ONCE: Final = 4


class Mailing(Struct, frozen=True, kw_only=True):
    """By what those are known who come because of our mails.

    `seal` opens unsubscribe links and the secrets of connections; `webhook_secret` is that of the default workspace's
    webhook at the mail provider, None for no such secret.
    """

    seal: Seal
    webhook_secret: str | None = None


class Ground(Struct, frozen=True, kw_only=True):
    """The database for changes, the same one for reading, the time, whom keys let in, and what the door did.

    `waits_for` is how long a change waits for others; `outside`, where addresses may lead that others choose.
    `bell` rings when signatures are wrong again and again.
    """

    engine: AsyncEngine
    reading: AsyncEngine
    clock: Clock
    keyring: Keyring
    door_metrics: DoorMetrics
    waits_for: timedelta
    mailing: Mailing
    outside: Outside
    bell: Bell
    changes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_CHANGES_AT_ONCE))


def ground_of(request: Request) -> Ground:
    """The app's ground."""
    ground: Ground = request.app.state.ground
    return ground


def for_reading(engine: AsyncEngine) -> AsyncEngine:
    """The same pool, in transactions that change nothing and in which all statements see one moment."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


async def _reading(ground: "OnGround") -> AsyncIterator[AsyncConnection]:
    async with ground.reading.connect() as tx:
        yield tx


async def _writing(ground: "OnGround") -> AsyncIterator[AsyncConnection]:
    async with _turn(ground), ground.engine.begin() as tx:
        await wait_at_most(tx, ground.waits_for)
        yield tx


@asynccontextmanager
async def _turn(ground: Ground) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(ground.waits_for.total_seconds()):
            await ground.changes.acquire()
    except TimeoutError:
        raise Refusal("busy", headers=BUSY) from None
    try:
        yield
    finally:
        ground.changes.release()


OnGround = Annotated[Ground, Depends(ground_of)]
# A connection goes back, and a change is committed, before the answer leaves.
Reading = Annotated[AsyncConnection, Depends(_reading, scope="function")]
Writing = Annotated[AsyncConnection, Depends(_writing, scope="function")]
