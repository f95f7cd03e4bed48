"""TE5, PI9: news that is told after later news takes back nothing of what that has said."""

from datetime import timedelta

import pytest

from showup.database.engine import raw, transaction
from showup.deliveries.by_hand import retry
from tests.destinations.clickup.desk import ANN, Desk
from tests.destinations.clickup.test_tasks import attendance
from tests.stories.webhooks import body, payload, row


async def called_off_before_we_heard_of_it(desk: Desk) -> None:
    made_at, desk.now = desk.now, desk.now + timedelta(minutes=1)
    await desk.hear(body("BOOKING_CANCELLED", desk.now, payload("one", 1, desk.start, [ANN])))
    await desk.tell()
    await desk.hear(body("BOOKING_CREATED", made_at, payload("one", 1, desk.start, [ANN])))
    await desk.tell(minutes=1)


async def test_a_booking_heard_of_after_it_was_called_off_stays_called_off(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann", ANN)
    await called_off_before_we_heard_of_it(desk)
    assert task.status == "Meeting Cancelled"
    assert [text.partition(":")[0] for text in task.texts] == ["Meeting cancelled", "Meeting booked"]
    assert "Cancelled meeting" in task.description


async def test_even_where_the_task_has_to_be_made_anew(desk: Desk) -> None:
    await desk.connect()
    made_at, desk.now = desk.now, desk.now + timedelta(minutes=1)
    await desk.hear(body("BOOKING_CANCELLED", desk.now, payload("one", 1, desk.start, [ANN])))
    await desk.tell()
    desk.clickup.space.tasks.clear()
    await desk.hear(body("BOOKING_CREATED", made_at, payload("one", 1, desk.start, [ANN])))
    await desk.tell(minutes=1)
    assert desk.lead().status != "Meeting Booked"


async def test_an_end_heard_of_late_is_no_word_against_who_said_that_they_did_not_come(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann", ANN)
    await desk.booked()
    booked_at = desk.now
    await attendance(desk, absent=True)
    await desk.hear(row("MEETING_ENDED", "one", 1, desk.start, [ANN], booked_at))
    await desk.tell(minutes=10)
    assert len(task.texts) == 3
    assert task.status == "No Show"


async def test_what_failed_and_is_tried_again_later_opens_nothing_that_was_closed(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann", ANN)
    desk.settings["booked"] = "Not There"
    await desk.booked()
    (failed,) = await desk.rows(destination="clickup", state="failed")
    await desk.cancelled()
    desk.settings["booked"] = "Meeting Booked"
    async with transaction(desk.engine) as tx:
        assert await retry(await raw(tx), failed["id"], desk.now) is None
    await desk.tell(minutes=1)
    assert {one["state"] for one in await desk.rows(destination="clickup")} == {"delivered"}
    assert task.status == "Meeting Cancelled"


@pytest.mark.parametrize("again", [False, True])
async def test_another_booking_of_theirs_is_no_later_news_of_this_one(desk: Desk, *, again: bool) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann", ANN)
    await called_off_before_we_heard_of_it(desk)
    if again:
        await desk.booked("other", 5)
    assert task.status == ("Meeting Booked" if again else "Meeting Cancelled")


async def test_a_task_that_the_token_cant_open_any_more_is_as_good_as_gone(desk: Desk) -> None:
    """It was moved to somebody's own space, or the connection leads to another workspace by now."""
    await desk.connect()
    await desk.booked()
    desk.clickup.space.tasks.clear()
    desk.clickup.faults.next("workspace")
    await desk.cancelled()
    assert [one["state"] for one in await desk.rows(destination="clickup")] == ["delivered"] * 2
    assert desk.lead().status == "Meeting Cancelled"


async def test_a_token_that_is_refused_for_a_moment_leads_to_no_other_task(desk: Desk) -> None:
    await desk.connect()
    await desk.booked()
    desk.clickup.faults.next("401")
    await desk.cancelled()
    assert [one["state"] for one in await desk.rows(destination="clickup")] == ["delivered", "scheduled"]
