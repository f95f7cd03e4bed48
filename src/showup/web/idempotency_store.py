"""What was answered to mutations that named an Idempotency-Key, kept in the transaction of what they did."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.tables import idempotency_keys

KEPT_FOR: Final = timedelta(days=7)
# Each new key takes a few old ones away, so that their number follows the traffic of a week.
_FORGOTTEN_AT_ONCE: Final = 10

_table = idempotency_keys.c


class Known(Struct, frozen=True, kw_only=True):
    """A key as it is kept: for which request, and what it was answered; `status` is None while nothing was."""

    request_digest: bytes
    status: int | None
    answer: str | None


async def wait_at_most(tx: AsyncConnection, span: timedelta) -> None:
    """From here on the transaction fails, rather than wait longer than this for what another one holds."""
    await tx.execute(select(func.set_config("lock_timeout", f"{span.total_seconds() * 1000:.0f}ms", True)))


async def claim(tx: AsyncConnection, *, actor: str, key: str, request_digest: bytes, now: datetime) -> Known:
    """What is known of the actor's key, which is theirs from now on until the transaction ends.

    Whoever comes with the same key meanwhile waits here, and then reads what was answered.
    """
    row = {"actor": actor, "key": key, "request_digest": request_digest, "created_at": now}
    query = insert(idempotency_keys).values(row)
    # An update that changes nothing waits for the row's owner, and answers the row as it is then.
    query = query.on_conflict_do_update(index_elements=["actor", "key"], set_={"key": key})
    returned = query.returning(_table.request_digest, _table.status, _table.answer)
    known = Known(**(await tx.execute(returned)).mappings().one())
    if known.status is None:
        await _forget(tx, now - KEPT_FOR)
    return known


async def answered(tx: AsyncConnection, *, actor: str, key: str, status: int, answer: str) -> None:
    """Keeps what the key was answered."""
    change = update(idempotency_keys).where(_table.actor == actor, _table.key == key)
    await tx.execute(change.values(status=status, answer=answer))


async def _forget(tx: AsyncConnection, before: datetime) -> None:
    names = (_table.actor, _table.key)
    old = select(*names).where(_table.created_at < before).order_by(_table.created_at).limit(_FORGOTTEN_AT_ONCE)
    await tx.execute(delete(idempotency_keys).where(tuple_(*names).in_(old.with_for_update(skip_locked=True))))
