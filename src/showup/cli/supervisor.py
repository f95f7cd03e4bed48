"""Supervises a parent's children: they load while the database opens, and it closes after they exit."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct

from showup import logs
from showup.cli.child_processes import ChildProcesses, ChildSpec
from showup.clock import wait_until_set
from showup.database.embedded.errors import EmbeddedError
from showup.database.embedded.server import EmbeddedPostgres
from showup.settings import Settings

if TYPE_CHECKING:
    from showup.container import Container, ProcessConfig

_CHECK_INTERVAL = 1.0


class Ready(Struct, frozen=True, kw_only=True):
    """What is known when everything runs.

    `accounts` have a webhook secret. `first_run_token` is that of a one-time link; None if a teammate exists, or if
    this process serves no pages.
    """

    config: "ProcessConfig"
    accounts: tuple[str, ...]
    first_run_token: str | None


OnReady = Callable[[Ready], None]

_log = structlog.get_logger()


def supervise(settings: Settings, children: Sequence[ChildSpec], on_ready: OnReady, *, sync_settings: bool) -> None:
    """Runs the children until Ctrl-C or SIGTERM, then stops everything. Raises an EmbeddedError or DatabaseUnavailable.

    `sync_settings`: whether this process's showup.toml sets the rules. `showup work` may run on a machine without that
    file, so it uses the rules in the database.
    """
    logs.configure(settings.log_level, settings.log_format)
    asyncio.run(_supervise(settings, children, on_ready, sync_settings=sync_settings))


async def _supervise(
    settings: Settings, children: Sequence[ChildSpec], on_ready: OnReady, *, sync_settings: bool
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    processes = ChildProcesses(children, drain_seconds=settings.drain_seconds)
    run_task = asyncio.create_task(processes.run(stop))
    try:
        await _run_with_database(settings, processes, stop, on_ready, sync_settings=sync_settings)
    finally:
        stop.set()
        await run_task


async def _run_with_database(
    settings: Settings, processes: ChildProcesses, stop: asyncio.Event, on_ready: OnReady, *, sync_settings: bool
) -> None:
    # Heavy imports, made only now that the children load in parallel.
    from showup.container import open_container, prepare_database
    from showup.sync_settings import sync_connections, sync_policy

    async with opened_database(settings) as (config, server):
        await prepare_database(config)
        if sync_settings:
            await sync_policy(config, settings)
            await sync_connections(config, settings)
        processes.start(config)
        async with open_container(settings, config) as container:
            # Read without a short timeout: a distant or busy database is not an unreachable one.
            await container.directory.refresh()
            accounts = container.directory.names_with_secret()
            token = await _create_first_run_link(container) if sync_settings else None
        watch_task = asyncio.create_task(_watch_database(server, stop))
        if await processes.wait_ready(stop):
            on_ready(Ready(config=config, accounts=accounts, first_run_token=token))
        await stop.wait()
        await asyncio.gather(processes.all_exited.wait(), watch_task)


async def _create_first_run_link(container: "Container") -> str | None:
    """Creates the link that opens the first run; None if there is a teammate already."""
    from showup.access import sign_in_links_store, teammates_store
    from showup.database.engine import transaction

    async with transaction(container.engine) as tx:
        if await teammates_store.exist(tx):
            return None
        return await sign_in_links_store.create(tx, "first_run", None, now=container.clock())


@asynccontextmanager
async def opened_database(settings: Settings) -> "AsyncIterator[tuple[ProcessConfig, EmbeddedPostgres | None]]":
    """Opens the database as the container does, without blocking the event loop. Raises an EmbeddedError."""
    from showup.container import open_database

    database = open_database(settings)
    config = await asyncio.to_thread(database.__enter__)
    try:
        yield config
    finally:
        await asyncio.to_thread(database.__exit__, None, None, None)


async def _watch_database(server: EmbeddedPostgres | None, stop: asyncio.Event) -> None:
    while server is not None and not await wait_until_set(stop, _CHECK_INTERVAL):
        try:
            if await asyncio.to_thread(server.ensure):
                _log.warning("database_restarted")
        except EmbeddedError as fault:
            _log.error("database_down", because=str(fault))
