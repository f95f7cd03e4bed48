"""What a child of `showup serve` or `showup work` does: it runs the web server, or a worker, until it is stopped.

The parent imports this module, and with it all that children use, before it forks them.
"""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
import uvloop
from msgspec import Struct

from showup import traces
from showup.cli.backup_plan import backup_tasks
from showup.cli.errors import expected_message
from showup.cli.parent_process import ParentProcess
from showup.cli.statement import statement_task
from showup.cli.web_process import run_web_server
from showup.container import Container, ProcessConfig, open_container
from showup.database.embedded.server import EmbeddedPostgres
from showup.delivery_worker import open_delivery_worker
from showup.settings import Settings

_GC_THRESHOLD: Final = 50_000
# A mail leaves a few cycles behind. With the larger number, those of thousands of mails took 7 MB more.
_GC_THRESHOLD_OF_DELIVERIES: Final = 5_000

_log = structlog.get_logger()


class Inheritance(Struct, frozen=True, kw_only=True):
    """What children get from their parent: only the web server uses the socket, and only the parent the server."""

    settings: Settings
    config: ProcessConfig
    server: EmbeddedPostgres | None
    listen_socket: socket.socket | None


def run_web(inherited: Inheritance, parent: ParentProcess) -> None:
    """Serves requests until SIGTERM, or until the parent dies."""
    listen_socket = inherited.listen_socket
    assert listen_socket is not None, "serve opens it"

    async def serve(stop: asyncio.Event) -> None:
        async with open_container(inherited.settings, inherited.config) as container:
            await run_web_server(container, listen_socket, stop, parent)

    # A new parent needs the address at once. A child that is only asked to stop first answers what it has received.
    _run(serve, inherited, parent, on_orphaned=lambda: listen_socket.shutdown(socket.SHUT_RDWR))


def run_event_worker(inherited: Inheritance, parent: ParentProcess) -> None:
    """Applies stored inbox events until SIGTERM, or until the parent dies."""

    async def work(container: Container, stop: asyncio.Event) -> None:
        tune_garbage_collection()
        parent.report_ready()
        await container.applier.run(stop)

    _run_worker(work, inherited, parent)


def run_delivery_worker(inherited: Inheritance, parent: ParentProcess) -> None:
    """Sends due deliveries until SIGTERM, or until the parent dies."""

    async def work(container: Container, stop: asyncio.Event) -> None:
        other_tasks = [*backup_tasks(container, inherited.config), statement_task(container.engine, container.clock)]
        async with open_delivery_worker(container, inherited.config, other_tasks=other_tasks) as worker:
            tune_garbage_collection(_GC_THRESHOLD_OF_DELIVERIES)
            parent.report_ready()
            await worker.run(stop)

    _run_worker(work, inherited, parent)


def _run_worker(
    work: Callable[[Container, asyncio.Event], Awaitable[None]], inherited: Inheritance, parent: ParentProcess
) -> None:
    if inherited.listen_socket is not None:
        inherited.listen_socket.close()

    async def run(stop: asyncio.Event) -> None:
        async with open_container(inherited.settings, inherited.config, direct=True) as container:
            await work(container, stop)

    _run(run, inherited, parent)


def tune_garbage_collection(threshold: int = _GC_THRESHOLD) -> None:
    """Makes this process search for reference cycles less often: after so many new objects.

    A batch of events and a burst of mails create tens of thousands of objects without cycles, which are freed by
    reference counting. A scan of all live objects after every 700 new ones took a sixth of the projector's time, and a
    tenth of the dispatcher's.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(threshold, 20, 20)


def _run(
    work: Callable[[asyncio.Event], Awaitable[None]],
    inherited: Inheritance,
    parent: ParentProcess,
    *,
    on_orphaned: Callable[[], None] = lambda: None,
) -> None:
    """Runs `work` to the end of this process, and sets its event when it should stop."""
    if inherited.server is not None:
        inherited.server.forget()

    async def run() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        parent.watch(on_orphaned, lambda: loop.call_soon_threadsafe(stop.set))
        await work(stop)

    try:
        uvloop.run(run())
    except Exception as fault:
        if (sentence := expected_message(fault)) is None:
            raise
        _log.error("process_failed", because=sentence)
        sys.exit(1)
    finally:
        # Handlers of `atexit` don't run in forked processes before Python 3.13.
        traces.flush()
