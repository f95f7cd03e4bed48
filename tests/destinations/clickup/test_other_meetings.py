"""M03, F06: a task never says less of a person's meetings than is true, and no more than Showup knows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.destinations.clickup.scenario import ANN, ClickUpScenario
from tests.destinations.clickup.test_tasks import attendance
from tests.histories.webhooks import attendee, body, no_show_body, payload

FOUND_AND_SET = 4
"""The calls before the comment: the list and its fields, the search by email, and the update."""


async def two_bookings(scenario: ClickUpScenario) -> Any:
    """Books `one`, and `other` at the same time."""
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    await scenario.booked("other", 5)
    return task


@pytest.mark.parametrize(("first", "second"), [(("one", 1), ("other", 5)), (("other", 5), ("one", 1))])
async def test_m03_one_of_two_bookings_is_cancelled(
    scenario: ClickUpScenario, first: tuple[str, int], second: tuple[str, int]
) -> None:
    """M03: the comment says why the status stays, and the last cancellation sets it."""
    task = await two_bookings(scenario)
    await scenario.cancelled(*first)
    assert task.status == "Meeting Booked"
    assert "Status unchanged: another meeting is ahead on Wed 2026-09-09, 14:00" in task.texts[-1]
    assert f"room-{second[1]}" in task.description
    assert f"room-{first[1]}" not in task.description
    await scenario.cancelled(*second)
    assert task.status == "Meeting Cancelled"
    assert "Status unchanged" not in task.texts[-1]


async def test_m03_a_late_no_show_of_the_older_booking(scenario: ClickUpScenario) -> None:
    """M03: the newer booking was made after the older one was over, and is ahead."""
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    scenario.now = scenario.start + timedelta(hours=2)
    next_start = scenario.start + timedelta(days=7)
    await scenario.receive(body("BOOKING_CREATED", scenario.now, payload("other", 5, next_start, [ANN])))
    await scenario.deliver_due()
    await attendance(scenario, absent=True)
    assert task.status == "Meeting Booked"
    assert "another meeting is ahead on Wed 2026-09-16" in task.texts[-1]
    # Nor does it later, when the newer meeting is over.
    scenario.now = next_start + timedelta(hours=2)
    await scenario.receive(no_show_body("one", scenario.now, ANN, absent=False))
    await scenario.deliver_due()
    assert task.status == "Meeting Booked"
    assert "Status unchanged: a later meeting was on Wed 2026-09-16" in task.texts[-1]


@pytest.mark.parametrize("status", ["complete", "to do"])
@pytest.mark.parametrize("ends", ["cancelled", "missed", "came"])
async def test_m03_a_persons_later_change_stays(scenario: ClickUpScenario, status: str, ends: str) -> None:
    """M03: also if the person chose a status that the task had before."""
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    task.status = status
    await (scenario.cancelled() if ends == "cancelled" else attendance(scenario, absent=ends == "missed"))
    assert task.status == status
    assert f"Status unchanged: Showup did not set the status '{status}'" in task.texts[-1]


async def test_m03_a_status_that_showup_set_earlier_is_not_the_last_one(scenario: ClickUpScenario) -> None:
    """M03: a person sets the task back after the cancellation; the no-show that follows is not about their change."""
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    await attendance(scenario, absent=True)
    task.status = "Meeting Booked"
    await attendance(scenario, absent=False)
    assert task.status == "Meeting Booked"


@pytest.mark.parametrize("spelled", ["meeting BOOKED", "MEETING  BOOKED"])
async def test_m03_names_are_compared_as_clickup_does(scenario: ClickUpScenario, spelled: str) -> None:
    """M03: the settings spell the status in other letters and spaces than the list."""
    await scenario.connect()
    scenario.settings["booked"] = spelled
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    await scenario.cancelled()
    assert task.status == "Meeting Cancelled"


@pytest.mark.parametrize(
    ("status", "expected"), [("", "Meeting Booked"), ("No Show", "No Show")], ids=["unchanged", "its own status"]
)
async def test_m03_a_request_for_another_time(scenario: ClickUpScenario, status: str, expected: str) -> None:
    """M03: it has its own setting, and its own words; the new time sets the status booked."""
    await scenario.connect()
    scenario.settings["reschedule_requested"] = status
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    await scenario.cancelled(requestReschedule=True, cancellationReason="I am ill")
    assert task.status == expected
    assert task.texts[-1].startswith("The host asked for another time: ")
    assert "Reason: I am ill" in task.texts[-1]
    assert "Meeting without a time" in task.description
    await scenario.rescheduled(scenario.start + timedelta(days=1))
    assert task.status == "Meeting Booked"


async def test_m03_two_addresses_on_one_task(scenario: ClickUpScenario) -> None:
    """M03: a person chose the task for the second address, so both bookings are about one record."""
    await scenario.connect(slack=True)
    task = scenario.clickup.space.add("901", "Ann Lee", ANN)
    await scenario.booked(booker=attendee(ANN, "Ann Lee"))
    private = attendee("ann@home.example", "Ann Lee")
    await scenario.booked("other", 5, booker=private)
    assert await scenario.choose(task.id) is None
    await scenario.deliver_due(minutes=1)
    await scenario.cancelled(booker=attendee(ANN, "Ann Lee"))
    assert task.status == "Meeting Booked"
    await scenario.cancelled("other", 5, booker=private)
    assert task.status == "Meeting Cancelled"


async def test_m03_a_booking_from_before_the_connection(scenario: ClickUpScenario) -> None:
    """M03: it counts, and the task gets its block when it matters."""
    await scenario.booked("other", 5)
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    assert "room-5" not in task.description
    await scenario.cancelled()
    assert task.status == "Meeting Booked"
    assert "room-5" in task.description


async def test_m03_a_reschedule_of_one_while_another_stands(scenario: ClickUpScenario) -> None:
    """M03: the status a person set stays, and so does the other meeting's block."""
    task = await two_bookings(scenario)
    task.status = "complete"
    await scenario.rescheduled(scenario.start + timedelta(days=1))
    assert task.status == "complete"
    assert "room-5" in task.description


