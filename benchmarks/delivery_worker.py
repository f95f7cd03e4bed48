"""A worker that sends deliveries, started as `showup serve` starts it, and its fake provider."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from benchmarks.children import child, lines
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.running import child_of

_POLICY = '[[senders]]\nfrom = "meetings@outbound.example"\n'
_CONNECTION = """
    INSERT INTO connections (id, workspace_id, kind, name, settings)
    SELECT gen_random_uuid(), workspace_id, 'resend', 'resend',
           jsonb_build_object('rate_per_second', 1000, 'at_once', $1::int)
    FROM connections WHERE kind = 'calcom'
"""
_SECRET_KEY = "x" * 40


@asynccontextmanager
async def fake_provider() -> AsyncIterator[str]:
    """Yields the address of a provider that has received nothing yet."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with child("fake_provider", str(listener.fileno()), fds=(listener.fileno(),)):
            yield f"http://127.0.0.1:{port}"


async def add_connection(driver: asyncpg.Connection, *, at_once: int) -> None:
    """Set the workspace's limits: this many calls at once, and the most calls a second that a connection may have."""
    await driver.execute(_CONNECTION, at_once)


@asynccontextmanager
async def delivery_worker(environment: BenchmarkEnvironment, url: str, provider_url: str) -> AsyncIterator[int]:
    """Starts one process that sends what is due in the database at `url`, and yields its id. Raises RuntimeError."""
    policy = environment.folder / "showup.toml"
    policy.write_text(_POLICY)
    settings = {
        "DATABASE_URL": url,
        "SHOWUP_SECRET_KEY": _SECRET_KEY,
        "SHOWUP_CONFIG": str(policy),
        "RESEND_API_KEY": "a key",
        "RESEND_API_URL": provider_url,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "showup", "work"),
        stdout=PIPE,
        stderr=None if sys.stderr.isatty() else DEVNULL,
        cwd=environment.folder,
        env=os.environ | settings,
    )
    try:
        if not (await lines(process).readline()).startswith(b"Showup runs"):
            raise RuntimeError("the worker ended before it was ready")
        yield child_of(process.pid, "deliver")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
