"""Stores endpoints with sealed secrets. A deleted endpoint is hidden, and kept for its past deliveries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from showup.access.secrets_at_rest import Seal
from showup.connections.endpoint import Endpoint, Secret

_secrets = msgspec.json.Decoder(list[Secret])
_READ: Final = "SELECT id, workspace_id, url, kinds, description, paused_at, because FROM endpoints"


async def find(
    connection: asyncpg.Connection, workspace_id: UUID, endpoint_id: UUID, *, lock: bool = False, wait: bool = True
) -> Endpoint | None:
    """Returns the endpoint if it exists; with `lock`, it is locked until the transaction ends.

    Without `wait`, an endpoint that another transaction has locked counts as missing.
    """
    lock_clause = f"FOR UPDATE {'' if wait else 'SKIP LOCKED'}" if lock else ""
    row = await connection.fetchrow(
        f"{_READ} WHERE id = $1 AND workspace_id = $2 AND deleted_at IS NULL {lock_clause}",
        endpoint_id,
        workspace_id,
    )
    return None if row is None else Endpoint(**{**row, "kinds": tuple(row["kinds"])})


async def count(connection: asyncpg.Connection, workspace_id: UUID) -> int:
    """Returns how many endpoints the workspace has, without deleted ones."""
    result: int = await connection.fetchval(
        "SELECT count(*) FROM endpoints WHERE workspace_id = $1 AND deleted_at IS NULL", workspace_id
    )
    return result


async def add(connection: asyncpg.Connection, seal: Seal, endpoint: Endpoint, secret: str, now: datetime) -> None:
    """Inserts a new endpoint."""
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
    """Updates a locked endpoint."""
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
    """Deletes a locked endpoint and withdraws its remaining deliveries permanently."""
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
        endpoint.queue.destination,
        because,
        actor,
        now,
    )


async def secrets(connection: asyncpg.Connection, seal: Seal, endpoint_id: UUID) -> list[Secret]:
    """Returns its secrets in plain text, the newest first. Raises Unsealable."""
    sealed = await connection.fetchval("SELECT secrets FROM endpoints WHERE id = $1", endpoint_id)
    return _secrets.decode(seal.decrypt(sealed))


async def replace_secrets(
    connection: asyncpg.Connection, seal: Seal, endpoint_id: UUID, new_secrets: Sequence[Secret], now: datetime
) -> None:
    """Replaces its secrets."""
    await connection.execute(
        "UPDATE endpoints SET secrets = $2, updated_at = $3 WHERE id = $1", endpoint_id, _sealed(seal, new_secrets), now
    )


def _sealed(seal: Seal, plain_secrets: Sequence[Secret]) -> bytes:
    return seal.encrypt(msgspec.json.encode(plain_secrets))
