"""Endpoints in the database, their secrets sealed. One that was deleted is kept for what was sent there, and hidden."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from showup.access.secrets_at_rest import Seal
from showup.deliveries.endpoint import Endpoint, Secret

_secrets = msgspec.json.Decoder(list[Secret])
_READ: Final = "SELECT id, workspace_id, url, kinds, description, paused_at, because FROM endpoints"


async def find(
    connection: asyncpg.Connection, workspace_id: UUID, endpoint_id: UUID, *, hold: bool = False, wait: bool = True
) -> Endpoint | None:
    """The endpoint, if it stands; with `hold`, nobody else changes it until the transaction ends.

    Without `wait`, one that somebody else holds is left to them: as if there were none.
    """
    holding = f"FOR UPDATE {'' if wait else 'SKIP LOCKED'}" if hold else ""
    row = await connection.fetchrow(
        f"{_READ} WHERE id = $1 AND workspace_id = $2 AND deleted_at IS NULL {holding}",
        endpoint_id,
        workspace_id,
    )
    return None if row is None else Endpoint(**{**row, "kinds": tuple(row["kinds"])})


async def add(connection: asyncpg.Connection, seal: Seal, endpoint: Endpoint, secret: str, now: datetime) -> None:
    """Writes a new one."""
    await connection.execute(
        """
        INSERT INTO endpoints (id, workspace_id, url, kinds, description, secrets, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
        """,
        endpoint.id,
        endpoint.workspace_id,
        endpoint.url,
        list(endpoint.kinds),
        endpoint.description,
        _sealed(seal, [Secret(text=secret)]),
        now,
    )


async def save(connection: asyncpg.Connection, endpoint: Endpoint, now: datetime) -> None:
    """Writes one that is held."""
    await connection.execute(
        """
        UPDATE endpoints SET url = $2, kinds = $3, description = $4, paused_at = $5, because = $6, updated_at = $7
        WHERE id = $1
        """,
        endpoint.id,
        endpoint.url,
        list(endpoint.kinds),
        endpoint.description,
        endpoint.paused_at,
        endpoint.because,
        now,
    )


async def delete(connection: asyncpg.Connection, endpoint: Endpoint, actor: str, now: datetime) -> None:
    """Deletes one that is held; what was still to be sent there is taken back, for good."""
    because = f"{actor} deleted its endpoint"
    await connection.execute(
        "UPDATE endpoints SET deleted_at = $2, secrets = '', updated_at = $2 WHERE id = $1", endpoint.id, now
    )
    await connection.execute(
        """
        UPDATE deliveries
        SET state = CASE state WHEN 'scheduled' THEN 'withdrawn' ELSE state END,
            unwanted = CASE state WHEN 'sending' THEN $3 END, because = $3, withdrawn_by = $4, updated_at = $5
        WHERE workspace_id = $1 AND destination = $2 AND state IN ('scheduled', 'sending')
        """,
        endpoint.workspace_id,
        endpoint.lane.destination,
        because,
        actor,
        now,
    )


async def secrets(connection: asyncpg.Connection, seal: Seal, endpoint_id: UUID) -> list[Secret]:
    """Its secrets in the clear, the newest first. Raises Unsealable."""
    sealed = await connection.fetchval("SELECT secrets FROM endpoints WHERE id = $1", endpoint_id)
    return _secrets.decode(seal.open(sealed))


async def replace_secrets(
    connection: asyncpg.Connection, seal: Seal, endpoint_id: UUID, kept: Sequence[Secret], now: datetime
) -> None:
    """From now on it has these."""
    await connection.execute(
        "UPDATE endpoints SET secrets = $2, updated_at = $3 WHERE id = $1", endpoint_id, _sealed(seal, kept), now
    )


def _sealed(seal: Seal, kept: Sequence[Secret]) -> bytes:
    return seal.close(msgspec.json.encode(kept))
