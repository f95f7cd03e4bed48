"""Which task follows a booking, and what is written into it (TE5)."""

from datetime import timedelta

from tests.destinations.clickup.desk import ANN, Desk
from tests.stories.webhooks import attendee, body, payload, row


async def attendance(desk: Desk, *, absent: bool) -> None:
    """Somebody says whether they came, an hour after the meeting or later."""
    desk.now = max(desk.now, desk.start) + timedelta(hours=1)
    seen = payload("one", 1, desk.start, [ANN], attendees=[attendee(ANN, noShow=absent)])
    await desk.hear(body("BOOKING_NO_SHOW_UPDATED", desk.now, {**seen, "bookingUid": "one"}))
    await desk.tell()


async def test_the_first_list_with_a_match_wins_even_if_another_has_a_newer_one(desk: Desk) -> None:
    await desk.connect()
    desk.settings["lists"] = ["902", "901"]
    brokers = desk.clickup.space.add("901", "Ann", ANN, days_ago=1)
    sellers = desk.clickup.space.add("902", "Ann", ANN, days_ago=9)
    await desk.booked()
    assert [len(brokers.texts), len(sellers.texts)] == [0, 1]


async def test_closed_tasks_are_found_and_opened_again(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann", ANN)
    task.status = "complete"
    await desk.booked()
    assert task.status == "Meeting Booked"


async def test_an_email_that_only_contains_theirs_is_somebody_else(desk: Desk) -> None:
    await desk.connect()
    other = desk.clickup.space.add("901", "Joann", f"jo{ANN}")
    await desk.booked()
    assert other.texts == []


async def test_an_email_in_other_letters_is_the_same_where_the_name_is(desk: Desk) -> None:
    await desk.connect(slack=True)
    task = desk.clickup.space.add("901", "Ann Lee", "Ann@ACME.example")
    await desk.booked(attendees=[attendee(ANN, "Ann Lee")])
    assert len(task.texts) == 1
    assert desk.clickup.space.of_list("903") == []


async def test_a_missed_meeting_is_said_in_status_and_comment(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann", ANN)
    await desk.booked()
    await attendance(desk, absent=True)
    assert task.status == "No Show"
    assert task.texts[-1].startswith("They did not come to the meeting: Intro call one")
    await attendance(desk, absent=False)
    assert task.status == "Met"
    assert "Known" not in task.texts[-1]


async def test_attendance_that_is_only_assumed_says_so(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann", ANN)
    await desk.booked()
    booked_at, desk.now = desk.now, desk.start + timedelta(hours=1)
    await desk.hear(row("MEETING_ENDED", "one", 1, desk.start, [ANN], booked_at))
    await desk.tell()
    assert "Known: assumed" in task.texts[-1]


async def test_a_status_without_a_name_is_left_alone(desk: Desk) -> None:
    await desk.connect()
    desk.settings |= {"booked": "", "no_show": ""}
    task = desk.clickup.space.add("901", "Ann", ANN)
    task.status = "complete"
    await desk.booked()
    await attendance(desk, absent=True)
    assert task.status == "complete"
    assert len(task.texts) == 2


async def test_a_new_time_takes_no_persons_status_back(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann", ANN)
    await desk.booked()
    task.status = "complete"
    await desk.rescheduled(desk.start + timedelta(days=1))
    assert (task.status, len(task.texts)) == ("complete", 2)


async def test_whoever_cancelled_and_books_the_same_meeting_anew_is_booked(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann", ANN)
    await desk.booked()
    await desk.cancelled()
    await desk.rescheduled(desk.start + timedelta(days=1))
    assert task.status == "Meeting Booked"


async def test_the_task_of_a_booking_is_known_by_its_id_whatever_becomes_of_its_email(desk: Desk) -> None:
    await desk.connect()
    await desk.booked()
    lead = desk.lead()
    lead.values.clear()
    lead.home = desk.clickup.space.lists["901"]
    await desk.cancelled()
    assert lead.status == "Meeting Cancelled"
    assert len(desk.clickup.space.tasks) == 1


async def test_a_task_in_a_list_of_their_own_keeps_a_status_that_ours_does_not_name(desk: Desk) -> None:
    await desk.connect()
    await desk.booked()
    lead = desk.lead()
    theirs = desk.clickup.space.lists["904"] = type(lead.home)("904", "Archive", None, ("new", "kept"))
    lead.home, lead.status = theirs, "kept"
    await desk.cancelled()
    assert (lead.status, len(lead.texts)) == ("kept", 2)


async def test_a_task_that_was_deleted_is_looked_for_anew(desk: Desk) -> None:
    await desk.connect()
    await desk.booked()
    desk.clickup.space.tasks.clear()
    await desk.cancelled()
    assert desk.lead().status == "Meeting Cancelled"


async def test_two_bookings_of_a_person_have_a_block_each(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann", ANN, description="Likes tea.")
    await desk.booked()
    await desk.booked("other", 5)
    await desk.cancelled()
    assert task.description.startswith("Likes tea.")
    assert task.description.count("(end of Showup ") == 2
    assert "video/other" in task.description
    assert "video/one" not in task.description


async def test_a_name_with_marks_of_markdown_is_just_a_name(desk: Desk) -> None:
    await desk.connect()
    await desk.booked(additionalNotes="[click](https://evil.example) **now**")
    assert "\\[click\\](https://evil.example) \\*\\*now\\*\\*" in desk.lead().description
    assert "Notes: [click](https://evil.example) **now**" in desk.lead().texts[0]


async def test_what_became_of_it_can_be_seen_beside_the_delivery(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("902", "Ann", ANN)
    await desk.booked()
    (told,) = await desk.rows(destination="clickup")
    assert told["record"] == task.id
    assert told["provider_id"] == task.comments[0]["id"]
    assert told["found"] == {"task": f"https://app.clickup.com/t/{task.id}", "list": "Sellers", "found_by": "email"}
