"""A workspace that is connected to ClickUp: webhooks come in, and the real destination tells what follows."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.deliveries.choosing import RecordChosen, choose
from showup.deliveries.delivery import Lane
from showup.deliveries.metering import LaneMeter
from showup.deliveries.mirror_store import StoredMirror
from showup.deliveries.preparing import Connected
from showup.deliveries.records import ASKED_AS
from showup.deliveries.subscribing import subscribe
from showup.destinations.clickup.connect import KIND
from showup.destinations.contract import Pace
from showup.destinations.kind import Outfit
from tests.deliveries.post import Post
from tests.destinations.far.clickup import FarClickUp
from tests.destinations.far.clickup_space import FarTask
from tests.stories.webhooks import body, payload

ANN = "ann@acme.example"
SETTINGS = {
    "lists": ["901", "902"],
    "inbound_list": "903",
    "no_show": "No Show",
    "showed": "Met",
}


class Desk(Post):
    """Its clock is moved by the test, and by whoever waits for the limit of calls."""

    def __init__(self, engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient) -> None:
        super().__init__(engine, workspace, account)
        self.client = client
        self.settings: dict[str, Any] = dict(SETTINGS)
        self.clickup = FarClickUp(clock=self.clock)
        self.lane = Lane(workspace_id=workspace, destination="clickup")

    async def connect(self, *, slack: bool = False) -> None:
        """From now on ClickUp is told; with Slack there is somebody to ask."""
        async with transaction(self.engine) as tx:
            connection = await raw(tx)
            kinds = KIND.listens_to(KIND.read(self.settings))
            await subscribe(connection, self.workspace, "clickup", kinds, self.now)
            if slack:
                await subscribe(connection, self.workspace, "slack", {ASKED_AS}, self.now)

    async def connected(self, lane: Lane) -> Connected:
        if lane.destination != "clickup":
            return Connected(lane=lane, workspace="default", destination=self.far)
        read = KIND.read({**self.settings, "api_url": self.clickup.url})
        destination = KIND.build(read, {"token": "pk_far_token"}, self.outfit)
        return Connected(lane=lane, workspace="default", destination=destination, time_zone="Europe/Berlin")

    @property
    def outfit(self) -> Outfit:
        def meter(pace: Pace) -> LaneMeter:
            return LaneMeter(self.engine, self.lane, pace, self.clock, self._wait)

        return Outfit(
            client=self.client,
            clock=self.clock,
            meter=meter,
            mirror=StoredMirror(self.engine, self.lane, self.clock),
        )

    async def _wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def booked(self, uid: str = "one", number: int = 1, *, email: str = ANN, **more: Any) -> None:
        """Somebody books a meeting in two days, and whoever listens is told."""
        self.now += timedelta(minutes=1)
        await self.hear(body("BOOKING_CREATED", self.now, payload(uid, number, self.start, [email], **more)))
        await self.tell()

    async def cancelled(self, uid: str = "one", number: int = 1, *, email: str = ANN, **more: Any) -> None:
        self.now += timedelta(minutes=1)
        await self.hear(body("BOOKING_CANCELLED", self.now, payload(uid, number, self.start, [email], **more)))
        await self.tell()

    async def rescheduled(self, to: datetime, *, email: str = ANN, **more: Any) -> None:
        """The booking `one` becomes the booking `two`."""
        self.now += timedelta(minutes=1)
        moved = payload("two", 2, to, [email], rescheduleUid="one", rescheduleStartTime=_stamp(self.start), **more)
        await self.hear(body("BOOKING_RESCHEDULED", self.now, moved))
        await self.tell()

    async def choose(self, record: str | None) -> str | None:
        """A person answers the question of the only delivery that has one."""
        (asked,) = [row for row in await self.rows(destination="clickup") if row["question"] is not None]
        async with transaction(self.engine) as tx:
            chosen = RecordChosen(delivery_id=asked["id"], record=record)
            return await choose(await raw(tx), self.workspace, chosen, "user:dana", self.now)

    async def state(self) -> str:
        """Of the only delivery to ClickUp."""
        (row,) = await self.rows(destination="clickup")
        return str(row["state"])

    async def because(self) -> str:
        (row,) = await self.rows(destination="clickup")
        return str(row["because"])

    def lead(self) -> FarTask:
        """The only task among the newcomers'."""
        (task,) = self.clickup.space.of_list("903")
        return task

    @property
    def start(self) -> datetime:
        return datetime(2026, 9, 9, 12, 0, tzinfo=self.now.tzinfo)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"
