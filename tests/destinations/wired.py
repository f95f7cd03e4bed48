"""A post whose lanes lead to real destinations; mail goes to the post's own far side, which follows a script."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import raw, transaction
from showup.deliveries.delivery import Lane
from showup.deliveries.preparing import Connected
from showup.deliveries.subscribing import subscribe
from showup.destinations.contract import Destination, Pace
from showup.destinations.kind import Kind, Mirrored, Outfit
from tests.deliveries.post import Post


class Freely:
    """A meter that lets everybody through, and counts."""

    def __init__(self) -> None:
        self.taken = 0

    async def take(self, calls: int = 1) -> None:
        self.taken += calls


class Empty:
    """A mirror in which nobody is."""

    async def synced_until(self, list_id: str) -> datetime | None:  # noqa: ARG002 - it has no lists
        return None

    async def synced_at(self, list_id: str) -> datetime | None:  # noqa: ARG002 - it has no lists
        return None

    async def put(self, list_id: str, records: Sequence[Mirrored], until: datetime) -> None:
        raise NotImplementedError

    async def called(self, last_name: str) -> list[Mirrored]:  # noqa: ARG002 - it knows no names
        return []


def outfit(client: httpx2.AsyncClient, clock: Clock, meter: Freely | None = None) -> Outfit:
    """What a destination is built with that needs no limits and no mirror."""
    mine = meter or Freely()

    def freely(pace: Pace) -> Freely:
        assert pace.rate_per_second > 0
        return mine

    return Outfit(client=client, clock=clock, meter=freely, mirror=Empty())


class Wired(Post):
    """Lanes by the names of their destinations."""

    def __init__(self, engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient) -> None:
        super().__init__(engine, workspace, account)
        self.time_zone = "UTC"
        self._client = client
        self._reached: dict[str, Destination] = {"email": self.far}

    async def connect(self, kind: Kind, settings: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
        """From now on that kind of destination is told what these settings ask for."""
        read = kind.read(settings)
        self._reached[kind.name] = kind.build(read, credentials, outfit(self._client, self.clock))
        async with transaction(self.engine) as tx:
            await subscribe(await raw(tx), self.workspace, kind.name, kind.listens_to(read), self.now)

    async def connected(self, lane: Lane) -> Connected:
        destination = self._reached[lane.destination]
        return Connected(lane=lane, workspace="default", destination=destination, time_zone=self.time_zone)

    async def tell(self, **later: float) -> None:
        """Lets time pass, and then everything that is due be told, mail first: others may be told that it was."""
        self.now += timedelta(**later)
        for name in self._reached:
            lane = Lane(workspace_id=self.workspace, destination=name)
            await asyncio.wait_for(self.courier().drain(lane), 30)
