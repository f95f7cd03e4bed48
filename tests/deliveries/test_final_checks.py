"""TE4, PI10: a booking changes during the final check of its delivery; its history decides about the delivery."""

from uuid import UUID

import asyncpg
import pytest
from msgspec import Struct

from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Meeting
from showup.dispatch.attempt_results import NotSent
from showup.dispatch.dispatch_cycle import CycleRequest, EndedAttempt, run_dispatch_cycle
from showup.dispatch.record_facts import BookingRecipients
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.reads.meetings import load_meetings
from tests.deliveries.scenario import PACE, DeliveryScenario
from tests.deliveries.test_dispatcher import START, booked, cancelled, moved

CANCELLED = "the meeting was cancelled"
MOVED = "the meeting was moved to another time"


class ChangedMeetings(Struct):
    """Reads the meetings after one more webhook arrived: the deliveries were read before it."""

    scenario: DeliveryScenario
    webhooks: list[bytes]

    async def __call__(
        self, connection: asyncpg.Connection, keys: BookingRecipients
    ) -> dict[tuple[UUID, str], Meeting]:
        while self.webhooks:
            await self.scenario.receive(self.webhooks.pop())
        return await load_meetings(connection, keys)


async def differences(scenario: DeliveryScenario) -> list[str]:
    result = await rebuild(scenario.engine, RebuildOptions(workspace_ids=[scenario.workspace]))
    return [str(one) for one in result.examples]


async def finish_unsent(scenario: DeliveryScenario, *webhooks: bytes) -> None:
    """Finishes a final check that found a cancellation, after these webhooks arrived meanwhile."""
    (claimed,) = await scenario.claim()
    for one in webhooks:
        await scenario.receive(one)
    ended = EndedAttempt(claimed=claimed, result=NotSent(state="withdrawn", because=CANCELLED))
    async with transaction(scenario.engine) as tx:
        await run_dispatch_cycle(
            await driver_connection(tx),
            scenario.queue,
            PACE,
            CycleRequest(ended=[ended], capacity=0, linger=None),
            scenario.clock,
            lambda: 0.5,
        )


@pytest.mark.parametrize(
    ("change", "because"), [(cancelled(), CANCELLED), (moved(START), MOVED)], ids=["cancelled", "moved"]
)
async def test_the_history_gives_the_reason(scenario: DeliveryScenario, change: bytes, because: str) -> None:
    await scenario.receive(booked())
    scenario.meetings = ChangedMeetings(scenario, [change])
    await scenario.deliver_due()
    row = await scenario.row_of("confirmation")
    assert (row["state"], row["because"]) == ("withdrawn", because)
    assert "confirmation" not in scenario.fake_destination.kinds
    assert await differences(scenario) == []


async def test_a_message_that_the_history_still_calls_for_is_sent(scenario: DeliveryScenario) -> None:
    """A late event only shows that the booking had another time before."""
    await scenario.receive(moved(START))
    scenario.meetings = ChangedMeetings(scenario, [booked()])
    await scenario.deliver_due()
    row = await scenario.row_of("rescheduled")
    assert (row["state"], row["booking_version"]) == ("delivered", 2)


async def test_the_reason_is_that_of_the_history_when_it_is_recorded(scenario: DeliveryScenario) -> None:
    """The booking had been moved before its old time was cancelled, but that arrives after the final check."""
    await scenario.receive(booked())
    await finish_unsent(scenario, cancelled(later=5), moved(START, later=3))
    row = await scenario.row_of("confirmation")
    assert (row["state"], row["because"]) == ("withdrawn", MOVED)
    assert await differences(scenario) == []


async def test_a_message_that_is_called_for_again_is_sent(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked())
    await finish_unsent(scenario)
    row = await scenario.row_of("confirmation")
    assert (row["state"], row["because"]) == ("scheduled", None)
    await scenario.deliver_due()
    assert scenario.fake_destination.kinds == ["confirmation"]
