"""The workspace of a fake EmailBison: its campaigns, leads, replies and the rest, as its API shows them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

CREATED = datetime(2026, 8, 1, tzinfo=UTC)


def stamp(moment: datetime | None) -> str | None:
    """Returns a time as EmailBison writes it."""
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


@dataclass
class FakeMembership:
    """A lead in a campaign."""

    status: str = "in_sequence"
    emails_sent: int = 0
    replies: int = 0
    interested: bool = False


@dataclass
class FakeMail:
    """A mail of a campaign to a lead; `sent_at` is None until it goes out."""

    campaign_id: int
    sent_at: datetime | None
    sender_id: int
    replies: int = 0
    interested: bool = False


@dataclass
class FakeLead:
    id: int
    email: str
    first_name: str | None = "Ann"
    last_name: str | None = "Acme"
    company: str | None = "Acme"
    status: str = "verified"
    variables: dict[str, str | None] = field(default_factory=dict)
    campaigns: dict[int, FakeMembership] = field(default_factory=dict)
    mails: list[FakeMail] = field(default_factory=list)
    updated_at: datetime = CREATED

    def shown(self) -> dict[str, Any]:
        """Returns the lead as /leads shows it: with an entry for each campaign."""
        sent = sum(one.emails_sent for one in self.campaigns.values())
        replies = sum(one.replies for one in self.campaigns.values())
        return {
            "id": self.id,
            "uuid": str(uuid5(NAMESPACE_URL, f"lead/{self.id}")),
            "first_name": self.first_name,
            "last_name": self.last_name,
            "email": self.email,
            "title": None,
            "company": self.company,
            "notes": None,
            "status": self.status,
            "custom_variables": [{"name": name, "value": value} for name, value in self.variables.items()],
            "lead_campaign_data": [
                {
                    "campaign_id": campaign_id,
                    "status": one.status,
                    "emails_sent": one.emails_sent,
                    "replies": one.replies,
                    "opens": 0,
                    "interested": one.interested,
                }
                for campaign_id, one in self.campaigns.items()
            ],
            "overall_stats": {
                "emails_sent": sent,
                "opens": 0,
                "replies": replies,
                "unique_replies": min(replies, 1),
                "unique_opens": 0,
            },
            "created_at": stamp(CREATED),
            "updated_at": stamp(self.updated_at),
        }


@dataclass
class FakeReply:
    id: int
    lead_id: int | None
    campaign_id: int | None
    received_at: datetime
    interested: bool = False
    folder: str = "Inbox"
    type: str = "Tracked Reply"
    automated: bool = False


@dataclass
class FakeCampaign:
    """A campaign. `counts` are its mails and events by label and day, from which its totals follow."""

    id: int
    name: str
    counts: dict[str, Counter[date]] = field(default_factory=dict)

    def add(self, label: str, day: date, number: int = 1) -> None:
        self.counts.setdefault(label, Counter())[day] += number

    def total(self, label: str) -> int:
        return self.counts.get(label, Counter()).total()


class FakeWorkspace:
    """The data. `variables` are the names of custom variables; a lead can have no others."""

    def __init__(self) -> None:
        self.campaigns: dict[int, FakeCampaign] = {}
        self.leads: dict[int, FakeLead] = {}
        self.replies: dict[int, FakeReply] = {}
        self.variables: list[str] = []
        self.senders: dict[int, str] = {}
        self.webhooks: dict[int, dict[str, Any]] = {}

    def add_campaign(self, campaign_id: int, name: str) -> FakeCampaign:
        return self.campaigns.setdefault(campaign_id, FakeCampaign(campaign_id, name))

    def add_lead(self, email: str, campaigns: Iterable[int] = (), **values: Any) -> FakeLead:
        """Adds a lead, in the sequence of these campaigns."""
        lead = FakeLead(id=len(self.leads) + 1, email=email, **values)
        lead.campaigns = {one: FakeMembership(emails_sent=1) for one in campaigns}
        self.leads[lead.id] = lead
        return lead

    def find_lead(self, name: str) -> FakeLead | None:
        """Finds a lead by its id or email."""
        if name.isdecimal():
            return self.leads.get(int(name))
        return next((one for one in self.leads.values() if one.email.casefold() == name.casefold()), None)

    def reply(self, lead: FakeLead, campaign_id: int, at: datetime, **values: Any) -> FakeReply:
        """Adds a reply of the lead; `interested` marks it, and `folder="Bounced"` makes it a bounce."""
        reply = FakeReply(id=len(self.replies) + 1, lead_id=lead.id, campaign_id=campaign_id, received_at=at, **values)
        self.replies[reply.id] = reply
        membership = lead.campaigns.setdefault(campaign_id, FakeMembership(emails_sent=1))
        campaign = self.campaigns[campaign_id]
        lead.updated_at = max(lead.updated_at, at)
        if reply.folder == "Bounced":
            lead.status = membership.status = "bounced"
            campaign.add("Bounced", at.date())
            return reply
        membership.status = "replied"
        membership.replies += 1
        campaign.add("Replied", at.date())
        if reply.interested:
            membership.interested = True
            campaign.add("Interested", at.date())
        return reply

    def send(self, lead: FakeLead, campaign_id: int, at: datetime | None, sender: str, **values: Any) -> FakeMail:
        """Adds a mail to the lead; one without a time is only scheduled."""
        numbers = {email: number for number, email in self.senders.items()}
        number = numbers.get(sender, len(self.senders) + 1)
        self.senders[number] = sender
        mail = FakeMail(campaign_id, at, number, **values)
        lead.mails.append(mail)
        sent = [one for one in lead.mails if one.campaign_id == campaign_id and one.sent_at is not None]
        lead.campaigns.setdefault(campaign_id, FakeMembership()).emails_sent = len(sent)
        lead.updated_at = max(lead.updated_at, at or lead.updated_at)
        return mail

    def shown_mail(self, one: FakeMail) -> dict[str, Any]:
        return {
            "id": 1,
            "campaign_id": one.campaign_id,
            "sender_email_id": one.sender_id,
            "sequence_step_id": 3,
            "thread_reply": True,
            "email_subject": "Hello",
            "email_body": "dummy email body",
            "status": "scheduled" if one.sent_at is None else "sent",
            "scheduled_date": stamp(one.sent_at or CREATED),
            "sent_at": stamp(one.sent_at),
            "opens": 0,
            "clicks": 0,
            "replies": one.replies,
            "interested": one.interested,
        }

    def unsubscribe(self, lead: FakeLead, at: datetime) -> None:
        lead.status, lead.updated_at = "unsubscribed", max(lead.updated_at, at)

    def shown_reply(self, one: FakeReply) -> dict[str, Any]:
        lead = self.leads.get(one.lead_id or 0)
        without_campaigns = None if lead is None else lead.shown()
        if without_campaigns is not None:
            del without_campaigns["lead_campaign_data"]
        return {
            "id": one.id,
            "uuid": str(uuid5(NAMESPACE_URL, f"reply/{one.id}")),
            "folder": one.folder,
            "subject": "Re: hello",
            "read": False,
            "interested": one.interested,
            "automated_reply": one.automated,
            "html_body": "<p>Yes.</p>",
            "text_body": "Yes.",
            "raw_body": None,
            "headers": None,
            "date_received": stamp(one.received_at),
            "type": one.type,
            "tracked_reply": True,
            "scheduled_email_id": None,
            "campaign_id": one.campaign_id,
            "lead_id": one.lead_id,
            "lead": without_campaigns,
            "sender_email_id": 3,
            "raw_message_id": f"<{one.id}@mail.example>",
            "from_name": None if lead is None else lead.first_name,
            "from_email_address": "mailer@mail.example" if lead is None else lead.email,
            "primary_to_email_address": "ben@outbound.example",
            "to": [{"name": "Ben", "address": "ben@outbound.example"}],
            "cc": None,
            "bcc": None,
            "parent_id": None,
            "attachments": [],
            "created_at": stamp(one.received_at),
            "updated_at": stamp(one.received_at),
        }

    def shown_campaign(self, one: FakeCampaign) -> dict[str, Any]:
        members = [lead.campaigns[one.id] for lead in self.leads.values() if one.id in lead.campaigns]
        return {
            "id": one.id,
            "uuid": str(uuid5(NAMESPACE_URL, f"campaign/{one.id}")),
            "name": one.name,
            "type": "outbound",
            "status": "Active",
            "completion_percentage": 45.23,
            "emails_sent": one.total("Sent"),
            "opened": 0,
            "unique_opens": 0,
            "replied": one.total("Replied"),
            "unique_replies": sum(member.replies > 0 for member in members),
            "bounced": one.total("Bounced"),
            "unsubscribed": one.total("Unsubscribed"),
            "interested": one.total("Interested"),
            "total_leads_contacted": sum(member.emails_sent > 0 for member in members),
            "total_leads": len(members),
            "created_at": stamp(CREATED),
            "updated_at": stamp(CREATED),
            "tags": [],
        }


def webhook_body(event: str, data: Mapping[str, Any], *, workspace_id: int = 1) -> dict[str, Any]:
    """Returns the body of a webhook; `event` is its type in capitals, such as LEAD_REPLIED."""
    return {
        "event": {
            "type": event,
            "name": event.replace("_", " ").title(),
            "instance_url": "https://dedi.emailbison.example",
            "workspace_id": workspace_id,
            "workspace_name": "Cody's Team",
        },
        "data": dict(data),
    }
