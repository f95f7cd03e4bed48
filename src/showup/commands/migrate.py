"""`showup migrate`: brings the database to this version."""

import asyncio
from typing import Annotated

import typer

from showup.commands.refusal import Refused


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing of yours: say where the tables differ.")
    ] = False,
) -> None:
    """Bring the database to this version; several may do so at the same time.

    Example: showup migrate
    """
    from showup.assembly import opened, prepare
    from showup.settings import load

    settings = load()
    with opened(settings) as (ground, server):
        # The embedded database is always brought along, as by every other command.
        if not check or server is not None:
            asyncio.run(prepare(ground))
        differences = asyncio.run(_differences(ground.direct_url)) if check else []
    if differences:
        raise Refused("\n".join(["The database differs from this version's tables:", *differences]))
    print("The database is what this version wants." if check else "The database is at this version.")


async def _differences(url: str) -> list[str]:
    from showup.database.migrate import drift

    return await drift(url)
