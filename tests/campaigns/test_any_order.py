"""CA2: bookings, imports, merges and undone matches lead to the same matches in any order; a rebuild agrees."""

import asyncio
from collections.abc import Awaitable, Callable
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
from tests.histories.webhooks import MONDAY

Step: TypeAlias = Callable[[CampaignScenario], Awaitable[object]]
PEOPLE = ("ann@acme.example", "ann+cal@acme.example", "ann@home.example", "bo.b@gmail.com", "bob@gmail.com")
_numbers = count()


def book(uid: str, email: str, day: int) -> Step:
    return lambda scenario: scenario.book(uid, email, at=MONDAY + timedelta(days=day))


def import_lead(campaign: str, email: str, **cells: Any) -> Step:
    return lambda scenario: scenario.import_rows(campaign, [{"email": email, **cells}])


def merge(gone: str, stays: str) -> Step:
    return lambda scenario: scenario.execute(Merged(kind="people", gone=gone, stays=stays))


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    people = st.sampled_from(PEOPLE)
    found: list[Step] = [book(f"b{n}", draw(people), draw(st.integers(-3, 3))) for n in range(draw(st.integers(1, 3)))]
    for number in range(draw(st.integers(1, 4))):
        at = (MONDAY + timedelta(days=draw(st.integers(-5, 5)))).isoformat()
        cells = draw(st.sampled_from([{"interested_at": at}, {"last_sent_at": at}, {"interested": "true"}, {}]))
        more = draw(st.sampled_from([{}, {"Secondary Email": draw(people)}]))
        found.append(import_lead(f"Campaign {number}", draw(people), **cells, **more))
    if draw(st.booleans()):
        gone, stays = draw(st.permutations(PEOPLE))[:2]
        found.append(merge(gone, stays))
    return found


@given(data=st.data())
@settings(
    max_examples=6,
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
