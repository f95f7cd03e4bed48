"""R4, TE1: a process that is killed between a call and its record causes no second effect."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.connections.catalogue import KINDS
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Delivered, Destination
from showup.dispatch.preparation import (
    ConnectedQueue,
    FinalCheck,
    ReadyDelivery,
    load_batch,
    render_batch,
    store_batch,
)
from showup.outbox.delivery import MAIL_DESTINATIONS, DestinationQueue
from showup.outbox.subscriptions import subscribe
from showup.outbox.unsubscribe_tokens import make_token
from showup.pipeline.rules import Rules
from showup.reads.meetings import load_meetings
from tests.deliveries.scenario import SEAL, DeliveryScenario
from tests.destinations.conformance.case import MEETING, START
from tests.destinations.conformance.cases import cases_without
from tests.destinations.conformance.subject import DestinationUnderTest
from tests.histories.webhooks import MONDAY, attendee, body, payload


class SubjectScenario(DeliveryScenario):
    """A workspace whose queue leads to the destination of a case."""

    def __init__(self, engine: AsyncEngine, account: UUID, subject: DestinationUnderTest) -> None:
        self.time = subject.time
        super().__init__(engine, subject.queue.workspace_id, account)
        self.queue = subject.queue
        self.destination: Destination = subject.destination()
        self.kind = subject.case.notification.kind

    @property
    def now(self) -> datetime:
        return self.time.now

    @now.setter
    def now(self, now: datetime) -> None:
        self.time.now = now

    async def resolve(self, queue: DestinationQueue) -> ConnectedQueue:
        kind = KINDS.get(queue.destination)
        return ConnectedQueue(
            queue=queue,
            workspace="default",
            destination=self.destination,
            plans_reminders=kind is not None and kind.plans_reminders,
        )

    async def book(self) -> None:
        """Books a meeting for Ann, and moves the clock to the due time of the case's notification."""
        async with transaction(self.engine) as tx:
            if self.queue.destination not in MAIL_DESTINATIONS:
                await subscribe(
                    await driver_connection(tx), self.workspace, self.queue.destination, [self.kind], self.now
                )
        # Only one reminder, and not too early for a text message.
        await self.set_rules(Rules(remind_before=(timedelta(hours=24),)))
        guest = attendee(MEETING.guest.email, MEETING.guest.name, phone=MEETING.guest.phone)
        await self.receive(body("BOOKING_CREATED", MONDAY, payload("one", 1, START, [guest])))
        self.now = max(self.now, (await self.first())["due_at"])

    async def first(self) -> dict[str, Any]:
        """Returns the delivery of the case's notification."""
        found = await self.rows(workspace_id=self.workspace, kind=self.kind, destination=self.queue.destination)
        return found[0]

    async def send_and_crash(self) -> None:
        """Sends due deliveries and then stops: no outcome is recorded."""
        final_check = FinalCheck(
            meetings=load_meetings,
            unsubscribe_url=lambda *whose: make_token(SEAL, *whose),
            confirm_url=lambda _: None,
            outcome_url=lambda _: ("", ""),
        )
        claimed = await self.claim()
        async with transaction(self.engine) as tx:
            connected = await self.resolve(self.queue)
            batch = await load_batch(await driver_connection(tx), final_check, connected, claimed, self.now)
        render_batch(batch, final_check, self.clock)
        async with transaction(self.engine) as tx:
            await store_batch(await driver_connection(tx), batch, self.now)
        [ready] = batch.prepared()
        assert isinstance(ready, ReadyDelivery)
        assert isinstance(await self.destination.send(ready.attempt), Delivered)


@pytest.mark.parametrize("subject", cases_without("once"), indirect=True)
async def test_a_restart_between_call_and_record(
    subject: DestinationUnderTest, engine: AsyncEngine, account: UUID
) -> None:
    scenario = SubjectScenario(engine, account, subject)
    await scenario.book()
    await scenario.send_and_crash()
    once = subject.effects
    assert once.total() >= 1
    await scenario.deliver_due(seconds=timedelta(seconds=31).total_seconds())
    row = await scenario.first()
    assert (row["state"], row["attempts"]) == ("delivered", 2), row["because"]
    assert subject.effects == once


@pytest.mark.parametrize("subject", cases_without(), indirect=True)
async def test_a_booking_is_delivered_once(subject: DestinationUnderTest, engine: AsyncEngine, account: UUID) -> None:
    scenario = SubjectScenario(engine, account, subject)
    await scenario.book()
    await scenario.deliver_due()
    once = subject.effects
    await scenario.deliver_due(seconds=60)
    row = await scenario.first()
    assert (row["state"], row["attempts"]) == ("delivered", 1), row["because"]
    assert subject.effects == once
