"""Matching an attendee to a lead by hand: the event of it, for the API and for pages."""

from uuid import UUID

from showup.campaigns import candidates
from showup.campaigns.match import SCORES, campaign_of
from showup.commands.unit_of_work import UnitOfWork
from showup.events.booking import LeadMatched
from showup.reads.command_targets import BookingTarget
from showup.reads.rows import Item
from showup.reads.unmatched import find_lead_email
from showup.values.email_address import match_key


async def link_event(
    unit_of_work: UnitOfWork, booking: BookingTarget, unmatched: Item, lead_id: UUID
) -> LeadMatched | None:
    """Return the event that matches the attendee to the lead; None if the workspace has no such lead."""
    permission = unit_of_work.permission.limited_to(booking.workspace_id)
    email = await find_lead_email(unit_of_work.tx, permission, lead_id)
    leads = await candidates.of_keys(
        await unit_of_work.connection(), booking.workspace_id, [] if email is None else [match_key(email), email]
    )
    lead = next((one for one in leads if one.email == email), None)
    if lead is None:
        return None
    campaign_id, because = campaign_of(lead.memberships, unmatched["booked_at"])
    return LeadMatched(
        subject=booking.name,
        attendee=unmatched["attendee"],
        lead=lead.email,
        campaign_id=campaign_id,
        method="manual",
        score=SCORES["manual"],
        evidence={"person": f"linked by {unit_of_work.permission.actor}", "campaign": because},
    )
