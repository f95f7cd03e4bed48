"""Turns the mails that EmailBison sent to a lead into what a campaign knows of them. Pure."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from showup.destinations.emailbison.objects import SentEmail
from showup.sources.emailbison.leads import utc_or_none


class CampaignMails(Struct, frozen=True, kw_only=True):
    """The mails of one campaign to a lead.

    `answered_step` is the number of the mail that found the lead interested, else of the first with an answer, counted
    from 1 in the order of sending, so that variants of a mail have one number. `answered_sender` sent that one, and
    `last_sender` the last one, by EmailBison's numbers.
    """

    campaign_id: int
    count: int
    first_sent_at: datetime
    last_sent_at: datetime
    answered_step: int | None
    answered_sender: int | None
    last_sender: int | None


def read_mails(mails: Iterable[SentEmail]) -> list[CampaignMails]:
    """Return what was sent, by campaign; mails that have not gone out are left out."""
    by_campaign: dict[int, list[tuple[datetime, SentEmail]]] = {}
    for one in mails:
        at = utc_or_none(one.sent_at)
        if one.campaign_id is not None and at is not None:
            by_campaign.setdefault(one.campaign_id, []).append((at, one))
    return [_of_campaign(number, found) for number, found in sorted(by_campaign.items())]


def _of_campaign(campaign_id: int, sent: list[tuple[datetime, SentEmail]]) -> CampaignMails:
    ordered = sorted(sent, key=lambda pair: pair[0])
    mails = [one for _, one in ordered]
    answered = next((place for place, one in enumerate(mails) if one.interested), None)
    if answered is None:
        answered = next((place for place, one in enumerate(mails) if one.replies), None)
    return CampaignMails(
        campaign_id=campaign_id,
        count=len(mails),
        first_sent_at=ordered[0][0],
        last_sent_at=ordered[-1][0],
        answered_step=None if answered is None else answered + 1,
        answered_sender=None if answered is None else mails[answered].sender_email_id,
        last_sender=mails[-1].sender_email_id,
    )
