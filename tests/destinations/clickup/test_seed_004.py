"""TE5: seed 004's testing checklist for option 2, and its edge cases, with the seed's names."""

from datetime import timedelta

from showup.outbox.delivery import DestinationQueue
from tests.destinations.clickup.scenario import ANN, ClickUpScenario
from tests.histories.webhooks import BEN, attendee, body, payload


async def test_webhook_receives_booking_created_and_updates_existing_task(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann Lee", ANN, description="Met at the fair.")
    await scenario.booked()
    assert task.status == "Meeting Booked"
    assert task.description.startswith("Met at the fair.")
    assert "https://meet.example/room-1" in task.description
    (comment,) = task.texts
    assert comment.startswith(
        "Meeting booked: Intro call one\nWhen: Wed 2026-09-09, 14:00-14:30 (Europe/Berlin, UTC+02:00)"
    )
    assert "With: Ben Host" in comment
    assert "Link: https://meet.example/room-1" in comment
    assert scenario.clickup.space.of_list("903") == []


async def test_webhook_creates_new_lead_when_email_not_found(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    scenario.clickup.space.add("901", "Somebody Else", "else@acme.example")
    await scenario.booked()
    lead = scenario.lead()
    assert (lead.name, lead.status, lead.values) == ("Ann", "Meeting Booked", {"email-903": ANN})
    assert "https://meet.example/room-1" in lead.description
    assert len(lead.texts) == 1


async def test_webhook_handles_booking_cancelled_correctly(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("902", "Ann Lee", ANN)
    await scenario.booked()
    await scenario.cancelled(cancellationReason="No time", cancelledBy="ann@acme.example")
    assert task.status == "Meeting Cancelled"
    assert "Reason: No time" in task.texts[-1]
    assert f"By: {ANN}" in task.texts[-1]
    assert "https://app.cal.example" not in task.description
    assert "Cancelled meeting" in task.description


async def test_webhook_handles_booking_rescheduled_correctly(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    task = scenario.clickup.space.add("901", "Ann Lee", ANN)
    await scenario.booked()
    await scenario.rescheduled(scenario.start + timedelta(days=1))
    assert len(task.texts) == 2
    assert "Before: Wed 2026-09-09, 14:00 (Europe/Berlin, UTC+02:00)" in task.texts[-1]
    assert "When: Thu 2026-09-10, 14:00-14:30" in task.texts[-1]
    assert task.description.count("When: ") == 1
    assert "Thu 2026-09-10" in task.description


async def test_missing_attendee_email_handled_gracefully(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    by_phone = attendee("", "Ann Lee", zone="UTC", phone="+4915112345678")
    booked = payload("one", 1, scenario.start, [by_phone], location="phone")
    await scenario.receive(body("BOOKING_CREATED", scenario.now, booked))
    await scenario.deliver_due()
    lead = scenario.lead()
    assert (lead.name, lead.values) == ("Ann Lee", {})
    assert len(lead.texts) == 1


async def test_edge_case_multiple_tasks_with_same_email_update_most_recently_modified(
    scenario: ClickUpScenario,
) -> None:
    await scenario.connect()
    old, fresh, oldest = (scenario.clickup.space.add("901", "Ann", ANN, days_ago=days) for days in (9, 2, 30))
    other_list = scenario.clickup.space.add("902", "Ann", ANN, days_ago=1)
    await scenario.booked()
    assert [len(one.texts) for one in (old, fresh, oldest, other_list)] == [0, 1, 0, 0]


async def test_edge_case_attendee_email_is_organizers_own_email_skip_self_booking(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    await scenario.booked(booker=BEN.email)
    assert await scenario.state() == "skipped"
    assert "self-booking" in await scenario.because()
    assert scenario.clickup.calls == []


async def test_edge_case_meeting_booked_for_someone_not_in_crm_create_new_lead_in_inbound_leads(
    scenario: ClickUpScenario,
) -> None:
    await scenario.connect()
    await scenario.booked()
    assert scenario.lead().list_id.name == "Inbound Leads"
    await scenario.booked("other", 5)
    assert len(scenario.lead().texts) == 2, "a person who books again is not a new lead"


async def test_edge_case_calcom_webhook_retry_duplicate_event_idempotent_by_booking_id(
    scenario: ClickUpScenario,
) -> None:
    await scenario.connect()
    await scenario.booked()
    await scenario.booked()
    assert len(scenario.lead().texts) == 1
    assert set(scenario.clickup.effects.values()) == {1}


async def test_edge_case_clickup_api_rate_limit_during_webhook_queue_and_retry(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    scenario.clickup.faults.queue("429")
    await scenario.booked()
    assert await scenario.state() == "scheduled"
    assert "rate limit" in await scenario.because()
    calls = len(scenario.clickup.calls)
    await scenario.deliver_due(seconds=58)
    assert len(scenario.clickup.calls) == calls, "ClickUp's own reset time is a minute away"
    await scenario.deliver_due(seconds=3)
    assert await scenario.state() == "delivered"


async def test_edge_case_retry_with_exponential_backoff_while_clickup_is_down(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    scenario.clickup.stop()
    await scenario.booked()
    (row,) = await scenario.rows(destination="clickup")
    assert row["wake_at"] > scenario.now
    scenario.clickup.start()
    await scenario.deliver_due(minutes=5)
    assert await scenario.state() == "delivered"


async def test_invited_guests_of_one_booking_are_one_task(scenario: ClickUpScenario) -> None:
    await scenario.connect()
    both = [ANN, "bob@acme.example"]
    await scenario.receive(body("BOOKING_CREATED", scenario.now, payload("one", 1, scenario.start, both)))
    await scenario.deliver_due()
    assert len(scenario.clickup.space.tasks) == 1
    assert scenario.queue == DestinationQueue(workspace_id=scenario.workspace, destination="clickup")
