"""TE14: the reminder of the day before asks for a yes; who does not answer is visible; a yes is announced."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from showup.access.permission import Permission
from showup.commands.execute import CommandResult
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import TryAgain
from showup.events.booking import AttendeeConfirmed
from showup.outbox.confirm_tokens import Invitation, read_confirm_token
from showup.outbox.delivery import DestinationQueue
from showup.outbox.subscriptions import subscribe
from showup.reads.attention import AttentionFilter, list_attention
from showup.reads.keyset import PageRequest
from tests.deliveries.scenario import SEAL, DeliveryScenario
from tests.execute import execute
from tests.histories.webhooks import MONDAY, body, payload

ANN = "ann@acme.example"
START = MONDAY + timedelta(days=5)
BEFORE = timedelta(hours=24)


def booked(**fields: Any) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload("one", 1, START, [ANN]) | fields)


async def deliver_reminders(scenario: DeliveryScenario) -> dict[int, dict[str, Any]]:
    """Delivers everything until an hour before the meeting; returns the details of each reminder, by its seconds."""
    for hours in (72, 24, 2, 1):
        scenario.now = START - timedelta(hours=hours)
        await scenario.deliver_due()
    contents = [content for _, content in scenario.fake_destination.sent]
    return {one["details"]["before_seconds"]: one["details"] for one in contents if one["kind"] == "reminder"}


async def unconfirmed(scenario: DeliveryScenario) -> list[tuple[str, datetime]]:
    permission = Permission(actor="key:ops", scope="read", workspace_id=scenario.workspace)
    request = PageRequest(limit=10, sort="at")
    async with scenario.engine.connect() as tx:
        page = await list_attention(tx, permission, AttentionFilter(kind=["unconfirmed"]), request, scenario.now)
    return [(item["kind"], item["at"]) for item in page.items]


async def say_yes(scenario: DeliveryScenario, start: datetime = START, uid: str = "one") -> CommandResult:
    yes = AttendeeConfirmed(subject=f"uid:{uid}", attendee=ANN, start_time=start)
    return await execute(scenario.engine, scenario.workspace, yes, at=scenario.now, actor="attendee")


async def test_only_the_reminder_of_the_day_before_asks(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked())
    reminders = await deliver_reminders(scenario)
    assert {seconds: "confirm_url" in details for seconds, details in reminders.items()} == {
        72 * 3600: False,
        24 * 3600: True,
        2 * 3600: False,
    }
    token = reminders[24 * 3600]["confirm_url"].removeprefix("https://showup.example/r/")
    (row, *_) = await scenario.rows(kind="reminder")
    assert read_confirm_token(SEAL, token) == Invitation(
        workspace_id=scenario.workspace, booking_id=row["booking_id"], start_time=START, email=ANN
    )
    assert len(f"https://showup.example/r/{token}") < 400


async def test_who_did_not_answer_is_listed_from_the_reminder_until_the_meeting(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked())
    scenario.now = START - BEFORE
    assert await unconfirmed(scenario) == []
    await scenario.deliver_due()
    assert await unconfirmed(scenario) == [("unconfirmed", START)]
    scenario.now = START
    assert await unconfirmed(scenario) == []


@pytest.mark.parametrize("answer", ["yes", "moved", "cancelled"])
async def test_an_answer_ends_the_item(scenario: DeliveryScenario, answer: str) -> None:
    await scenario.receive(booked())
    scenario.now = START - BEFORE
    await scenario.deliver_due()
    scenario.now += timedelta(hours=1)
    match answer:
        case "yes":
            assert (await say_yes(scenario)).refused is None
        case "moved":
            later = START + timedelta(hours=1)
            await scenario.receive(
                body("BOOKING_RESCHEDULED", scenario.now, payload("two", 2, later, [ANN], rescheduleUid="one"))
            )
        case _:
            await scenario.receive(body("BOOKING_CANCELLED", scenario.now, payload("one", 1, START, [ANN])))
    assert await unconfirmed(scenario) == []


async def test_a_reminder_that_did_not_arrive_asked_nobody(scenario: DeliveryScenario) -> None:
    scenario.fake_destination.down = TryAgain(because="it answers 500", fault="destination")
    await scenario.receive(booked())
    scenario.now = START - BEFORE
    await scenario.deliver_due()
    assert await unconfirmed(scenario) == []


async def test_a_yes_goes_to_the_destinations_that_chose_it_once(scenario: DeliveryScenario) -> None:
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        await subscribe(connection, scenario.workspace, "slack", ["booking.created", "booking.confirmed"], scenario.now)
        await subscribe(connection, scenario.workspace, "clickup", ["booking.created"], scenario.now)
    await scenario.receive(booked())
    scenario.now = START - BEFORE
    for _ in range(2):
        assert (await say_yes(scenario)).refused is None
        scenario.now += timedelta(minutes=1)
    rows = await scenario.rows(kind="booking.confirmed")
    assert [(row["destination"], row["recipient"]) for row in rows] == [("slack", ANN)]


async def test_an_earlier_event_that_is_retried_after_a_yes_still_sets_the_status(scenario: DeliveryScenario) -> None:
    """A yes changes nothing of a booking, so it overtakes no other event."""
    async with transaction(scenario.engine) as tx:
        kinds = ["booking.created", "booking.confirmed"]
        await subscribe(await driver_connection(tx), scenario.workspace, "clickup", kinds, scenario.now)
    await scenario.receive(booked())
    assert (await say_yes(scenario)).refused is None
    scenario.queue = DestinationQueue(workspace_id=scenario.workspace, destination="clickup")
    scenario.fake_destination.outcomes.append(TryAgain(because="busy", fault="delivery"))
    await scenario.deliver_due()
    await scenario.deliver_due(minutes=5)
    retried = [one for one in scenario.fake_destination.attempts if one.content["kind"] == "booking.created"]
    assert [(one.number, one.superseded) for one in retried] == [(1, False), (2, False)]
