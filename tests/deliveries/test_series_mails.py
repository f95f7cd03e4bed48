"""F14: one booking action sends one confirmation, however many dates it has, and no date is forgotten."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from showup.database import tables
from showup.destinations.contract import GaveUp, TryAgain
from showup.pipeline.rules import Rules
from tests.deliveries.scenario import DeliveryScenario
from tests.histories.webhooks import body, payload
from tests.pipeline.field_inputs import NOW, read_bodies

ANN = "ann@acme.example"
RULE = {"recurringEvent": {"freq": 2, "count": 4, "interval": 1}}


def date_of(scenario: DeliveryScenario, number: int, **changes: Any) -> dict[str, Any]:
    start = scenario.now.replace(second=0) + timedelta(days=5 + 7 * number)
    return payload(f"date{number}", 10 + number, start, [ANN], **RULE) | changes


def booked(scenario: DeliveryScenario, number: int) -> bytes:
    return body("BOOKING_CREATED", scenario.now, date_of(scenario, number))


def cancelled(scenario: DeliveryScenario, number: int) -> bytes:
    return body("BOOKING_CANCELLED", scenario.now, date_of(scenario, number, status="CANCELLED"))


async def booking_id_of(scenario: DeliveryScenario, uid: str) -> UUID:
    table = tables.bookings
    async with scenario.engine.connect() as tx:
        found: UUID = (await tx.execute(select(table.c.id).where(table.c.calcom_uid == uid))).scalar_one()
    return found


async def deliver_all(scenario: DeliveryScenario) -> None:
    """Sends until nothing is due any more within minutes."""
    for _ in range(10):
        await scenario.deliver_due(seconds=4)


async def states(scenario: DeliveryScenario) -> list[str]:
    return sorted(row["state"] for row in await scenario.rows(kind="series"))


async def covered(scenario: DeliveryScenario) -> list[int]:
    """Returns how many dates each delivered mail lists."""
    rows = await scenario.rows(kind="series", state="delivered")
    return [len(row["found"]["bookings"]) for row in rows]


async def test_f14_a_series_booked_at_once_is_confirmed_once_and_reminded_of_each_date(
    scenario: DeliveryScenario,
) -> None:
    await scenario.receive(*(booked(scenario, number) for number in range(4)))
    await scenario.deliver_due(seconds=1)
    assert scenario.fake_destination.kinds == [], "it waits for the other dates"
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds == ["series"]
    assert await states(scenario) == ["delivered", "skipped", "skipped", "skipped"]
    assert await covered(scenario) == [4]
    (because,) = {row["because"] for row in await scenario.rows(kind="series", state="skipped")}
    assert because == "another mail about the series confirmed this date too"
    assert len(await scenario.rows(kind="reminder")) == 4 * 3


async def test_f14_the_reported_series_of_six(scenario: DeliveryScenario) -> None:
    scenario.now = NOW
    await scenario.receive(*read_bodies("14_series_of_six"))
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds == ["series"]
    assert await covered(scenario) == [6]
    assert len(await scenario.rows(kind="reminder")) == 6 * 3


async def test_f14_a_date_that_arrives_minutes_later_has_its_own_mail(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked(scenario, 0), booked(scenario, 1))
    await deliver_all(scenario)
    later = [booked(scenario, 2), booked(scenario, 3)]
    scenario.now += timedelta(minutes=5)
    await scenario.receive(*later)
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds == ["series", "series"]
    assert await covered(scenario) == [2, 4]


async def test_f14_a_date_cancelled_before_the_mail_goes_out_is_not_listed(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked(scenario, 0), booked(scenario, 1), booked(scenario, 2))
    scenario.now += timedelta(seconds=1)
    await scenario.receive(cancelled(scenario, 0))
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds.count("series") == 1
    assert await covered(scenario) == [2]
    assert await states(scenario) == ["delivered", "skipped", "withdrawn"]


@pytest.mark.parametrize("outcome", [TryAgain(because="it is down"), GaveUp(because="it refuses the mail")])
async def test_f14_no_date_is_lost_if_the_mail_for_all_is_not_sent(
    scenario: DeliveryScenario, outcome: TryAgain | GaveUp
) -> None:
    """The first mail fails and its date is cancelled meanwhile: another mail confirms the other dates."""
    scenario.fake_destination.outcomes.append(outcome)
    await scenario.receive(booked(scenario, 0), booked(scenario, 1), booked(scenario, 2))
    await scenario.deliver_due(seconds=4)
    (first,) = [row for row in await scenario.rows(kind="series") if row["found"]]
    numbers = {await booking_id_of(scenario, f"date{one}"): one for one in range(3)}
    number = numbers[first["booking_id"]]
    await scenario.receive(cancelled(scenario, number))
    await scenario.deliver_due(minutes=2)
    await deliver_all(scenario)
    assert await covered(scenario) == [2]


async def test_f14_a_rule_confirms_each_date(scenario: DeliveryScenario) -> None:
    await scenario.set_rules(Rules(confirm_series="each"))
    await scenario.receive(*(booked(scenario, number) for number in range(4)))
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds == ["confirmation"] * 4


async def test_f14_one_process_after_the_other_sends_one_mail(scenario: DeliveryScenario) -> None:
    """Each date arrives, and is prepared, on its own."""
    await scenario.set_rules(Rules(series_wait=timedelta(minutes=1)))
    for number in range(3):
        await scenario.receive(booked(scenario, number))
    scenario.fake_destination.pace = scenario.fake_destination.pace.__class__(
        rate_per_second=1_000, at_once=1, timeout=timedelta(seconds=20), retry_after=()
    )
    await scenario.deliver_due(minutes=1)
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds == ["series"]


async def test_f14_a_seat_that_is_taken_again_is_confirmed_again(scenario: DeliveryScenario) -> None:
    """The mail that confirmed the series does not confirm a seat that was given back since."""
    seat = {"seatsPerTimeSlot": 5, "attendeeSeatId": "first"}
    first, second = (date_of(scenario, number, **seat) for number in range(2))
    await scenario.receive(*(body("BOOKING_CREATED", scenario.now, one) for one in (first, second)))
    await deliver_all(scenario)
    await scenario.receive(body("BOOKING_CANCELLED", scenario.now, second))
    await deliver_all(scenario)
    await scenario.receive(body("BOOKING_CREATED", scenario.now, second | {"attendeeSeatId": "another"}))
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds == ["series", "cancelled", "series"]


async def test_f14_a_second_series_by_the_same_rule_has_dates_of_its_own(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked(scenario, 0), booked(scenario, 1))
    await deliver_all(scenario)
    scenario.now += timedelta(hours=3)
    await scenario.receive(booked(scenario, 2), booked(scenario, 3))
    await deliver_all(scenario)
    assert await covered(scenario) == [2, 2]
