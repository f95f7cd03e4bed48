"""M08: two bookings of one account with the same number: the first in source order has it, whatever arrives first."""

import itertools
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from tests.histories.calcom_week import LEE, SAM, SARAH, Meeting, ReceivedBody, Week, received_in_order
from tests.histories.rebuild_check import rebuild_differences
from tests.histories.table_contents import apply_history, table_contents, table_contents_with_ids
from tests.histories.webhooks import MONDAY, body, payload


def week_with_one_number() -> Week:
    """Returns two bookings with one number, a change of each, and an event that names its booking by the number."""
    week = Week()
    alpha, beta = Meeting(week, "alpha", [SARAH], 1), Meeting(week, "beta", [SARAH], 2)
    beta.number = alpha.number
    alpha.create()
    beta.create()
    beta.relocate()
    alpha.end_by_number()
    return week


async def uid_of_the_number(engine: AsyncEngine) -> str:
    """Returns the uid of the booking to which the event without a uid was applied."""
    async with transaction(engine) as tx:
        uid: str = await (await driver_connection(tx)).fetchval(
            "SELECT b.calcom_uid FROM inbox_events e JOIN bookings b ON b.id = e.booking_id WHERE e.uid IS NULL"
        )
    return uid


@pytest.mark.parametrize("batches", [(), (4,), (2, 2), (1, 3)])
async def test_the_first_booking_keeps_the_number_in_any_order(engine: AsyncEngine, batches: Sequence[int]) -> None:
    """M08."""
    in_order = week_with_one_number().received_bodies([])
    await apply_history(engine, in_order)
    expected = await table_contents(engine)
    assert await uid_of_the_number(engine) == "alpha"
    for shuffled in itertools.permutations(in_order):
        await apply_history(engine, shuffled, batches)
        assert await table_contents(engine) == expected
    assert await rebuild_differences(engine) == []


async def test_a_booking_known_by_its_number_only_becomes_the_one_with_a_uid(engine: AsyncEngine) -> None:
    """M08: its events belong to the booking that states the number beside a uid, as if they had come later."""
    week = Week()
    fields = payload("alpha", 100, MONDAY + timedelta(days=1, hours=3), [SARAH]) | {"uid": None}
    week.send(body("BOOKING_CREATED", week.next_time(), fields))
    Meeting(week, "alpha", [SARAH], 1).create()
    Meeting(week, "beta", [SARAH], 2).create()
    in_order = week.received_bodies([])
    for shuffled in itertools.permutations(in_order):
        await apply_history(engine, received_in_order(shuffled))
        one_by_one = await table_contents_with_ids(engine)
        assert await uid_of_the_number(engine) == "alpha"
        assert await rebuild_differences(engine) == []
        await apply_history(engine, received_in_order(shuffled), [3])
        assert await table_contents_with_ids(engine) == one_by_one


async def test_an_older_event_of_the_other_booking_takes_the_number_over(engine: AsyncEngine) -> None:
    """M08: the events that name their booking by the number only move along, and the data of both follow."""
    week = week_with_one_number()
    created, *others = week.received_bodies([])
    late = ReceivedBody(created.id, created.body.replace(b"T09:07:00", b"T09:30:00"), created.received_at)
    assert late.body != created.body
    beta_first = [others[0], others[1], others[2], late]
    await apply_history(engine, [late, *others])
    assert await uid_of_the_number(engine) == "beta"
    expected = await table_contents(engine)
    await apply_history(engine, beta_first)
    assert await table_contents(engine) == expected
    assert await rebuild_differences(engine) == []


async def test_a_person_keeps_nothing_from_an_event_that_moved_to_another_booking(engine: AsyncEngine) -> None:
    """M08, PI10: the first booking takes an event by number over; the other one still lists the event's attendee."""
    week = Week()
    first, second = Meeting(week, "alpha", [SAM], 2), Meeting(week, "beta", [LEE], 1)
    second.number = first.number
    first.create()
    second.create()
    second.end_by_number()
    in_order = week.received_bodies([])
    await apply_history(engine, in_order)
    assert await uid_of_the_number(engine) == "alpha"
    expected = await table_contents(engine)
    for shuffled in itertools.permutations(in_order):
        await apply_history(engine, shuffled)
        assert await table_contents(engine) == expected
    assert await rebuild_differences(engine) == []
