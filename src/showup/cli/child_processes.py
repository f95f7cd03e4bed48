"""Starts the child processes of one parent, restarts them when they die, and stops them together."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import structlog

from showup.clock import wait_until_set

if TYPE_CHECKING:
    from showup.container import ProcessConfig

_MIN_RESTART_DELAY, _MAX_RESTART_DELAY = 0.25, 5.0
_STABLE_AFTER = 10.0
# Together with PostgreSQL's own shutdown, this stays below the 3 s that people wait after Ctrl-C.
_EXIT_TIMEOUT = 2.0

_log = structlog.get_logger()


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Describes one child: its name in logs, the arguments of `showup.cli.child`, and the sockets that it inherits."""

    name: str
    arguments: tuple[str, ...]
    sockets: tuple[int, ...] = ()


class ChildProcesses:
    """The children of one command. They load at once, and begin their work when they receive a process config."""

    def __init__(self, children: Sequence[ChildSpec], *, drain_seconds: float = 0) -> None:
        self._children = children
        self._exit_timeout = _EXIT_TIMEOUT + drain_seconds
        self._config: asyncio.Future[ProcessConfig] = asyncio.get_running_loop().create_future()
        self._not_ready = {child.name for child in children}
        self._all_ready = asyncio.Event()
        self.all_exited = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Supervises the children until `stop`; then all children have exited and `all_exited` is set."""
        try:
            await asyncio.gather(*(self._supervise(child, stop) for child in self._children))
        finally:
            self.all_exited.set()

    def start(self, config: "ProcessConfig") -> None:
        """Sends the config to the children, which then begin their work."""
        self._config.set_result(config)

    async def wait_ready(self, stop: asyncio.Event) -> bool:
        """Waits until every child has begun its work; returns False if `stop` is set first."""
        waiting = [asyncio.create_task(event.wait()) for event in (self._all_ready, stop)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        return self._all_ready.is_set()

    async def _supervise(self, child: ChildSpec, stop: asyncio.Event) -> None:
        delay = _MIN_RESTART_DELAY
        clock = asyncio.get_running_loop().time
        while not stop.is_set():
            started_at = clock()
            await self._run_once(child, stop)
            if stop.is_set():
                return
            delay = _MIN_RESTART_DELAY if clock() - started_at > _STABLE_AFTER else min(2 * delay, _MAX_RESTART_DELAY)
            _log.warning("process_ended", process=child.name, again_in_seconds=delay)
            await wait_until_set(stop, delay)

    async def _run_once(self, child: ChildSpec, stop: asyncio.Event) -> None:
        process = await _start_process(child)
        config_task = asyncio.create_task(self._send_config(child, process))
        exit_task = asyncio.create_task(process.wait())
        stop_task = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({exit_task, stop_task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            config_task.cancel()
            stop_task.cancel()
            await _end_process(process, self._exit_timeout)
            await asyncio.gather(exit_task, config_task, stop_task, return_exceptions=True)

    async def _send_config(self, child: ChildSpec, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        config = await asyncio.shield(self._config)
        process.stdin.write(msgspec.json.encode(config) + b"\n")
        if await process.stdout.readline():
            self._not_ready.discard(child.name)
            if not self._not_ready:
                self._all_ready.set()


async def _start_process(child: ChildSpec) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "showup.cli.child", *child.arguments),
        stdin=PIPE,
        stdout=PIPE,
        pass_fds=child.sockets,
        # Ctrl-C at a terminal must reach only the parent, which then stops the children.
        start_new_session=True,
    )


async def _end_process(process: Process, exit_timeout: float) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(exit_timeout):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
