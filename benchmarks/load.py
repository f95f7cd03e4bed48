"""Sends load to a webhook endpoint: with wrk if installed, else with our sender, which takes more processor time."""

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import msgspec

from benchmarks.children import ROOT

_SCRIPT = Path(__file__).with_name("load.lua")


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The responses; `errors` are lost connections, late responses, and every status but 2xx or 3xx."""

    answered: int
    errors: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def accepted(self) -> int:
        """Returns how many webhooks were accepted, at least."""
        return self.answered - self.errors


def tool() -> str:
    """Returns the tool that sends the load."""
    return "wrk" if shutil.which("wrk") else "benchmarks.sender"


async def send(port: int, bodies: Path, *, connections: int, seconds: float) -> Answered:
    """Sends the bodies of a file for that long; each connection sends its next one after the last response."""
    process = await asyncio.create_subprocess_exec(
        *_command(port, bodies, connections, max(1, round(seconds))), stdout=PIPE, cwd=ROOT
    )
    try:
        printed, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise RuntimeError(f"{tool()} ended with {process.returncode}")
    return msgspec.json.decode(printed.splitlines()[-1], type=Answered)


def _command(port: int, bodies: Path, connections: int, seconds: int) -> list[str]:
    if tool() != "wrk":
        return [sys.executable, "-m", tool(), str(port), str(bodies), str(connections), str(seconds)]
    url = f"http://127.0.0.1:{port}/webhooks/calcom"
    # One thread: two would take both cores from the server.
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s", "-s", str(_SCRIPT)]
    return ["wrk", *options, url, "--", str(bodies)]
