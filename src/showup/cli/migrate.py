"""Implements `showup migrate`: brings the database to this version."""

import asyncio
from typing import Annotated

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Report where the tables differ, without migrating your database.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Migrate the database to this version. Several processes may run this at the same time.

    Example: showup migrate
    """
    from showup.container import open_database, prepare_database
    from showup.settings import load

    settings = load()
    with open_database(settings) as (config, server):
        # The embedded database is always migrated, as by every other command.
        if not check or server is not None:
            asyncio.run(prepare_database(config))
        differences = asyncio.run(_differences(config.direct_url)) if check else []
    if json:
        print_json({"differences": differences})
    if differences:
        raise CliError("\n".join(["The database differs from this version's tables:", *differences]))
    if not json:
        print("The database matches this version's tables." if check else "The database is up to date.")


async def _differences(url: str) -> list[str]:
    from showup.database.migrate import find_drift

    return await find_drift(url)
