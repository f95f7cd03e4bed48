"""A workspace whose queues lead to real destinations; mail goes to the scenario's scripted destination."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Destination, Pace
from showup.destinations.destination_kind import DestinationContext, DestinationKind, MirroredRecord
from showup.dispatch.preparation import ConnectedQueue
from showup.outbox.delivery import DestinationQueue
from showup.outbox.subscriptions import subscribe
from tests.deliveries.scenario import DeliveryScenario


class UnlimitedMeter:
    """A meter without a limit, which counts calls."""

    def __init__(self) -> None:
        self.taken = 0

    async def take(self, calls: int = 1) -> None:
        self.taken += calls


class EmptyMirror:
    """A mirror without records."""

    async def synced_until(self, list_id: str) -> datetime | None:  # noqa: ARG002 - it has no lists
        return None

    async def synced_at(self, list_id: str) -> datetime | None:  # noqa: ARG002 - it has no lists
        return None

    async def put(self, list_id: str, records: Sequence[MirroredRecord], until: datetime) -> None:
        raise NotImplementedError

    async def find_by_email(self, email: str) -> list[MirroredRecord]:  # noqa: ARG002 - it knows no emails
        return []

    async def find_by_last_name(self, last_name: str) -> list[MirroredRecord]:  # noqa: ARG002 - it knows no names
        return []


def destination_context(
    client: httpx2.AsyncClient, clock: Clock, meter: UnlimitedMeter | None = None
) -> DestinationContext:
    """Returns a context for a destination that needs no limits and no mirror."""
    used_meter = meter or UnlimitedMeter()

    def meter_for(pace: Pace) -> UnlimitedMeter:
        assert pace.rate_per_second > 0
        return used_meter

    return DestinationContext(client=client, clock=clock, meter=meter_for, mirror=EmptyMirror())


class ConnectedScenario(DeliveryScenario):
    """Queues by the names of their destinations."""

    def __init__(self, engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient) -> None:
        super().__init__(engine, workspace, account)
        self.time_zone = "UTC"
        self._client = client
        self._destinations: dict[str, Destination] = {"email": self.fake_destination}

    async def connect(self, kind: DestinationKind, settings: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
        """Connects this kind of destination, and subscribes it to the events that its settings select."""
        parsed = kind.parse_settings(settings)
        self._destinations[kind.name] = kind.build(parsed, credentials, destination_context(self._client, self.clock))
        async with transaction(self.engine) as tx:
            await subscribe(
                await driver_connection(tx), self.workspace, kind.name, kind.subscribed_events(parsed), self.now
            )

    async def resolve(self, queue: DestinationQueue) -> ConnectedQueue:
        destination = self._destinations[queue.destination]
        return ConnectedQueue(queue=queue, workspace="default", destination=destination, time_zone=self.time_zone)

    async def deliver_due(self, **later: float) -> None:
        """Moves the clock and sends everything due, mail first: other destinations may be notified of sent mail."""
        self.now += timedelta(**later)
        for name in self._destinations:
            queue = DestinationQueue(workspace_id=self.workspace, destination=name)
            await asyncio.wait_for(self.dispatcher().drain(queue), 30)
