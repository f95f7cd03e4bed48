"""Reads when EmailBison's campaigns wrote to each lead: one call for each lead, those who answered first (CA1).

Each batch commits together with the mark that its leads are read, so a run that is interrupted continues there.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from showup.campaigns import leads_store, mails_store
from showup.campaigns.lead_file import cells
from showup.campaigns.leads_store import SavedLeads
from showup.campaigns.mails_store import LeadMails, UnreadKind
from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import GaveUp
from showup.destinations.emailbison.client import EmailBisonClient
from showup.destinations.vendor_api import VendorError
from showup.inbox.imported_leads import match_imported
from showup.reconcile.lead_sync.call_time import within_time
from showup.reconcile.lead_sync.source import LeadSource
from showup.reconcile.lease import Lease
from showup.sources.emailbison.mails import CampaignMails, read_mails

_LEADS_AT_ONCE: Final = 20
_CALLS_AT_ONCE: Final = 4

_log = structlog.get_logger()


class MailReader:
    """Reads one source's mails. `until`: when it stops between two batches; None: at the end."""

    def __init__(
        self, client: EmailBisonClient, source: LeadSource, lease: Lease, clock: Clock, *, until: datetime | None
    ) -> None:
        self._client = client
        self._source = source
        self._lease = lease
        self._clock = clock
        self._until = until

    async def read(self, kinds: Sequence[UnreadKind], *, at_most: int | None = None) -> bool:
        """Reads the mails of these kinds of leads in turn; returns whether none is left. Raises VendorError."""
        read = 0
        for kind in kinds:
            while unread := await self._list_unread(kind):
                if self._is_over or (at_most is not None and read >= at_most):
                    return False
                await self._read_batch(unread)
                read += len(unread)
        return True

    @property
    def _is_over(self) -> bool:
        return self._until is not None and self._clock() >= self._until

    async def _list_unread(self, kind: UnreadKind) -> dict[UUID, int]:
        async with transaction(self._lease.engine) as tx:
            connection = await driver_connection(tx)
            return await mails_store.list_unread(connection, self._source.workspace_id, kind, _LEADS_AT_ONCE)

    async def _read_batch(self, unread: Mapping[UUID, int]) -> None:
        """Reads the mails of these leads and saves them; what was read before a call failed is saved as well."""
        found: dict[UUID, list[CampaignMails]] = {}
        fault: BaseException | None = None
        leads = list(unread.items())
        for start in range(0, len(leads), _CALLS_AT_ONCE):
            some = leads[start : start + _CALLS_AT_ONCE]
            answers = await asyncio.gather(*(self._read_lead(number) for _, number in some), return_exceptions=True)
            for (lead_id, _), answer in zip(some, answers, strict=True):
                if isinstance(answer, BaseException):
                    fault = fault or answer
                else:
                    found[lead_id] = answer
            if fault is not None:
                break
        await self._save(found)
        if fault is not None:
            raise fault

    async def _read_lead(self, number: int) -> list[CampaignMails]:
        try:
            return read_mails(await within_time(self._client.list_sent_emails(number)))
        except VendorError as fault:
            if not isinstance(fault.outcome, GaveUp):
                raise
            # EmailBison refuses this lead: the others must not wait for it.
            _log.warning("mails of a lead skipped", lead=number, because=fault.outcome.because)
            return []

    async def _save(self, found: Mapping[UUID, Sequence[CampaignMails]]) -> None:
        if not found:
            return
        senders = await self._senders(found)
        mails = [
            LeadMails(
                lead_id=lead_id,
                campaign_id=one.campaign_id,
                count=one.count,
                first_sent_at=one.first_sent_at,
                last_sent_at=one.last_sent_at,
                step=one.answered_step,
                answered_sender=None if one.answered_sender is None else senders[one.answered_sender],
                last_sender=None if one.last_sender is None else senders[one.last_sender],
            )
            for lead_id, campaigns in found.items()
            for one in campaigns
        ]
        now, workspace_id = self._clock(), self._source.workspace_id
        async with transaction(self._lease.engine) as tx:
            connection = await driver_connection(tx)
            await leads_store.lock_leads(connection, workspace_id)
            await mails_store.save_mails(connection, workspace_id, found, mails)
            # Which campaign wrote last decides which one brought a booking.
            await match_imported(connection, workspace_id, SavedLeads(lead_ids=[one.lead_id for one in mails]), now)
            await self._lease.extend_in(connection)

    async def _senders(self, found: Mapping[UUID, Sequence[CampaignMails]]) -> Mapping[int, str | None]:
        """Returns the addresses of the mailboxes, by number; asks for those that are new."""
        numbers = {
            number
            for campaigns in found.values()
            for one in campaigns
            for number in (one.answered_sender, one.last_sender)
            if number is not None
        }
        workspace_id = self._source.workspace_id
        async with transaction(self._lease.engine) as tx:
            known = await mails_store.load_senders(await driver_connection(tx), workspace_id, numbers)
        new = {number: await self._find_sender(number) for number in sorted(numbers - known.keys())}
        if new:
            async with transaction(self._lease.engine) as tx:
                await mails_store.save_senders(await driver_connection(tx), workspace_id, new)
        return known | new

    async def _find_sender(self, number: int) -> str | None:
        try:
            sender = await within_time(self._client.find_sender(number))
        except VendorError as fault:
            if not isinstance(fault.outcome, GaveUp):
                raise
            return None
        text = "" if sender is None else sender.email or ""
        addresses, _ = cells.read_addresses(text)
        return addresses[0] if addresses and not cells.is_unreadable(text) else None
