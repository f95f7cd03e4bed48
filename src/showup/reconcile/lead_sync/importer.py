"""Syncs every connection to EmailBison on a schedule, and at once on request."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.secrets_at_rest import Seal
from showup.clock import Clock
from showup.connections.sync_requests_store import request_sync
from showup.database.engine import driver_connection, transaction
from showup.database.fault import describe_error, is_outage
from showup.destinations.contract import TryAgain
from showup.destinations.emailbison.client import EmailBisonClient
from showup.destinations.vendor_api import VendorError
from showup.dispatch.destination_context import Clients
from showup.reconcile import store
from showup.reconcile.lead_sync import reports_store, source_store
from showup.reconcile.lead_sync.clients import LeadClients
from showup.reconcile.lead_sync.run import LeadSyncRun, ReportProgress
from showup.reconcile.lead_sync.source import LeadSource, list_sources
from showup.reconcile.lead_sync.walk_store import WalkForgotten
from showup.reconcile.lease import LEASE_DURATION, Lease, LeaseLost, hold_lease

SYNC_EVERY: Final = timedelta(minutes=15)

Pause: TypeAlias = Callable[[float], Awaitable[None]]

# A long import is read in parts, so that other sources have their turn at each minute.
_RUN_FOR: Final = timedelta(seconds=45)
_MAX_CONCURRENT_SOURCES: Final = 4
_LIMITS_PER_RUN: Final = 3
_LONGEST_LIMIT: Final = timedelta(minutes=2)
_CLAIM_INTERVAL: Final = 2.0

_log = structlog.get_logger()


class SyncFailed(Exception):
    """A sync that a person asked for failed; the text says why, and what to do."""


class LeadImporter:
    """Syncs the sources; `api` makes a client for one run, `pause` waits some seconds."""

    def __init__(
        self,
        engine: AsyncEngine,
        seal: Seal,
        clock: Clock,
        *,
        api: Callable[[LeadSource], EmailBisonClient],
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._seal = seal
        self._clock = clock
        self._api = api
        self._pause = pause

    async def sources(self) -> list[LeadSource]:
        """Returns the connections that are read, and puts exactly them on the schedule."""
        async with transaction(self._engine) as tx:
            found = await list_sources(tx, self._seal)
            connection = await driver_connection(tx)
            await store.add_accounts(connection, [one.id for one in found], self._clock())
            await source_store.forget_others(connection, [one.id for one in found])
        return found

    async def poll_due(self) -> None:
        """Syncs every due source that no other process holds, a few at a time."""
        sources = {one.id: one for one in await self.sources()}
        remaining = dict(sources)
        polls = [self._poll_while_due(remaining) for _ in range(min(_MAX_CONCURRENT_SOURCES, len(sources)))]
        for outcome in await asyncio.gather(*polls, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _poll_while_due(self, remaining: dict[UUID, LeadSource]) -> None:
        while (claimed := await self._claim(remaining)) is not None:
            sync, lease = claimed
            # A source with more to read is due again at once: its turn comes with the next minute.
            source = remaining.pop(sync.account_id)
            async with hold_lease(lease):
                with suppress(LeaseLost):
                    await self._sync(source, sync, lease, self._clock() + _RUN_FOR, _ignore_progress)

    async def sync_now(self, source: LeadSource, *, full: bool, report_progress: ReportProgress) -> None:
        """Syncs one source to the end; `full` reads all lists again. Raises SyncFailed and LeaseLost."""
        await self._request(source, full=full)
        while (claimed := await self._claim({source.id: source})) is None:
            # Another process reads it, and would then leave it for a while.
            await self._pause(_CLAIM_INTERVAL)
            await self._request(source, full=False)
        sync, lease = claimed
        async with hold_lease(lease):
            because = await self._sync(source, sync, lease, None, report_progress)
        if because is not None:
            raise SyncFailed(because)

    async def _request(self, source: LeadSource, *, full: bool) -> None:
        async with transaction(self._engine) as tx:
            await request_sync(await driver_connection(tx), source.id, self._clock(), full=full)

    async def _claim(self, sources: Mapping[UUID, LeadSource]) -> tuple[store.SyncState, Lease] | None:
        holder = uuid4()
        async with transaction(self._engine) as tx:
            sync = await store.claim_due(await driver_connection(tx), sources, holder, self._clock(), LEASE_DURATION)
        return None if sync is None else (sync, Lease(self._engine, self._clock, sync.account_id, holder))

    async def _sync(
        self,
        source: LeadSource,
        sync: store.SyncState,
        lease: Lease,
        until: datetime | None,
        report_progress: ReportProgress,
    ) -> str | None:
        """Makes one run and records its result; returns why it failed."""
        started_at = self._clock()
        run = LeadSyncRun(self._api(source), source, lease, self._clock, until=until, report_progress=report_progress)
        try:
            is_complete = await self._read(run)
            await self._record_success(source, lease, started_at, is_complete=is_complete)
        except LeaseLost:
            raise
        except WalkForgotten:
            # The next run reads all lists again.
            await self._record_success(source, lease, started_at, is_complete=False)
        except Exception as fault:
            if is_outage(fault):
                raise
            return await self._record_failure(source, sync, lease, fault)
        return None

    async def _read(self, run: LeadSyncRun) -> bool:
        """Reads to the end of the run, through a few short rate limits: it continues where the limit came."""
        for _ in range(_LIMITS_PER_RUN):
            try:
                return await run.read()
            except VendorError as fault:
                seconds = self._limit_of(fault)
                if seconds is None:
                    raise
                await self._pause(seconds)
        return await run.read()

    def _limit_of(self, fault: VendorError) -> float | None:
        """Returns the seconds after which a rate limit ends; None for other faults, and where it lasts too long."""
        outcome = fault.outcome
        if not isinstance(outcome, TryAgain) or outcome.fault != "limit" or outcome.not_before is None:
            return None
        left = outcome.not_before - self._clock()
        return max(left.total_seconds(), 0.0) if left <= _LONGEST_LIMIT else None

    async def _record_success(
        self, source: LeadSource, lease: Lease, started_at: datetime, *, is_complete: bool
    ) -> None:
        now = self._clock()
        # The schedule runs every minute: one moment after it, the next run would be a minute late.
        next_at = started_at.replace(second=0, microsecond=0) + SYNC_EVERY if is_complete else now
        async with transaction(self._engine) as tx:
            connection = await driver_connection(tx)
            await lease.extend_in(connection)
            await store.record_success(connection, source.id, now, until=None, next_at=next_at)
            await reports_store.wake_if_reported(connection, source.workspace_id, source.id, now)

    async def _record_failure(self, source: LeadSource, sync: store.SyncState, lease: Lease, fault: Exception) -> str:
        is_expected = isinstance(fault, VendorError)
        # The message of any other may contain personal data.
        because = str(fault) if is_expected else f"Showup could not read EmailBison: {describe_error(fault)}"
        outcome = fault.outcome if isinstance(fault, VendorError) else None
        not_before = outcome.not_before if isinstance(outcome, TryAgain) else None
        _log.warning(
            "EmailBison sync failed",
            connection=source.connection.name,
            workspace=source.connection.workspace,
            because=because,
            exc_info=None if is_expected else fault,
        )
        async with transaction(self._engine) as tx:
            connection = await driver_connection(tx)
            await lease.extend_in(connection)
            await store.record_failure(connection, sync, self._clock(), because, not_before)
        return because


def build_lead_importer(engine: AsyncEngine, seal: Seal, clock: Clock, clients: Clients) -> LeadImporter:
    """Builds the importer of a process."""
    return LeadImporter(engine, seal, clock, api=LeadClients(clients, clock).for_source)


def _ignore_progress(_walk: object) -> None:
    """Nobody watches the periodic syncs; their progress is stored."""
