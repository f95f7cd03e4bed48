"""Stored responses of mutations with an Idempotency-Key, written in the transaction of the change."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import idempotency_keys

RETENTION: Final = timedelta(days=7)
# Each new key deletes a few expired ones, so that the table size follows one week's traffic.
_DELETE_BATCH_SIZE: Final = 10

_table = idempotency_keys.c


class StoredResponse(Struct, frozen=True, kw_only=True):
    """A stored idempotency key: its request's digest and its response; `status` is None until there is a response."""

    request_digest: bytes
    status: int | None
    answer: str | None


async def set_lock_timeout(tx: AsyncConnection, limit: timedelta) -> None:
    """Limit how long this transaction waits for a lock; after that, the waiting statement fails."""
    await tx.execute(select(func.set_config("lock_timeout", f"{limit.total_seconds() * 1000:.0f}ms", True)))


async def claim_key(
    tx: AsyncConnection, *, actor: str, key: str, request_digest: bytes, now: datetime
) -> StoredResponse:
    """Claim the actor's key until the transaction ends, and return what is stored for it.

    A concurrent request with the same key waits here and then reads the stored response.
    """
    row = {"actor": actor, "key": key, "request_digest": request_digest, "created_at": now}
    query = insert(idempotency_keys).values(row)
    # An update that changes nothing waits for the row's lock and returns the row as it is afterwards.
    query = query.on_conflict_do_update(index_elements=["actor", "key"], set_={"key": key})
    returning_query = query.returning(_table.request_digest, _table.status, _table.answer)
    stored = StoredResponse(**(await tx.execute(returning_query)).mappings().one())
    if stored.status is None:
        await _delete_expired(tx, now - RETENTION)
    return stored


async def store_response(tx: AsyncConnection, *, actor: str, key: str, status: int, response_body: str) -> None:
    """Store the response for the key."""
    update_query = update(idempotency_keys).where(_table.actor == actor, _table.key == key)
    await tx.execute(update_query.values(status=status, answer=response_body))


async def _delete_expired(tx: AsyncConnection, before: datetime) -> None:
    key_columns = (_table.actor, _table.key)
    expired = (
        select(*key_columns).where(_table.created_at < before).order_by(_table.created_at).limit(_DELETE_BATCH_SIZE)
    )
    await tx.execute(
        delete(idempotency_keys).where(tuple_(*key_columns).in_(expired.with_for_update(skip_locked=True)))
    )
