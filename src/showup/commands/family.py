"""Children of one parent: started, watched, started again when they die, and ended together."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import structlog

from showup.clock import happened

if TYPE_CHECKING:
    from showup.assembly import Ground

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_LIVED_WELL_AFTER = 10.0
# Together with PostgreSQL's own end this stays below the 3 s that people wait after Ctrl-C.
_ENDED_WITHIN = 2.0

_log = structlog.get_logger()


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """One child: its name in logs, what `showup.commands.child` is told, and the sockets that it gets."""

    name: str
    arguments: tuple[str, ...]
    sockets: tuple[int, ...] = ()


class Family:
    """The children of one command. They load at once, and begin their work once they have a ground."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children
        self._ground: asyncio.Future[Ground] = asyncio.get_running_loop().create_future()
        self._unready = {child.name for child in children}
        self._all_ready = asyncio.Event()
        self.gone = asyncio.Event()

    async def live(self, stop: asyncio.Event) -> None:
        """Until `stop`; then no child is left, and `gone` is set."""
        try:
            await asyncio.gather(*(self._keep_alive(child, stop) for child in self._children))
        finally:
            self.gone.set()

    def stand_on(self, ground: "Ground") -> None:
        """Lets the children begin."""
        self._ground.set_result(ground)

    async def ready(self, stop: asyncio.Event) -> bool:
        """Waits until every child has begun its work; False when told to stop before."""
        waiting = [asyncio.create_task(event.wait()) for event in (self._all_ready, stop)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        return self._all_ready.is_set()

    async def _keep_alive(self, child: Child, stop: asyncio.Event) -> None:
        pause = _FIRST_PAUSE
        clock = asyncio.get_running_loop().time
        while not stop.is_set():
            began = clock()
            await self._one_life(child, stop)
            if stop.is_set():
                return
            pause = _FIRST_PAUSE if clock() - began > _LIVED_WELL_AFTER else min(2 * pause, _LONGEST_PAUSE)
            _log.warning("process_ended", process=child.name, again_in_seconds=pause)
            await happened(stop, pause)

    async def _one_life(self, child: Child, stop: asyncio.Event) -> None:
        process = await _start(child)
        talking = asyncio.create_task(self._talk(child, process))
        living = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            talking.cancel()
            stopping.cancel()
            await _end(process)
            await asyncio.gather(living, talking, stopping, return_exceptions=True)

    async def _talk(self, child: Child, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        ground = await asyncio.shield(self._ground)
        process.stdin.write(msgspec.json.encode(ground) + b"\n")
        if await process.stdout.readline():
            self._unready.discard(child.name)
            if not self._unready:
                self._all_ready.set()


async def _start(child: Child) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "showup.commands.child", *child.arguments),
        stdin=PIPE,
        stdout=PIPE,
        pass_fds=child.sockets,
        # Ctrl-C at a terminal reaches the parent alone, which then tells them.
        start_new_session=True,
    )


async def _end(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_ENDED_WITHIN):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
