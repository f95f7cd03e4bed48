"""CA2: bookings, imports, merges and undone matches lead to the same matches in any order; a rebuild agrees.

People are matched by address, and where that finds no lead, by name and company.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.events.booking import MatchUndone
from showup.events.workspace import Merged
from showup.inbox.apply import apply_pending
from tests.campaigns.scenario import CampaignScenario
from tests.histories.table_contents import new_account
from tests.histories.webhooks import MONDAY, attendee

Step: TypeAlias = Callable[[CampaignScenario], Awaitable[object]]
ANN, BOB = ("Ann Larsson", "Acme"), ("Bob Obradovic", "Initech GmbH")
NAMES = {
    "ann@acme.example": ANN,
    "ann+cal@acme.example": ANN,
    "ann@studio.example": ANN,
    "a.larsson@acme.example": ("Anna Larsson", "Acme"),
    "bo.b@gmail.com": BOB,
    "bob@gmail.com": BOB,
    "robert@initech.example": ("Robert Obradovic", "Initech"),
}
PEOPLE = tuple(NAMES)
# A lead keeps the further address that the first file gave, so all files give the same.
PHONE = "+31612345678"
"""An attendee without an address, who is known by this number."""
OTHERS = {"ann@acme.example": "ann@studio.example", "bob@gmail.com": "robert@initech.example"}
_numbers = count()


def book(uid: str, email: str, day: int) -> Step:
    at = MONDAY + timedelta(days=day)
    name, company = BOB if email == PHONE else NAMES[email]
    booker = attendee("", name, phone=PHONE) if email == PHONE else attendee(email, name)
    return lambda scenario: scenario.book(uid, booker, at=at, company=company)


def import_lead(campaign: str, email: str, cells: Mapping[str, Any], *, is_named: bool) -> Step:
    name, company = NAMES[email]
    # A file without names is filled by one that has them, whichever comes first.
    first, _, last = name.partition(" ") if is_named else ("", "", "")
    row = {"email": email, "first_name": first, "last_name": last, "company": company if is_named else "", **cells}
    return lambda scenario: scenario.import_rows(campaign, [row])


def book_and_undo(uid: str, email: str, lead: str) -> Step:
    async def run(scenario: CampaignScenario) -> None:
        await book(uid, email, 0)(scenario)
        await scenario.execute(MatchUndone(subject=f"uid:{uid}", attendee=email, lead=lead))

    return run


def merge(gone: str, stays: str) -> Step:
    return lambda scenario: scenario.execute(Merged(kind="people", gone=gone, stays=stays))


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    people, bookers = st.sampled_from(PEOPLE), st.sampled_from([*PEOPLE, PHONE])
    found: list[Step] = [book(f"b{n}", draw(bookers), draw(st.integers(-3, 3))) for n in range(draw(st.integers(1, 3)))]
    for number in range(draw(st.integers(1, 4))):
        at = (MONDAY + timedelta(days=draw(st.integers(-5, 5)))).isoformat()
        cells = draw(st.sampled_from([{"interested_at": at}, {"last_sent_at": at}, {"interested": "true"}, {}]))
        lead, is_named = draw(people), draw(st.booleans())
        more = {"Secondary Email": OTHERS[lead]} if lead in OTHERS and draw(st.booleans()) else {}
        found.append(import_lead(f"Campaign {number}", lead, {**cells, **more}, is_named=is_named))
    if draw(st.booleans()):
        found.append(book_and_undo("undone", draw(bookers), draw(people)))
    if draw(st.booleans()):
        gone, stays = draw(st.permutations(PEOPLE))[:2]
        found.append(merge(gone, stays))
    return found


@given(data=st.data())
@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_any_order_leads_to_the_same_matches(engine: AsyncEngine, tmp_path: Path, data: st.DataObject) -> None:
    chosen = data.draw(steps())
    results = []
    for order in (chosen, data.draw(st.permutations(chosen)), list(reversed(chosen))):
        folder = tmp_path / str(next(_numbers))
        folder.mkdir()
        scenario = CampaignScenario(engine, await new_account(engine), folder)
        for step in order:
            await step(scenario)
        results.append(await scenario.matches())
        assert await scenario.rebuild_differences() == []
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("undo_first", [False, True])
async def test_an_undone_match_stays_undone_whichever_event_has_the_earlier_time(
    scenario: CampaignScenario, undo_first: bool
) -> None:
    undone = MatchUndone(subject="uid:one", attendee=PEOPLE[0], lead=PEOPLE[0])
    await scenario.book("one", PEOPLE[0])
    if undo_first:
        assert (await scenario.execute(undone)).refused is None
    await scenario.import_rows("Founders", [{"email": PEOPLE[0]}])
    if not undo_first:
        await scenario.execute(undone)
    await scenario.import_rows("More", [{"email": PEOPLE[0], "interested": "true"}])
    assert await scenario.matches() == []
    assert await scenario.rebuild_differences() == []


async def test_two_bookings_that_prove_to_be_one_have_one_match(scenario: CampaignScenario) -> None:
    await scenario.import_rows("Founders", [{"email": PEOPLE[0]}])
    await scenario.book("old", PEOPLE[0])
    await scenario.book("new", PEOPLE[0], at=MONDAY + timedelta(hours=2))
    assert len(await scenario.matches()) == 2
    fields = {"rescheduleUid": "old", "rescheduleStartTime": "2026-09-20T12:00:00Z"}
    await scenario.book("new", PEOPLE[0], at=MONDAY + timedelta(hours=1), trigger="BOOKING_RESCHEDULED", **fields)
    assert [row[:2] for row in await scenario.matches()] == [("new", PEOPLE[0])]
    assert await scenario.rebuild_differences() == []


async def test_bookings_and_imports_at_the_same_time_miss_no_match(scenario: CampaignScenario) -> None:
    """Each side sees what the other has committed: neither a lead nor a booking of the same moment is overlooked."""
    emails = [f"p{number}@acme.example" for number in range(40)]

    async def import_all(campaign: str) -> None:
        (scenario.folder / campaign).write_text("\n".join(["email", *emails]))
        await scenario.import_file(scenario.folder / campaign, campaign, batch_rows=3)

    async def book_all() -> None:
        for number, email in enumerate(emails):
            await scenario.book(f"b{number:03}", email)

    await asyncio.gather(import_all("One"), book_all(), import_all("Two"))
    # A projection that finds the lock taken leaves its events to the next one.
    while await apply_pending(scenario.engine, scenario.workspace, scenario.clock, {}):
        pass
    assert [row[1] for row in await scenario.matches()] == emails
    assert {row[3] for row in await scenario.matches()} == {"One"}
    assert await scenario.rebuild_differences() == []
