"""One destination before its far side, with the meter and the mirror that a workspace's would have."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.deliveries.delivery import DestinationQueue
from showup.deliveries.mirror_store import StoredMirror
from showup.deliveries.queue_meter import QueueMeter
from showup.destinations.contract import Attempt, Content, Destination, Notification, Outcome, TryAgain
from showup.destinations.destination_kind import DestinationContext
from tests.destinations.conformance.case import DELIVERY, NOW, Case, plain_json


class SharedClock:
    """What the clocks of both sides show; whoever waits for a limit moves it on."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class DestinationUnderTest:
    """Both sides, of which the far one runs already."""

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
        """Another one of the same case, before another far side."""
        return cls(subject.case, fake, subject.time, subject._engine, subject.queue.workspace_id, subject._client)

    @property
    def effects(self) -> Counter[str]:
        return self.case.effects(self.fake)

    def destination(self, url: str | None = None, client: httpx2.AsyncClient | None = None) -> Destination:
        """It, before its own far side or before somebody else at `url`."""
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
        """One attempt at what the case tells, or at another notice; `number` above 1 where one was made before."""
        destination = to or self.destination()
        content = self.content(destination, notification)
        return await destination.send(Attempt(delivery_id=DELIVERY, content=content, number=number))

    async def send_until_finished(self, first: int = 2) -> Outcome:
        """More attempts, each as late as the one before wants, until it is not to be tried again."""
        number = first
        while isinstance(outcome := await self.send(number=number), TryAgain) and number < first + 10:
            now = self.time.now
            self.time.now = max(now + timedelta(minutes=1), outcome.not_before or now)
            number += 1
        return outcome

    def content(self, destination: Destination, notification: Notification | None = None) -> Content:
        """What is sent, as it comes back from storage."""
        return plain_json(destination.render(notification or self.case.notification))

    def next_faults(self, *faults: str | None) -> None:
        """The next calls meet these faults, by the suite's names; None is a call that meets none."""
        self.fake.faults.queue(*(None if one is None else self.case.faults.get(one, one) for one in faults))

    async def _pause(self, seconds: float) -> None:
        self.time.now += timedelta(seconds=seconds)
