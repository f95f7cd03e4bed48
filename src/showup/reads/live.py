"""Reads which records changed, for open pages: names and ids, and no data."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.database.engine import driver_connection

MAX_IDS: Final = 100
"""A message names so many records of a kind at most; more are not named."""
_MAX_ENTRIES: Final = 1_000


class ChangedRecords(Struct, frozen=True, kw_only=True):
    """What changed up to the entry `number` of the audit log; None: nothing of that kind, empty: more than is named."""

    number: int
    bookings: list[UUID] | None = None
    deals: list[UUID] | None = None
    deliveries: bool = False


async def list_changes(
    tx: AsyncConnection, workspace_id: UUID, number: int | None, *, has_records: bool, with_deliveries: bool
) -> ChangedRecords:
    """Returns what changed after entry `number`; without one, only the newest number.

    After too many entries, everything may have changed. So it may with `has_records` (records changed) if there is no
    new entry: some were removed.
    """
    connection = await driver_connection(tx)
    newest: int = await connection.fetchval("SELECT feed_number FROM workspaces WHERE id = $1", workspace_id)
    if number is None or (number >= newest and not has_records):
        return ChangedRecords(number=newest, deliveries=with_deliveries)
    if number >= newest or newest - number > _MAX_ENTRIES:
        return ChangedRecords(number=newest, bookings=[], deals=[], deliveries=with_deliveries)
    rows = await connection.fetch(
        """
        SELECT DISTINCT booking_id, deal_id FROM audit_log
        WHERE workspace_id = $1 AND number > $2 AND number <= $3
        """,
        workspace_id,
        number,
        newest,
    )
    return ChangedRecords(
        number=newest,
        bookings=_named(row["booking_id"] for row in rows),
        deals=_named(row["deal_id"] for row in rows),
        deliveries=with_deliveries,
    )


def _named(ids: Iterable[UUID | None]) -> list[UUID] | None:
    found = sorted({one for one in ids if one is not None})
    if not found:
        return None
    return found if len(found) <= MAX_IDS else []
