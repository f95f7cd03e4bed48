"""Many bookings at once, a limit of a hundred calls a minute, and a ClickUp with random failures (issue 6).

The suite uses forty bookings, or SHOWUP_CLICKUP_CROWD. No test waits: minutes pass on the scenario's own clock.
"""

import asyncio
import os
from collections import Counter
from datetime import timedelta

import pytest

from showup.database.engine import driver_connection, transaction
from showup.destinations.clickup.render import SUBSCRIBED_EVENTS
from showup.outbox.delivery import DestinationQueue
from showup.outbox.subscriptions import subscribe
from tests.destinations.clickup.scenario import ClickUpScenario
from tests.histories.webhooks import body, payload

PEOPLE = int(os.environ.get("SHOWUP_CLICKUP_CROWD", "40"))
FAULTS = {"500": 0.015, "lost": 0.015, "reset": 0.01, "429": 0.01, "html": 0.005}


def email(number: int) -> str:
    """Every tenth booking has the same attendee as the previous one."""
    return f"person{number - (number % 10 == 9)}@company{number % 40 - (number % 10 == 9)}.example"


async def fill(scenario: ClickUpScenario) -> None:
    """Creates bookings: a third by known brokers, a third by known sellers, the others by new leads; cancels some."""
    bodies = []
    for number in range(PEOPLE):
        if number % 3 < 2:
            scenario.clickup.space.add(
                ("901", "902")[number % 3], f"Person {number}", email(number), description="Ours."
            )
        booked = payload(f"b{number}", number + 1, scenario.start, [email(number)])
        bodies.append(body("BOOKING_CREATED", scenario.now, booked))
        if number % 7 == 0:
            bodies.append(body("BOOKING_CANCELLED", scenario.now + timedelta(seconds=1), booked))
    await scenario.receive(*bodies)


async def deliver_everything(scenario: ClickUpScenario) -> None:
    """Moves the clock until ClickUp has received everything, and skips times in which nothing is due."""
    for _ in range(20 * PEOPLE):
        calls = len(scenario.clickup.calls)
        await scenario.deliver_due(seconds=2)
        if not (open_rows := await scenario.rows(destination="clickup", state="scheduled")):
            return
        if len(scenario.clickup.calls) == calls:
            scenario.now = min(
                (row["wake_at"] for row in open_rows if row["wake_at"] > scenario.now), default=scenario.now
            )
    pytest.fail("it never comes to an end")


@pytest.mark.timeout(60 + PEOPLE)
async def test_many_bookings_are_delivered_within_the_limit_and_delay_no_other_queue(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    async with transaction(scenario.engine) as tx:
        await subscribe(await driver_connection(tx), scenario.workspace, "notion", SUBSCRIBED_EVENTS, scenario.now)
    scenario.clickup.faults.shares = dict(FAULTS)
    await fill(scenario)

    dispatcher = scenario.dispatcher()
    queues = [
        DestinationQueue(workspace_id=scenario.workspace, destination=name) for name in ("clickup", "email", "notion")
    ]
    await asyncio.gather(*(dispatcher.drain(queue) for queue in queues))
    open_rows = await scenario.rows(state="scheduled")
    waiting = Counter(row["destination"] for row in open_rows if row["due_at"] <= scenario.now)
    assert waiting.keys() == {"clickup"}, "mail and Notion receive everything before ClickUp does"
    assert waiting["clickup"] > PEOPLE / 2

    await deliver_everything(scenario)
    assert [row for row in await scenario.rows(destination="clickup") if row["state"] != "delivered"] == []
    assert scenario.clickup.limit.refused == 0
    assert scenario.clickup.limit.most <= 100
    assert scenario.clickup.answers["500"] + scenario.clickup.answers["lost"] > 0
    await all_right(scenario)


async def all_right(scenario: ClickUpScenario) -> None:
    """Checks that each booking has one task with one comment for each event, and that nothing was written twice."""
    deliveries = await scenario.rows(destination="clickup")
    assert set(scenario.clickup.effects.values()) == {1}
    assert sum(name.startswith("comment") for name in scenario.clickup.effects) == len(deliveries)
    tasks = scenario.clickup.space.tasks
    for number in range(PEOPLE):
        (record,) = {row["record"] for row in deliveries if row["recipient"] == email(number)}
        assert email(number) in tasks[record].values.values()
        assert any(f"Intro call b{number}\n" in text for text in tasks[record].texts)
        if number % 7 == 0 and number % 10 not in (8, 9):
            assert tasks[record].status == "Meeting Cancelled"
            assert f"Cancelled meeting: Intro call b{number}" in tasks[record].description
    leads = [one.values["email-903"] for one in scenario.clickup.space.of_list("903")]
    assert len(leads) == len(set(leads))
    assert all(one.description.startswith("Ours.") for one in tasks.values() if one.list_id.id != "903" and one.texts)
