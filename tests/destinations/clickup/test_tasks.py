"""TE5: which task follows a booking, and its contents."""

from datetime import timedelta

import pytest

from showup.events.booking import AttendeeConfirmed
from tests.destinations.clickup.scenario import ANN, ClickUpScenario
from tests.execute import execute
from tests.histories.webhooks import attendee, ended_body, no_show_body


async def attendance(scenario: ClickUpScenario, *, absent: bool) -> None:
    """Reports whether the attendee came, an hour after the meeting or later."""
    scenario.now = max(scenario.now, scenario.start) + timedelta(hours=1)
    await scenario.receive(no_show_body("one", scenario.now, ANN, absent=absent))
    await scenario.deliver_due()


async def say_yes(scenario: ClickUpScenario, uid: str = "one") -> None:
    scenario.now += timedelta(minutes=1)
    yes = AttendeeConfirmed(subject=f"uid:{uid}", attendee=ANN, start_time=scenario.start)
    await execute(scenario.engine, scenario.workspace, yes, at=scenario.now, actor="attendee")
    await scenario.deliver_due()


async def test_the_first_list_with_a_match_wins_even_if_another_has_a_newer_one(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    scenario.settings["lists"] = ["902", "901"]
    brokers = scenario.clickup.space.add("901", "Ann", ANN, days_ago=1)
    sellers = scenario.clickup.space.add("902", "Ann", ANN, days_ago=9)
    await scenario.booked()
    assert [len(brokers.texts), len(sellers.texts)] == [0, 1]


async def test_closed_tasks_are_found_and_opened_again(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    task.status = "complete"
    await scenario.booked()
    assert task.status == "Meeting Booked"


async def test_an_email_that_contains_another_one_does_not_match(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    other = scenario.clickup.space.add("901", "Joann", f"jo{ANN}")
    await scenario.booked()
    assert other.texts == []


@pytest.mark.parametrize("heeds_case", [True, False])
@pytest.mark.parametrize("name", ["Ann Lee", "Acme's front office", "…"])
@pytest.mark.parametrize("email", ["Ann@ACME.example", " ann@acme.example", "ANN@acme.EXAMPLE"])
async def test_m09_an_email_in_other_letters_is_the_same_whatever_the_name(
    scenario: ClickUpScenario, email: str, name: str, *, heeds_case: bool
) -> None:
    """M09: also without the search by name, and where ClickUp's own search heeds letter case."""
    await scenario.connect(slack=True)
    scenario.settings["name_search"] = name != "Ann Lee"
    scenario.clickup.space.heeds_case = heeds_case
    task = scenario.clickup.space.add("901", name, email)
    await scenario.booked(booker=attendee(ANN, "Ann Lee"))
    assert len(task.texts) == 1
    assert scenario.clickup.space.of_list("903") == []


async def test_m09_the_first_list_wins_and_in_it_the_task_changed_last(scenario: ClickUpScenario) -> None:
    """M09: for emails in other letters, as for exact ones."""
    await scenario.connect()
    add = scenario.clickup.space.add
    tasks = [add("902", "A", ANN.upper(), days_ago=1), add("901", "B", ANN.upper()), add("901", "C", ANN.title())]
    tasks[2].updated_at += timedelta(days=3)
    await scenario.booked()
    assert [len(one.texts) for one in tasks] == [0, 0, 1]


async def test_m09_a_copied_email_that_was_changed_since_is_no_match(scenario: ClickUpScenario) -> None:
    """M09: the copy is some minutes old."""
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Office", "Ann@ACME.example")
    await scenario.booked("other", 5, booker="tom@acme.example")
    task.values = {"email-901": "other@acme.example"}
    await scenario.booked()
    assert task.texts == []
    assert len(scenario.clickup.space.of_list("903")) == 2


async def test_f11_a_task_with_the_address_in_letters_is_found(scenario: ClickUpScenario) -> None:
    """F11: Showup stores `xn--…`, and ClickUp finds only the spelling that it is asked for."""
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", "ann@bäckerei.example")
    await scenario.booked(booker=attendee("ann@xn--bckerei-5wa.example", "Ann"))
    assert len(task.texts) == 1
    assert scenario.clickup.space.of_list("903") == []


async def test_a_missed_meeting_sets_status_and_comment(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    await attendance(scenario, absent=True)
    assert task.status == "No Show"
    assert task.texts[-1].startswith("The attendee did not come to the meeting: Intro call one")
    await attendance(scenario, absent=False)
    assert task.status == "Met"
    assert "Evidence" not in task.texts[-1]


async def test_assumed_attendance_shows_its_evidence(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    booked_at, scenario.now = scenario.now, scenario.start + timedelta(hours=1)
    await scenario.receive(ended_body("one", 1, scenario.start, [ANN], booked_at))
    await scenario.deliver_due()
    assert "Evidence: assumed" in task.texts[-1]


async def test_a_status_without_a_name_is_left_alone(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    scenario.settings |= {"booked": "", "no_show": ""}
    task = scenario.clickup.space.add("901", "Ann", ANN)
    task.status = "complete"
    await scenario.booked()
    await attendance(scenario, absent=True)
    assert task.status == "complete"
    assert len(task.texts) == 2


async def test_a_new_time_takes_no_persons_status_back(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    task.status = "complete"
    await scenario.rescheduled(scenario.start + timedelta(days=1))
    assert (task.status, len(task.texts)) == ("complete", 2)


async def test_a_new_time_after_a_cancellation_sets_the_status_booked(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    await scenario.cancelled()
    await scenario.rescheduled(scenario.start + timedelta(days=1))
    assert task.status == "Meeting Booked"


async def test_the_task_of_a_booking_is_known_by_its_id_whatever_becomes_of_its_email(
    scenario: ClickUpScenario,
) -> None:
    await scenario.connect()
    await scenario.booked()
    lead = scenario.lead()
    lead.values.clear()
    lead.list_id = scenario.clickup.space.lists["901"]
    await scenario.cancelled()
    assert lead.status == "Meeting Cancelled"
    assert len(scenario.clickup.space.tasks) == 1


async def test_a_task_in_another_list_retains_a_status_that_the_settings_do_not_name(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    await scenario.booked()
    lead = scenario.lead()
    theirs = scenario.clickup.space.lists["904"] = type(lead.list_id)("904", "Archive", None, ("new", "kept"))
    lead.list_id, lead.status = theirs, "kept"
    await scenario.cancelled()
    assert (lead.status, len(lead.texts)) == ("kept", 2)


async def test_a_deleted_task_is_searched_again(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    await scenario.booked()
    scenario.clickup.space.tasks.clear()
    await scenario.cancelled()
    assert scenario.lead().status == "Meeting Cancelled"


async def test_two_bookings_of_a_person_have_a_block_each(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN, description="Likes tea.")
    await scenario.booked()
    await scenario.booked("other", 5)
    await scenario.cancelled()
    assert task.description.startswith("Likes tea.")
    assert task.description.count("(end of Showup ") == 2
    assert "room-5" in task.description
    assert "room-1" not in task.description


async def test_a_name_with_marks_of_markdown_is_just_a_name(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    await scenario.booked(additionalNotes="[click](https://evil.example) **now**")
    assert "\\[click\\](https://evil.example) \\*\\*now\\*\\*" in scenario.lead().description
    assert "Notes: [click](https://evil.example) **now**" in scenario.lead().texts[0]


async def test_what_became_of_it_can_be_seen_beside_the_delivery(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("902", "Ann", ANN)
    await scenario.booked()
    (delivery,) = await scenario.rows(destination="clickup")
    assert delivery["record"] == task.id
    assert delivery["provider_id"] == task.comments[0]["id"]
    assert delivery["found"] == {
        "task": f"https://app.clickup.com/t/{task.id}",
        "list": "Sellers",
        "found_by": "email",
        "set": {"status": "Meeting Booked"},
    }


async def test_a_yes_is_a_comment_if_the_settings_say_so(scenario: ClickUpScenario) -> None:
    """TE14: it changes neither the status nor the description."""
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    status, description = task.status, task.description
    await say_yes(scenario)
    assert len(task.texts) == 1
    scenario.settings["confirmed_comment"] = True
    await scenario.connect()
    await scenario.booked("next", 2)
    await say_yes(scenario, "next")
    assert task.texts[-1].startswith("The attendee confirmed that they will come: Intro call next")
    assert (task.status, task.description[: len(description)]) == (status, description)
