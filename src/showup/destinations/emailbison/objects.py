"""The objects of EmailBison's API that Showup reads.

Its statistics are numbers as text, and `lead_campaign_data` is a list in most answers and one object in others.
"""

from datetime import date, datetime
from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from showup.campaigns.campaign import FIRST_OWN_ID

# Showup numbers campaigns that EmailBison does not know from FIRST_OWN_ID on.
CampaignId: TypeAlias = Annotated[int, Meta(ge=0, lt=FIRST_OWN_ID)]
Id: TypeAlias = Annotated[int, Meta(ge=0, lt=2**53)]
Count: TypeAlias = Annotated[int, Meta(ge=0, lt=2**31)]
Text: TypeAlias = str | None


class CustomVariable(Struct, frozen=True, kw_only=True):
    """A custom variable of a workspace, or with its value in a lead."""

    name: Text = None
    value: Any = None

    def is_named(self, name: str) -> bool:
        """Returns whether it has this name; EmailBison ignores capitals in it."""
        return (self.name or "").casefold() == name.casefold()


class CampaignData(Struct, frozen=True, kw_only=True):
    """What one campaign knows about a lead. `status`: such as in_sequence, sequence_finished, replied or bounced."""

    campaign_id: CampaignId | None = None
    status: Text = None
    emails_sent: Count | None = None
    replies: Count | None = None
    interested: bool | None = None


class EmailBisonLead(Struct, frozen=True, kw_only=True):
    """A lead. `status`: such as verified, unverified, bounced or unsubscribed."""

    id: Id
    email: Text = None
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
        values = (one.value for one in self.custom_variables or () if one.is_named(name))
        value = next(values, None)
        return "" if value is None else str(value)


class Campaign(Struct, frozen=True, kw_only=True):
    """A campaign and its totals since its start: mails, and for `interested` and `unique_replies` people."""

    id: CampaignId
    name: str = ""
    status: Text = None
    emails_sent: Count = 0
    total_leads_contacted: Count = 0
    unique_replies: Count = 0
    interested: Count = 0
    bounced: Count = 0
    unsubscribed: Count = 0
    total_leads: Count = 0
    created_at: datetime | None = None


class Reply(Struct, frozen=True, kw_only=True):
    """A received mail. `folder`: such as Inbox or Bounced; `type`: such as Tracked Reply, Outgoing Email or Bounced."""

    id: Id
    folder: Text = None
    type: Text = None
    interested: bool | None = None
    automated_reply: bool | None = None
    date_received: datetime | None = None
    campaign_id: CampaignId | None = None
    lead_id: Id | None = None
    lead: EmailBisonLead | None = None
    from_email_address: Text = None


class SenderEmail(Struct, frozen=True, kw_only=True):
    """A mailbox that writes to leads."""

    id: Id | None = None
    email: Text = None


class SentEmail(Struct, frozen=True, kw_only=True):
    """A mail of a campaign to a lead. `replies` counts its answers, automatic ones too."""

    campaign_id: CampaignId | None = None
    sender_email_id: Id | None = None
    sent_at: datetime | None = None
    replies: Count | None = None
    interested: bool | None = None


class Team(Struct, frozen=True, kw_only=True):
    """A workspace of EmailBison."""

    id: Id
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
    dates: tuple[tuple[date, Count], ...] = ()
