"""One run over an account's bookings: compares each page, and stores its repairs together with the run's position."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import asyncpg
import structlog
from uuid_utils.compat import uuid7

from showup.database.engine import driver_connection, transaction
from showup.events.envelope import BookingRecord, is_booking_record
from showup.inbox.inbox_event import IncomingEvent, Origin
from showup.inbox.store import InboxEvent, insert_events
from showup.inbox.translation import translate_event
from showup.reconcile import history_store, store
from showup.reconcile.account import ReconciledAccount
from showup.reconcile.booking_pages import FetchedPage
from showup.reconcile.differences import SyncDifferenceKind, changed_at
from showup.reconcile.history_store import BookingHistory
from showup.reconcile.lease import Lease
from showup.reconcile.repairs import KnownHistory, Repaired, repair
from showup.sources.calcom.api_values import ApiBooking
from showup.sources.calcom.synthetic_webhook import is_guest

# How long the projector may take to apply the events received so far.
_CATCH_UP_TIMEOUT: Final = 60.0
_POLL_INTERVAL: Final = 0.1
# How many bookings a run remembers for a later step; the next run handles the others.
_MAX_TRACKED: Final = 2_000
_NOT_COMPARED: Final = Repaired(repairs=[], drift=[], doubtful=False)

_log = structlog.get_logger()


class NotCaughtUp(Exception):
    """Received events are not applied yet, so nothing can be compared."""


class Comparison:
    """One run over an account's bookings.

    `repaired` counts by kind. `awaited` are uids that pages named but did not contain. `doubtful` are uids for which a
    webhook may be on its way. `postponed_to` is the oldest change that could not be compared. `fetch_owner` requests
    the email address of the key's owner. Bookings that changed after `cutoff` are not compared: their webhook may be on
    its way.
    """

    def __init__(
        self,
        lease: Lease,
        *,
        account: ReconciledAccount,
        run: store.ReconcileRun,
        cutoff: datetime,
        origin: Origin,
        drain: Callable[[], Awaitable[int]],
        fetch_owner: Callable[[], Awaitable[str | None]],
    ) -> None:
        self._engine = lease.engine
        self._clock = lease.clock
        self._lease = lease
        self._account = account
        self._run = run
        self._cutoff = cutoff
        self._origin = origin
        self._drain = drain
        self._fetch_owner = fetch_owner
        self._known_owners: list[str | None] = []
        position = run.position or {}
        self.awaited: dict[str, None] = dict.fromkeys(position.get("awaited", ()))
        self.cursor: str | None = position.get("cursor")
        # Whether every page of a backfill was read, so that only the uids named by pages are left.
        self.is_listed = bool(run.position) and self.cursor is None
        self.doubtful: dict[str, None] = {}
        self._reported_drift: dict[tuple[str, str], None] = {}
        self.postponed_to: datetime | None = None
        self.looked_at = 0
        self.repaired: Counter[str] = Counter()

    async def compare_pages(
        self, pages: AsyncIterator[FetchedPage], *, skipped_kinds: Collection[SyncDifferenceKind] = ()
    ) -> None:
        """Compares page by page. Raises NotCaughtUp and LeaseLost; the repairs made by then are in the log."""
        async for page in pages:
            await self.compare_page(page, skipped_kinds=skipped_kinds)

    async def compare_page(self, page: FetchedPage, *, skipped_kinds: Collection[SyncDifferenceKind] = ()) -> int:
        """Compares one page; returns how many bookings it had."""
        await self.catch_up()
        bookings = [one for one in page.items if (changed_at(one) or self._cutoff) <= self._cutoff]
        async with transaction(self._engine) as tx:
            compared = await self._load_histories(await driver_connection(tx), bookings, page.requested_at)
        compared = [
            (one, history)
            for one, history in compared
            if history.known != KnownHistory() or not await self._is_foreign(one)
        ]
        found, unreadable = [], page.unreadable
        for one, history in compared:
            try:
                found.append(self._repair(one, history, skipped_kinds))
            except Exception:  # noqa: BLE001  # a bug over one booking must not hold up all the others
                _log.exception("booking comparison failed", booking=one.id)
                found.append(_NOT_COMPARED)
                unreadable += 1
            await asyncio.sleep(0)  # lets other tasks of this process run
        self._track(compared, found, page.cursor)
        drift = self._describe_drift(compared, found, unreadable)
        await self._save_page(found, drift, looked_at=len(compared))
        return len(compared)

    async def catch_up(self) -> None:
        """Waits until all events that the account has sent so far are applied."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _CATCH_UP_TIMEOUT
        newest = await self._unapplied()
        # Events that arrive meanwhile are not waited for; otherwise a busy account would never be compared.
        while newest is not None and await self._unapplied(newest) is not None:
            if loop.time() > until:
                raise NotCaughtUp
            if not await self._drain():
                await asyncio.sleep(_POLL_INTERVAL)

    async def _unapplied(self, until: datetime | None = None) -> datetime | None:
        async with transaction(self._engine) as tx:
            return await history_store.newest_unapplied(await driver_connection(tx), self._account.id, until)

    async def _load_histories(
        self, connection: asyncpg.Connection, bookings: Sequence[ApiBooking], requested_at: datetime
    ) -> list[tuple[ApiBooking, BookingHistory]]:
        failed = await history_store.list_failed_names(connection, self._account.id)
        histories = await history_store.load_histories(connection, self._account, bookings)
        loaded = []
        for one, history in zip(bookings, histories, strict=True):
            is_stale = any(record.received_at > requested_at for record in history.known.records)
            if is_stale or history_store.is_named(one, self._account.id, failed):
                # Our data is newer than theirs, or incomplete: the booking is compared again next time.
                change_at = changed_at(one) or self._cutoff
                self.postponed_to = min(self.postponed_to or change_at, change_at)
            else:
                loaded.append((one, history))
        return loaded

    async def _is_foreign(self, one: ApiBooking) -> bool:
        """Returns whether the key's owner attends this meeting as a guest: Cal.com lists it but sends no webhook."""
        if not self._known_owners:
            self._known_owners.append(await self._fetch_owner())
        (owner_email,) = self._known_owners
        return owner_email is not None and is_guest(one, owner_email)

    def _repair(
        self, one: ApiBooking, history: BookingHistory, skipped_kinds: Collection[SyncDifferenceKind]
    ) -> Repaired:
        def read_record(body: bytes) -> BookingRecord | None:
            _, translated = translate_event(self._inbox_event(body))
            return translated if translated is not None and is_booking_record(translated) else None

        return repair(
            history.known,
            one,
            ended_before=self._cutoff,
            rules=history.rules,
            read_record=read_record,
            skipped_kinds=skipped_kinds,
        )

    def _inbox_event(self, body: bytes) -> InboxEvent:
        return InboxEvent(
            id=uuid7(),
            account_id=self._account.id,
            source="calcom",
            origin=self._origin,
            received_at=self._clock(),
            digest=sha256(body).digest(),
            body=body,
            attempts=0,
            replayed_at=None,
        )

    def _track(
        self, compared: Sequence[tuple[ApiBooking, BookingHistory]], found: Sequence[Repaired], cursor: str | None
    ) -> None:
        self.cursor = cursor
        for (one, history), repaired in zip(compared, found, strict=True):
            successor_uid = one.rescheduled_to_uid
            is_known = any(record.event.booking.uid == successor_uid for record in history.known.records)
            if successor_uid is not None and not is_known and len(self.awaited) < _MAX_TRACKED:
                self.awaited.setdefault(successor_uid)
            if repaired.doubtful and len(self.doubtful) < _MAX_TRACKED:
                self.doubtful.setdefault(one.uid or str(one.id))
        for one, _ in compared:
            if one.uid is not None:
                self.awaited.pop(one.uid, None)

    async def _save_page(self, found: Sequence[Repaired], drift: list[dict[str, str]], *, looked_at: int) -> None:
        async with transaction(self._engine) as tx:
            connection = await driver_connection(tx)
            await self._lease.extend_in(connection)
            repairs = {sha256(one.body).digest(): one for each in found for one in each.repairs}
            new_digests = await history_store.find_new_digests(connection, self._account.id, list(repairs))
            stored = [one for digest, one in repairs.items() if digest in new_digests]
            ineffective = [one for digest, one in repairs.items() if digest not in new_digests]
            drift += [_drift_entry(one.uid, one.kind, "", "already repaired, without effect") for one in ineffective]
            if stored:
                await insert_events(connection, [self._incoming(one.body) for one in stored])
            repaired = Counter[str](one.kind for one in stored)
            progress = store.RunProgress(looked_at=looked_at, repaired=repaired, drift=drift, position=self._position())
            await store.record_progress(connection, self._run.id, progress)
        self.looked_at += looked_at
        self.repaired += repaired

    def _describe_drift(
        self, compared: Sequence[tuple[ApiBooking, BookingHistory]], found: Sequence[Repaired], unreadable: int
    ) -> list[dict[str, str]]:
        """Returns the drift entries: each difference once, on however many pages its booking is."""
        entries = [_drift_entry("", "unreadable", "", "")] * unreadable
        for (one, _), repaired in zip(compared, found, strict=True):
            for difference in repaired.drift:
                drift_key = (uid := one.uid or str(one.id), difference.kind)
                if drift_key not in self._reported_drift:
                    entries.append(_drift_entry(uid, difference.kind, difference.ours, difference.theirs))
                if len(self._reported_drift) < _MAX_TRACKED:
                    self._reported_drift.setdefault(drift_key)
        return entries

    def _position(self) -> dict[str, Any]:
        return {"cursor": self.cursor, "awaited": list(self.awaited)}

    def _incoming(self, body: bytes) -> IncomingEvent:
        return IncomingEvent(
            account_id=self._account.id,
            workspace_id=None if self._account.has_routes else self._account.workspace_id,
            body=body,
            received_at=self._clock(),
            origin=self._origin,
            content_type="application/json",
        )


def _drift_entry(uid: str, kind: str, ours: str, theirs: str) -> dict[str, str]:
    return {"uid": uid, "kind": kind, "ours": ours, "theirs": theirs}
