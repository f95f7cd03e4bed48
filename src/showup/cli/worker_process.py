"""Runs each kind of child until it is stopped: the web server, the event worker or the delivery worker."""

import asyncio
import gc
import signal
import sys
from typing import Final, NoReturn

import msgspec
import structlog
import uvloop

from showup import logs
from showup.cli.errors import expected_message
from showup.cli.parent_process import ParentProcess, report_ready
from showup.container import Container, ProcessConfig, open_container
from showup.settings import Settings, load

_GC_THRESHOLD: Final = 50_000

_log = structlog.get_logger()


def tune_garbage_collection() -> None:
    """Makes this process search for reference cycles less often.

    A batch of events and a burst of mails create tens of thousands of objects without cycles, which are freed by
    reference counting. A scan of all live objects after every 700 new ones took a sixth of the projector's time, and a
    tenth of the dispatcher's.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 20)


async def run_event_worker(container: Container, stop: asyncio.Event) -> None:
    """Applies stored inbox events until `stop`."""
    tune_garbage_collection()
    report_ready()
    await container.applier.run(stop)


async def run_delivery_worker(container: Container, config: ProcessConfig, stop: asyncio.Event) -> None:
    """Sends due deliveries until `stop`."""
    # The other processes don't import the dispatcher.
    from showup.cli.backup_plan import backup_tasks
    from showup.cli.statement import statement_task
    from showup.delivery_worker import open_delivery_worker

    other_tasks = [*backup_tasks(container, config), statement_task(container.engine, container.clock)]
    async with open_delivery_worker(container, config, other_tasks=other_tasks) as worker:
        tune_garbage_collection()
        report_ready()
        await worker.run(stop)


async def _run(settings: Settings, config: ProcessConfig, kind: str, parent: ParentProcess) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    parent.notify_on_exit(lambda: loop.call_soon_threadsafe(stop.set), extra_seconds=settings.drain_seconds)
    async with open_container(settings, config, direct=kind != "web") as container:
        if parent.listen_socket is not None:
            # Worker processes don't import the web server.
            from showup.cli.web_process import run_web_server

            await run_web_server(container, parent, stop)
        elif kind == "deliver":
            await run_delivery_worker(container, config, stop)
        else:
            await run_event_worker(container, stop)


def run_child(kind: str, parent: ParentProcess) -> NoReturn:
    """Runs one child of the given kind, from its config line to its exit."""
    config = msgspec.json.decode(parent.read_config_line(), type=ProcessConfig)
    settings = load()
    logs.configure(settings.log_level, settings.log_format)
    try:
        uvloop.run(_run(settings, config, kind, parent))
    except Exception as fault:
        if (sentence := expected_message(fault)) is None:
            raise
        _log.error("process_failed", because=sentence)
        sys.exit(1)
    sys.exit(0)
