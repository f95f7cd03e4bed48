"""Backfills that somebody asked for on a page: a request waits as a row, and a worker runs it (IN8)."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.reconcile.comparison import NotCaughtUp
from showup.reconcile.lease import LeaseLost
from showup.reconcile.reconciler import Reconciler
from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable

REQUESTED_FOR: Final = timedelta(days=90)

_log = structlog.get_logger()


async def request_backfill(connection: asyncpg.Connection, account_id: UUID, now: datetime) -> None:
    """Ask for the bookings of the last 90 days, unless a backfill of the account was asked for or made before."""
    await connection.execute(
        """
        INSERT INTO reconciliations (id, account_id, kind, state, started_at, since, until)
        SELECT $1, $2, 'backfill', 'waiting', $3, $4, $5
        WHERE NOT EXISTS (SELECT FROM reconciliations WHERE account_id = $2 AND kind = 'backfill')
        """,
        uuid7(),
        account_id,
        now,
        now - REQUESTED_FOR,
        # A backfill ends where the regular runs began, which may be a little later.
        now + timedelta(days=1),
    )


async def run_requested_backfills(reconciler: Reconciler, engine: AsyncEngine, clock: Clock) -> None:
    """Run the requests that wait, one after the other; one that is interrupted continues the next time.

    A refused one ends, as its run says. An account that another process compares is left for later.
    """
    accounts = {one.id: one for one in await reconciler.accounts()}
    async with transaction(engine) as tx:
        requests = await (await driver_connection(tx)).fetch(_WAITING, list(accounts), clock())
    for request in requests:
        try:
            await reconciler.backfill(accounts[request["account_id"]], request["since"], request["until"], _ignore)
        except (CalcomUnavailable, NotCaughtUp, LeaseLost) as fault:
            _log.warning("backfill waits", account=accounts[request["account_id"]].name, because=type(fault).__name__)
            continue
        except CalcomRefused:
            pass
        async with transaction(engine) as tx:
            await (await driver_connection(tx)).execute(_END, request["id"])


def _ignore(_count: int) -> None:
    """The page reads the progress from the run."""


_WAITING: Final = """
    SELECT r.id, r.account_id, r.since, r.until FROM reconciliations r JOIN syncs s ON s.account_id = r.account_id
    WHERE r.state = 'waiting' AND r.account_id = ANY($1::uuid[])
      AND (s.leased_until IS NULL OR s.leased_until <= $2) ORDER BY r.started_at
"""
# A request whose span needed no cut (API v1) has become the run.
_END: Final = "DELETE FROM reconciliations WHERE id = $1 AND state = 'waiting'"
