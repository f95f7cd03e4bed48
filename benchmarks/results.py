"""What a benchmark found: a file for the record, and tables for whoever ran it, the ratios first."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine

_FOLDER = Path(__file__).parent / "results"
_SMALL = 100


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """One figure over another, and how much it must be (None: it is only told)."""

    what: str
    found: float
    wanted: float | None = None

    @property
    def verdict(self) -> str:
        """Whether it is enough."""
        if self.wanted is None:
            return ""
        return "reached" if self.found >= self.wanted else "missed"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark's outcome. `rows` have the same keys; `faults` say what makes the figures worthless."""

    name: str
    title: str
    ratios: list[Ratio]
    rows: list[dict[str, Any]]
    faults: list[str]


def write(found: Found, machine: Machine, *, quick: bool) -> Path:
    """Puts it on record under its name; small sizes apart, since they are no measure for the full ones."""
    path = _FOLDER / f"{found.name}{'-quick' if quick else ''}.json"
    # More digits than the noise allows would only make two records hard to compare.
    rows = [{name: round(one, 2) if isinstance(one, float) else one for name, one in row.items()} for row in found.rows]
    ratios = [msgspec.structs.replace(one, found=round(one.found, 2)) for one in found.ratios]
    found = msgspec.structs.replace(found, rows=rows, ratios=ratios)
    record = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "quick": quick, "machine": machine, "found": found}
    _FOLDER.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    return path


def show(found: Found, console: Console) -> None:
    """Prints it."""
    console.rule(found.title, align="left")
    ratios = Table("ratio", "found", "wanted", "")
    for one in found.ratios:
        wanted = "" if one.wanted is None else f"≥ {one.wanted:g}"
        ratios.add_row(one.what, f"{one.found:.2f}", wanted, one.verdict)
    console.print(ratios)
    rows = Table(*(name.replace("_", " ") for name in found.rows[0]))
    for row in found.rows:
        rows.add_row(*(_text(value) for value in row.values()))
    console.print(rows)
    for fault in found.faults:
        console.print(f"FAULT: {fault}", style="bold red")


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.1f}" if value < _SMALL else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
