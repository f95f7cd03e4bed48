"""Matches bookings that came before the leads that an import has just saved."""

from datetime import datetime
from uuid import UUID

import asyncpg

from showup.campaigns import funnel_store
from showup.campaigns.leads_store import SavedLeads
from showup.inbox.apply import lock_pipeline, match_leads
from showup.inbox.lead_matches import bookings_of_leads


async def match_imported(connection: asyncpg.Connection, workspace_id: UUID, saved: SavedLeads, now: datetime) -> None:
    """Matches bookings that came before these leads, in the transaction that saved them.

    The workspace's lock makes the two sides see each other: a booking that is being projected is committed before,
    or begins after this transaction has committed its leads. It is held for this step only.
    """
    await lock_pipeline(connection, workspace_id)
    await funnel_store.refresh_members(connection, saved.lead_ids)
    booking_ids = await bookings_of_leads(connection, workspace_id, saved)
    await match_leads(connection, workspace_id, booking_ids, now)
