"""Many bookings at once, a limit of a hundred calls a minute, and a ClickUp that fails at random (issue 6).

Forty in the suite; SHOWUP_CLICKUP_CROWD says how many otherwise. Nobody waits: minutes pass by the desk's own clock.
"""

import asyncio
import os
from collections import Counter
from datetime import timedelta

import pytest

from showup.database.engine import raw, transaction
from showup.deliveries.delivery import Lane
from showup.deliveries.subscribing import subscribe
from showup.destinations.clickup.entry import LISTENS_TO
from tests.destinations.clickup.desk import Desk
from tests.stories.webhooks import body, payload

CROWD = int(os.environ.get("SHOWUP_CLICKUP_CROWD", "40"))
FAULTS = {"500": 0.015, "lost": 0.015, "reset": 0.01, "429": 0.01, "html": 0.005}


def email(number: int) -> str:
    """Every tenth booking is by whoever made the one before."""
    return f"person{number - (number % 10 == 9)}@company{number % 40 - (number % 10 == 9)}.example"


async def fill(desk: Desk) -> None:
    """A third is known as brokers, a third as sellers, and the others are newcomers; some call it off at once."""
    bodies = []
    for number in range(CROWD):
        if number % 3 < 2:
            desk.clickup.space.add(("901", "902")[number % 3], f"Person {number}", email(number), description="Ours.")
        booked = payload(f"b{number}", number + 1, desk.start, [email(number)])
        bodies.append(body("BOOKING_CREATED", desk.now, booked))
        if number % 7 == 0:
            bodies.append(body("BOOKING_CANCELLED", desk.now + timedelta(seconds=1), booked))
    await desk.hear(*bodies)


async def all_told(desk: Desk) -> None:
    """Time passes until ClickUp has been told everything; what nothing happens in is left out."""
    for _ in range(20 * CROWD):
        calls = len(desk.clickup.calls)
        await desk.tell(seconds=2)
        if not (open_rows := await desk.rows(destination="clickup", state="scheduled")):
            return
        if len(desk.clickup.calls) == calls:
            desk.now = min((row["wake_at"] for row in open_rows if row["wake_at"] > desk.now), default=desk.now)
    pytest.fail("it never comes to an end")


@pytest.mark.timeout(60 + CROWD)
async def test_a_crowd_is_told_right_within_the_limit_while_others_are_not_delayed(desk: Desk) -> None:
    await desk.connect()
    async with transaction(desk.engine) as tx:
        await subscribe(await raw(tx), desk.workspace, "notion", LISTENS_TO, desk.now)
    desk.clickup.faults.shares = dict(FAULTS)
    await fill(desk)

    courier = desk.courier()
    lanes = [Lane(workspace_id=desk.workspace, destination=name) for name in ("clickup", "email", "notion")]
    await asyncio.gather(*(courier.drain(lane) for lane in lanes))
    open_rows = await desk.rows(state="scheduled")
    waiting = Counter(row["destination"] for row in open_rows if row["due_at"] <= desk.now)
    assert waiting.keys() == {"clickup"}, "mail and Notion are told everything before ClickUp is"
    assert waiting["clickup"] > CROWD / 2

    await all_told(desk)
    assert [row for row in await desk.rows(destination="clickup") if row["state"] != "delivered"] == []
    assert desk.clickup.over_limit == 0
    assert desk.clickup.most_a_minute <= 100
    assert desk.clickup.answers["500"] + desk.clickup.answers["lost"] > 0
    await all_right(desk)


async def all_right(desk: Desk) -> None:
    """Each booking is in one task with one comment for each of its news, and nothing was written twice."""
    told = await desk.rows(destination="clickup")
    assert set(desk.clickup.effects.values()) == {1}
    assert sum(name.startswith("comment") for name in desk.clickup.effects) == len(told)
    tasks = desk.clickup.space.tasks
    for number in range(CROWD):
        (record,) = {row["record"] for row in told if row["recipient"] == email(number)}
        assert email(number) in tasks[record].values.values()
        assert any(f"Intro call b{number}\n" in text for text in tasks[record].texts)
        if number % 7 == 0 and number % 10 not in (8, 9):
            assert tasks[record].status == "Meeting Cancelled"
            assert f"Cancelled meeting: Intro call b{number}" in tasks[record].description
    leads = [one.values["email-903"] for one in desk.clickup.space.of_list("903")]
    assert len(leads) == len(set(leads))
    assert all(one.description.startswith("Ours.") for one in tasks.values() if one.home.id != "903" and one.texts)
