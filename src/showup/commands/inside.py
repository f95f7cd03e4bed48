"""What most commands do: open the house, do one thing inside, close it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from showup.access.workspace import Workspace
    from showup.assembly import House

Answer = TypeVar("Answer")


def inside(work: "Callable[[House], Awaitable[Answer]]") -> Answer:
    """What `work` answers, done in this Showup's house; a database that is embedded is migrated first."""
    from showup import assembly, logs
    from showup.database.engine import explained
    from showup.settings import load

    settings = load()
    logs.configure("WARNING", settings.log_format)

    async def run() -> Answer:
        if server is not None:
            await assembly.prepare(ground)
        else:
            await _refuse_older(ground.direct_url)
        async with assembly.house(settings, ground, direct=True) as house, explained(ground.direct_url):
            return await work(house)

    with assembly.opened(settings) as (ground, server):
        return asyncio.run(run())


async def _refuse_older(url: str) -> None:
    from showup.database.engine import connect, explained
    from showup.database.migrate import revisions

    async with explained(url):
        engine = connect(url, pool_size=1)
        try:
            async with engine.connect() as connection:
                stands, newest = await revisions(connection)
        finally:
            await engine.dispose()
    if stands != newest:
        raise Refused("The database is not at this version's revision: run `showup migrate` first.")


async def workspace_named(tx: "AsyncConnection", slug: str) -> "Workspace":
    """The workspace of this slug; refused when there is none."""
    from showup.access import workspaces_store

    found = await workspaces_store.find(tx, slug)
    if found is None:
        raise Refused(f"There is no workspace {slug!r}: `showup workspaces list` shows them.")
    return found
