"""Runs everything of one command: opens the database, forks the child processes and keeps both running."""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct

from showup import logs
from showup.cli.child_processes import ChildMain, ChildProcesses
from showup.database.embedded.errors import EmbeddedError
from showup.database.embedded.server import EmbeddedPostgres
from showup.settings import Settings

if TYPE_CHECKING:
    from showup.container import Container, ProcessConfig

_log = structlog.get_logger()


class Ready(Struct, frozen=True, kw_only=True):
    """What is known when everything runs.

    `accounts` have a webhook secret. `first_run_token` is that of a one-time link; None if a teammate exists, or if
    this process serves no pages.
    """

    config: "ProcessConfig"
    accounts: tuple[str, ...]
    first_run_token: str | None


class Plan(Struct, frozen=True, kw_only=True):
    """How many children to run. Web processes share the socket; each worker is one for events and one for deliveries.

    `sync_settings`: whether this process's showup.toml sets the rules. `showup work` may run on a machine without that
    file, so it uses the rules in the database.
    """

    web_processes: int = 0
    workers: int = 0
    listen_socket: socket.socket | None = None
    sync_settings: bool = False


def supervise(settings: Settings, plan: Plan, on_ready: Callable[[Ready], None]) -> None:
    """Runs the children until Ctrl-C or SIGTERM, then stops everything.

    Raises an EmbeddedError or DatabaseUnavailable.
    """
    logs.configure(settings.log_level, settings.log_format)
    processes = ChildProcesses(drain_seconds=settings.drain_seconds)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, processes.stop)
    gc.disable()
    with ExitStack() as stack:
        config, server = _open_while_importing(settings, stack)
        ready = asyncio.run(_prepare(settings, config, plan))
        mains = _child_mains(settings, config, server, plan)
        # Nothing writes to these objects any more, so that the children share their memory.
        gc.freeze()
        gc.enable()
        processes.run(mains, lambda: on_ready(ready), partial(_check_database, server))


def _open_while_importing(settings: Settings, stack: ExitStack) -> tuple["ProcessConfig", EmbeddedPostgres | None]:
    """Opens the database until the stack ends, and imports meanwhile what the children use."""
    from showup.container import open_database

    with ThreadPoolExecutor(1) as opener:
        opened = opener.submit(stack.enter_context, open_database(settings))
        import showup.cli.child
        import showup.web.app  # noqa: F401  # and with it all pages

        return opened.result()


async def _prepare(settings: Settings, config: "ProcessConfig", plan: Plan) -> Ready:
    """Brings the database up to date. Raises DatabaseUnavailable."""
    from showup.container import open_container, prepare_database
    from showup.sync_settings import sync_connections, sync_policy

    await prepare_database(config)
    if plan.sync_settings:
        await sync_policy(config, settings)
        await sync_connections(config, settings)
    # The thread that sends spans would not survive the fork, so that each child starts its own.
    async with open_container(settings, config, traced=False) as container:
        # Read without a short timeout: a distant or busy database is not an unreachable one.
        await container.directory.refresh()
        token = await _create_first_run_link(container) if plan.sync_settings else None
        return Ready(config=config, accounts=container.directory.names_with_secret(), first_run_token=token)


def _child_mains(
    settings: Settings, config: "ProcessConfig", server: EmbeddedPostgres | None, plan: Plan
) -> Mapping[str, ChildMain]:
    from showup.cli.child import Inheritance, run_delivery_worker, run_event_worker, run_web

    inherited = Inheritance(settings=settings, config=config, server=server, listen_socket=plan.listen_socket)
    web, work = partial(run_web, inherited), partial(run_event_worker, inherited)
    deliver = partial(run_delivery_worker, inherited)
    counted = (("web", web, plan.web_processes), ("work", work, plan.workers), ("deliver", deliver, plan.workers))
    return {f"{kind}-{number}": main for kind, main, count in counted for number in range(1, count + 1)}


async def _create_first_run_link(container: "Container") -> str | None:
    """Creates the link that opens the first run; None if there is a teammate already."""
    from showup.access import sign_in_links_store, teammates_store
    from showup.database.engine import transaction

    async with transaction(container.engine) as tx:
        if await teammates_store.exist(tx):
            return None
        return await sign_in_links_store.create(tx, "first_run", None, now=container.clock())


def _check_database(server: EmbeddedPostgres | None) -> None:
    """Restarts an embedded database that died."""
    try:
        if server is not None and server.ensure():
            _log.warning("database_restarted")
    except EmbeddedError as fault:
        _log.error("database_down", because=str(fault))
