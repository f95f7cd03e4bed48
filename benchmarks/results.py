"""The results of a benchmark: a file for the record, and tables for the terminal, the ratios first."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine

_FOLDER = Path(__file__).parent / "results"
_SMALL_VALUE = 100


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """One figure divided by another, and its target (None: no target)."""

    label: str
    value: float
    required: float | None = None

    @property
    def verdict(self) -> str:
        """Returns whether the target is reached."""
        if self.required is None:
            return ""
        return "reached" if self.value >= self.required else "missed"


class BenchmarkReport(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark's result. `rows` have the same keys; `faults` say what makes the figures invalid.

    `digits` after the point are recorded. `skipped`: why nothing was measured; then there are no rows.
    """

    name: str
    title: str
    ratios: list[Ratio]
    rows: list[dict[str, Any]]
    faults: list[str]
    digits: int = 2
    skipped: str | None = None


def write(report: BenchmarkReport, machine: Machine, *, quick: bool) -> Path:
    """Writes the result to the file of its name; small sizes have their own files."""
    path = _FOLDER / f"{report.name}{'-quick' if quick else ''}.json"
    # More digits than the noise allows would only make two records hard to compare.
    rows = [
        {name: round(value, report.digits) if isinstance(value, float) else value for name, value in row.items()}
        for row in report.rows
    ]
    ratios = [msgspec.structs.replace(value, value=round(value.value, report.digits)) for value in report.ratios]
    report = msgspec.structs.replace(report, rows=rows, ratios=ratios)
    record = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": machine,
        "found": report,
    }
    _FOLDER.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    return path


def show(report: BenchmarkReport, console: Console) -> None:
    """Prints the result."""
    console.rule(report.title, align="left")
    if report.skipped is not None:
        console.print(f"SKIPPED: {report.skipped}", style="bold yellow")
        return
    ratios = Table("ratio", "found", "wanted", "")
    for ratio in report.ratios:
        required = "" if ratio.required is None else f"≥ {ratio.required:g}"
        ratios.add_row(ratio.label, f"{ratio.value:.{report.digits}f}", required, ratio.verdict)
    console.print(ratios)
    rows = Table(*(name.replace("_", " ") for name in report.rows[0]))
    for row in report.rows:
        rows.add_row(*(_text(value, report.digits - 1) for value in row.values()))
    console.print(rows)
    for fault in report.faults:
        console.print(f"FAULT: {fault}", style="bold red")


def _text(value: Any, digits: int) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.{digits}f}" if value < _SMALL_VALUE else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
