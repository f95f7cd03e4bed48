"""TE5: an attendee who is not found by email is searched by name, and a person chooses the task."""

from datetime import timedelta
from typing import Any

from showup.destinations.clickup.destination import PACE
from tests.destinations.clickup.scenario import ANN, ClickUpScenario
from tests.histories.webhooks import attendee

ANN_LEE = attendee(ANN, "Ann Lee")


async def question(scenario: ClickUpScenario) -> dict[str, Any]:
    (row,) = await scenario.rows(destination="clickup")
    assert row["question"] is not None
    delivery: dict[str, Any] = row["question"]
    return delivery


async def test_candidates_by_name_are_asked_about(scenario: ClickUpScenario) -> None:
    await scenario.connect(slack=True)
    space = scenario.clickup.space
    same = space.add("902", "Ann Lee - Acme", "ann@home.example")
    initial = space.add("901", "A. Lee")
    space.add("901", "Bob Lee")
    space.add("901", "Ann Leeson")
    await scenario.booked(booker=ANN_LEE)
    delivery = await question(scenario)
    assert [(one["record"], one["because"]) for one in delivery["candidates"]] == [
        (same.id, "the same name, but another email"),
        (initial.id, "the same last name and first initial"),
    ]
    assert [row["kind"] for row in await scenario.rows(destination="slack")] == ["record.choose"]
    assert scenario.clickup.effects == {}


async def test_the_chosen_task_is_the_one(scenario: ClickUpScenario) -> None:
    await scenario.connect(slack=True)
    task = scenario.clickup.space.add("901", "Ann Lee")
    await scenario.booked(booker=ANN_LEE)
    assert await scenario.choose(task.id) is None
    await scenario.deliver_due(minutes=1)
    assert len(task.texts) == 1
    await scenario.cancelled(booker=ANN_LEE)
    assert task.status == "Meeting Cancelled"
    assert len(scenario.clickup.space.tasks) == 1


async def test_the_answer_none_creates_a_lead_without_candidates(scenario: ClickUpScenario) -> None:
    await scenario.connect(slack=True)
    scenario.clickup.space.add("901", "Ann Lee")
    await scenario.booked(booker=ANN_LEE)
    await scenario.choose(None)
    await scenario.deliver_due(minutes=1)
    assert "Possible matches" not in scenario.lead().description


async def test_no_answer_in_four_hours_makes_a_lead_with_the_candidates_in_it(scenario: ClickUpScenario) -> None:
    await scenario.connect(slack=True)
    task = scenario.clickup.space.add("901", "Ann Lee")
    await scenario.booked(booker=ANN_LEE)
    await scenario.deliver_due(hours=3, minutes=59)
    assert scenario.clickup.space.of_list("903") == []
    await scenario.deliver_due(minutes=2)
    assert f"https://app.clickup.com/t/{task.id}" in scenario.lead().description
    assert task.texts == []


async def test_how_long_an_answer_is_waited_for_is_a_setting(scenario: ClickUpScenario) -> None:
    scenario.settings["answer_within"] = "30m"
    await scenario.connect(slack=True)
    scenario.clickup.space.add("901", "Ann Lee")
    await scenario.booked(booker=ANN_LEE)
    await scenario.deliver_due(minutes=31)
    assert len(scenario.lead().texts) == 1


async def test_without_slack_the_new_lead_names_the_candidates(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann Lee")
    await scenario.booked(booker=ANN_LEE)
    assert await scenario.state() == "delivered"
    assert f"https://app.clickup.com/t/{task.id}" in scenario.lead().description


async def test_names_are_not_compared_when_switched_off(scenario: ClickUpScenario) -> None:
    scenario.settings["name_search"] = False
    await scenario.connect(slack=True)
    scenario.clickup.space.add("901", "Ann Lee")
    await scenario.booked(booker=ANN_LEE)
    assert "Possible matches" not in scenario.lead().description


async def test_a_chosen_task_that_is_gone_by_then_makes_a_lead(scenario: ClickUpScenario) -> None:
    await scenario.connect(slack=True)
    task = scenario.clickup.space.add("901", "Ann Lee")
    await scenario.booked(booker=ANN_LEE)
    await scenario.choose(task.id)
    del scenario.clickup.space.tasks[task.id]
    await scenario.deliver_due(minutes=1)
    assert len(scenario.lead().texts) == 1


async def test_a_lists_copy_is_made_once_and_then_only_its_changes_are_asked_for(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    for number in range(250):
        scenario.clickup.space.add("901", f"Person {number}", days_ago=100 - number / 10)
    await scenario.booked(booker=ANN_LEE)
    copied = scenario.clickup.calls.count("GET /list/901/task")
    assert copied == 1 + 3, "the search by email, and three pages"
    scenario.clickup.space.add("901", "Bea Ray", days_ago=0)
    await scenario.booked("other", 5, booker=attendee("bea@ray.example", "Bea Ray"))
    assert scenario.clickup.calls.count("GET /list/901/task") == copied + 1, "the copy is fresh enough"
    scenario.now += timedelta(minutes=5)
    await scenario.booked("third", 6, booker=attendee("bea@more.example", "Bea Ray"))
    assert scenario.clickup.calls.count("GET /list/901/task") == copied + 1 + 2, "one page of changes"
    third = next(one for one in scenario.clickup.space.of_list("903") if one.values["email-903"] == "bea@more.example")
    assert "Bea Ray: https://app.clickup.com" in third.description


async def test_a_list_too_long_for_one_attempt_is_copied_in_several(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    first = scenario.clickup.space.add("901", "Ann Lee", days_ago=500)
    for number in range(1500):
        scenario.clickup.space.add("901", f"Person {number}", days_ago=400 - number // 200)
    await scenario.booked(booker=ANN_LEE)
    assert await scenario.state() == "scheduled"
    assert "is copying the list" in await scenario.because()
    await scenario.deliver_due(seconds=20)
    assert await scenario.state() == "delivered"
    assert first.id in scenario.lead().description
    (row,) = await scenario.rows(destination="clickup")
    assert (row["attempts"], row["failures"]) == (2, 0)


async def test_an_attempt_with_slow_calls_ends_in_time(scenario: ClickUpScenario) -> None:
    """A cancelled attempt counts as a failure of ClickUp; an attempt that stops by itself does not."""
    scenario.settings["rate_per_second"] = 0.5
    await scenario.connect()
    for number in range(600):
        scenario.clickup.space.add("901", f"Person {number}", days_ago=400 - number // 50)
    began_at = scenario.now + timedelta(minutes=1)
    await scenario.booked(booker=ANN_LEE)
    while await scenario.state() == "scheduled":
        assert scenario.now - began_at < PACE.timeout
        began_at = scenario.now + timedelta(seconds=10)
        await scenario.deliver_due(seconds=10)
    (row,) = await scenario.rows(destination="clickup")
    assert (row["state"], row["attempts"] > 1, row["failures"]) == ("delivered", True, 0)
