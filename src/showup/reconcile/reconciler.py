"""Reconciles every Cal.com account on a schedule, and its past bookings on request."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID, uuid4

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.database.fault import describe_error, is_outage
from showup.inbox.inbox_event import Origin
from showup.reconcile import booking_pages, history_store, store
from showup.reconcile.account import ApiAccess, ReconciledAccount, list_accounts_with_key
from showup.reconcile.booking_pages import POLL_OVERLAP, AnyCalcomClient, ReconcileSpan
from showup.reconcile.comparison import Comparison, NotCaughtUp
from showup.reconcile.differences import DIFFERENCE_KINDS, SyncDifferenceKind
from showup.reconcile.lease import LEASE_DURATION, Lease, LeaseLost, hold_lease
from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable

Pause: TypeAlias = Callable[[float], Awaitable[None]]

# A change that can't be compared for longer than this is given up; otherwise it would block all newer ones forever.
_MAX_POSTPONEMENT: Final = timedelta(days=1)
# Webhooks report absence at once, so an absence mark counts only after it has existed for the grace period.
_REPORTED_IMMEDIATELY: Final[tuple[SyncDifferenceKind, ...]] = ("absence",)
_MAX_CONCURRENT_ACCOUNTS: Final = 4
_INVALID_CURSOR_STATUSES: Final = (400, 404, 410, 422)
_CLAIM_INTERVAL: Final = 2.0
_BEHIND_MESSAGE: Final = "some of Cal.com's webhooks are not applied yet, so bookings can't be compared"

_log = structlog.get_logger()


class PollSchedule(Struct, frozen=True, kw_only=True):
    """How often accounts are polled, and how long a webhook may be on its way before it counts as lost."""

    interval: timedelta = timedelta(minutes=15)
    grace: timedelta = timedelta(minutes=2)


class BackfillResult(Struct, frozen=True, kw_only=True):
    """The result of a backfill: how many bookings were compared, and how many differences were repaired, by kind."""

    looked_at: int
    repaired: Mapping[str, int]


class Reconciler:
    """Reconciles accounts.

    `drain` applies a batch of stored events and returns its size; `pause` waits some seconds.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Clock,
        *,
        access: ApiAccess,
        api: Callable[[ReconciledAccount], AnyCalcomClient],
        drain: Callable[[], Awaitable[int]],
        schedule: PollSchedule = PollSchedule(),  # noqa: B008  # it can't change
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._access = access
        self._api = api
        self._drain = drain
        self._schedule = schedule
        self._pause = pause

    async def accounts(self) -> list[ReconciledAccount]:
        """Returns the accounts that can be reconciled, and adds them to the schedule."""
        async with transaction(self._engine) as tx:
            found = await list_accounts_with_key(tx, self._access)
            await store.add_accounts(await driver_connection(tx), [one.id for one in found], self._clock())
        return found

    async def poll_due(self) -> None:
        """Reconciles every due account that no other process holds, a few at a time."""
        accounts = {one.id: one for one in await self.accounts()}
        polls = [self._poll_while_due(accounts) for _ in range(min(_MAX_CONCURRENT_ACCOUNTS, len(accounts)))]
        for outcome in await asyncio.gather(*polls, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _poll_while_due(self, accounts: Mapping[UUID, ReconciledAccount]) -> None:
        holder = uuid4()
        while True:
            async with transaction(self._engine) as tx:
                sync = await store.claim_due(
                    await driver_connection(tx), accounts, holder, self._clock(), LEASE_DURATION
                )
            if sync is None:
                return
            async with hold_lease(Lease(self._engine, self._clock, sync.account_id, holder)) as lease:
                with suppress(LeaseLost):
                    await self._poll(accounts[sync.account_id], sync, lease)

    async def _poll(self, account: ReconciledAccount, sync: store.SyncState, lease: Lease) -> None:
        started_at = self._clock()
        until = started_at - self._schedule.grace
        span = ReconcileSpan(since=sync.compared_until or until, until=until, began_at=sync.began_at)
        run = await self._start_run(account.id, "poll", span)
        # An old instance does not say when bookings were made: all that it has on the first run counts as past.
        origin: Origin = "backfill" if account.is_v1 and sync.compared_until is None else "reconcile"
        comparison = self._create_comparison(account, run, lease, cutoff=until, origin=origin)
        try:
            await self._compare(comparison, account, span)
        except LeaseLost:
            raise
        except Exception as fault:
            if is_outage(fault):
                raise
            await self._record_failure(account, sync, run, fault, lease)
            return
        async with transaction(self._engine) as tx:
            connection = await driver_connection(tx)
            await lease.extend_in(connection)
            await store.finish_run(connection, run.id, self._clock())
            until = max(min(comparison.postponed_to or until, until), until - _MAX_POSTPONEMENT)
            # The schedule runs every minute: one moment after it, the next run would be a minute late.
            next_at = started_at.replace(second=0, microsecond=0) + self._schedule.interval
            await store.record_success(connection, account.id, self._clock(), until=until, next_at=next_at)
        if comparison.repaired:
            _log.info("bookings repaired from Cal.com's API", account=account.name, repaired=dict(comparison.repaired))

    async def _compare(self, comparison: Comparison, account: ReconciledAccount, span: ReconcileSpan) -> None:
        api = self._api(account)
        # An old instance does not say when anything changed, so its differences must persist before they count.
        skipped_kinds = DIFFERENCE_KINDS if account.is_v1 else _REPORTED_IMMEDIATELY
        await comparison.compare_pages(booking_pages.fetch_changed(api, span, self._clock), skipped_kinds=skipped_kinds)
        if not account.is_v1:
            async with transaction(self._engine) as tx:
                waiting = await history_store.list_awaited_uids(
                    await driver_connection(tx), account.id, span.since - POLL_OVERLAP, span.until
                )
            await self._compare_by_uid(
                comparison, api, [*waiting, *comparison.awaited], span, skipped_kinds=skipped_kinds
            )
        if comparison.doubtful:
            await self._pause(self._schedule.grace.total_seconds())
            await comparison.compare_pages(
                booking_pages.fetch_by_uid(api, tuple(comparison.doubtful), span, self._clock)
            )

    async def _compare_by_uid(
        self,
        comparison: Comparison,
        api: AnyCalcomClient,
        uids: Iterable[str],
        span: ReconcileSpan,
        *,
        skipped_kinds: Collection[SyncDifferenceKind] = (),
    ) -> None:
        """Compares those of the uids that no page had, and the bookings that they lead to."""
        remaining, requested = list(dict.fromkeys(uids)), set[str]()
        while remaining:
            requested.update(remaining)
            await comparison.compare_pages(
                booking_pages.fetch_by_uid(api, remaining, span, self._clock), skipped_kinds=skipped_kinds
            )
            remaining = [uid for uid in comparison.awaited if uid not in requested]

    async def backfill(
        self, account: ReconciledAccount, since: datetime, until: datetime, report_progress: Callable[[int], None]
    ) -> BackfillResult:
        """Imports all bookings made in the span without sending notifications; `report_progress` gets each page's size.

        Regular runs handle bookings made since the account has been compared. An interrupted backfill continues where
        it stopped. Raises CalcomUnavailable, CalcomRefused, NotCaughtUp and LeaseLost.
        """
        holder = uuid4()
        await self._claim(account.id, holder)
        async with hold_lease(Lease(self._engine, self._clock, account.id, holder)) as lease:
            if not account.is_v1:
                until = max(since, min(until, await self._compared_since(account.id)))
            span = ReconcileSpan(since=since, until=until, began_at=since)
            run = await self._resume_backfill(account.id, span) or await self._start_run(account.id, "backfill", span)
            cutoff = self._clock() - self._schedule.grace
            comparison = self._create_comparison(account, run, lease, cutoff=cutoff, origin="backfill")
            try:
                await self._compare_history(comparison, account, span, report_progress)
            except (CalcomUnavailable, CalcomRefused, NotCaughtUp) as fault:
                await self._finish_run(run.id, _failure_reason(fault))
                raise
            await self._finish_run(run.id, None)
        return BackfillResult(looked_at=comparison.looked_at, repaired=dict(comparison.repaired))

    async def _compared_since(self, account_id: UUID) -> datetime:
        async with transaction(self._engine) as tx:
            return await store.get_began_at(await driver_connection(tx), account_id)

    async def _compare_history(
        self,
        comparison: Comparison,
        account: ReconciledAccount,
        span: ReconcileSpan,
        report_progress: Callable[[int], None],
    ) -> None:
        api = self._api(account)
        if not comparison.is_listed:
            await self._compare_listed(comparison, api, span, report_progress)
        if not account.is_v1:
            await self._compare_by_uid(comparison, api, comparison.awaited, span)
        await comparison.catch_up()

    async def _compare_listed(
        self, comparison: Comparison, api: AnyCalcomClient, span: ReconcileSpan, report_progress: Callable[[int], None]
    ) -> None:
        """Continues where the run was interrupted; restarts if Cal.com no longer knows that cursor."""
        cursor = comparison.cursor
        try:
            async for page in booking_pages.fetch_created(api, span, self._clock, cursor):
                report_progress(await comparison.compare_page(page))
        except CalcomRefused as refusal:
            if cursor is None or comparison.cursor != cursor or refusal.status not in _INVALID_CURSOR_STATUSES:
                raise
            comparison.cursor = None
            await self._compare_listed(comparison, api, span, report_progress)
        comparison.is_listed = True

    async def _claim(self, account_id: UUID, holder: UUID) -> None:
        while True:
            async with transaction(self._engine) as tx:
                if await store.claim_account(
                    await driver_connection(tx), account_id, holder, self._clock(), LEASE_DURATION
                ):
                    return
            await self._pause(_CLAIM_INTERVAL)

    async def _start_run(self, account_id: UUID, kind: store.RunKind, span: ReconcileSpan) -> store.ReconcileRun:
        async with transaction(self._engine) as tx:
            return await store.start_run(
                await driver_connection(tx), account_id, kind, span.since, span.until, self._clock()
            )

    async def _resume_backfill(self, account_id: UUID, span: ReconcileSpan) -> store.ReconcileRun | None:
        async with transaction(self._engine) as tx:
            return await store.resume_backfill(await driver_connection(tx), account_id, span.since, span.until)

    async def _finish_run(self, run_id: UUID, because: str | None) -> None:
        async with transaction(self._engine) as tx:
            await store.finish_run(await driver_connection(tx), run_id, self._clock(), because)

    async def _record_failure(
        self, account: ReconciledAccount, sync: store.SyncState, run: store.ReconcileRun, fault: Exception, lease: Lease
    ) -> None:
        because = _failure_reason(fault)
        not_before = fault.not_before if isinstance(fault, CalcomUnavailable) else None
        is_expected = isinstance(fault, CalcomUnavailable | CalcomRefused | NotCaughtUp)
        _log.warning(
            "Cal.com poll failed",
            account=account.name,
            because=because,
            exc_info=None if is_expected else fault,
        )
        async with transaction(self._engine) as tx:
            connection = await driver_connection(tx)
            await lease.extend_in(connection)
            await store.finish_run(connection, run.id, self._clock(), because)
            await store.record_failure(connection, sync, self._clock(), because, not_before)

    def _create_comparison(
        self, account: ReconciledAccount, run: store.ReconcileRun, lease: Lease, *, cutoff: datetime, origin: Origin
    ) -> Comparison:
        return Comparison(
            lease,
            account=account,
            run=run,
            cutoff=cutoff,
            origin=origin,
            drain=self._drain,
            fetch_owner=lambda: booking_pages.fetch_owner_email(self._api(account)),
        )


def _failure_reason(fault: Exception) -> str:
    match fault:
        case CalcomUnavailable() | CalcomRefused():
            return fault.because
        case NotCaughtUp():
            return _BEHIND_MESSAGE
        case _:
            # The message may contain personal data.
            return f"Showup could not compare the bookings: {describe_error(fault)}"
