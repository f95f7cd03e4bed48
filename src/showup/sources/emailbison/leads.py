"""Turns EmailBison's leads and replies into leads and signals, cleaned as those of a file are. Pure.

EmailBison says when a reply came, but neither when somebody marked it as interested nor when a mail went out: a lead
was interested at the time of the reply that says so.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from showup.campaigns.lead import Lead, Signals
from showup.campaigns.lead_file import cells
from showup.destinations.emailbison.objects import CampaignData, EmailBisonLead, Reply

# EmailBison writes it for a lead without a name, so that "Hi there" is a sentence.
_PLACEHOLDER: Final = "there"
_BOUNCED: Final = "bounced"
_SENT: Final = "sent"


class CampaignLead(Struct, frozen=True, kw_only=True):
    """A lead in a campaign, by EmailBison's numbers of both."""

    lead: Lead
    campaign_id: int
    number: int
    signals: Signals


def read_lead(found: EmailBisonLead) -> Iterator[CampaignLead]:
    """Yields the lead in each of its campaigns; nothing for one without a valid address, or in no campaign."""
    if (lead := _lead(found)) is None:
        return
    for one in found.memberships:
        if one.campaign_id is not None:
            yield CampaignLead(lead=lead, campaign_id=one.campaign_id, number=found.id, signals=_signals(found, one))


def read_reply(reply: Reply) -> CampaignLead | None:
    """Returns what a received mail says of its lead; None for one of no campaign, and for an automatic answer."""
    if reply.lead is None or reply.campaign_id is None or (lead := _lead(reply.lead)) is None:
        return None
    at, kinds = utc_or_none(reply.date_received), {(reply.folder or "").lower(), (reply.type or "").lower()}
    if _BOUNCED in kinds:
        signals = Signals(bounced=True, bounced_at=at)
    elif kinds & {_SENT, "outgoing email"}:
        return None
    elif reply.interested:
        signals = Signals(replied=True, replied_at=at, interested=True, interested_at=at)
    elif reply.automated_reply:
        return None
    else:
        signals = Signals(replied=True, replied_at=at)
    return CampaignLead(lead=lead, campaign_id=reply.campaign_id, number=reply.lead.id, signals=signals)


def _lead(found: EmailBisonLead) -> Lead | None:
    text = found.email or ""
    addresses, _ = cells.read_addresses(text)
    if not addresses or cells.is_unreadable(text):
        return None
    first_name, last_name = _text(found.first_name), _text(found.last_name)
    if first_name is not None and first_name.lower() == _PLACEHOLDER:
        first_name = None
    return Lead(
        email=addresses[0],
        first_name=first_name,
        last_name=last_name,
        name=" ".join(part for part in (first_name, last_name) if part) or None,
        company=_text(found.company),
    )


def _signals(found: EmailBisonLead, one: CampaignData) -> Signals:
    status = one.status or ""
    return Signals(
        sent=one.emails_sent,
        replied=bool(one.replies) or status == "replied",
        interested=bool(one.interested),
        bounced=status == _BOUNCED,
        # The lead has one mark for all of its campaigns.
        unsubscribed=found.status == "unsubscribed",
    )


def utc_or_none(at: datetime | None) -> datetime | None:
    """Returns the time in UTC, as is one that names no zone; None for one that UTC does not have."""
    if at is None:
        return None
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None


def _text(value: str | None) -> str | None:
    return None if value is None or cells.is_unreadable(value) else cells.clean_text(value)
