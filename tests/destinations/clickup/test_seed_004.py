"""Seed 004's testing checklist for option 2, and its edge cases, by their names (TE5)."""

from datetime import timedelta

from showup.deliveries.delivery import Lane
from tests.destinations.clickup.desk import ANN, Desk
from tests.stories.webhooks import BEN, attendee, body, payload


async def test_webhook_receives_booking_created_and_updates_existing_task(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann Lee", ANN, description="Met at the fair.")
    await desk.booked()
    assert task.status == "Meeting Booked"
    assert task.description.startswith("Met at the fair.")
    assert "https://app.cal.example/video/one" in task.description
    (comment,) = task.texts
    assert comment.startswith(
        "Meeting booked: Intro call one\nWhen: Wed 2026-09-09, 14:00-14:30 (Europe/Berlin, UTC+02:00)"
    )
    assert "With: Ben Host" in comment
    assert "Link: https://app.cal.example/video/one" in comment
    assert desk.clickup.space.of_list("903") == []


async def test_webhook_creates_new_lead_when_email_not_found(desk: Desk) -> None:
    await desk.connect()
    desk.clickup.space.add("901", "Somebody Else", "else@acme.example")
    await desk.booked()
    lead = desk.lead()
    assert (lead.name, lead.status, lead.values) == ("Ann", "Meeting Booked", {"email-903": ANN})
    assert "https://app.cal.example/video/one" in lead.description
    assert len(lead.texts) == 1


async def test_webhook_handles_booking_cancelled_correctly(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("902", "Ann Lee", ANN)
    await desk.booked()
    await desk.cancelled(cancellationReason="No time", cancelledBy="ann@acme.example")
    assert task.status == "Meeting Cancelled"
    assert "Reason: No time" in task.texts[-1]
    assert f"By: {ANN}" in task.texts[-1]
    assert "https://app.cal.example" not in task.description
    assert "Cancelled meeting" in task.description


async def test_webhook_handles_booking_rescheduled_correctly(desk: Desk) -> None:
    await desk.connect()
    task = desk.clickup.space.add("901", "Ann Lee", ANN)
    await desk.booked()
    await desk.rescheduled(desk.start + timedelta(days=1))
    assert len(task.texts) == 2
    assert "Before: Wed 2026-09-09, 14:00 (Europe/Berlin, UTC+02:00)" in task.texts[-1]
    assert "When: Thu 2026-09-10, 14:00-14:30" in task.texts[-1]
    assert task.description.count("When: ") == 1
    assert "Thu 2026-09-10" in task.description


async def test_missing_attendee_email_handled_gracefully(desk: Desk) -> None:
    await desk.connect()
    by_phone = {"name": "Ann Lee", "timeZone": "UTC", "phoneNumber": "+4915112345678", "email": ""}
    await desk.hear(
        body("BOOKING_CREATED", desk.now, payload("one", 1, desk.start, [], attendees=[by_phone], location="phone"))
    )
    await desk.tell()
    lead = desk.lead()
    assert (lead.name, lead.values) == ("Ann Lee", {})
    assert len(lead.texts) == 1


async def test_edge_case_multiple_tasks_with_same_email_update_most_recently_modified(desk: Desk) -> None:
    await desk.connect()
    old, fresh, oldest = (desk.clickup.space.add("901", "Ann", ANN, days_ago=days) for days in (9, 2, 30))
    other_list = desk.clickup.space.add("902", "Ann", ANN, days_ago=1)
    await desk.booked()
    assert [len(one.texts) for one in (old, fresh, oldest, other_list)] == [0, 1, 0, 0]


async def test_edge_case_attendee_email_is_organizers_own_email_skip_self_booking(desk: Desk) -> None:
    await desk.connect()
    await desk.booked(email=str(BEN["email"]))
    assert await desk.state() == "skipped"
    assert "self-booking" in await desk.because()
    assert desk.clickup.calls == []


async def test_edge_case_meeting_booked_for_someone_not_in_crm_create_new_lead_in_inbound_leads(desk: Desk) -> None:
    await desk.connect()
    await desk.booked()
    assert desk.lead().home.name == "Inbound Leads"
    await desk.booked("other", 5)
    assert len(desk.lead().texts) == 2, "whoever books again is no newcomer"


async def test_edge_case_calcom_webhook_retry_duplicate_event_idempotent_by_booking_id(desk: Desk) -> None:
    await desk.connect()
    await desk.booked()
    await desk.booked()
    assert len(desk.lead().texts) == 1
    assert set(desk.clickup.effects.values()) == {1}


async def test_edge_case_clickup_api_rate_limit_during_webhook_queue_and_retry(desk: Desk) -> None:
    await desk.connect()
    desk.clickup.faults.next("429")
    await desk.booked()
    assert await desk.state() == "scheduled"
    assert "takes no more" in await desk.because()
    calls = len(desk.clickup.calls)
    await desk.tell(seconds=58)
    assert len(desk.clickup.calls) == calls, "their own reset is a minute away"
    await desk.tell(seconds=3)
    assert await desk.state() == "delivered"


async def test_edge_case_retry_with_exponential_backoff_while_clickup_is_down(desk: Desk) -> None:
    await desk.connect()
    desk.clickup.down()
    await desk.booked()
    (row,) = await desk.rows(destination="clickup")
    assert row["wake_at"] > desk.now
    desk.clickup.up()
    await desk.tell(minutes=5)
    assert await desk.state() == "delivered"


async def test_invited_guests_of_one_booking_are_one_task(desk: Desk) -> None:
    await desk.connect()
    both = [attendee(ANN), attendee("bob@acme.example")]
    await desk.hear(body("BOOKING_CREATED", desk.now, payload("one", 1, desk.start, [], attendees=both)))
    await desk.tell()
    assert len(desk.clickup.space.tasks) == 1
    assert desk.lane == Lane(workspace_id=desk.workspace, destination="clickup")
