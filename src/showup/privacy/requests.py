"""Erasures that a page or the API requested: the worker does them, because a replay takes longer than a request may."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from showup.access.secrets_at_rest import Seal
from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.privacy import actions_store
from showup.privacy.erase import erase_person
from showup.privacy.person_scope import NotErasable, PersonUnknown, find_scope, refuse_own_side

_MAX_AT_ONCE: Final = 20

_log = structlog.get_logger()


class RequestedErasure(Struct, frozen=True, kw_only=True):
    """An erasure that is not done yet. `because`: why it could not be done."""

    id: UUID
    requested_at: datetime
    because: str | None = None


async def request_erasure(  # each by its name
    connection: asyncpg.Connection,
    seal: Seal,
    workspace_id: UUID,
    person_id: UUID,
    email: str,
    *,
    actor: str,
    at: datetime,
) -> RequestedErasure:
    """Stores the request; a second one for the same person is the first one. Raises NotErasable."""
    await refuse_own_side(connection, workspace_id, await find_scope(connection, workspace_id, email))
    inserted = await connection.fetchval(
        """
        INSERT INTO requested_erasures (id, workspace_id, person_id, email, actor, requested_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, person_id) DO NOTHING RETURNING true
        """,
        *(uuid7(), workspace_id, person_id, seal.encrypt(email.encode()), actor, at),
    )
    if inserted:
        await actions_store.add(
            connection, "erasure_requested", workspace_id=workspace_id, actor=actor, at=at, counts={}
        )
    found = await find_request(connection, workspace_id, person_id)
    assert found is not None, "it was stored, or it was there"
    return found


async def find_request(connection: asyncpg.Connection, workspace_id: UUID, person_id: UUID) -> RequestedErasure | None:
    """Returns the erasure of this person that waits; None if there is none."""
    row = await connection.fetchrow(
        "SELECT id, requested_at, because FROM requested_erasures WHERE workspace_id = $1 AND person_id = $2",
        workspace_id,
        person_id,
    )
    return None if row is None else RequestedErasure(**row)


async def run_requested(engine: AsyncEngine, seal: Seal, clock: Clock) -> None:
    """Does the oldest requested erasures. Of two processes with the same one, the second finds nobody to erase."""
    async with transaction(engine) as tx:
        rows = await (await driver_connection(tx)).fetch(
            "SELECT id, workspace_id, email, actor FROM requested_erasures WHERE because IS NULL "
            "ORDER BY requested_at LIMIT $1",
            _MAX_AT_ONCE,
        )
    for row in rows:
        await _run(engine, seal, clock, row)


async def _run(engine: AsyncEngine, seal: Seal, clock: Clock, row: asyncpg.Record) -> None:
    email = seal.decrypt(row["email"]).decode()
    try:
        await erase_person(
            *(engine, seal, row["workspace_id"], email), actor=row["actor"], at=clock(), request_id=row["id"]
        )
    except (PersonUnknown, NotErasable) as fault:
        # Somebody else erased them, or they became a teammate meanwhile.
        await _end(engine, row["id"], str(fault) or None)
        return
    _log.info("person erased", workspace_id=str(row["workspace_id"]), actor=row["actor"])


async def _end(engine: AsyncEngine, request_id: UUID, because: str | None) -> None:
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        if because is None:
            await connection.execute("DELETE FROM requested_erasures WHERE id = $1", request_id)
        else:
            await connection.execute("UPDATE requested_erasures SET because = $2 WHERE id = $1", request_id, because)
