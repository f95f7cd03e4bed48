"""TE5, PI9: a delivery that comes after a later event's delivery does not overwrite its changes."""

from datetime import timedelta

import pytest

from showup.database.engine import driver_connection, transaction
from showup.dispatch.manual_actions import retry
from tests.destinations.clickup.scenario import ANN, ClickUpScenario
from tests.destinations.clickup.test_tasks import attendance
from tests.histories.webhooks import body, ended_body, payload


async def cancelled_before_its_creation_arrived(scenario: ClickUpScenario) -> None:
    made_at, scenario.now = scenario.now, scenario.now + timedelta(minutes=1)
    await scenario.receive(body("BOOKING_CANCELLED", scenario.now, payload("one", 1, scenario.start, [ANN])))
    await scenario.deliver_due()
    await scenario.receive(body("BOOKING_CREATED", made_at, payload("one", 1, scenario.start, [ANN])))
    await scenario.deliver_due(minutes=1)


async def test_a_booking_that_arrives_after_its_cancellation_stays_cancelled(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await cancelled_before_its_creation_arrived(scenario)
    # Showup never set a status there, so it has none to take back.
    assert task.status == "to do"
    assert [text.partition(":")[0] for text in task.texts] == ["Meeting cancelled", "Meeting booked"]
    assert "Cancelled meeting" in task.description


async def test_a_superseded_delivery_that_creates_the_task_again(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    made_at, scenario.now = scenario.now, scenario.now + timedelta(minutes=1)
    await scenario.receive(body("BOOKING_CANCELLED", scenario.now, payload("one", 1, scenario.start, [ANN])))
    await scenario.deliver_due()
    scenario.clickup.space.tasks.clear()
    await scenario.receive(body("BOOKING_CREATED", made_at, payload("one", 1, scenario.start, [ANN])))
    await scenario.deliver_due(minutes=1)
    assert scenario.lead().status != "Meeting Booked"


async def test_a_late_end_of_a_meeting_leaves_a_reported_no_show(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    booked_at = scenario.now
    await attendance(scenario, absent=True)
    await scenario.receive(ended_body("one", 1, scenario.start, [ANN], booked_at))
    await scenario.deliver_due(minutes=10)
    assert len(task.texts) == 3
    assert task.status == "No Show"


async def test_what_failed_and_is_tried_again_later_opens_nothing_that_was_closed(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    scenario.settings["booked"] = "Not There"
    await scenario.booked()
    (failed,) = await scenario.rows(destination="clickup", state="failed")
    await scenario.cancelled()
    scenario.settings["booked"] = "Meeting Booked"
    async with transaction(scenario.engine) as tx:
        assert await retry(await driver_connection(tx), failed["id"], scenario.now) is None
    await scenario.deliver_due(minutes=1)
    assert {one["state"] for one in await scenario.rows(destination="clickup")} == {"delivered"}
    assert task.status == "to do"


@pytest.mark.parametrize("again", [False, True])
async def test_another_booking_of_the_person_leaves_this_one_current(scenario: ClickUpScenario, *, again: bool) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await cancelled_before_its_creation_arrived(scenario)
    if again:
        await scenario.booked("other", 5)
    assert task.status == ("Meeting Booked" if again else "to do")


async def test_a_task_that_the_token_cannot_access_counts_as_deleted(scenario: ClickUpScenario) -> None:
    """Someone moved it to a private space, or the connection now uses another workspace."""
    await scenario.connect()
    await scenario.booked()
    scenario.clickup.space.tasks.clear()
    scenario.clickup.faults.queue("workspace")
    await scenario.cancelled()
    assert [one["state"] for one in await scenario.rows(destination="clickup")] == ["delivered"] * 2
    assert scenario.lead().status == "Meeting Cancelled"


async def test_a_token_that_is_refused_for_a_moment_leads_to_no_other_task(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    await scenario.booked()
    scenario.clickup.faults.queue("401")
    await scenario.cancelled()
    assert [one["state"] for one in await scenario.rows(destination="clickup")] == ["delivered", "scheduled"]
