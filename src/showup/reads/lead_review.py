"""Reads what a person needs to decide whether an attendee is a lead: its campaign, and what linking them changes."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.campaigns import candidates
from showup.campaigns.match import Membership, campaign_of
from showup.database.engine import driver_connection
from showup.reads.campaigns import LeadFilter, list_leads
from showup.reads.keyset import PageRequest
from showup.reads.lead_candidates import candidates_of
from showup.reads.rows import Item
from showup.reads.unmatched import find_lead_email

MAX_FOUND: Final = 5


class LinkEffect(Struct, frozen=True, kw_only=True):
    """How many people of a campaign booked, before an attendee is linked to a lead of it and after."""

    before: int
    after: int


async def memberships_of(
    tx: AsyncConnection, workspace_id: UUID, booked_at: Mapping[str, datetime]
) -> dict[str, Membership]:
    """Returns the campaign that brings a booking of each of these leads, by address; `booked_at`: when they booked."""
    leads = await candidates.of_keys(await driver_connection(tx), workspace_id, list(booked_at))
    found = {}
    for lead in leads:
        if lead.email in booked_at:
            campaign_id, _ = campaign_of(lead.memberships, booked_at[lead.email])
            found[lead.email] = next(one for one in lead.memberships if one.campaign_id == campaign_id)
    return found


async def link_effect(
    tx: AsyncConnection, workspace_id: UUID, booking_id: UUID, *, campaign_id: int, lead_id: UUID
) -> LinkEffect:
    """Returns what linking an attendee of the booking to the lead changes in the campaign's funnel.

    A person counts once in a campaign, and for an accepted booking only. Without simulated bookings.
    """
    row = await (await driver_connection(tx)).fetchrow(_EFFECT, workspace_id, campaign_id, lead_id, booking_id)
    return LinkEffect(before=row["booked"], after=row["booked"] + (row["is_accepted"] and not row["is_counted"]))


async def search_leads(tx: AsyncConnection, permission: Permission, unmatched: Item, text: str) -> list[Item]:
    """Returns up to five leads with this address, name or company, as `candidates_of` does; the address comes first."""
    by_address = await _leads_of(tx, permission.limited_to(unmatched["workspace_id"]), [text])
    asked = unmatched | {"name": text, "attendee": "", "company_answer": text, "company_key": None}
    by_name = (await candidates_of(tx, [asked]))[unmatched["id"]]
    known = {one["lead"]["id"] for one in by_address}
    return [*by_address, *(one for one in by_name if one["lead"]["id"] not in known)][:MAX_FOUND]


async def find_lead(tx: AsyncConnection, permission: Permission, lead_id: UUID) -> Item | None:
    """Returns the lead, as `candidates_of` returns one; None if the permission allows none with this id."""
    email = await find_lead_email(tx, permission, lead_id)
    return None if email is None else next(iter(await _leads_of(tx, permission, [email])), None)


async def _leads_of(tx: AsyncConnection, permission: Permission, emails: Collection[str]) -> list[Item]:
    page = await list_leads(tx, permission, LeadFilter(email=list(emails)), PageRequest(sort="email", limit=MAX_FOUND))
    return [
        {
            "lead": {"id": one["id"], "email": one["email"], "name": _name_of(one), "company": one["company"]},
            "score": None,
            "evidence": {},
        }
        for one in page.items
    ]


def _name_of(lead: Item) -> str | None:
    return lead["name"] or " ".join(part for part in (lead["first_name"], lead["last_name"]) if part) or None


# By the matches of the campaign, which have an index; a seat has the id of its match.
_EFFECT: Final = """
    SELECT count(DISTINCT s.lead_id) AS booked,
           coalesce(bool_or(s.lead_id = $3), false) AS is_counted,
           (SELECT b.status = 'ACCEPTED' AND NOT b.simulated FROM bookings b
            WHERE b.id = $4 AND b.workspace_id = $1) AS is_accepted
    FROM matches m JOIN funnel_seats s ON s.id = m.id
    WHERE m.workspace_id = $1 AND m.campaign_id = $2 AND m.state = 'matched' AND NOT s.simulated
"""
