"""CA4, CA5: the funnel of a scenario that was worked out by hand, in any order of arrival."""

import random
from datetime import datetime
from typing import Any

import pytest

from showup.campaigns.funnel import funnel_item
from showup.database.engine import transaction
from showup.events.booking import OutcomeReported
from showup.reads.funnel import Funnel, read_funnel
from showup.reads.funnel_filter import FunnelFilter
from tests.campaigns.scenario import CampaignScenario
from tests.campaigns.test_funnel_scenario import CAMPAIGNS, EXPECTED, LEADS, SCENARIO, import_leads, receive

AS_OF = datetime.fromisoformat(EXPECTED["as_of"])


async def read(scenario: CampaignScenario, *dimensions: Any, **filters: Any) -> Funnel:
    async with transaction(scenario.engine) as tx:
        wanted = FunnelFilter(workspace_id=scenario.workspace, **filters)
        return await read_funnel(tx, wanted, dimensions, AS_OF)


def rounded(item: Any) -> Any:
    """Returns the item with figures to five places, which both sides have in common."""
    match item:
        case dict():
            return {name: rounded(value) for name, value in item.items()}
        case list() | tuple():
            return [rounded(value) for value in item]
        case float():
            return round(item, 5)
        case _:
            return item


@pytest.mark.parametrize("seed", [None, 1])
async def test_the_funnel_ends_as_expected(scenario: CampaignScenario, seed: int | None) -> None:
    steps = [step for step in SCENARIO["steps"] if step["do"] == "webhook"]
    if seed is not None:
        random.Random(seed).shuffle(steps)  # noqa: S311  # an order, not a secret
    await import_leads(scenario, set(LEADS) - {"L40"})
    await receive(scenario, steps)
    await import_leads(scenario, {"L40"})
    for step in SCENARIO["steps"]:
        if step["do"] == "outcome":
            outcome = OutcomeReported(subject=f"uid:{step['uid']}", outcome=step["body"]["outcome"])
            assert (await scenario.execute(outcome)).refused is None
    funnel = await read(scenario, "campaign")
    names = dict(await scenario.rows("SELECT id, name FROM campaigns WHERE workspace_id = $1"))
    found = {names[group.key[1]]: funnel_item(group.counts) for group in funnel.groups}
    expected = {name: EXPECTED["funnel"][str(number)] for number, name in CAMPAIGNS.items() if name in found}
    assert len(expected) == 3
    assert rounded(found) == rounded(expected)
    assert rounded(funnel_item(funnel.total.counts)) == rounded(EXPECTED["funnel_workspace"])
