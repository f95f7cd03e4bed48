"""Whose an event is, where one Cal.com account serves several workspaces: routes decide, once, and the log remembers.

News of a booking that has a workspace goes where the booking is, whatever the routes say by now. News that names a
booking and nothing to route by waits until the booking is known.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.access import routes_store
from showup.access.route import Route, Seen, workspace_for
from showup.clock import Clock
from showup.database.engine import raw, transaction
from showup.events import Event, names
from showup.inbox import store
from showup.inbox.attempts import by_halves, working_on
from showup.sources.calcom.translate import Translated, Translation, translate

_MOST: Final = 500
# One process sorts at a time, so that two pieces of news of one booking can't be sent different ways.
_LOCK: Final = 0x53_4F_52_54


class _Account(Struct, frozen=True, kw_only=True):
    workspace_id: UUID
    routes: Sequence[Route]


class _Unsorted(Struct, frozen=True, kw_only=True):
    id: UUID
    account_id: UUID
    said: Translation

    @property
    def names(self) -> tuple[str, ...]:
        """Under which names the booking of this event may be known."""
        return names(self.said.event, self.account_id) if isinstance(self.said, Translated) else ()


async def sort_some(engine: AsyncEngine, clock: Clock) -> int:
    """Gives the oldest unsorted events their workspaces; how many were looked at."""

    async def step(limit: int) -> int:
        return await _sort_once(engine, limit, clock())

    return await by_halves(engine, step, limit=_MOST, now=clock())


async def _sort_once(engine: AsyncEngine, limit: int, now: datetime) -> int:
    async with transaction(engine) as tx:
        connection = await raw(tx)
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
            return 0
        found = await _take_in(connection)
        rows = await _unsorted_rows(connection, limit, now)
        if rows:
            with working_on([row["id"] for row in rows]):
                await _sort(tx, connection, [_unsorted(row) for row in rows])
        return found + len(rows)


async def _sort(tx: AsyncConnection, connection: asyncpg.Connection, unsorted: Sequence[_Unsorted]) -> None:
    accounts = await _accounts(tx, connection, {one.account_id for one in unsorted})
    known = await _known(connection, unsorted)
    placed: dict[UUID, UUID] = {}
    for one in unsorted:
        workspace_id = _place(one, accounts[one.account_id], known)
        if workspace_id is not None:
            placed[one.id] = workspace_id
            known |= {(one.account_id, name): workspace_id for name in one.names}
    await _write(connection, unsorted, placed)
    await store.add_names(
        connection, [(name, one.id) for one in unsorted if one.id not in placed for name in one.names]
    )


def _place(one: _Unsorted, account: _Account, known: Mapping[tuple[UUID, str], UUID]) -> UUID | None:
    if not isinstance(one.said, Translated):
        return account.workspace_id
    found = next((known[one.account_id, name] for name in one.names if (one.account_id, name) in known), None)
    if found is not None:
        return found
    seen = _routed_by(one.said.event)
    return None if seen is None else workspace_for(account.routes, seen, otherwise=account.workspace_id)


def _routed_by(event: Event) -> Seen | None:
    booking = event.booking
    if booking.event_type is None and booking.organizer_email is None and booking.team_id is None:
        return None
    return Seen(event_type=booking.event_type, team_id=booking.team_id, organizer_email=booking.organizer_email)


async def _unsorted_rows(connection: asyncpg.Connection, limit: int, now: datetime) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await connection.fetch(
        """
        SELECT id, account_id, body FROM calcom_events
        WHERE workspace_id IS NULL AND state IN ('kept', 'failed') AND (state = 'kept' OR next_try_at <= $2)
        ORDER BY received_at, id LIMIT $1
        """,
        limit,
        now,
    )
    return rows


def _unsorted(row: asyncpg.Record) -> _Unsorted:
    return _Unsorted(id=row["id"], account_id=row["account_id"], said=translate(row["body"]))


async def _accounts(tx: AsyncConnection, connection: asyncpg.Connection, ids: Iterable[UUID]) -> dict[UUID, _Account]:
    rows = await connection.fetch("SELECT id, workspace_id FROM connections WHERE id = ANY($1::uuid[])", list(ids))
    return {
        row["id"]: _Account(workspace_id=row["workspace_id"], routes=await routes_store.of_account(tx, row["id"]))
        for row in rows
    }


async def _known(connection: asyncpg.Connection, unsorted: Sequence[_Unsorted]) -> dict[tuple[UUID, str], UUID]:
    """The workspaces of bookings that stand, and of news that is sorted and not applied yet."""
    wanted = [(one.account_id, name) for one in unsorted for name in one.names]
    rows = await connection.fetch(
        """
        WITH asked AS (SELECT * FROM unnest($1::uuid[], $2::text[]) AS t(account_id, ref))
        SELECT a.account_id, a.ref, b.workspace_id
        FROM asked a JOIN booking_refs r USING (ref) JOIN bookings b ON b.id = r.booking_id
        WHERE b.account_id = a.account_id
        UNION
        SELECT a.account_id, a.ref, e.workspace_id
        FROM asked a JOIN calcom_events e ON e.account_id = a.account_id AND e.uid = substr(a.ref, 5)
        WHERE a.ref LIKE 'uid:%' AND e.workspace_id IS NOT NULL
        """,
        [account_id for account_id, _ in wanted],
        [ref for _, ref in wanted],
    )
    return {(row["account_id"], row["ref"]): row["workspace_id"] for row in rows}


async def _write(connection: asyncpg.Connection, unsorted: Sequence[_Unsorted], placed: Mapping[UUID, UUID]) -> None:
    await connection.execute(
        """
        UPDATE calcom_events e
        SET workspace_id = given.workspace_id, uid = given.uid, trigger = given.trigger,
            state = CASE WHEN given.workspace_id IS NULL THEN 'waiting' ELSE 'kept' END,
            because = CASE WHEN given.workspace_id IS NULL
                           THEN 'nobody has told of this booking yet, so its workspace is not known' END
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS given(id, workspace_id, uid, trigger)
        WHERE e.id = given.id
        """,
        [one.id for one in unsorted],
        [placed.get(one.id) for one in unsorted],
        [one.said.uid if isinstance(one.said, Translated) else None for one in unsorted],
        [one.said.trigger for one in unsorted],
    )


async def _take_in(connection: asyncpg.Connection) -> int:
    """What waited for a workspace gets that of its booking, and is applied like anything that just came."""
    rows = await connection.fetch(
        """
        UPDATE calcom_events e SET workspace_id = b.workspace_id, state = 'kept', because = NULL
        FROM event_refs w JOIN booking_refs r ON r.ref = w.ref JOIN bookings b ON b.id = r.booking_id
        WHERE e.id = w.event_id AND e.workspace_id IS NULL AND e.state = 'waiting' AND b.account_id = e.account_id
        RETURNING e.id
        """
    )
    await store.remove_names(connection, [row["id"] for row in rows])
    return len(rows)
