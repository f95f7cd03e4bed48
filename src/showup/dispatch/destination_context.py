"""Builds destinations, for deliveries as well as for health checks."""

from functools import partial

import httpx2
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.connection import Connection
from showup.clock import Clock
from showup.connections.environment import NAME as FROM_ENVIRONMENT
from showup.destinations.destination_kind import ConnectionSettings, DestinationContext
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch.mirror_store import StoredMirror
from showup.dispatch.queue_store import QueueMeter
from showup.outbox.delivery import DestinationQueue


class Clients(Struct, frozen=True, kw_only=True):
    """The HTTP clients of a process: `trusted` calls known systems, `untrusted` calls addresses from users.

    `address_policy` says where connections other than HTTP may lead, if users chose their hosts.
    """

    trusted: httpx2.AsyncClient
    untrusted: httpx2.AsyncClient
    address_policy: AddressPolicy

    def client_for(self, connection: Connection, settings: ConnectionSettings) -> httpx2.AsyncClient:
        """Returns the client for a connection."""
        # Only the environment, which the operator writes, may set another address without the checks of `untrusted`.
        is_untrusted = settings.api_url is not None and connection.name != FROM_ENVIRONMENT
        return self.client_to(is_untrusted=is_untrusted)

    def client_to(self, *, is_untrusted: bool) -> httpx2.AsyncClient:
        """Returns the client for an address: untrusted if a user chose it, and not the operator's environment."""
        return self.untrusted if is_untrusted else self.trusted


def build_destination_context(
    engine: AsyncEngine, queue: DestinationQueue, client: httpx2.AsyncClient, clock: Clock
) -> DestinationContext:
    """Returns the context for the destination of a queue."""
    return DestinationContext(
        client=client,
        clock=clock,
        meter=partial(QueueMeter, engine, queue, clock=clock),
        mirror=StoredMirror(engine, queue, clock),
    )
