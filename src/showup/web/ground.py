"""What the routes stand on, handed to the app once and from there to each request."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.access.keyring import Keyring
from showup.clock import Clock


class Ground(Struct, frozen=True, kw_only=True):
    """The database for changes, the same one for reading, the time, and whom keys let in."""

    engine: AsyncEngine
    reading: AsyncEngine
    clock: Clock
    keyring: Keyring


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
    async with ground.engine.begin() as tx:
        yield tx


OnGround = Annotated[Ground, Depends(ground_of)]
# A connection goes back, and a change is committed, before the answer leaves.
Reading = Annotated[AsyncConnection, Depends(_reading, scope="function")]
Writing = Annotated[AsyncConnection, Depends(_writing, scope="function")]
