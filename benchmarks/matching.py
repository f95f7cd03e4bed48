"""B6: how long it takes to find the lead that one attendee is, by address and by name, in a long list.

Surnames are as unevenly distributed as in reality: the most frequent one has every 76th lead, the hundredth every
840th. Each attendee is looked up alone, as one booking arrives, with the statements of the projection worker.
"""

import csv
import random
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from time import perf_counter, process_time
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import msgspec
from rich.progress import Progress

from benchmarks.environment import BenchmarkEnvironment
from benchmarks.processor_time import cpu_seconds_of_tree
from benchmarks.results import BenchmarkReport, Ratio
from showup.campaigns import candidates
from showup.campaigns.candidates import SeatRow
from showup.campaigns.lead_file.file import ReadingOptions, open_lead_file
from showup.clock import system_clock
from showup.commands.import_leads import ImportRequest, import_leads
from showup.database.engine import connect
from showup.inbox.name_matches import NamedSeat, find_by_name
from showup.values.email_address import match_key

_LEADS_FULL, _LEADS_QUICK = 1_000_000, 20_000
_TIMES: Final = 300
_TARGET_MS: Final = 15.0
_FIRST_NAMES, _SURNAMES, _COMPANIES = 400, 20_000, 200_000
_VOWELS, _CONSONANTS = "aeiou", "bdfgklmnprstv"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of attendee; `found`: how many of them were matched. Processor time is for each attendee."""

    attendee: str
    leads: int
    times: int
    found: int
    p50_ms: float
    p99_ms: float
    process_ms: float
    postgres_ms: float | None


def _name(number: int, length: int) -> str:
    """Returns a word that can be said, another one for each number."""
    letters = []
    for place in range(length):
        alphabet = _VOWELS if place % 2 else _CONSONANTS
        number, rest = divmod(number, len(alphabet))
        letters.append(alphabet[rest])
    return "".join(letters).title()


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A lead, as the file has it."""

    email: str
    first: str
    last: str
    company: str


def _people(count: int) -> list[Person]:
    chance = random.Random(15)
    surnames = [_name(number, 8) for number in range(_SURNAMES)]
    weights = list(accumulate(1 / (place + 10) for place in range(_SURNAMES)))
    people = []
    for number, last in enumerate(chance.choices(surnames, cum_weights=weights, k=count)):
        first, company = _name(chance.randrange(_FIRST_NAMES), 6), chance.randrange(min(_COMPANIES, count))
        email = f"{first}.{last}{number}@{_name(company, 10)}.example".lower()
        people.append(Person(email=email, first=first, last=last, company=f"{_name(company, 10)} Ltd"))
    return people


async def measure(environment: BenchmarkEnvironment, progress: Progress, *, quick: bool) -> BenchmarkReport:
    """Measures each kind of attendee against the same list."""
    people = _people(_LEADS_QUICK if quick else _LEADS_FULL)
    task = progress.add_task("B6: matching attendees", total=len(people))
    async with environment.database() as url:
        workspace_id = await _import(url, people, lambda done: progress.update(task, completed=done))
        driver = await asyncpg.connect(url)
        try:
            await driver.execute("VACUUM ANALYZE leads, campaign_leads")
            await driver.execute("CHECKPOINT")
            rows = [
                await _measure_kind(driver, workspace_id, kind, seats, len(people), environment.postmaster)
                for kind, seats in _kinds(people).items()
            ]
        finally:
            await driver.close()
    return BenchmarkReport(
        name="b6-matching",
        title="B6: finding the lead that one attendee is",
        ratios=[
            Ratio(label=f"{_TARGET_MS:.0f} ms / {row.attendee}, p99", value=_TARGET_MS / row.p99_ms, required=1.0)
            for row in rows
        ],
        rows=[msgspec.to_builtins(row) for row in rows],
        faults=[f"{row.attendee}: found {row.found}" for row in rows if row.attendee == "address" and row.found == 0],
    )


def _kinds(people: Sequence[Person]) -> dict[str, list[SeatRow]]:
    """Returns the attendees: leads by their address, by name and company, and strangers with the commonest surname."""
    chance = random.Random(16)
    commonest = _name(0, 8)
    namesakes = [one for one in people if one.last == commonest]
    return {
        "address": [_seat(one, one.email) for one in chance.choices(people, k=_TIMES)],
        "name and company": [_seat(one, f"n{place}@mail.example") for place, one in enumerate(_some(chance, people))],
        "commonest surname, and company": [
            _seat(one, f"c{place}@mail.example") for place, one in enumerate(_some(chance, namesakes))
        ],
        "commonest surname, of no lead": [
            _seat(
                Person(email="", first=one.first, last=commonest, company="Unknown"), f"u{place}@other{place}.example"
            )
            for place, one in enumerate(_some(chance, namesakes))
        ],
    }


def _some(chance: random.Random, people: Sequence[Person]) -> list[Person]:
    return chance.choices(people, k=_TIMES)


def _seat(person: Person, email: str) -> SeatRow:
    return SeatRow(
        key=email,
        email=email,
        name=f"{person.first} {person.last}",
        booked_at=datetime(2026, 11, 1, tzinfo=UTC),
        company_answer=person.company,
        company_key=f"domain:{email.partition('@')[2]}",
        may_match_by_name=True,
    )


async def _measure_kind(
    driver: asyncpg.Connection,
    workspace_id: UUID,
    kind: str,
    seats: Sequence[SeatRow],
    leads: int,
    postmaster: int | None,
) -> Row:
    for seat in seats[:20]:
        await _find(driver, workspace_id, seat)
    timings, found = [], 0
    cpu, before = process_time(), None if postmaster is None else cpu_seconds_of_tree(postmaster)
    for seat in seats:
        started_at = perf_counter()
        found += await _find(driver, workspace_id, seat)
        timings.append(1000 * (perf_counter() - started_at))
    after = None if postmaster is None else cpu_seconds_of_tree(postmaster)
    timings.sort()
    return Row(
        attendee=kind,
        leads=leads,
        times=len(seats),
        found=found,
        p50_ms=timings[len(timings) // 2],
        p99_ms=timings[len(timings) * 99 // 100],
        process_ms=1000 * (process_time() - cpu) / len(seats),
        postgres_ms=None if before is None or after is None else 1000 * (after - before) / len(seats),
    )


async def _find(driver: asyncpg.Connection, workspace_id: UUID, seat: SeatRow) -> bool:
    """Returns whether the attendee is a lead: by address, else by name."""
    if await candidates.of_keys(driver, workspace_id, [match_key(seat.key)]):
        return True
    return bool(
        await find_by_name(driver, workspace_id, [NamedSeat(booking_id=uuid4(), row=seat, ruled_out=frozenset())])
    )


async def _import(url: str, people: Sequence[Person], on_progress: Callable[[int], None]) -> UUID:
    driver = await asyncpg.connect(url)
    workspace_id: UUID = await driver.fetchval("SELECT id FROM workspaces LIMIT 1")
    await driver.close()
    engine = connect(url)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("Email", "First Name", "Last Name", "Company"))
            writer.writerows((one.email, one.first, one.last, one.company) for one in people)
        request = ImportRequest(
            workspace_id=workspace_id,
            file=open_lead_file(path, ReadingOptions()),
            file_name=path.name,
            campaign="Benchmark",
            actor="benchmark",
        )
        await import_leads(engine, request, system_clock, lambda imported: on_progress(imported.accepted))
    await engine.dispose()
    return workspace_id
