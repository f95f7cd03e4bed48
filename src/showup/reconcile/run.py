"""One run over an account's bookings: each page is compared, and what heals it is kept together with how far we are."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import asyncpg
import structlog
from uuid_utils.compat import uuid7

from showup.database.engine import raw, transaction
from showup.events import News
from showup.inbox.raw_event import Incoming, Origin
from showup.inbox.reading import read
from showup.inbox.store import RawEvent, keep_all
from showup.reconcile import known_store, store
from showup.reconcile.account import AskedAccount
from showup.reconcile.asking import Listed
from showup.reconcile.compare import Kind, changed_at
from showup.reconcile.healing import Healed, Known, heal
from showup.reconcile.known_store import Told
from showup.reconcile.lease import Lease
from showup.sources.calcom.api_values import ApiBooking
from showup.sources.calcom.as_webhook import is_guest

# How long the applier may take for what came in by now.
_CAUGHT_UP_WITHIN: Final = 60.0
_LOOKS_EVERY: Final = 0.1
# What a run remembers of bookings that it waits to meet; more of them are met by the next one.
_MOST_REMEMBERED: Final = 2_000
_NOT_COMPARED: Final = Healed(heals=[], drift=[], doubtful=False)

_log = structlog.get_logger()


class NotCaughtUp(Exception):
    """What came in is not applied, so nothing can be compared yet."""


class Comparing:
    """One run. `healed` counts by kind; `awaited` are uids that pages named and did not hold; `doubtful` are those of
    which a webhook may be on its way; `postponed_to` is the oldest change that could not be compared. `owner` asks for
    the address of whoever the key belongs to.

    What changed after `settled_by` is left alone: its webhook may be on its way.
    """

    def __init__(
        self,
        lease: Lease,
        *,
        account: AskedAccount,
        run: store.Run,
        settled_by: datetime,
        origin: Origin,
        drain: Callable[[], Awaitable[int]],
        owner: Callable[[], Awaitable[str | None]],
    ) -> None:
        self._engine = lease.engine
        self._clock = lease.clock
        self._lease = lease
        self._account = account
        self._run = run
        self._settled_by = settled_by
        self._origin = origin
        self._drain = drain
        self._owner = owner
        self._owners: list[str | None] = []
        place = run.place or {}
        self.awaited: dict[str, None] = dict.fromkeys(place.get("awaited", ()))
        self.cursor: str | None = place.get("cursor")
        # Whether every page of a history was taken, and only those are left that pages named.
        self.is_listed = bool(run.place) and self.cursor is None
        self.doubtful: dict[str, None] = {}
        self._drifting: dict[tuple[str, str], None] = {}
        self.postponed_to: datetime | None = None
        self.looked_at = 0
        self.healed: Counter[str] = Counter()

    async def take(self, pages: AsyncIterator[Listed], *, leaving: Collection[Kind] = ()) -> None:
        """Compares page by page. Raises NotCaughtUp and LeaseLost; what was taken by then is in the log."""
        async for page in pages:
            await self.take_page(page, leaving=leaving)

    async def take_page(self, page: Listed, *, leaving: Collection[Kind] = ()) -> int:
        """Compares one page; how many bookings that were."""
        await self.catch_up()
        settled = [one for one in page.items if (changed_at(one) or self._settled_by) <= self._settled_by]
        async with transaction(self._engine) as tx:
            told = await self._told(await raw(tx), settled, page.asked_at)
        told = [(one, its) for one, its in told if its.known != Known() or not await self._is_elsewhere(one)]
        found, unreadable = [], page.unreadable
        for one, its in told:
            try:
                found.append(self._heal(one, its, leaving))
            except Exception:  # noqa: BLE001  # a bug over one booking must not hold up all the others
                _log.exception("a booking could not be compared", booking=one.id)
                found.append(_NOT_COMPARED)
                unreadable += 1
            await asyncio.sleep(0)  # others of this process have their turn
        self._remember(told, found, page.cursor)
        drift = self._drift(told, found, unreadable)
        await self._keep(found, drift, looked_at=len(told))
        return len(told)

    async def catch_up(self) -> None:
        """Until everything is applied that the account sent by now."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _CAUGHT_UP_WITHIN
        newest = await self._unapplied()
        # What comes in meanwhile is not waited for, or who hears much would never be compared.
        while newest is not None and await self._unapplied(newest) is not None:
            if loop.time() > until:
                raise NotCaughtUp
            if not await self._drain():
                await asyncio.sleep(_LOOKS_EVERY)

    async def _unapplied(self, until: datetime | None = None) -> datetime | None:
        async with transaction(self._engine) as tx:
            return await known_store.newest_unapplied(await raw(tx), self._account.id, until)

    async def _told(
        self, connection: asyncpg.Connection, settled: Sequence[ApiBooking], asked_at: datetime
    ) -> list[tuple[ApiBooking, Told]]:
        failed = await known_store.names_of_failed(connection, self._account.id)
        told = await known_store.told_of(connection, self._account, settled)
        found = []
        for one, its in zip(settled, told, strict=True):
            late = any(news.received_at > asked_at for news in its.known.news)
            if late or known_store.is_named(one, self._account.id, failed):
                # Ours is newer than theirs, or not all that we know: it is compared again next time.
                changed = changed_at(one) or self._settled_by
                self.postponed_to = min(self.postponed_to or changed, changed)
            else:
                found.append((one, its))
        return found

    async def _is_elsewhere(self, one: ApiBooking) -> bool:
        """Whether it is a meeting to which the key's owner goes: Cal.com lists these too, and tells us of none."""
        if not self._owners:
            self._owners.append(await self._owner())
        (owner,) = self._owners
        return owner is not None and is_guest(one, owner)

    def _heal(self, one: ApiBooking, its: Told, leaving: Collection[Kind]) -> Healed:
        def news_of(body: bytes) -> News | None:
            _, said = read(self._raw(body))
            return said if isinstance(said, News) else None

        return heal(its.known, one, over_by=self._settled_by, rules=its.rules, read=news_of, leaving=leaving)

    def _raw(self, body: bytes) -> RawEvent:
        return RawEvent(
            id=uuid7(),
            account_id=self._account.id,
            origin=self._origin,
            received_at=self._clock(),
            digest=sha256(body).digest(),
            body=body,
            attempts=0,
            replayed_at=None,
        )

    def _remember(self, told: Sequence[tuple[ApiBooking, Told]], found: Sequence[Healed], cursor: str | None) -> None:
        self.cursor = cursor
        for (one, its), healed in zip(told, found, strict=True):
            heir = one.rescheduled_to_uid
            is_known = any(news.event.booking.uid == heir for news in its.known.news)
            if heir is not None and not is_known and len(self.awaited) < _MOST_REMEMBERED:
                self.awaited.setdefault(heir)
            if healed.doubtful and len(self.doubtful) < _MOST_REMEMBERED:
                self.doubtful.setdefault(one.uid or str(one.id))
        for one, _ in told:
            if one.uid is not None:
                self.awaited.pop(one.uid, None)

    async def _keep(self, found: Sequence[Healed], drift: list[dict[str, str]], *, looked_at: int) -> None:
        async with transaction(self._engine) as tx:
            connection = await raw(tx)
            await self._lease.extend_in(connection)
            heals = {sha256(one.body).digest(): one for each in found for one in each.heals}
            new = await known_store.new_bodies(connection, self._account.id, list(heals))
            told = [one for digest, one in heals.items() if digest in new]
            vain = [one for digest, one in heals.items() if digest not in new]
            drift += [_line(one.uid, one.kind, "", "told before, in vain") for one in vain]
            if told:
                await keep_all(connection, [self._incoming(one.body) for one in told])
            healed = Counter[str](one.kind for one in told)
            page = store.Page(looked_at=looked_at, healed=healed, drift=drift, place=self._place())
            await store.add_page(connection, self._run.id, page)
        self.looked_at += looked_at
        self.healed += healed

    def _drift(
        self, told: Sequence[tuple[ApiBooking, Told]], found: Sequence[Healed], unreadable: int
    ) -> list[dict[str, str]]:
        """Each difference once, on however many pages its booking is."""
        lines = [_line("", "unreadable", "", "")] * unreadable
        for (one, _), healed in zip(told, found, strict=True):
            for left in healed.drift:
                known = (uid := one.uid or str(one.id), left.kind)
                if known not in self._drifting:
                    lines.append(_line(uid, left.kind, left.ours, left.theirs))
                if len(self._drifting) < _MOST_REMEMBERED:
                    self._drifting.setdefault(known)
        return lines

    def _place(self) -> dict[str, Any]:
        return {"cursor": self.cursor, "awaited": list(self.awaited)}

    def _incoming(self, body: bytes) -> Incoming:
        return Incoming(
            account_id=self._account.id,
            workspace_id=None if self._account.has_routes else self._account.workspace_id,
            body=body,
            received_at=self._clock(),
            origin=self._origin,
            content_type="application/json",
        )


def _line(uid: str, kind: str, ours: str, theirs: str) -> dict[str, str]:
    return {"uid": uid, "kind": kind, "ours": ours, "theirs": theirs}
