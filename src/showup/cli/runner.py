"""Runs a command's work in a container: opens the container, runs the work, closes the container."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from showup.cli.errors import CliError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from showup.access.workspace import Workspace
    from showup.container import Container, ProcessConfig

ResultT = TypeVar("ResultT")


def run_command(work: "Callable[[Container], Awaitable[ResultT]]") -> ResultT:
    """Returns what `work` returns, run with this Showup's container; an embedded database is migrated first."""
    return run_command_with_config(lambda container, _: work(container))


def run_command_with_config(work: "Callable[[Container, ProcessConfig], Awaitable[ResultT]]") -> ResultT:
    """Returns what `work` returns, as `run_command` does; `work` gets the process's config too."""
    from showup import container, logs
    from showup.database.engine import translate_errors
    from showup.settings import load

    settings = load()
    logs.configure("WARNING", settings.log_format)

    async def run() -> ResultT:
        if server is not None:
            await container.prepare_database(config)
        else:
            await _require_current_revision(config.direct_url)
        async with (
            container.open_container(settings, config, direct=True) as opened_container,
            translate_errors(config.direct_url),
        ):
            return await work(opened_container, config)

    with container.open_database(settings) as (config, server):
        return asyncio.run(run())


async def _require_current_revision(url: str) -> None:
    from showup.database.engine import connect, translate_errors
    from showup.database.migrate import read_revisions

    async with translate_errors(url):
        engine = connect(url, pool_size=1)
        try:
            async with engine.connect() as connection:
                current, newest = await read_revisions(connection)
        finally:
            await engine.dispose()
    if current != newest:
        raise CliError("The database is not at this version's revision: run `showup migrate` first.")


async def get_workspace(tx: "AsyncConnection", slug: str) -> "Workspace":
    """Returns the workspace with this slug. Raises CliError if there is none."""
    from showup.access import workspaces_store

    workspace = await workspaces_store.find(tx, slug)
    if workspace is None:
        raise CliError(f"There is no workspace {slug!r}. List the workspaces with `showup workspaces list`.")
    return workspace
