"""What the API says of leads."""

from datetime import datetime

from pydantic import BaseModel, Field

from showup.web.api.matches import CAMPAIGN, LEAD_ID, CampaignSummary, LeadSummary
from showup.web.api.schemas import PERSON, Example

LEAD_ITEM: Example = {
    "id": LEAD_ID,
    "workspace": "default",
    "email": PERSON["email"],
    "first_name": "Sarah",
    "last_name": "Chen",
    "name": PERSON["name"],
    "company": "Acme Corp",
    "simulated": False,
    "other_emails": [],
    "earlier_names": [{"company": "Acme", "until": "2026-03-05T08:00:00Z"}],
    "campaigns": [
        CAMPAIGN
        | {
            "sent": 3,
            "last_sent_at": "2026-03-08T08:00:00Z",
            "replied": True,
            "replied_at": "2026-03-09T10:30:00Z",
            "interested": True,
            "interested_at": "2026-03-09T10:30:00Z",
            "bounced": False,
            "bounced_at": None,
            "unsubscribed": None,
            "unsubscribed_at": None,
        }
    ],
    "created_at": "2026-03-01T08:00:00Z",
}


class LeadInCampaign(CampaignSummary):
    """A campaign, and what it reported about the lead; null: it says nothing. `sent` counts mails."""

    sent: int | None
    last_sent_at: datetime | None
    replied: bool | None
    replied_at: datetime | None
    interested: bool | None
    interested_at: datetime | None
    bounced: bool | None
    bounced_at: datetime | None
    unsubscribed: bool | None
    unsubscribed_at: datetime | None


class EarlierNames(BaseModel):
    """What a lead was called before a newer import said something else; null: this part did not change."""

    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    company: str | None = None
    until: datetime = Field(description="When the newer import came.")


class LeadResponse(LeadSummary):
    """A person whom campaigns write to; `other_emails` are further addresses of the same person."""

    workspace: str
    simulated: bool
    first_name: str | None
    last_name: str | None
    other_emails: list[str]
    earlier_names: list[EarlierNames] = Field(description="Replaced names, the oldest first; at most 50.")
    campaigns: list[LeadInCampaign]
    created_at: datetime
