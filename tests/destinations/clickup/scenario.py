"""A workspace connected to ClickUp: it receives webhooks, and the real destination calls the fake ClickUp."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from showup.destinations.clickup.health import KIND
from showup.destinations.contract import Pace
from showup.destinations.destination_kind import DestinationContext
from showup.dispatch.destination_records import QUESTION_KIND
from showup.dispatch.mirror_store import StoredMirror
from showup.dispatch.preparation import ConnectedQueue
from showup.dispatch.queue_store import QueueMeter
from showup.events.delivery import RecordChosen
from showup.outbox.delivery import DestinationQueue
from showup.outbox.subscriptions import subscribe
from showup.simulation.models import SimulatedAttendee
from showup.simulation.render_booking import booking_fields, instant
from tests.deliveries.scenario import DeliveryScenario
from tests.destinations.fake_vendors.clickup import FakeClickUp
from tests.destinations.fake_vendors.clickup_space import FakeTask
from tests.execute import execute
from tests.histories.webhooks import body, booking

ANN = "ann@acme.example"
SETTINGS = {
    "lists": ["901", "902"],
    "inbound_list": "903",
    "no_show": "No Show",
    "showed": "Met",
}


def payload(uid: str, number: int, start: datetime, attendees: list[str | SimulatedAttendee], **more: Any) -> Any:
    """Returns a booking in a video room whose address does not contain the uid."""
    room = f"https://meet.example/room-{number}"
    return booking_fields(booking(uid, number, start, attendees, meeting_url=room)) | more


class ClickUpScenario(DeliveryScenario):
    """The test moves the clock, and so does each wait for the rate limit."""

    def __init__(self, engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient) -> None:
        super().__init__(engine, workspace, account)
        self.client = client
        self.settings: dict[str, Any] = dict(SETTINGS)
        self.clickup = FakeClickUp(clock=self.clock)
        self.queue = DestinationQueue(workspace_id=workspace, destination="clickup")

    async def connect(self, *, slack: bool = False) -> None:
        """Connects ClickUp, and Slack if questions are to be asked."""
        async with transaction(self.engine) as tx:
            connection = await driver_connection(tx)
            kinds = KIND.subscribed_events(KIND.parse_settings(self.settings))
            await subscribe(connection, self.workspace, "clickup", kinds, self.now)
            if slack:
                await subscribe(connection, self.workspace, "slack", {QUESTION_KIND}, self.now)

    async def resolve(self, queue: DestinationQueue) -> ConnectedQueue:
        if queue.destination != "clickup":
            return ConnectedQueue(queue=queue, workspace="default", destination=self.fake_destination)
        parsed = KIND.parse_settings({**self.settings, "api_url": self.clickup.url})
        destination = KIND.build(parsed, {"token": "pk_far_token"}, self.context)
        return ConnectedQueue(queue=queue, workspace="default", destination=destination, time_zone="Europe/Berlin")

    @property
    def context(self) -> DestinationContext:
        def meter(pace: Pace) -> QueueMeter:
            return QueueMeter(self.engine, self.queue, pace, self.clock, self._wait)

        return DestinationContext(
            client=self.client,
            clock=self.clock,
            meter=meter,
            mirror=StoredMirror(self.engine, self.queue, self.clock),
        )

    async def _wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def booked(
        self, uid: str = "one", number: int = 1, *, booker: str | SimulatedAttendee = ANN, **more: Any
    ) -> None:
        """Books a meeting in two days, and sends all deliveries."""
        self.now += timedelta(minutes=1)
        await self.receive(body("BOOKING_CREATED", self.now, payload(uid, number, self.start, [booker], **more)))
        await self.deliver_due()

    async def cancelled(
        self, uid: str = "one", number: int = 1, *, booker: str | SimulatedAttendee = ANN, **more: Any
    ) -> None:
        self.now += timedelta(minutes=1)
        await self.receive(body("BOOKING_CANCELLED", self.now, payload(uid, number, self.start, [booker], **more)))
        await self.deliver_due()

    async def rescheduled(self, to: datetime, *, booker: str | SimulatedAttendee = ANN, **more: Any) -> None:
        """Moves the booking `one` to the booking `two`."""
        self.now += timedelta(minutes=1)
        moved = payload("two", 2, to, [booker], rescheduleUid="one", rescheduleStartTime=instant(self.start), **more)
        await self.receive(body("BOOKING_RESCHEDULED", self.now, moved))
        await self.deliver_due()

    async def choose(self, record: str | None) -> str | None:
        """Answers the question of the only delivery that has one."""
        (delivery,) = [row for row in await self.rows(destination="clickup") if row["question"] is not None]
        chosen = RecordChosen(delivery_id=delivery["id"], record=record)
        return (await execute(self.engine, self.workspace, chosen, at=self.now, actor="user:dana")).refused

    async def state(self) -> str:
        """Returns the state of the only delivery to ClickUp."""
        (row,) = await self.rows(destination="clickup")
        return str(row["state"])

    async def because(self) -> str:
        (row,) = await self.rows(destination="clickup")
        return str(row["because"])

    def lead(self) -> FakeTask:
        """Returns the only task in the list of new leads."""
        (task,) = self.clickup.space.of_list("903")
        return task

    @property
    def start(self) -> datetime:
        return datetime(2026, 9, 9, 12, 0, tzinfo=self.now.tzinfo)
