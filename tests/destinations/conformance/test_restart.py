"""R4, TE1: whoever is killed between the call and its record leaves no second effect behind."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.deliveries.delivery import MAIL, Lane
from showup.deliveries.preparing import Connected, LastLook, Ready, prepare
from showup.deliveries.subscribing import subscribe
from showup.deliveries.unsubscribing import make_token
from showup.destinations.contract import Delivered, Destination
from showup.reads.meetings import current
from tests.deliveries.post import SEAL, Post
from tests.destinations.conformance.case import MEETING, START
from tests.destinations.conformance.listed import but
from tests.destinations.conformance.stage import Stage
from tests.stories.webhooks import MONDAY, attendee, body, payload


class Reached(Post):
    """A post whose lane leads to the destination of a stage.case."""

    def __init__(self, engine: AsyncEngine, account: UUID, stage: Stage) -> None:
        self.time = stage.time
        super().__init__(engine, stage.lane.workspace_id, account)
        self.lane = stage.lane
        self.destination: Destination = stage.destination()
        self.kind = stage.case.notice.kind

    @property
    def now(self) -> datetime:
        return self.time.now

    @now.setter
    def now(self, now: datetime) -> None:
        self.time.now = now

    async def connected(self, lane: Lane) -> Connected:
        return Connected(lane=lane, workspace="default", destination=self.destination)

    async def book(self) -> None:
        """Ann books, and the time of what the case tells has come."""
        async with transaction(self.engine) as tx:
            if self.lane.destination not in MAIL:
                await subscribe(await raw(tx), self.workspace, self.lane.destination, [self.kind], self.now)
        guest = attendee(MEETING.guest.email, MEETING.guest.name or "", phoneNumber=MEETING.guest.phone)
        booked = payload("one", 1, START, [MEETING.guest.email], attendees=[guest])
        await self.hear(body("BOOKING_CREATED", MONDAY, booked))
        self.now = max(self.now, (await self.first())["due_at"])

    async def first(self) -> dict[str, Any]:
        """What the case tells; of several reminders, the one that is due first."""
        found = await self.rows(workspace_id=self.workspace, kind=self.kind, destination=self.lane.destination)
        return found[0]

    async def send_and_die(self) -> None:
        """Tells what is due, and is heard of no more: nothing is settled."""
        look = LastLook(current=current, unsubscribe=lambda *whose: make_token(SEAL, *whose))
        claimed = await self.claim()
        async with transaction(self.engine) as tx:
            [ready] = await prepare(await raw(tx), look, await self.connected(self.lane), claimed, self.now)
        assert isinstance(ready, Ready)
        assert isinstance(await self.destination.send(ready.attempt), Delivered)


@pytest.mark.parametrize("stage", but("once"), indirect=True)
async def test_a_restart_between_call_and_record(stage: Stage, engine: AsyncEngine, account: UUID) -> None:
    post = Reached(engine, account, stage)
    await post.book()
    await post.send_and_die()
    once = stage.effects
    assert once.total() >= 1
    await post.tell(seconds=timedelta(seconds=31).total_seconds())
    row = await post.first()
    assert (row["state"], row["attempts"]) == ("delivered", 2), row["because"]
    assert stage.effects == once


@pytest.mark.parametrize("stage", but(), indirect=True)
async def test_a_booking_is_told_once(stage: Stage, engine: AsyncEngine, account: UUID) -> None:
    post = Reached(engine, account, stage)
    await post.book()
    await post.tell()
    once = stage.effects
    await post.tell(seconds=60)
    row = await post.first()
    assert (row["state"], row["attempts"]) == ("delivered", 1), row["because"]
    assert stage.effects == once
