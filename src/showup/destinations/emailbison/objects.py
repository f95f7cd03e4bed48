"""The objects of EmailBison's API that Showup reads.

Its statistics are numbers as text, and `lead_campaign_data` is a list in most answers and one object in others.
"""

from datetime import datetime
from typing import Any, TypeAlias

from msgspec import Struct

Count: TypeAlias = int | None
Text: TypeAlias = str | None


class CustomVariable(Struct, frozen=True, kw_only=True):
    """A custom variable of a workspace, or with its value in a lead."""

    name: str = ""
    value: Any = None


class CampaignData(Struct, frozen=True, kw_only=True):
    """What one campaign knows about a lead. `status`: such as in_sequence, sequence_finished, replied or bounced."""

    campaign_id: Count = None
    status: Text = None
    emails_sent: Count = None
    replies: Count = None
    interested: bool | None = None


class Lead(Struct, frozen=True, kw_only=True):
    """A lead. `status`: such as verified, unverified, bounced or unsubscribed."""

    id: int
    email: str = ""
    first_name: Text = None
    last_name: Text = None
    company: Text = None
    status: Text = None
    custom_variables: tuple[CustomVariable, ...] | None = None
    lead_campaign_data: tuple[CampaignData, ...] | CampaignData | None = None
    updated_at: datetime | None = None

    @property
    def memberships(self) -> tuple[CampaignData, ...]:
        """Returns what each campaign knows about the lead, where it says which campaign."""
        data = self.lead_campaign_data
        found = (data,) if isinstance(data, CampaignData) else data or ()
        return tuple(one for one in found if one.campaign_id is not None)

    def variable(self, name: str) -> str:
        """Returns the value of a custom variable, as text; empty where the lead has none."""
        values = (one.value for one in self.custom_variables or () if one.name.casefold() == name.casefold())
        value = next(values, None)
        return "" if value is None else str(value)


class Campaign(Struct, frozen=True, kw_only=True):
    """A campaign and its totals since its start: mails, and for `interested` and `unique_replies` people."""

    id: int
    name: str = ""
    status: Text = None
    emails_sent: int = 0
    total_leads_contacted: int = 0
    unique_replies: int = 0
    interested: int = 0
    bounced: int = 0
    unsubscribed: int = 0
    total_leads: int = 0
    created_at: datetime | None = None


class Reply(Struct, frozen=True, kw_only=True):
    """A received mail. `folder`: such as Inbox or Bounced; `type`: such as Tracked Reply, Outgoing Email or Bounced."""

    id: int
    folder: Text = None
    type: Text = None
    interested: bool | None = None
    automated_reply: bool | None = None
    date_received: datetime | None = None
    campaign_id: Count = None
    lead_id: Count = None
    lead: Lead | None = None
    from_email_address: Text = None


class Team(Struct, frozen=True, kw_only=True):
    """A workspace of EmailBison."""

    id: int
    name: str = ""


class User(Struct, frozen=True, kw_only=True):
    """The owner of a token, and the workspace that the token opens."""

    id: int
    email: Text = None
    team: Team | None = None


class Webhook(Struct, frozen=True, kw_only=True):
    """A webhook that EmailBison sends; `events` are its types in lower case, such as lead_replied."""

    id: int
    name: Text = None
    url: str = ""
    events: tuple[str, ...] = ()


class DailyCounts(Struct, frozen=True, kw_only=True):
    """What happened on each day: `label` is Sent, Replied, Interested, Bounced or Unsubscribed, or one about opens."""

    label: str
    dates: tuple[tuple[str, int], ...] = ()
