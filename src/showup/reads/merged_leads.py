"""Finds the leads who are one person, because somebody merged people with their addresses: they count once (CA5)."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.campaigns.lead import lead_id
from showup.database.tables import merges
from showup.pipeline.merges import Identities
from showup.reads.rows import if_set
from showup.values.email_address import match_key

_LEADS = """
    SELECT l.id, l.workspace_id, l.email FROM unnest(CAST(:workspaces AS uuid[]), CAST(:keys AS text[])) AS g(id, key)
    JOIN leads l ON l.workspace_id = g.id AND l.email = g.key
    UNION
    SELECT l.id, l.workspace_id, l.email FROM unnest(CAST(:workspaces AS uuid[]), CAST(:keys AS text[])) AS g(id, key)
    JOIN leads l ON l.workspace_id = g.id AND l.match_key = g.key
"""


async def merged_leads(tx: AsyncConnection, workspace_id: UUID | None) -> dict[str, Any]:
    """Returns the leads of merged people, and by which id each person counts: as bound parameters of a query.

    `funnel_seats.person_id` is the same id. None: all workspaces.
    """
    m = merges.c
    query = select(m.workspace_id, m.gone, m.stays).where(
        m.kind == "people", if_set(workspace_id, lambda one: m.workspace_id == one)
    )
    edges: dict[UUID, dict[Any, str]] = defaultdict(dict)
    for row in await tx.execute(query):
        edges[row.workspace_id]["people", row.gone] = row.stays
    people = {
        (workspace, key): email
        for workspace, found in edges.items()
        for key, email in Identities(edges=found).people_by_mailbox().items()
    }
    if not people:
        return {"merged_leads": [], "merged_people": []}
    params = {"workspaces": [workspace for workspace, _ in people], "keys": [key for _, key in people]}
    leads = (await tx.execute(text(_LEADS), params)).all()
    counted = [lead_id(one.workspace_id, people[one.workspace_id, match_key(one.email)]) for one in leads]
    return {"merged_leads": [one.id for one in leads], "merged_people": counted}
