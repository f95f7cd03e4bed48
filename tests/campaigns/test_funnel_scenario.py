"""CA2: the bookings of a scenario that was worked out by hand are matched as it says, in any order of arrival."""

import json
import random
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from showup.database.engine import driver_connection, transaction
from showup.inbox import store
from showup.inbox.apply import apply_pending
from showup.inbox.inbox_event import IncomingEvent
from tests.campaigns.scenario import CampaignScenario

FOLDER = Path(__file__).parent / "funnel"
SCENARIO: dict[str, Any] = json.loads((FOLDER / "scenario.json").read_text())
EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())
LEADS = {lead["key"]: lead for lead in SCENARIO["leads"]}
# A stranger, and a lead who booked with a personal address.
EXPECTED_UNMATCHED = 2
CAMPAIGNS = {one["id"]: one["name"] for one in SCENARIO["campaigns"]}


def rows_of(campaign_id: int, keys: set[str]) -> list[dict[str, object]]:
    names = ("emails_sent", "last_sent_at", "bounced", "replied_at", "interested_at")
    return [
        {"email": lead["email"], "first_name": lead["first_name"], "last_name": lead["last_name"]}
        | {"company": lead["company"]}
        | {name: "" if member[name] is None else member[name] for name in names}
        for lead in SCENARIO["leads"]
        for member in lead["campaigns"]
        if member["id"] == campaign_id and lead["key"] in keys
    ]


async def import_leads(scenario: CampaignScenario, keys: set[str]) -> None:
    for campaign_id, name in CAMPAIGNS.items():
        if rows := rows_of(campaign_id, keys):
            await scenario.import_rows(name, rows)


async def receive(scenario: CampaignScenario, steps: list[dict[str, Any]]) -> None:
    incoming = [
        IncomingEvent(
            account_id=scenario.account.account_id,
            workspace_id=scenario.workspace,
            body=json.dumps(step["body"]).encode(),
            received_at=datetime.fromisoformat(step["at"]),
        )
        for step in steps
    ]
    async with transaction(scenario.engine) as tx:
        await store.insert_events(await driver_connection(tx), incoming)
    while await apply_pending(scenario.engine, scenario.workspace, scenario.clock, {}, limit=7):
        pass


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("leads_first", [True, False])
async def test_every_attendee_is_matched_as_the_scenario_says(
    scenario: CampaignScenario, seed: int | None, leads_first: bool
) -> None:
    steps = [step for step in SCENARIO["steps"] if step["do"] == "webhook"]
    if seed is not None:
        random.Random(seed).shuffle(steps)  # noqa: S311  # an order, not a secret
    late = {"L40"}
    if leads_first:
        await import_leads(scenario, set(LEADS) - late)
    await receive(scenario, steps)
    await import_leads(scenario, set(LEADS) if not leads_first else late)
    expected = {
        (one["attendee"].lower(), LEADS[one["lead"]]["email"], CAMPAIGNS[one["campaign_id"]])
        for one in EXPECTED["matching"]
    }
    assert {row[:3] for row in await scenario.pairs()} == expected
    unmatched = await scenario.rows("SELECT attendee FROM unmatched_bookings WHERE workspace_id = $1")
    assert len(unmatched) == EXPECTED_UNMATCHED
    assert await scenario.rebuild_differences() == []
