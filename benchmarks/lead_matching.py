"""How well attendees are matched to leads by name and company: the curve of precision and recall, with intervals.

`python -m benchmarks.lead_matching FOLDER…`: each folder is one task, named DATASET-SEED, with leads.csv (lead_id,
email, first_name, last_name, company), attendees.csv (attendee_id, name, email, company) and truth.csv (attendee_id,
lead_ids joined by `|`, and how the row was made). No attendee has the address of a lead. The leads are imported into a
database, and the attendees are looked up in it as Showup does. docs/LEADS.md has the results.
"""

import argparse
import csv
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import NormalDist
from time import perf_counter
from typing import Final, Literal
from uuid import UUID

import asyncpg
import msgspec
import uvloop
from rich.console import Console
from rich.progress import Progress

from benchmarks import results
from benchmarks.environment import BenchmarkEnvironment, open_environment
from benchmarks.machine import this_machine
from benchmarks.results import BenchmarkReport, Ratio
from showup.campaigns.lead_file.file import ReadingOptions, open_lead_file
from showup.campaigns.name_match.decision import SURE_BITS, ComparedLead, decide
from showup.campaigns.name_match.features import attendee_features, is_shared_mailbox
from showup.campaigns.short_list import compare_leads
from showup.clock import system_clock
from showup.commands.import_leads import ImportRequest, import_leads
from showup.database.engine import connect
from showup.pipeline.rules import Rules

