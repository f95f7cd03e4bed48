"""Kills `showup leads import` again and again: each lead exists once, and the report is complete (CA1)."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from tests.torture.programs import Program

_CAMPAIGN = "Torture"
_REPEATED, _REJECTED = 0.02, 0.01


@dataclass(frozen=True, slots=True)
class Plan:
    """A file of so many rows, and how often its import is killed, each time further on in the file."""

    rows: int
    seed: int
    kills: int


@dataclass(slots=True)
class Result:
    """The result; `killed_at` are the positions, in lines, that the killed imports had saved."""

    killed_at: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


async def run_plan(folder: Path, dsn: str, variables: Mapping[str, str], plan: Plan) -> Result:
    """Imports one file with kills, and compares the database and the report with what was written to the file."""
    rng = random.Random(f"import {plan.seed}")  # noqa: S311  # the same seed repeats the run
    path, result, began_at = folder / "leads.csv", Result(), time.monotonic()
    expected = _write_file(path, plan.rows, rng)
    driver = await asyncpg.connect(dsn, server_settings={"search_path": "showup"})
    try:
        for target in sorted(rng.randrange(round(plan.rows * 0.9)) for _ in range(plan.kills)):
            position = await _kill_at(driver, _start(path, variables), target, rng)
            if position >= plan.rows:
                result.faults.append("an import was done before it was killed")
            result.killed_at.append(position)
        last = _start(path, variables)
        await asyncio.to_thread(last.process.wait)
        result.faults += await _differences(driver, expected, last)
    finally:
        await driver.close()
    result.seconds = time.monotonic() - began_at
    return result


def _start(path: Path, variables: Mapping[str, str]) -> Program:
    log_path = path.with_suffix(".log")
    return Program(log_path, "leads", "import", str(path), "--campaign", _CAMPAIGN, "--json", **variables)


def _write_file(path: Path, rows: int, rng: random.Random) -> Counter[str]:
    """Writes an export: some rows repeat an earlier lead, some have no usable address. Returns the counts."""
    counts: Counter[str] = Counter()
    emails: list[str] = []
    with path.open("w", encoding="utf-8") as file:
        file.write("email,first_name,company\n")
        for number in range(rows):
            kind = rng.random()
            if kind < _REJECTED:
                counts["rejected"] += 1
                email = f"no address {number}"
            elif kind < _REJECTED + _REPEATED and emails:
                counts["repeated"] += 1
                email = rng.choice(emails)
            else:
                counts["accepted"] += 1
                email = f"lead{number}@company{number % 90_000}.example"
                emails.append(email)
            file.write(f"{email},Ann {number},Company {number % 90_000}\n")
    return counts


async def _kill_at(driver: asyncpg.Connection, program: Program, target: int, rng: random.Random) -> int:
    """Kills the import somewhere in a batch after `target` lines; returns the position that it had saved."""
    query = "SELECT coalesce(max(position), 0) FROM lead_imports WHERE campaign = $1"
    while await driver.fetchval(query, _CAMPAIGN) <= target:
        assert program.is_running, f"the import ended before it was killed:\n{program.output()}"
        await asyncio.sleep(0.005)
    await asyncio.sleep(rng.uniform(0, 0.2))
    program.process.kill()
    await asyncio.to_thread(program.process.wait)
    position: int = await driver.fetchval(query, _CAMPAIGN)
    return position


async def _differences(driver: asyncpg.Connection, expected: Counter[str], last: Program) -> list[str]:
    if last.process.returncode != 0:
        return [f"the last import ended with status {last.process.returncode}:\n{last.output()}"]
    report: dict[str, Any] = msgspec.json.decode(last.output())
    found = {
        "state": report["state"],
        "accepted": report["accepted"],
        "repeated": report["repeated"],
        "rejected": sum(report["rejected"].values()),
        "leads": await driver.fetchval("SELECT count(*) FROM leads"),
        "addresses": await driver.fetchval("SELECT count(DISTINCT email) FROM leads"),
        "leads in the campaign": await driver.fetchval("SELECT count(*) FROM campaign_leads"),
    }
    accepted = expected["accepted"]
    wanted = {"state": "done", "leads": accepted, "addresses": accepted, "leads in the campaign": accepted, **expected}
    return [f"{name}: {found[name]} instead of {wanted[name]}" for name in found if found[name] != wanted[name]]
