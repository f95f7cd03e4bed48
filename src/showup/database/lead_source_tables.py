"""Tables of a source of leads, EmailBison: its workspaces, statistics, and how far its lists were read."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import UUID

from showup.database.metadata import Instant, metadata

# The workspace of EmailBison that the token of a connection opens.
lead_sources = Table(
    "lead_sources",
    metadata,
    Column("connection_id", UUID, ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("url", Text, nullable=False),
    # EmailBison's number and name of it.
    Column("number", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("read_at", Instant, nullable=False),
    # When the statistics of all campaigns were last complete.
    Column("statistics_read_at", Instant),
)

# A campaign's totals since its start, as EmailBison counts them: mails, and people in `contacted`, `replied` and
# `interested`.
campaign_totals = Table(
    "campaign_totals",
    metadata,
    Column("workspace_id", UUID, nullable=False),
    Column("campaign_id", BigInteger, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("bounced", Integer, nullable=False),
    Column("contacted", Integer, nullable=False),
    Column("replied", Integer, nullable=False),
    Column("interested", Integer, nullable=False),
    Column("unsubscribed", Integer, nullable=False),
    Column("leads", Integer, nullable=False),
    Column("read_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "campaign_id"),
    ForeignKeyConstraint(["workspace_id", "campaign_id"], ["campaigns.workspace_id", "campaigns.id"]),
)

# What a campaign did on each day, in EmailBison's time zone; a day without anything has no row.
campaign_days = Table(
    "campaign_days",
    metadata,
    Column("workspace_id", UUID, nullable=False),
    Column("campaign_id", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("sent", Integer, nullable=False, server_default="0"),
    Column("bounced", Integer, nullable=False, server_default="0"),
    Column("replied", Integer, nullable=False, server_default="0"),
    Column("interested", Integer, nullable=False, server_default="0"),
    Column("unsubscribed", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("workspace_id", "campaign_id", "day"),
    ForeignKeyConstraint(["workspace_id", "campaign_id"], ["campaigns.workspace_id", "campaigns.id"]),
)

# How far a list was read, from its newest item to its oldest; written with each batch.
lead_walks = Table(
    "lead_walks",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("list", Text, CheckConstraint("list IN ('leads', 'replies', 'changed_leads')", name="list"), nullable=False),
    # The instance and the number of its workspace: another one has other leads.
    Column("origin", Text, nullable=False),
    # Where the walk continues; NULL: at the beginning, or it has ended.
    Column("cursor", Text),
    # The newest item of the walk in progress, and of the last one that ended: all up to it are known.
    Column("newest", BigInteger),
    Column("known_until", BigInteger),
    # Changes from this day on are wanted, by the list of changed leads.
    Column("since", Date),
    Column("read", BigInteger, nullable=False, server_default="0"),
    # How many items the whole list had when its first walk began.
    Column("expected", BigInteger),
    Column("started_at", Instant),
    Column("first_ended_at", Instant),
    Column("ended_at", Instant),
    PrimaryKeyConstraint("workspace_id", "list"),
)

# EmailBison's mailboxes that write to leads, by its numbers; without an address where it doesn't know one.
mail_senders = Table(
    "mail_senders",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("email", Text),
    PrimaryKeyConstraint("workspace_id", "number"),
)

# Leads that a webhook named: EmailBison signs nothing, so its API is asked about them.
reported_leads = Table(
    "reported_leads",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    # EmailBison's number of the lead, or its address.
    Column("lead", Text, nullable=False),
    Column("reported_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "lead"),
)
