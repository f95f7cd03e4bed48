"""One run of a sync with EmailBison: what webhooks named, the statistics, the lists from new to old, the mails (CA1).

A page has 15 items, so webhooks come first, and lists are read up to what is known. Each batch commits together with
its place in the list: a run that is interrupted continues there.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog
from msgspec.structs import replace

from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import GaveUp, TryAgain
from showup.destinations.emailbison.client import EmailBisonClient, Page
from showup.destinations.emailbison.objects import EmailBisonLead, Reply
from showup.destinations.vendor_api import VendorError
from showup.reconcile.lead_sync import reports_store, source_store, walk_store
from showup.reconcile.lead_sync.call_time import within_time
from showup.reconcile.lead_sync.lead_batches import save_batch
from showup.reconcile.lead_sync.mails import MailReader
from showup.reconcile.lead_sync.source import LeadSource
from showup.reconcile.lead_sync.statistics import StatisticsReader
from showup.reconcile.lead_sync.walk_store import Walk, WalkedList
from showup.reconcile.lease import Lease
from showup.sources.emailbison.leads import CampaignLead, read_lead, read_reply

PAGES_AT_ONCE: Final = 20
"""So many pages are saved in one transaction: 300 leads, a few seconds of reading."""

_REPORTS_AT_ONCE: Final = 20
_STATISTICS_EVERY: Final = timedelta(minutes=10)
# Leads change with each mail that is sent, so that list is long. Webhooks bring what matters sooner.
_CHANGES_EVERY: Final = timedelta(days=1)
_MAILS_BEFORE_LISTS: Final = 100
"""Of so many leads who answered, the mails are read before the lists: a first list takes an hour or more."""
_INVALID_CURSOR_STATUSES: Final = (400, 404, 410, 422)

ReportProgress = Callable[[Walk], None]

_log = structlog.get_logger()


class LeadSyncRun:
    """Reads one source. `until`: when it stops between two batches, if more is left; None: at the end."""

    def __init__(
        self,
        client: EmailBisonClient,
        source: LeadSource,
        lease: Lease,
        clock: Clock,
        *,
        until: datetime | None,
        report_progress: ReportProgress,
    ) -> None:
        self._client = client
        self._source = source
        self._lease = lease
        self._clock = clock
        self._until = until
        self._report_progress = report_progress

    async def read(self) -> bool:
        """Reads what is new; returns whether everything is read. Raises VendorError, WalkForgotten and LeaseLost."""
        walks = await self._open()
        await self._read_reports()
        has_statistics = await self._read_statistics()
        mails = MailReader(self._client, self._source, self._lease, self._clock, until=self._until)
        if not await self._read_list(walks["replies"]):
            return False
        await mails.read(("answered", "booked"), at_most=_MAILS_BEFORE_LISTS)
        if not await self._read_list(walks["leads"]):
            return False
        if self._is_due(walks["changed_leads"]) and not await self._read_list(walks["changed_leads"]):
            return False
        # A person who asked for the sync doesn't wait for a call for each lead that never answered.
        is_watched = self._until is None
        return (
            await mails.read(("answered", "booked") if is_watched else ("answered", "booked", "other"))
            and has_statistics
        )

    @property
    def _is_over(self) -> bool:
        return self._until is not None and self._clock() >= self._until

    async def _open(self) -> dict[WalkedList, Walk]:
        user = await within_time(self._client.get_user())
        if user.team is None:
            raise VendorError(TryAgain(because="EmailBison does not say which workspace the token opens"))
        source, team = self._source, user.team
        async with transaction(self._lease.engine) as tx:
            connection = await driver_connection(tx)
            await source_store.save_source(
                connection,
                source.workspace_id,
                source.id,
                source.url,
                replace(team, name=_label(team.name)),
                self._clock(),
            )
            walks = await walk_store.open_walks(connection, source.workspace_id, f"{source.url} {team.id}")
            await self._lease.extend_in(connection)
            return walks

    # ------------------------------------------------------------ what webhooks named

    async def _read_reports(self) -> None:
        workspace_id = self._source.workspace_id
        while True:
            async with transaction(self._lease.engine) as tx:
                reported = await reports_store.list_reported(
                    await driver_connection(tx), workspace_id, _REPORTS_AT_ONCE
                )
            if not reported:
                return
            found, read = await self._read_some(reported)
            async with transaction(self._lease.engine) as tx:
                connection = await driver_connection(tx)
                await save_batch(connection, self._source, found, self._clock())
                await reports_store.mark_read(connection, workspace_id, read)
                await self._lease.extend_in(connection)
            if self._is_over:
                # The others make the sync due again.
                return

    async def _read_some(self, reported: Mapping[str, datetime]) -> tuple[list[CampaignLead], dict[str, datetime]]:
        """Reads reported leads, at least one, until the run is over; returns what it found, and which it read."""
        found: list[CampaignLead] = []
        read: dict[str, datetime] = {}
        for name, at in reported.items():
            found += await self._read_reported(name)
            read[name] = at
            if self._is_over:
                break
        return found, read

    async def _read_reported(self, name: str) -> list[CampaignLead]:
        try:
            lead = await within_time(self._client.find_lead(name))
            replies = () if lead is None else await within_time(self._client.list_replies_of(lead.id))
        except VendorError as fault:
            if not isinstance(fault.outcome, GaveUp):
                raise
            # EmailBison refuses this name: the others must not wait for it.
            _log.warning("reported lead skipped", because=fault.outcome.because)
            return []
        return [] if lead is None else [*read_lead(lead), *_of_replies(replace(one, lead=lead) for one in replies)]

    # ------------------------------------------------------------ statistics

    async def _read_statistics(self) -> bool:
        async with transaction(self._lease.engine) as tx:
            read_at = await source_store.statistics_read_at(await driver_connection(tx), self._source.id)
        is_recent = read_at is not None and timedelta() <= self._clock() - read_at < _STATISTICS_EVERY
        # A run without a limit of time was asked for by a person.
        if self._until is not None and is_recent:
            return True
        reader = StatisticsReader(self._client, self._source, self._lease, self._clock, until=self._until)
        return await reader.read()

    # ------------------------------------------------------------ lists

    def _is_due(self, changes: Walk) -> bool:
        if changes.started_at is None or changes.is_in_progress:
            return True
        return self._clock() - changes.started_at >= _CHANGES_EVERY

    async def _read_list(self, walk: Walk) -> bool:
        """Reads a list up to what is known, at least one page of it; returns whether it came there."""
        if not walk.is_in_progress:
            walk = await self._begin(walk)
        resumed_at = walk.cursor
        while True:
            try:
                next_walk = await self._read_batch(walk)
            except VendorError as fault:
                is_refused = fault.status in _INVALID_CURSOR_STATUSES
                if resumed_at is None or walk.cursor != resumed_at or not is_refused:
                    raise
                # EmailBison no longer knows where the last run stopped.
                walk, resumed_at = await self._begin(walk), None
                continue
            if next_walk is None:
                return True
            if self._is_over:
                return False
            walk = next_walk

    async def _begin(self, walk: Walk) -> Walk:
        is_first = walk.list == "leads" and walk.first_ended_at is None
        expected = await within_time(self._client.count_leads()) if is_first else None
        async with transaction(self._lease.engine) as tx:
            connection = await driver_connection(tx)
            begun = await walk_store.begin(connection, self._source.workspace_id, walk, self._clock())
            if expected is not None:
                await walk_store.expect(connection, self._source.workspace_id, walk.list, expected)
            await self._lease.extend_in(connection)
        return replace(begun, expected=expected or begun.expected)

    async def _read_batch(self, walk: Walk) -> Walk | None:
        """Reads some pages and saves them; returns where the walk continues, None at its end."""
        found: list[CampaignLead] = []
        cursor, newest, read, is_end = walk.cursor, walk.newest, 0, False
        for _ in range(PAGES_AT_ONCE):
            page = await within_time(self._fetch(walk, cursor))
            fresh = [one for one in page.items if walk.known_until is None or one.id > walk.known_until]
            found += _campaign_leads(fresh)
            newest = max((one.id for one in fresh), default=newest) if newest is None else newest
            read, cursor = read + len(fresh), page.next_cursor
            # EmailBison does not promise the order of the list: it ends with a page on which all is known.
            is_end = cursor is None or not fresh
            if is_end or self._is_over:
                break
        async with transaction(self._lease.engine) as tx:
            connection = await driver_connection(tx)
            await save_batch(connection, self._source, found, self._clock())
            workspace_id = self._source.workspace_id
            walk = await walk_store.record_progress(
                connection, workspace_id, walk, cursor=cursor, newest=newest, read=read
            )
            if is_end:
                await walk_store.finish(connection, workspace_id, walk, self._clock())
            await self._lease.extend_in(connection)
        self._report_progress(walk)
        return None if is_end else walk

    async def _fetch(self, walk: Walk, cursor: str | None) -> Page[EmailBisonLead] | Page[Reply]:
        if walk.list == "replies":
            return await self._client.list_replies(cursor)
        since = walk.since if walk.list == "changed_leads" else None
        return await self._client.list_leads(cursor, updated_since=since)


def _campaign_leads(items: "Iterable[EmailBisonLead | Reply]") -> list[CampaignLead]:
    found: list[CampaignLead] = []
    for one in items:
        found += read_lead(one) if isinstance(one, EmailBisonLead) else _of_replies([one])
    return found


def _of_replies(replies: Iterable[Reply]) -> list[CampaignLead]:
    return [found for one in replies if (found := read_reply(one)) is not None]


def _label(name: str) -> str:
    """Returns the name of EmailBison's workspace as it can be stored and shown."""
    return "".join(letter for letter in name if letter.isprintable())[:200]
