"""B6: leads that an import reads, normalizes and saves a second, and the memory that this takes.

`python -m benchmarks.leads_import import FILE URL` runs the measured import in its own process.
"""

import csv
import random
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from uuid import UUID

import asyncpg
import msgspec
import uvloop
from rich.progress import Progress

from benchmarks.children import child, lines, ready
from benchmarks.environment import BenchmarkEnvironment, scalar
from benchmarks.processor_time import cpu_seconds_of_tree, peak_memory
from benchmarks.results import BenchmarkReport, Ratio
from showup.campaigns.imports_store import LeadImport
from showup.campaigns.lead_file.file import ReadingOptions, open_lead_file
from showup.clock import system_clock
from showup.commands.import_leads import ImportRequest, import_leads
from showup.database.engine import connect

_LEADS_FULL, _LEADS_QUICK = 1_000_000, 50_000
_REQUIRED_PER_SECOND = 20_000
_MOST_MEMORY_MB = 300.0
_HEADER = ("Email", "First Name", "Last Name", "companyName", "jobTitle", "location", "emails_sent", "reply_count")
_NAMES = ("Amara", "Søren", "Mei-Ling", "Tomasz", "Lucía", "Dana", "Seán", "Priya", "Mohammed", "Ngọc", "Léa", "Ian")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One import. `*_us` are processor time a row, PostgreSQL's None where unknown; `peak_*_mb` is memory."""

    leads: int
    per_second: float
    process_us: float
    postgres_us: float | None
    peak_after_a_tenth_mb: float
    peak_mb: float


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the process, printed at its end."""

    accepted: int
    seconds: float
    cpu_seconds: float
    peak_after_a_tenth_mb: float
    peak_mb: float


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures the import of one file into an empty workspace, where no booking has an attendee yet."""
    count = _LEADS_QUICK if quick else _LEADS_FULL
    task = progress.add_task("B6: importing leads", total=count)
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv"
        _write_file(path, count)
        async with environment.database() as url:
            before = None if environment.postmaster is None else cpu_seconds_of_tree(environment.postmaster)
            line = b""
            async with child("leads_import", "import", str(path), url) as process:
                async for line in lines(process):
                    if line[:1].isdigit():
                        progress.update(task, completed=int(line))
            after = None if environment.postmaster is None else cpu_seconds_of_tree(environment.postmaster)
            found = await scalar(url, "SELECT count(*) FROM campaign_leads")
    result = msgspec.json.decode(line, type=ImportResult)
    if found != count or result.accepted != count:
        faults.append(f"{found:,} leads instead of {count:,}")
    if result.peak_mb > _MOST_MEMORY_MB:
        faults.append(f"{result.peak_mb:.0f} MB")
    row = Row(
        leads=count,
        per_second=count / result.seconds,
        process_us=result.cpu_seconds / count * 1e6,
        postgres_us=None if before is None or after is None else (after - before) / count * 1e6,
        peak_after_a_tenth_mb=result.peak_after_a_tenth_mb,
        peak_mb=result.peak_mb,
    )
    return BenchmarkReport(
        name="b6-leads-import",
        title="B6: leads imported a second",
        ratios=[
            Ratio(label="rows / 20,000 a second", value=row.per_second / _REQUIRED_PER_SECOND, required=1.0),
            Ratio(label="memory at the end / after a tenth", value=row.peak_mb / row.peak_after_a_tenth_mb),
        ],
        rows=[msgspec.to_builtins(row)],
        faults=faults,
    )


def _write_file(path: Path, count: int) -> None:
    """Writes an export as a tool does: names with accents, mixed case, tags, some further addresses."""
    chance = random.Random(6)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADER)
        for number in range(count):
            first, last = chance.choice(_NAMES), f"{chance.choice(_NAMES)}-{number % 9_973}"
            company = f"Company {number % 300_000} GmbH"
            tag = "+list" if number % 50 == 0 else ""
            email = f"Lead.{number}{tag}@Company-{number % 300_000}.example"
            writer.writerow((email, first, last, company, "CFO", "Oslo", number % 5, number % 20 == 0))


async def _import(path: str, url: str) -> None:
    driver = await asyncpg.connect(url)
    workspace_id: UUID = await driver.fetchval("SELECT id FROM workspaces LIMIT 1")
    await driver.close()
    engine = connect(url)
    ready()
    started_at, cpu_before = perf_counter(), process_time()
    file = open_lead_file(Path(path), ReadingOptions())
    early_peak = 0.0

    def on_progress(imported: LeadImport) -> None:
        nonlocal early_peak
        if imported.accepted <= max(file.size // 1_000, 10_000):
            early_peak = peak_memory()
        print(imported.accepted, flush=True)

    request = ImportRequest(
        workspace_id=workspace_id, file=file, file_name="leads.csv", campaign="Benchmark", actor="benchmark"
    )
    done = await import_leads(engine, request, system_clock, on_progress)
    result = ImportResult(
        accepted=done.accepted,
        seconds=perf_counter() - started_at,
        cpu_seconds=process_time() - cpu_before,
        peak_after_a_tenth_mb=early_peak,
        peak_mb=peak_memory(),
    )
    await engine.dispose()
    print(msgspec.json.encode(result).decode(), flush=True)


def main() -> None:
    """Run the import."""
    _, path, url = sys.argv[1:]
    uvloop.run(_import(path, url))


if __name__ == "__main__":
    main()
