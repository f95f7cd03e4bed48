"""A lead: a person whom campaigns write to, known by email address; and what one campaign knows about them."""

from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct


class Lead(Struct, frozen=True, kw_only=True):
    """A person to win, by email. `other_emails` are further addresses of the same person."""

    email: str
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    company: str | None = None
    other_emails: tuple[str, ...] = ()


class Signals(Struct, frozen=True, kw_only=True):
    """What a campaign reported about a lead. None: the campaign says nothing about it.

    `sent` counts mails, `step` is the number of the mail that was answered, and `sender_email` the mailbox that wrote.
    A time may be unknown although the thing happened: most exports only say yes or no.
    """

    sent: int | None = None
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    replied: bool | None = None
    replied_at: datetime | None = None
    interested: bool | None = None
    interested_at: datetime | None = None
    bounced: bool | None = None
    bounced_at: datetime | None = None
    unsubscribed: bool | None = None
    unsubscribed_at: datetime | None = None
    step: int | None = None
    sender_email: str | None = None


def lead_id(workspace_id: UUID, email: str) -> UUID:
    """Return the id of a workspace's lead; it follows from the address, which is how matches name a lead."""
    return uuid5(workspace_id, f"lead:{email}")