@pytest.mark.parametrize("person", [False, True])
async def test_m03_a_status_set_by_an_attempt_that_failed_later(scenario: ClickUpScenario, *, person: bool) -> None:
    """M03: the status was set, its comment was not, and the delivery gave up: the cancellation knows of the status."""
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    scenario.clickup.faults.queue(*[None] * FOUND_AND_SET, "422")
    await scenario.booked()
    (failed,) = await scenario.rows(destination="clickup", state="failed")
    assert (task.status, failed["record"]) == ("Meeting Booked", task.id)
    if person:
        task.status = "complete"
    await scenario.cancelled()
    assert task.status == ("complete" if person else "Meeting Cancelled")


def reassigned(scenario: ClickUpScenario) -> bytes:
    moved = payload("one", 1, scenario.start, [ANN], metadata={"videoCallUrl": "https://zoom.example/j/ivo-room"})
    moved["organizer"] = moved["organizer"] | {"email": "ivo@outbound.example", "name": "Ivo Second"}
    return body("BOOKING_REASSIGNED", scenario.now, moved)


def relocated(scenario: ClickUpScenario) -> bytes:
    moved = payload("one", 1, scenario.start, [ANN], metadata={"videoCallUrl": "https://zoom.example/j/ivo-room"})
    return body("BOOKING_LOCATION_UPDATED", scenario.now, moved)


def repeated(scenario: ClickUpScenario) -> bytes:
    """Another webhook of the same booking, whose link is new."""
    moved = payload("one", 1, scenario.start, [ANN], metadata={"videoCallUrl": "https://zoom.example/j/ivo-room"})
    return body("BOOKING_CREATED", scenario.now, moved)


@pytest.mark.parametrize(
    ("change", "head"),
    [
        (reassigned, "Meeting has a new host"),
        (relocated, "Meeting has a new place"),
        (repeated, "Meeting has a new place"),
    ],
    ids=["another host and link", "another link", "another link in a repeated webhook"],
)
@pytest.mark.parametrize("status", ["Meeting Booked", "complete"])
async def test_f06_a_new_host_or_link_is_in_the_task(
    scenario: ClickUpScenario, change: Callable[[ClickUpScenario], bytes], head: str, status: str
) -> None:
    """F06: in its block and in a comment; the status stays."""
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann", ANN)
    await scenario.booked()
    task.status = status
    scenario.now += timedelta(minutes=1)
    await scenario.receive(change(scenario))
    await scenario.deliver_due()
    assert task.texts[-1].startswith(f"{head}: ")
    for text in (task.texts[-1], task.description):
        assert "https://zoom.example/j/ivo-room" in text
        assert "video/one" not in text
        assert ("Ivo Second" in text) == (change is reassigned)
    assert (task.status, len(task.texts), task.description.count("(end of Showup")) == (status, 2, 1)
