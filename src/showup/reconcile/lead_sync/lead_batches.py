"""Saves leads as EmailBison knows them, and matches the bookings that came before them."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from showup.access import erased_addresses_store
from showup.campaigns import leads_store, statistics_store
from showup.campaigns.leads_store import ImportedLead
from showup.inbox.imported_leads import match_imported
from showup.reconcile.lead_sync.source import LeadSource
from showup.sources.emailbison.leads import CampaignLead


async def save_batch(
    connection: asyncpg.Connection, source: LeadSource, found: Sequence[CampaignLead], now: datetime
) -> None:
    """Saves the leads; the same again changes nothing.

    It takes the lock of the workspace's pipeline, which comes before any row of `syncs`: the projection changes that
    row when a lead is reported.
    """
    if not found:
        return
    workspace_id = source.workspace_id
    await leads_store.lock_leads(connection, workspace_id)
    await statistics_store.ensure_campaigns(connection, workspace_id, (one.campaign_id for one in found), now)
    emails = {one.lead.email for one in found}
    if source.seal is not None:
        emails = await erased_addresses_store.without_erased(connection, source.seal, workspace_id, emails)
    rows = [
        ImportedLead(lead=one.lead, signals=one.signals, campaign_id=one.campaign_id, line=one.number)
        for one in found
        if one.lead.email in emails
    ]
    saved = await leads_store.save_leads(connection, workspace_id, rows, source.id, now, is_source=True)
    await match_imported(connection, workspace_id, saved, now)
