"""TE11: a person gets one follow-up at a time, and only while they are reported as a no-show."""

from datetime import datetime, timedelta

import pytest

from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import GaveUp
from showup.dispatch.manual_actions import FailedFilter, retry_failed
from showup.pipeline.rules import Rules
from tests.deliveries.scenario import DeliveryScenario
from tests.histories.webhooks import body, no_show_body, payload

ANN = "ann@acme.example"


async def receive_no_show(
    scenario: DeliveryScenario, uid: str, number: int, *, absent: bool = True, start: datetime | None = None
) -> None:
    start = start or scenario.now - timedelta(hours=1)
    await scenario.receive(body("BOOKING_CREATED", start - timedelta(hours=1), payload(uid, number, start, [ANN])))
    await scenario.receive(no_show_body(uid, scenario.now, ANN, absent=absent))


async def test_two_missed_meetings_send_one_follow_up(scenario: DeliveryScenario) -> None:
    await scenario.set_rules(Rules(follow_up=True))
    await receive_no_show(scenario, "one", 1)
    await receive_no_show(scenario, "two", 2, start=scenario.now - timedelta(hours=2))
    await scenario.deliver_due(hours=6)
    rows = await scenario.rows(kind="no_show")
    assert sorted(row["state"] for row in rows) == ["delivered", "skipped"]
    assert scenario.fake_destination.kinds == ["no_show"]


@pytest.mark.parametrize("booked_before_due", [True, False])
async def test_m05_somebody_with_a_later_meeting_gets_no_follow_up(
    scenario: DeliveryScenario, booked_before_due: bool
) -> None:
    """M05: "choose a new time" is not sent to somebody who has one; a cancelled one does not count."""
    await scenario.set_rules(Rules(follow_up=True))
    await receive_no_show(scenario, "one", 1)
    later = payload("two", 2, scenario.now + timedelta(days=2), [ANN])
    await scenario.receive(body("BOOKING_CREATED", scenario.now, later))
    if not booked_before_due:
        await scenario.receive(body("BOOKING_CANCELLED", scenario.now, later | {"status": "CANCELLED"}))
    await scenario.deliver_due(hours=6)
    row = await scenario.row_of("no_show")
    expected = ("skipped", "the recipient has a later accepted meeting") if booked_before_due else ("delivered", None)
    assert (row["state"], row["because"]) == expected


async def test_a_manual_retry_checks_the_attendance_again(scenario: DeliveryScenario) -> None:
    await scenario.set_rules(Rules(follow_up=True))
    scenario.fake_destination.outcomes.append(GaveUp(because="the sender's domain is not verified"))
    await receive_no_show(scenario, "one", 1)
    await scenario.deliver_due(hours=6)
    row = await scenario.row_of("no_show")
    assert row["state"] == "failed"
    await receive_no_show(scenario, "one", 1, absent=False, start=scenario.now - timedelta(hours=7))
    async with transaction(scenario.engine) as tx:
        await retry_failed(await driver_connection(tx), FailedFilter(), scenario.now)
    await scenario.deliver_due()
    assert scenario.fake_destination.kinds == ["no_show"], "only the attempt that failed"
