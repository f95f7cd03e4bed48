"""One destination and its fake vendor, with a meter and a mirror as in a workspace."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.destinations.contract import Attempt, Content, Destination, Notification, Outcome, TryAgain
from showup.destinations.destination_kind import DestinationContext
from showup.dispatch.mirror_store import StoredMirror
from showup.dispatch.queue_store import QueueMeter
from showup.outbox.delivery import DestinationQueue
from tests.destinations.conformance.case import DELIVERY, NOW, Case, plain_json


class SharedClock:
    """The clock of both sides; each wait for a rate limit moves it forward."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class DestinationUnderTest:
    """The destination and its fake vendor, which is already running."""

    def __init__(
        self, case: Case, fake: Any, time: SharedClock, engine: AsyncEngine, workspace: UUID, client: httpx2.AsyncClient
    ) -> None:
        self.case = case
        self.fake = fake
        self.time = time
        self._engine = engine
        self.queue = DestinationQueue(workspace_id=workspace, destination=case.destination)
        self._client = client

    @classmethod
    def with_fake(cls, subject: "DestinationUnderTest", fake: Any) -> "DestinationUnderTest":
        """Returns another subject of the same case, with another fake vendor."""
        return cls(subject.case, fake, subject.time, subject._engine, subject.queue.workspace_id, subject._client)

    @property
    def effects(self) -> Counter[str]:
        return self.case.effects(self.fake)

    def destination(self, url: str | None = None, client: httpx2.AsyncClient | None = None) -> Destination:
        """Builds the destination for its own fake vendor, or for another server at `url`."""
        context = DestinationContext(
            client=client or self._client,
            clock=self.time,
            meter=partial(QueueMeter, self._engine, self.queue, clock=self.time, sleep=self._pause),
            mirror=StoredMirror(self._engine, self.queue, self.time),
        )
        return self.case.build(self.fake, url or self.fake.url, context)

    async def send(
        self, to: Destination | None = None, *, number: int = 1, notification: Notification | None = None
    ) -> Outcome:
        """Makes one attempt at the case's notification or another one; `number` is above 1 after an earlier attempt."""
        destination = to or self.destination()
        content = self.content(destination, notification)
        return await destination.send(Attempt(delivery_id=DELIVERY, content=content, number=number))

    async def send_until_finished(self, first: int = 2) -> Outcome:
        """Makes attempts, each at the time that the previous outcome asks for, until no retry is due."""
        number = first
        while isinstance(outcome := await self.send(number=number), TryAgain) and number < first + 10:
            now = self.time.now
            self.time.now = max(now + timedelta(minutes=1), outcome.not_before or now)
            number += 1
        return outcome

    def content(self, destination: Destination, notification: Notification | None = None) -> Content:
        """Returns the rendered content as the database returns it."""
        return plain_json(destination.render(notification or self.case.notification))

    def next_faults(self, *faults: str | None) -> None:
        """Queues these faults, by the suite's names, for the next calls; None is a call without a fault."""
        self.fake.faults.queue(*(None if one is None else self.case.faults.get(one, one) for one in faults))

    async def _pause(self, seconds: float) -> None:
        self.time.now += timedelta(seconds=seconds)
