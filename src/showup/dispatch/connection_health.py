"""Checks that a destination has the objects that its settings name and accepts its credentials."""

import asyncio
from typing import Final

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import connections_store, workspaces_store
from showup.access.connection import Connection
from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.clock import Clock
from showup.connections.catalogue import KINDS
from showup.database.engine import transaction
from showup.destinations.destination_kind import OverLimit
from showup.destinations.vendor_api import no_response
from showup.dispatch.destination_context import Clients, build_destination_context
from showup.outbox.delivery import DestinationQueue

_TIMEOUT_SECONDS: Final = 10.0


async def check_connection(
    engine: AsyncEngine, seal: Seal, clients: Clients, connection: Connection, clock: Clock
) -> list[str]:
    """Returns one sentence per problem, none if all is well. The kind must be in the catalog."""
    kind = KINDS[connection.kind]
    try:
        async with transaction(engine) as tx:
            workspace = await workspaces_store.find(tx, connection.workspace)
            secrets = await connections_store.credentials(tx, seal, connection.id) or {}
        if workspace is None:
            return [f"the workspace {connection.workspace} no longer exists"]
        if missing := kind.missing_secrets(secrets):
            return [f"credentials are missing: {', '.join(missing)}"]
        settings = kind.parse_settings(connection.settings)
        queue = DestinationQueue(workspace_id=workspace.id, destination=kind.name)
        context = build_destination_context(engine, queue, clients.client_for(connection, settings), clock)
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await kind.check_health(settings, secrets, context)
    except (DecryptionError, ValueError) as fault:
        return [str(fault)]
    except TimeoutError:
        return [f"{kind.name} did not answer within {_TIMEOUT_SECONDS:.0f} seconds"]
    except OverLimit as fault:
        return [f"{kind.name} rate limit reached: {fault}"]
    except httpx2.RequestError as error:
        return [no_response(kind.name, error).because]
