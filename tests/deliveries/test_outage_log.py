"""RU6: the log reports a failing, a paused and a recovered destination, and failed deliveries by id."""

from datetime import timedelta
from typing import Any

import structlog
from structlog.testing import capture_logs

from showup.destinations.contract import GaveUp, TryAgain
from tests.deliveries.scenario import DeliveryScenario
from tests.histories.webhooks import body, payload

ANN = "ann@acme.example"


async def logged_lines(scenario: DeliveryScenario, minutes: int) -> list[dict[str, Any]]:
    structlog.reset_defaults()
    with capture_logs() as lines:
        for _ in range(minutes):
            await scenario.deliver_due(minutes=1)
    return [dict(line) for line in lines]


async def test_an_outage_logs_a_few_lines(scenario: DeliveryScenario) -> None:
    start = scenario.now + timedelta(days=2)
    await scenario.receive(body("BOOKING_CREATED", scenario.now, payload("one", 1, start, [ANN])))
    scenario.fake_destination.down = TryAgain(because="nobody answers", fault="destination")
    lines = await logged_lines(scenario, 30)
    events = [line["event"] for line in lines]
    assert events[0] == "destination failing"
    assert set(events[1:]) == {"destination paused after repeated failures"}
    assert len(events) < 12
    assert {line["log_level"] for line in lines} == {"warning"}

    scenario.fake_destination.down = None
    recovered = [line["event"] for line in await logged_lines(scenario, 10)]
    assert list(dict.fromkeys(recovered)) == ["destination recovered", "delivery delivered"]


async def test_a_failed_delivery_is_logged_by_its_id(scenario: DeliveryScenario) -> None:
    start = scenario.now + timedelta(days=2)
    await scenario.receive(body("BOOKING_CREATED", scenario.now, payload("one", 1, start, [ANN])))
    scenario.fake_destination.outcomes.append(GaveUp(because=f"550 no such user: {ANN}"))
    (line,) = await logged_lines(scenario, 1)
    assert line["delivery"] == str((await scenario.row_of("confirmation"))["id"])
    assert ANN not in str(line)
