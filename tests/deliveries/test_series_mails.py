"""F14: one booking action sends one confirmation, however many dates it has, and no date is forgotten."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from showup.database import tables
from showup.destinations.contract import GaveUp, TryAgain
from showup.events.workspace import RulesChanged
from showup.pipeline.rules import Rules
from tests.deliveries.scenario import DeliveryScenario
from tests.execute import execute
from tests.histories.webhooks import body, payload
from tests.pipeline.field_inputs import NOW, read_bodies

ANN = "ann@acme.example"
DAY = timedelta(days=1)
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


async def mails(scenario: DeliveryScenario, kind: str) -> list[dict[str, Any]]:
    return await scenario.rows(kind=kind, state="delivered")


async def test_f14_a_series_cancelled_at_once_has_one_mail(scenario: DeliveryScenario) -> None:
    await scenario.receive(*(booked(scenario, number) for number in range(4)))
    await deliver_all(scenario)
    await scenario.receive(cancelled(scenario, 3))
    await deliver_all(scenario)
    (alone,) = await mails(scenario, "cancelled")
    assert "bookings" not in alone["found"]
    await scenario.receive(*(cancelled(scenario, number) for number in range(3)))
    await scenario.deliver_due(seconds=1)
    assert scenario.fake_destination.kinds == ["series", "cancelled"], "it waits for the other dates"
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds == ["series", "cancelled", "cancelled"]
    (about_all,) = [row for row in await mails(scenario, "cancelled") if row["id"] != alone["id"]]
    ids = [str(await booking_id_of(scenario, f"date{number}")) for number in range(3)]
    assert about_all["found"]["bookings"] == ids, "the date that was cancelled before is not told again"
    (because,) = {row["because"] for row in await scenario.rows(kind="cancelled", state="skipped")}
    assert because == "another mail about the series said that this date is cancelled too"


async def test_f14_no_cancellation_is_lost_if_the_mail_for_all_is_not_sent(scenario: DeliveryScenario) -> None:
    await scenario.receive(*(booked(scenario, number) for number in range(3)))
    await deliver_all(scenario)
    scenario.fake_destination.outcomes.append(GaveUp(because="it refuses the mail"))
    await scenario.receive(*(cancelled(scenario, number) for number in range(3)))
    await deliver_all(scenario)
    assert [len(row["found"]["bookings"]) for row in await mails(scenario, "cancelled")] == [2]
    assert [row["state"] for row in await scenario.rows(kind="cancelled", state="failed")] == ["failed"]


async def test_f14_a_rule_change_mails_nothing_about_a_series_of_the_past(scenario: DeliveryScenario) -> None:
    """PI13: these mails wait for other dates, and are about the past all the same."""

    async def set_team(*emails: str) -> None:
        change = RulesChanged(changes={"team_emails": list(emails)}, since=None)
        assert (await execute(scenario.engine, scenario.workspace, change, at=scenario.now)).refused is None

    await set_team(ANN)
    scenario.now += timedelta(seconds=1)
    await scenario.receive(booked(scenario, 0), booked(scenario, 1), cancelled(scenario, 1))
    scenario.now += timedelta(seconds=1)
    await set_team()
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds == []
    found = [row["state"] for kind in ("series", "cancelled") for row in await scenario.rows(kind=kind)]
    assert len(found) >= 2
    assert set(found) <= {"skipped", "withdrawn"}


async def test_f14_no_mail_cancels_more_than_twelve_entries(scenario: DeliveryScenario) -> None:
    await scenario.set_rules(Rules(confirm_series="once", remind_before=()))
    await scenario.receive(*(booked(scenario, number) for number in range(14)))
    await deliver_all(scenario)
    await scenario.receive(*(cancelled(scenario, number) for number in range(14)))
    await deliver_all(scenario)
    found = sorted(len(row["found"]["bookings"]) for row in await mails(scenario, "cancelled"))
    assert found == [2, 12]


async def test_f14_a_rule_confirms_each_date(scenario: DeliveryScenario) -> None:
    await scenario.set_rules(Rules(confirm_series="each"))
    await scenario.receive(*(booked(scenario, number) for number in range(4)))
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds == ["confirmation"] * 4
    await scenario.receive(*(cancelled(scenario, number) for number in range(4)))
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds[4:] == ["cancelled"] * 4


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


async def compare(scenario: DeliveryScenario, *, until: datetime | None) -> None:
    """Stores that the account is compared with Cal.com's API, and until when it was."""
    async with scenario.engine.begin() as tx:
        (account,) = (await tx.execute(select(tables.bookings.c.account_id).distinct())).scalars()
        row = {"began_at": scenario.now, "compared_until": until, "last_ok_at": until, "next_at": scenario.now + DAY}
        upsert = insert(tables.syncs).values(account_id=account, **row)
        await tx.execute(upsert.on_conflict_do_update(index_elements=["account_id"], set_=row))


async def test_the_rest_of_a_series_that_one_webhook_cancels_has_one_mail(scenario: DeliveryScenario) -> None:
    """Cal.com reports one date of those that were cancelled at once; a comparison with its API finds the others."""
    await scenario.receive(*(booked(scenario, number) for number in range(4)))
    await deliver_all(scenario)
    await compare(scenario, until=scenario.now - DAY)
    await scenario.receive(cancelled(scenario, 1))
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds == ["series"]
    async with scenario.engine.connect() as tx:
        assert (await tx.execute(select(tables.syncs.c.next_at))).scalar_one() <= scenario.now
    await scenario.receive(cancelled(scenario, 2), cancelled(scenario, 3))
    await compare(scenario, until=scenario.now)
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds == ["series", "cancelled"]
    (mail,) = await mails(scenario, "cancelled")
    assert len(mail["found"]["bookings"]) == 3


@pytest.mark.parametrize("is_compared", [True, False])
async def test_a_date_that_is_cancelled_alone_waits_for_minutes_only(
    scenario: DeliveryScenario, is_compared: bool
) -> None:
    await scenario.receive(booked(scenario, 0), booked(scenario, 1))
    await deliver_all(scenario)
    await compare(scenario, until=None)
    await scenario.receive(cancelled(scenario, 1))
    await deliver_all(scenario)
    assert scenario.fake_destination.kinds == ["series"]
    if is_compared:
        await compare(scenario, until=scenario.now)
        await deliver_all(scenario)
    else:
        await scenario.deliver_due(minutes=4)
    assert scenario.fake_destination.kinds == ["series", "cancelled"]
    assert "bookings" not in (await mails(scenario, "cancelled"))[0]["found"]
