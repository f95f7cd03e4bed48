"""A complete `showup serve` over a database, and teammates who are signed in there."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import NamedTuple

import psutil

from benchmarks.bodies import SECRET
from benchmarks.children import ROOT, lines
from showup.access import sessions_store, teammates_store
from showup.database.engine import connect, transaction

API_KEY = "k" * 40


class RunningShowup(NamedTuple):
    """Its address, and the process id of its parent."""

    address: str
    pid: int

    def child(self, kind: str) -> int:
        """Returns the process id of its child of this kind: web, work or deliver. Linux only."""
        return child_of(self.pid, kind)


def child_of(pid: int, kind: str) -> int:
    """Returns the process id of a process's child of this kind. Linux only."""
    for child in psutil.Process(pid).children():
        if child.name().startswith(f"showup-{kind}"):
            return int(child.pid)
    raise RuntimeError(f"{pid} has no child {kind}")


@asynccontextmanager
async def running_showup(url: str) -> AsyncIterator[RunningShowup]:
    """Yields a `showup serve`: its parent, one web process, one worker of each kind."""
    settings = {
        "DATABASE_URL": url,
        "SHOWUP_SECRET_KEY": "x" * 40,
        "SHOWUP_ADMIN_KEY": API_KEY,
        "CALCOM_WEBHOOK_SECRET": SECRET,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "showup", "serve", "--port", "0"),
        stdout=PIPE,
        stderr=STDOUT,
        cwd=ROOT,
        env=os.environ | settings,
    )
    drain_task: asyncio.Task[None] | None = None
    try:
        address = await _address(process)
        drain_task = asyncio.create_task(_drain_output(process))
        yield RunningShowup(address, process.pid)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        if drain_task is not None:
            await drain_task


async def sign_in(url: str, count: int, now: datetime) -> list[dict[str, str]]:
    """Adds so many teammates, admins of all workspaces; returns the cookies of their sessions, which begin `now`.

    They have the addresses of the organizers of `read_rows`. Teammates who are there stay.
    """
    engine = connect(url, pool_size=1)
    cookies = []
    async with transaction(engine) as tx:
        for number in range(count):
            email = f"host{number}@outbound.example"
            added = await teammates_store.add(tx, email=email, name=f"Host {number}", now=now)
            if added is not None:
                await teammates_store.set_role(tx, added, None, "admin")
            teammate = await teammates_store.find(tx, email)
            assert teammate is not None, "added above, or before"
            token = await sessions_store.create(tx, teammate.id, now=now, lifetime=sessions_store.LONG_LIFETIME)
            cookies.append({"showup_session": token})
    await engine.dispose()
    return cookies


async def _address(process: Process) -> str:
    output = ""
    while line := (await lines(process).readline()).decode():
        output += line
        if found := re.search(r"running at (\S+)", line):
            return found[1]
    raise RuntimeError(f"showup serve ended before it was ready, with this output:\n{output}")


async def _drain_output(process: Process) -> None:
    while await lines(process).readline():
        pass
