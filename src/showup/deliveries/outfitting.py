"""What a destination is built with, whoever builds it: to tell it something, or to examine it."""

from functools import partial

import httpx2
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.connection import Connection
from showup.clock import Clock
from showup.deliveries.delivery import Lane
from showup.deliveries.given import NAME as FROM_ENVIRONMENT
from showup.deliveries.metering import LaneMeter
from showup.deliveries.mirror_store import StoredMirror
from showup.destinations.kind import ConnectionSettings, Outfit


class Clients(Struct, frozen=True, kw_only=True):
    """A process's HTTP clients: `known` calls the systems that we know, `outside` addresses that others chose."""

    known: httpx2.AsyncClient
    outside: httpx2.AsyncClient

    def of(self, connection: Connection, settings: ConnectionSettings) -> httpx2.AsyncClient:
        """The one for a connection."""
        # Only the environment, which whoever runs Showup writes, may lead to another address unwatched.
        theirs = settings.api_url is not None and connection.name != FROM_ENVIRONMENT
        return self.outside if theirs else self.known


def outfit_of(engine: AsyncEngine, lane: Lane, client: httpx2.AsyncClient, clock: Clock) -> Outfit:
    """For the destination of a lane."""
    return Outfit(
        client=client,
        clock=clock,
        meter=partial(LaneMeter, engine, lane, clock=clock),
        mirror=StoredMirror(engine, lane, clock),
    )
