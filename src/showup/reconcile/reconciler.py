"""Whoever sees to it that Cal.com is asked: every account in its time, and its history when somebody wants it."""

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
from showup.database.engine import raw, transaction
from showup.database.fault import is_away, shown
from showup.inbox.raw_event import Origin
from showup.reconcile import asking, known_store, store
from showup.reconcile.account import ApiAccess, AskedAccount, askable
from showup.reconcile.asking import OVERLAP, Api, Span
from showup.reconcile.compare import KINDS, Kind
from showup.reconcile.lease import LASTS_FOR, Lease, LeaseLost, held
from showup.reconcile.run import Comparing, NotCaughtUp
from showup.sources.calcom.api_faults import CalcomAway, CalcomRefuses

Pause: TypeAlias = Callable[[float], Awaitable[None]]

# What can't be compared for longer than this is compared no more, or all that is newer would be for ever.
_HELD_BACK_FOR: Final = timedelta(days=1)
# Webhooks tell at once of absence, so it is not believed before it was there for the grace.
_TOLD_AT_ONCE: Final[tuple[Kind, ...]] = ("absence",)
_AT_ONCE: Final = 4
_NO_LONGER_THERE: Final = (400, 404, 410, 422)
_LOOKS_EVERY: Final = 2.0
_BEHIND: Final = "what Cal.com sent is not applied yet, so bookings can't be compared"

_log = structlog.get_logger()


class Rhythm(Struct, frozen=True, kw_only=True):
    """How often accounts are asked, and how long a webhook may be on its way before it counts as lost."""

    every: timedelta = timedelta(minutes=15)
    grace: timedelta = timedelta(minutes=2)


class Found(Struct, frozen=True, kw_only=True):
    """What came of it: how many bookings were looked at, and how many differences healed, by kind."""

    looked_at: int
    healed: Mapping[str, int]


