"""Reads the statistics of EmailBison's campaigns: their totals, and for those that changed, the counts of each day."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from showup.campaigns import statistics_store
from showup.campaigns.campaign import MAX_NAME
from showup.campaigns.lead_file import cells
from showup.campaigns.statistics_store import CampaignDay, CampaignTotals
from showup.clock import Clock
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import GaveUp
from showup.destinations.emailbison.client import EmailBisonClient
from showup.destinations.emailbison.objects import Campaign, DailyCounts
from showup.destinations.vendor_api import VendorError
from showup.reconcile.lead_sync import source_store
from showup.reconcile.lead_sync.call_time import within_time
from showup.reconcile.lead_sync.source import LeadSource
from showup.reconcile.lease import Lease

# Bounces and replies may be counted on the day of the mail that they answer.
_READ_AGAIN: Final = timedelta(days=14)
# Somewhere it is tomorrow already.
_AHEAD: Final = timedelta(days=1)
_OLDEST: Final = timedelta(days=5 * 366)
_LABELS: Final = frozenset({"sent", "replied", "interested", "bounced", "unsubscribed"})

_log = structlog.get_logger()


class StatisticsReader:
    """Reads one source's statistics; each campaign's totals are stored with its days, so none is left behind.

    It stops at `until` if more is left, and the next run continues with the campaigns that are left.
    """

    def __init__(
        self, client: EmailBisonClient, source: LeadSource, lease: Lease, clock: Clock, *, until: datetime | None
    ) -> None:
        self._until = until
        self._client = client
        self._source = source
        self._lease = lease
        self._clock = clock

    async def read(self) -> bool:
        """Reads all campaigns; returns whether none is left. Raises VendorError."""
        campaigns = {one.id: one for one in await within_time(self._list_campaigns())}
        workspace_id = self._source.workspace_id
        async with transaction(self._lease.engine) as tx:
            connection = await driver_connection(tx)
            names = {one.id: _name(one) for one in campaigns.values()}
            await statistics_store.save_numbered_campaigns(connection, workspace_id, names, self._clock())
            known = await statistics_store.load_totals(connection, workspace_id)
            await self._lease.extend_in(connection)
        for campaign in campaigns.values():
            totals = _totals(campaign)
            if known.get(campaign.id) != totals:
                await self._read_campaign(campaign, totals)
                if self._until is not None and self._clock() >= self._until:
                    return False
        async with transaction(self._lease.engine) as tx:
            connection = await driver_connection(tx)
            await source_store.mark_statistics_read(connection, self._source.id, self._clock())
            await self._lease.extend_in(connection)
        return True

    async def _list_campaigns(self) -> list[Campaign]:
        return [one async for one in self._client.list_campaigns()]

    async def _read_campaign(self, campaign: Campaign, totals: CampaignTotals) -> None:
        now, workspace_id = self._clock(), self._source.workspace_id
        async with transaction(self._lease.engine) as tx:
            last_known = await statistics_store.last_day(await driver_connection(tx), workspace_id, campaign.id)
        today = now.date()
        created = date.min if campaign.created_at is None else campaign.created_at.date()
        first = created if last_known is None else last_known - _READ_AGAIN
        span = (min(max(first, today - _OLDEST), today), today + _AHEAD)
        try:
            counts = await within_time(self._client.get_daily_counts(campaign.id, *span))
        except VendorError as fault:
            if not isinstance(fault.outcome, GaveUp):
                raise
            # One campaign, such as one that was deleted just now, must not stop the others. The next run tries again.
            _log.warning("EmailBison campaign skipped", campaign=campaign.id, because=fault.outcome.because)
            return
        async with transaction(self._lease.engine) as tx:
            connection = await driver_connection(tx)
            await statistics_store.replace_days(
                connection, workspace_id, campaign.id, span, [one for one in _days(counts) if _is_in(one.day, span)]
            )
            await statistics_store.save_totals(connection, workspace_id, [totals], now)
            await self._lease.extend_in(connection)


def _name(campaign: Campaign) -> str:
    text = "" if cells.is_unreadable(campaign.name) else cells.clean_text(campaign.name)
    return (text or f"EmailBison campaign {campaign.id}")[:MAX_NAME]


def _totals(campaign: Campaign) -> CampaignTotals:
    return CampaignTotals(
        campaign_id=campaign.id,
        name=_name(campaign),
        sent=campaign.emails_sent,
        bounced=campaign.bounced,
        contacted=campaign.total_leads_contacted,
        replied=campaign.unique_replies,
        interested=campaign.interested,
        unsubscribed=campaign.unsubscribed,
        leads=campaign.total_leads,
    )


def _days(counts: Iterable[DailyCounts]) -> list[CampaignDay]:
    """Returns the days on which anything happened; labels that Showup does not know are left out."""
    by_day: dict[date, dict[str, int]] = {}
    for one in counts:
        name = one.label.casefold()
        if name in _LABELS:
            for day, number in one.dates:
                by_day.setdefault(day, {})[name] = number
    return [CampaignDay(day=day, **numbers) for day, numbers in sorted(by_day.items()) if any(numbers.values())]


def _is_in(day: date, span: tuple[date, date]) -> bool:
    first, last = span
    return first <= day <= last
