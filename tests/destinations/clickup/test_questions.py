"""Whoever is not found by email is looked for by name, and a person says which task is meant (TE5)."""

from datetime import timedelta
from typing import Any

from showup.destinations.clickup.destination import PACE
from tests.destinations.clickup.desk import ANN, Desk
from tests.stories.webhooks import attendee

ANN_LEE: dict[str, Any] = {"attendees": [attendee(ANN, "Ann Lee")]}


async def question(desk: Desk) -> dict[str, Any]:
    (row,) = await desk.rows(destination="clickup")
    assert row["question"] is not None
    asked: dict[str, Any] = row["question"]
    return asked


async def test_candidates_by_name_are_asked_about(desk: Desk) -> None:
    await desk.connect(slack=True)
    space = desk.clickup.space
    same = space.add("902", "Ann Lee - Acme", "ann@home.example")
    initial = space.add("901", "A. Lee")
    space.add("901", "Bob Lee")
    space.add("901", "Ann Leeson")
    await desk.booked(**ANN_LEE)
    asked = await question(desk)
    assert [(one["record"], one["because"]) for one in asked["candidates"]] == [
        (same.id, "the same name, but another email"),
        (initial.id, "the same last name and initial"),
    ]
    assert [row["kind"] for row in await desk.rows(destination="slack")] == ["record.choose"]
    assert desk.clickup.effects == {}


async def test_the_chosen_task_is_the_one(desk: Desk) -> None:
    await desk.connect(slack=True)
    task = desk.clickup.space.add("901", "Ann Lee")
    await desk.booked(**ANN_LEE)
    assert await desk.choose(task.id) is None
    await desk.tell(minutes=1)
    assert len(task.texts) == 1
    await desk.cancelled(**ANN_LEE)
    assert task.status == "Meeting Cancelled"
    assert len(desk.clickup.space.tasks) == 1


async def test_none_of_them_makes_a_lead_that_names_nobody(desk: Desk) -> None:
    await desk.connect(slack=True)
    desk.clickup.space.add("901", "Ann Lee")
    await desk.booked(**ANN_LEE)
    await desk.choose(None)
    await desk.tell(minutes=1)
    assert "may be" not in desk.lead().description


async def test_no_answer_in_four_hours_makes_a_lead_with_the_candidates_in_it(desk: Desk) -> None:
    await desk.connect(slack=True)
    task = desk.clickup.space.add("901", "Ann Lee")
    await desk.booked(**ANN_LEE)
    await desk.tell(hours=3, minutes=59)
    assert desk.clickup.space.of_list("903") == []
    await desk.tell(minutes=2)
    assert f"https://app.clickup.com/t/{task.id}" in desk.lead().description
    assert task.texts == []


async def test_how_long_an_answer_is_waited_for_is_a_setting(desk: Desk) -> None:
    desk.settings["answer_within"] = "30m"
    await desk.connect(slack=True)
    desk.clickup.space.add("901", "Ann Lee")
    await desk.booked(**ANN_LEE)
    await desk.tell(minutes=31)
    assert len(desk.lead().texts) == 1


async def test_without_slack_nobody_is_asked_and_the_lead_names_the_candidates(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann Lee")
    await desk.booked(**ANN_LEE)
    assert await desk.state() == "delivered"
    assert f"https://app.clickup.com/t/{task.id}" in desk.lead().description


async def test_names_are_not_looked_at_where_that_is_switched_off(desk: Desk) -> None:
    desk.settings["name_search"] = False
    await desk.connect(slack=True)
    desk.clickup.space.add("901", "Ann Lee")
    await desk.booked(**ANN_LEE)
    assert "may be" not in desk.lead().description


async def test_a_chosen_task_that_is_gone_by_then_makes_a_lead(desk: Desk) -> None:
    await desk.connect(slack=True)
    task = desk.clickup.space.add("901", "Ann Lee")
    await desk.booked(**ANN_LEE)
    await desk.choose(task.id)
    del desk.clickup.space.tasks[task.id]
    await desk.tell(minutes=1)
    assert len(desk.lead().texts) == 1


async def test_a_lists_copy_is_made_once_and_then_only_its_changes_are_asked_for(desk: Desk) -> None:
    await desk.connect()
    for number in range(250):
        desk.clickup.space.add("901", f"Person {number}", days_ago=100 - number / 10)
    await desk.booked(**ANN_LEE)
    copied = desk.clickup.calls.count("GET /list/901/task")
    assert copied == 1 + 3, "the search by email, and three pages"
    desk.clickup.space.add("901", "Bea Ray", days_ago=0)
    await desk.booked("other", 5, attendees=[attendee("bea@ray.example", "Bea Ray")])
    assert desk.clickup.calls.count("GET /list/901/task") == copied + 1, "the copy is fresh enough"
    desk.now += timedelta(minutes=5)
    await desk.booked("third", 6, attendees=[attendee("bea@more.example", "Bea Ray")])
    assert desk.clickup.calls.count("GET /list/901/task") == copied + 1 + 2, "one page of changes"
    third = next(one for one in desk.clickup.space.of_list("903") if one.values["email-903"] == "bea@more.example")
    assert "Bea Ray: https://app.clickup.com" in third.description


async def test_a_list_too_long_for_one_attempt_is_copied_in_several(desk: Desk) -> None:
    await desk.connect()
    first = desk.clickup.space.add("901", "Ann Lee", days_ago=500)
    for number in range(1500):
        desk.clickup.space.add("901", f"Person {number}", days_ago=400 - number // 200)
    await desk.booked(**ANN_LEE)
    assert await desk.state() == "scheduled"
    assert "is being copied" in await desk.because()
    await desk.tell(seconds=20)
    assert await desk.state() == "delivered"
    assert first.id in desk.lead().description
    (row,) = await desk.rows(destination="clickup")
    assert (row["attempts"], row["failures"]) == (2, 0)


async def test_however_slow_the_calls_are_an_attempt_ends_in_its_time(desk: Desk) -> None:
    """One that is cut off counts as a failure, and ClickUp as away; one that leaves off by itself as neither."""
    desk.settings["rate_per_second"] = 0.5
    await desk.connect()
    for number in range(600):
        desk.clickup.space.add("901", f"Person {number}", days_ago=400 - number // 50)
    began_at = desk.now + timedelta(minutes=1)
    await desk.booked(**ANN_LEE)
    while await desk.state() == "scheduled":
        assert desk.now - began_at < PACE.timeout
        began_at = desk.now + timedelta(seconds=10)
        await desk.tell(seconds=10)
    (row,) = await desk.rows(destination="clickup")
    assert (row["state"], row["attempts"] > 1, row["failures"]) == ("delivered", True, 0)