class Reconciler:
    """Asks; `drain` applies a batch of what was kept, and says how much that was. `pause` waits for some seconds."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Clock,
        *,
        access: ApiAccess,
        api: Callable[[AskedAccount], Api],
        drain: Callable[[], Awaitable[int]],
        rhythm: Rhythm = Rhythm(),  # noqa: B008  # it can't change
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._access = access
        self._api = api
        self._drain = drain
        self._rhythm = rhythm
        self._pause = pause

    async def accounts(self) -> list[AskedAccount]:
        """Those that can be asked, known to the schedule from now on."""
        async with transaction(self._engine) as tx:
            found = await askable(tx, self._access)
            await store.add_accounts(await raw(tx), [one.id for one in found], self._clock())
        return found

    async def poll_due(self) -> None:
        """Asks about every account whose time has come and that nobody is at; some of them at once."""
        accounts = {one.id: one for one in await self.accounts()}
        at_once = [self._poll_while_due(accounts) for _ in range(min(_AT_ONCE, len(accounts)))]
        for outcome in await asyncio.gather(*at_once, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _poll_while_due(self, accounts: Mapping[UUID, AskedAccount]) -> None:
        holder = uuid4()
        while True:
            async with transaction(self._engine) as tx:
                sync = await store.claim_due(await raw(tx), accounts, holder, self._clock(), LASTS_FOR)
            if sync is None:
                return
            async with held(Lease(self._engine, self._clock, sync.account_id, holder)) as lease:
                with suppress(LeaseLost):
                    await self._poll(accounts[sync.account_id], sync, lease)

    async def _poll(self, account: AskedAccount, sync: store.Sync, lease: Lease) -> None:
        started_at = self._clock()
        until = started_at - self._rhythm.grace
        span = Span(since=sync.compared_until or until, until=until, began_at=sync.began_at)
        run = await self._begin(account.id, "poll", span)
        # An old instance does not say when bookings were made: all that is there at the first time is history.
        origin: Origin = "backfill" if account.is_v1 and sync.compared_until is None else "reconcile"
        comparing = self._comparing(account, run, lease, settled_by=until, origin=origin)
        try:
            await self._compare(comparing, account, span)
        except LeaseLost:
            raise
        except Exception as fault:
            if is_away(fault):
                raise
            await self._failed(account, sync, run, fault, lease)
            return
        async with transaction(self._engine) as tx:
            connection = await raw(tx)
            await lease.extend_in(connection)
            await store.end(connection, run.id, self._clock())
            until = max(min(comparing.postponed_to or until, until), until - _HELD_BACK_FOR)
            # The schedule comes every minute: a moment later than it, the next would be a minute late.
            next_at = started_at.replace(second=0, microsecond=0) + self._rhythm.every
            await store.passed(connection, account.id, self._clock(), until=until, next_at=next_at)
        if comparing.healed:
            _log.info("bookings healed from Cal.com's API", account=account.name, healed=dict(comparing.healed))

    async def _compare(self, comparing: Comparing, account: AskedAccount, span: Span) -> None:
        api = self._api(account)
        # An old instance does not say when anything changed, so nothing it says is believed at once.
        leaving = KINDS if account.is_v1 else _TOLD_AT_ONCE
        await comparing.take(asking.changed(api, span, self._clock), leaving=leaving)
        if not account.is_v1:
            async with transaction(self._engine) as tx:
                waiting = await known_store.awaited(await raw(tx), account.id, span.since - OVERLAP, span.until)
            await self._take_named(comparing, api, [*waiting, *comparing.awaited], span, leaving=leaving)
        if comparing.doubtful:
            await self._pause(self._rhythm.grace.total_seconds())
            await comparing.take(asking.named(api, tuple(comparing.doubtful), span, self._clock))

    async def _take_named(
        self, comparing: Comparing, api: Api, uids: Iterable[str], span: Span, *, leaving: Collection[Kind] = ()
    ) -> None:
        """Those of the uids that no page had, and what those lead to."""
        left, asked = list(dict.fromkeys(uids)), set[str]()
        while left:
            asked.update(left)
            await comparing.take(asking.named(api, left, span, self._clock), leaving=leaving)
            left = [uid for uid in comparing.awaited if uid not in asked]

    async def backfill(
        self, account: AskedAccount, since: datetime, until: datetime, told: Callable[[int], None]
    ) -> Found:
        """Takes in everything that was booked in the span, without telling anybody; `told` of how many were looked at.

        What was booked since the account is compared is news, and left to that. One that was broken off goes on where
        it was. Raises CalcomAway, CalcomRefuses, NotCaughtUp and LeaseLost.
        """
        holder = uuid4()
        await self._claim(account.id, holder)
        async with held(Lease(self._engine, self._clock, account.id, holder)) as lease:
            if not account.is_v1:
                until = max(since, min(until, await self._compared_since(account.id)))
            span = Span(since=since, until=until, began_at=since)
            run = await self._broken_off(account.id, span) or await self._begin(account.id, "backfill", span)
            settled_by = self._clock() - self._rhythm.grace
            comparing = self._comparing(account, run, lease, settled_by=settled_by, origin="backfill")
            try:
                await self._take_history(comparing, account, span, told)
            except (CalcomAway, CalcomRefuses, NotCaughtUp) as fault:
                await self._end(run.id, _because(fault))
                raise
            await self._end(run.id, None)
        return Found(looked_at=comparing.looked_at, healed=dict(comparing.healed))

    async def _compared_since(self, account_id: UUID) -> datetime:
        async with transaction(self._engine) as tx:
            return await store.began_at(await raw(tx), account_id)

    async def _take_history(
        self, comparing: Comparing, account: AskedAccount, span: Span, told: Callable[[int], None]
    ) -> None:
        api = self._api(account)
        if not comparing.is_listed:
            await self._take_list(comparing, api, span, told)
        if not account.is_v1:
            await self._take_named(comparing, api, comparing.awaited, span)
        await comparing.catch_up()

    async def _take_list(self, comparing: Comparing, api: Api, span: Span, told: Callable[[int], None]) -> None:
        """From where it was broken off; from the beginning, if Cal.com no longer knows that place."""
        place = comparing.cursor
        try:
            async for page in asking.made(api, span, self._clock, place):
                told(await comparing.take_page(page))
        except CalcomRefuses as refusal:
            if place is None or comparing.cursor != place or refusal.status not in _NO_LONGER_THERE:
                raise
            comparing.cursor = None
            await self._take_list(comparing, api, span, told)
        comparing.is_listed = True

    async def _claim(self, account_id: UUID, holder: UUID) -> None:
        while True:
            async with transaction(self._engine) as tx:
                if await store.claim(await raw(tx), account_id, holder, self._clock(), LASTS_FOR):
                    return
            await self._pause(_LOOKS_EVERY)

    async def _begin(self, account_id: UUID, kind: store.RunKind, span: Span) -> store.Run:
        async with transaction(self._engine) as tx:
            return await store.begin(await raw(tx), account_id, kind, span.since, span.until, self._clock())

    async def _broken_off(self, account_id: UUID, span: Span) -> store.Run | None:
        async with transaction(self._engine) as tx:
            return await store.broken_off(await raw(tx), account_id, span.since, span.until)

    async def _end(self, run_id: UUID, because: str | None) -> None:
        async with transaction(self._engine) as tx:
            await store.end(await raw(tx), run_id, self._clock(), because)

    async def _failed(
        self, account: AskedAccount, sync: store.Sync, run: store.Run, fault: Exception, lease: Lease
    ) -> None:
        because = _because(fault)
        not_before = fault.not_before if isinstance(fault, CalcomAway) else None
        told = isinstance(fault, CalcomAway | CalcomRefuses | NotCaughtUp)
        _log.warning(
            "Cal.com could not be asked about bookings",
            account=account.name,
            because=because,
            exc_info=None if told else fault,
        )
        async with transaction(self._engine) as tx:
            connection = await raw(tx)
            await lease.extend_in(connection)
            await store.end(connection, run.id, self._clock(), because)
            await store.failed(connection, sync, self._clock(), because, not_before)

    def _comparing(
        self, account: AskedAccount, run: store.Run, lease: Lease, *, settled_by: datetime, origin: Origin
    ) -> Comparing:
        return Comparing(
            lease,
            account=account,
            run=run,
            settled_by=settled_by,
            origin=origin,
            drain=self._drain,
            owner=lambda: asking.owner(self._api(account)),
        )


def _because(fault: Exception) -> str:
    match fault:
        case CalcomAway() | CalcomRefuses():
            return fault.because
        case NotCaughtUp():
            return _BEHIND
        case _:
            # What it says may hold people's data.
            return f"Showup failed on it: {shown(fault)}"
