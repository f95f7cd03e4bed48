"""TE1, TE10, PI13: the order of due deliveries, and the expiry of late ones."""

from datetime import timedelta

from msgspec.structs import replace

from showup.destinations.contract import TryAgain
from tests.deliveries.scenario import PACE, DeliveryScenario
from tests.histories.webhooks import MONDAY, body, payload

START = MONDAY + timedelta(days=5)


def booked(scenario: DeliveryScenario, uid: str, number: int) -> bytes:
    return body("BOOKING_CREATED", scenario.now, payload(uid, number, START, [f"{uid}@acme.example"]))


async def test_higher_priority_is_sent_before_earlier_due_reminders(scenario: DeliveryScenario) -> None:
    """TE10: in a backlog, the higher priority first, and within a priority the older delivery first."""
    scenario.fake_destination.pace = replace(PACE, at_once=1)
    for number in (1, 2):
        await scenario.receive(booked(scenario, f"old{number}", number))
        scenario.now += timedelta(minutes=1)
    await scenario.deliver_due()
    scenario.fake_destination.sent.clear()
    scenario.now = START - timedelta(hours=71)
    for number in (3, 4):
        await scenario.receive(booked(scenario, f"new{number}", number))
        scenario.now += timedelta(minutes=1)
    await scenario.deliver_due()
    sent = [(content["kind"], content["to"].partition("@")[0]) for _, content in scenario.fake_destination.sent]
    assert sent[:2] == [("confirmation", "new3"), ("confirmation", "new4")]
    assert sorted(sent[2:]) == [("reminder", "old1"), ("reminder", "old2")]


async def test_a_delivery_waiting_for_retry_is_skipped_when_it_expires(scenario: DeliveryScenario) -> None:
    """PI13: it expires at its expiry time, not at the time of the next attempt."""
    await scenario.receive(booked(scenario, "one", 1))
    scenario.fake_destination.outcomes.append(TryAgain(because="it is busy", not_before=START + timedelta(days=1)))
    await scenario.deliver_due()
    assert (await scenario.row_of("confirmation"))["state"] == "scheduled"
    scenario.now = START
    await scenario.deliver_due()
    row = await scenario.row_of("confirmation")
    assert row["state"] == "skipped"
    assert row["because"].startswith("too late")