# The threshold was set on the first five, and errors among these led to rules: their figures say little about others.
_SEEN_SEEDS: Final = range(1, 16)
_THRESHOLDS: Final = (0.0, 2.0, 4.0, 5.0, 6.0, SURE_BITS, 8.0, 9.0, 10.0, 12.0, 14.0)
_REQUIRED_PRECISION: Final = 0.99
_REQUIRED_FOUND: Final = 0.94
# The tasks' personal providers, as a workspace adds its own to the known ones.
_RULES: Final = Rules(personal_domains=frozenset({"mail.example", "freemail.example", "inbox.example"}))
_Z: Final = NormalDist().inv_cdf(0.975)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """An attendee: the right leads, and those that were compared, for a match and for review.

    `may_match`: they have an address of their own at a company, or none at all, as `projector.name_keys` wants it.
    `is_decidable`: a full name and a company were typed, and the company is the one that the list has.
    """

    dataset: str
    seed: int
    right: frozenset[str]
    has_address: bool
    may_match: bool
    is_decidable: bool
    for_match: Sequence[ComparedLead]
    for_review: Sequence[ComparedLead]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of all attendees of a kind at one threshold.

    `precise_from` and `precise_to` are the Wilson interval of the precision (95 %). `recall` and `found` (matched, or
    among five suggestions) are shares of the attendees with a lead, `decidable_recall` of those whose name and company
    suffice, `review` of all attendees.
    """

    dataset: str
    seeds: str
    kind: Literal["all", "without an address"]
    threshold: float
    attendees: int
    with_lead: int
    automatic: int
    wrong: int
    precision: float
    precise_from: float
    precise_to: float
    recall: float
    decidable_recall: float
    found: float
    review: float


async def measure(environment: BenchmarkEnvironment, folders: Sequence[Path], progress: Progress) -> BenchmarkReport:
    """Measures the matches of all tasks."""
    task = progress.add_task("matching attendees to leads", total=len(folders))
    cases: list[Case] = []
    seconds = 0.0
    for folder in folders:
        found, taken = await _cases_of(environment, folder)
        cases, seconds = cases + found, seconds + taken
        progress.advance(task)
    rows = [row for group in _groups(cases) for row in _curve(group)]
    at_threshold = [row for row in rows if row.threshold == SURE_BITS and not row.seeds.startswith("1-")]
    at_threshold = [row for row in at_threshold if row.kind == "all"]
    ratios = [
        Ratio(label=f"{row.dataset}: precision of automatic matches", value=row.precision, required=_REQUIRED_PRECISION)
        for row in at_threshold
    ]
    ratios += [
        Ratio(label=f"{row.dataset}: matched, or among five suggestions", value=row.found, required=_REQUIRED_FOUND)
        for row in at_threshold
    ]
    ratios.append(Ratio(label="milliseconds an attendee, both looks", value=seconds / max(1, len(cases)) * 1_000))
    return BenchmarkReport(
        name="lead-matching",
        title="CA2: matches by name and company",
        ratios=ratios,
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=[],
        digits=4,
    )


async def _cases_of(environment: BenchmarkEnvironment, folder: Path) -> tuple[list[Case], float]:
    dataset, _, seed = folder.name.rpartition("-")
    attendees, truth = _read(folder / "attendees.csv"), {row["attendee_id"]: row for row in _read(folder / "truth.csv")}
    emails = {row["lead_id"]: row["email"] for row in _read(folder / "leads.csv")}
    features = [
        attendee_features(
            row["name"] or None, row["email"] or None, row["company"] or None, _RULES.company_domain(row["email"])
        )
        for row in attendees
    ]
    async with environment.database() as url:
        workspace_id = await _import(url, folder / "leads.csv")
        driver = await asyncpg.connect(url)
        started_at = perf_counter()
        for_match = await compare_leads(driver, workspace_id, features, for_review=False)
        for_review = await compare_leads(driver, workspace_id, features, for_review=True)
        seconds = perf_counter() - started_at
        await driver.close()
    return [
        Case(
            dataset=dataset,
            seed=int(seed),
            right=frozenset(emails[one] for one in truth[row["attendee_id"]]["lead_ids"].split("|") if one),
            has_address=bool(row["email"]),
            may_match=not row["email"] or (feature.domain is not None and not is_shared_mailbox(row["email"])),
            is_decidable=_is_decidable(truth[row["attendee_id"]]),
            for_match=match,
            for_review=review,
        )
        for row, feature, match, review in zip(attendees, features, for_match, for_review, strict=True)
    ], seconds


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def _import(url: str, path: Path) -> UUID:
    driver = await asyncpg.connect(url)
    workspace_id: UUID = await driver.fetchval("SELECT id FROM workspaces LIMIT 1")
    engine = connect(url)
    request = ImportRequest(
        workspace_id=workspace_id,
        file=open_lead_file(path, ReadingOptions()),
        file_name=path.name,
        campaign="Benchmark",
        actor="benchmark",
    )
    await import_leads(engine, request, system_clock)
    await engine.dispose()
    # As autovacuum does soon after an import.
    await driver.execute("VACUUM ANALYZE leads")
    await driver.close()
    return workspace_id


def _is_decidable(truth: dict[str, str]) -> bool:
    return (
        truth["name_change"] not in ("first_only", "initial")
        and truth["company_change"] != "blank"
        and truth["company_relation"] in ("same_string", "shares_word")
    )


def _groups(cases: Iterable[Case]) -> list[list[Case]]:
    def group(case: Case) -> tuple[str, bool]:
        return case.dataset, case.seed not in _SEEN_SEEDS

    return [list(found) for _, found in groupby(sorted(cases, key=group), key=group)]


def _curve(cases: Sequence[Case]) -> list[Row]:
    seeds = sorted({case.seed for case in cases})
    span = f"{seeds[0]}-{seeds[-1]}"
    rows = [_row(cases, span, "all", threshold) for threshold in _THRESHOLDS]
    return [*rows, _row([case for case in cases if not case.has_address], span, "without an address", SURE_BITS)]


def _row(cases: Sequence[Case], seeds: str, kind: Literal["all", "without an address"], threshold: float) -> Row:
    automatic = right = decidable_right = found = review = 0
    for case in cases:
        match = decide(case.for_match, may_match=case.may_match, sure_bits=threshold).match
        suggested = {one.lead.email for one in decide(case.for_review, may_match=False).suggestions}
        is_right = match is not None and match.lead.email in case.right
        automatic += match is not None
        right += is_right
        decidable_right += is_right and case.is_decidable
        review += match is None and bool(suggested)
        found += is_right if match is not None else not suggested.isdisjoint(case.right)
    with_lead = sum(bool(case.right) for case in cases)
    decidable = sum(bool(case.right) and case.is_decidable for case in cases)
    low, high = wilson_interval(right, automatic)
    return Row(
        dataset=cases[0].dataset,
        seeds=seeds,
        kind=kind,
        threshold=threshold,
        attendees=len(cases),
        with_lead=with_lead,
        automatic=automatic,
        wrong=automatic - right,
        precision=right / automatic if automatic else 1.0,
        precise_from=low,
        precise_to=high,
        recall=right / with_lead,
        decidable_recall=decidable_right / decidable,
        found=found / with_lead,
        review=review / len(cases),
    )


def wilson_interval(successes: int, count: int) -> tuple[float, float]:
    """Returns the 95 % interval of a share. Source: Wilson, "Probable inference", JASA 22 (1927)."""
    if not count:
        return 0.0, 1.0
    share, z2 = successes / count, _Z**2 / count
    middle = (share + z2 / 2) / (1 + z2)
    half = (share * (1 - share) * z2 + z2**2 / 4) ** 0.5 / (1 + z2)
    return middle - half, min(1.0, middle + half)


async def run(folders: Sequence[Path]) -> None:
    """Measures, prints the curve and writes it to benchmarks/results/."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    async with open_environment() as environment:
        with Progress(console=console, transient=True) as progress:
            report = await measure(environment, folders, progress)
        results.write(report, this_machine(environment), quick=False)
        results.show(report, console)


def main() -> None:
    """Run the benchmark over the given tasks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lead_matching", description="Measure matches by name.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a task, named DATASET-SEED")
    uvloop.run(run(parser.parse_args().folders))


if __name__ == "__main__":
    main()
