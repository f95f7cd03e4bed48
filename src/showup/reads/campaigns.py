"""Lists campaigns and leads."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import and_, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.campaigns.campaign import CampaignSource
from showup.database.tables import campaign_leads, campaign_totals, campaigns, leads
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import Item, if_any, nested_columns, visible_to, workspace_of
from showup.reads.simulated import simulated_workspace
from showup.values.email_address import normalize_email

CAMPAIGN_SORTS: Sorts = {"name": campaigns.c.name, "created_at": campaigns.c.created_at}
LEAD_SORTS: Sorts = {"email": leads.c.email}

_LEAD_FIELDS = (
    "id",
    "email",
    "first_name",
    "last_name",
    "name",
    "company",
    "other_emails",
    "earlier_names",
    "created_at",
)
_SIGNALS = (
    *("sent", "last_sent_at", "replied", "replied_at", "interested", "interested_at"),
    *("bounced", "bounced_at", "unsubscribed", "unsubscribed_at"),
)

_STATISTICS = ("sent", "bounced", "contacted", "replied", "interested", "unsubscribed", "leads", "read_at")


class CampaignFilter(Struct, frozen=True, kw_only=True):
    """Conditions on a campaign; an empty one does not filter."""

    ids: Sequence[int] = ()
    source: Sequence[CampaignSource] = ()


class LeadFilter(Struct, frozen=True, kw_only=True):
    """Conditions on a lead; an empty one does not filter."""

    email: Sequence[str] = ()
    campaign_id: Sequence[int] = ()


async def list_campaigns(
    tx: AsyncConnection, permission: Permission, filters: CampaignFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the campaigns that the permission allows."""
    fields = (campaigns.c[name] for name in ("id", "name", "source", "created_at"))
    columns = (*fields, simulated_workspace(campaigns).label("simulated"))
    totals, counts = campaign_totals.c, nested_columns("statistics", campaign_totals, *_STATISTICS)
    is_same = and_(totals.workspace_id == campaigns.c.workspace_id, totals.campaign_id == campaigns.c.id)
    query = (
        select(*columns, workspace_of(campaigns), totals.campaign_id.label("statistics.id"), *counts)
        .join_from(campaigns, campaign_totals, is_same, isouter=True)
        .where(
            visible_to(permission, campaigns),
            if_any(filters.ids, campaigns.c.id.in_),
            if_any(filters.source, campaigns.c.source.in_),
        )
    )
    page = await read_page(tx, query, CAMPAIGN_SORTS, page_request, workspace=campaigns.c.workspace_id)
    return ResultPage(items=[_with_delivered(item) for item in page.items], next_cursor=page.next_cursor)


async def list_leads(
    tx: AsyncConnection, permission: Permission, filters: LeadFilter, page_request: PageRequest
) -> ResultPage:
    """Returns one page of the leads that the permission allows, each with its campaigns."""
    columns = (leads.c[name] for name in _LEAD_FIELDS)
    query = select(*columns, simulated_workspace(leads).label("simulated"), workspace_of(leads)).where(
        visible_to(permission, leads),
        if_any(filters.email, lambda emails: leads.c.email.in_([normalize_email(email) for email in emails])),
        if_any(filters.campaign_id, _is_in_campaign),
    )
    page = await read_page(tx, query, LEAD_SORTS, page_request)
    memberships = await _memberships(tx, [item["id"] for item in page.items])
    items = [
        {**item, "other_emails": item["other_emails"] or [], "campaigns": memberships.get(item["id"], [])}
        for item in page.items
    ]
    return ResultPage(items=items, next_cursor=page.next_cursor)


def _with_delivered(item: Item) -> Item:
    """Returns the campaign with the number of delivered mails among its statistics, if it has any."""
    if item["statistics"] is None:
        return item
    counts = {name: item["statistics"][name] for name in _STATISTICS}
    delivered = max(counts["sent"] - counts["bounced"], 0)
    return {**item, "statistics": {**counts, "delivered": delivered}}


def _is_in_campaign(campaign_ids: Sequence[int]) -> Any:
    member = campaign_leads.c
    membership = select(member.lead_id).where(
        member.lead_id == leads.c.id, member.workspace_id == leads.c.workspace_id, member.campaign_id.in_(campaign_ids)
    )
    return exists(membership.correlate(leads))


async def _memberships(tx: AsyncConnection, lead_ids: Sequence[UUID]) -> dict[UUID, list[Item]]:
    member, campaign = campaign_leads.c, campaigns.c
    query = select(
        member.lead_id, campaign.id, campaign.name, campaign.source, *(member[name] for name in _SIGNALS)
    ).join_from(
        campaign_leads,
        campaigns,
        and_(campaign.workspace_id == member.workspace_id, campaign.id == member.campaign_id),
    )
    found: dict[UUID, list[Item]] = {}
    rows = await tx.execute(query.where(member.lead_id.in_(lead_ids)).order_by(campaign.name, campaign.id))
    for row in rows.mappings():
        item = dict(row)
        found.setdefault(item.pop("lead_id"), []).append(item)
    return found
