"""Asking a connected destination whether what its settings name is there, and its secrets are good."""

import asyncio
from typing import Final

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import connections_store, workspaces_store
from showup.access.connection import Connection
from showup.access.secrets_at_rest import Seal, Unsealable
from showup.clock import Clock
from showup.database.engine import transaction
from showup.deliveries.delivery import Lane
from showup.deliveries.outfitting import Clients, outfit_of
from showup.destinations.catalogue import KINDS
from showup.destinations.kind import OverLimit
from showup.destinations.wire import unanswered

_WITHIN: Final = 10.0


async def faults_of(
    engine: AsyncEngine, seal: Seal, clients: Clients, connection: Connection, clock: Clock
) -> list[str]:
    """A sentence for each thing to put right, none where all is well. The kind must be one of the catalogue's."""
    kind = KINDS[connection.kind]
    try:
        async with transaction(engine) as tx:
            workspace = await workspaces_store.find(tx, connection.workspace)
            secrets = await connections_store.credentials(tx, seal, connection.id) or {}
        if workspace is None:
            return [f"there is no workspace {connection.workspace} any more"]
        if missing := kind.missing(secrets):
            return [f"it lacks its {', '.join(missing)} among the credentials"]
        settings = kind.read(connection.settings)
        lane = Lane(workspace_id=workspace.id, destination=kind.name)
        outfit = outfit_of(engine, lane, clients.of(connection, settings), clock)
        async with asyncio.timeout(_WITHIN):
            return await kind.examine(settings, secrets, outfit)
    except (Unsealable, ValueError) as fault:
        return [str(fault)]
    except TimeoutError:
        return [f"{kind.name} did not answer within {_WITHIN:.0f} seconds"]
    except OverLimit as fault:
        return [f"{kind.name} takes no more calls for now: {fault}"]
    except httpx2.RequestError as error:
        return [unanswered(kind.name, error).because]
