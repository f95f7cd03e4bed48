"""The tables of what is told to the outside: what is to be told, every attempt at it, and what holds it up.

The row of a delivery is the truth; a job of PgQueuer only says that it is time to look at the rows.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB, UUID

from showup.database.metadata import Instant, metadata

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    # NULL where it is about no booking; then nobody's story calls for it, and none takes it back.
    Column("booking_id", UUID),
    Column("deal_id", UUID),
    Column("event_id", UUID),
    # What the effect means, once and for all: the same key is never told twice.
    Column("key", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("recipient", Text),
    # Of what is due, the higher goes first.
    Column("priority", SmallInteger, nullable=False, server_default="0"),
    Column("booking_version", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    # From then on it is not worth telling any more; NULL: it always is.
    Column("expires_at", Instant),
    # When somebody must look at it next: at its time, after a pause, or when whoever is sending it counts as dead.
    Column("wake_at", Instant, nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint(
            "state IN ('scheduled', 'sending', 'delivered', 'failed', 'withdrawn', 'skipped')", name="state"
        ),
        nullable=False,
    ),
    Column("because", Text),
    # The attempt that is under way, and why it is to be the last one: its story doesn't call for it any more.
    Column("attempt_id", UUID),
    Column("unwanted", Text),
    # Failures that count against the retry policy, and all attempts.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # Who withdrew it by hand: no story calls for it again.
    Column("withdrawn_by", Text),
    # Through whom it went, and under which id they know it.
    Column("provider", Text),
    Column("provider_id", Text),
    # The record there that it went to, and what was learned there beside it.
    Column("record", Text),
    Column("found", JSONB, nullable=False, server_default="{}"),
    # What a person has to decide before it can go on, and what they did decide.
    Column("question", JSONB),
    # What the provider said later of its way: delivered, delayed, bounced, complained, …
    Column("feedback", Text),
    Column("feedback_because", Text),
    Column("feedback_at", Instant),
    Column("details", JSONB, nullable=False, server_default="{}"),
    Column("simulated", Boolean, nullable=False, server_default=text("false")),
    Column("delivered_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "key"),
    Index(
        "ix_deliveries_lane",
        "workspace_id",
        "destination",
        "wake_at",
        postgresql_where=text("state IN ('scheduled', 'sending')"),
    ),
    # What of a lane goes next, in its order; wake_at is there so that what waits for another attempt is passed over.
    Index(
        "ix_deliveries_next",
        *("workspace_id", "destination", "priority", "due_at", "id", "wake_at"),
        postgresql_where=text("state IN ('scheduled', 'sending')"),
    ),
    Index(
        "ix_deliveries_expires_at",
        *("workspace_id", "destination", "expires_at"),
        postgresql_where=text("state IN ('scheduled', 'sending')"),
    ),
    Index("ix_deliveries_wake_at", "wake_at", postgresql_where=text("state IN ('scheduled', 'sending')")),
    Index("ix_deliveries_booking_id", "booking_id"),
    Index("ix_deliveries_deal_id", "deal_id", postgresql_where=text("deal_id IS NOT NULL")),
    Index("ix_deliveries_page", "workspace_id", "created_at", "id"),
    Index(
        "ix_deliveries_outbox",
        "workspace_id",
        "delivered_at",
        "id",
        postgresql_where=text("provider = 'outbox'"),
    ),
    Index("ix_deliveries_failed", "workspace_id", "updated_at", postgresql_where=text("state = 'failed'")),
    Index("ix_deliveries_provider_id", "provider_id", postgresql_where=text("provider_id IS NOT NULL")),
    Index(
        "ix_deliveries_recipient",
        "workspace_id",
        "recipient",
        postgresql_where=text("kind = 'follow_up' AND state = 'delivered'"),
    ),
)

# What is sent, rendered once: a second attempt sends the same bytes. The shape is its destination's.
delivery_contents = Table(
    "delivery_contents",
    metadata,
    Column("delivery_id", UUID, ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    # Not JSONB, which would give its fields back in another order, and so other bytes.
    Column("content", JSON, nullable=False),
    Column("rendered_at", Instant, nullable=False),
)

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("delivery_id", UUID, ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    # NULL while it is under way; lost: whoever made it died, and what came of it is not known.
    Column(
        "outcome",
        Text,
        CheckConstraint("outcome IN ('delivered', 'try_again', 'asked', 'gave_up', 'stopped', 'lost')", name="outcome"),
    ),
    Column("because", Text),
    Index("ix_delivery_attempts_delivery_id", "delivery_id"),
)

# One a destination of a workspace: how fast it may be told, and whether it is left in peace for now.
lanes = Table(
    "lanes",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("destination", Text, nullable=False),
    # A token a call; they grow back at the rate of the destination.
    Column("tokens", Double, nullable=False),
    Column("tokens_at", Instant, nullable=False),
    Column("paused_until", Instant),
    Column("because", Text),
    # Failures of the destination itself since it last took something, and since when.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failing_since", Instant),
    # When the newest call was begun that it answered: what began before says nothing of how it is now.
    Column("passed_at", Instant),
    PrimaryKeyConstraint("workspace_id", "destination"),
)

# Which kinds of news a destination of a workspace is told, and from when until when it was or is: what happened outside
# of that time was never for it. Attendees' mail needs none.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("destination", Text, nullable=False),
    Column("kinds", ARRAY(Text), nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    Index(
        "uq_subscriptions_open",
        *("workspace_id", "destination"),
        unique=True,
        postgresql_where=text("until IS NULL"),
    ),
)

# Outgoing webhooks: where to, and what they are signed with. Each is a destination of its own, `webhook:ID`.
endpoints = Table(
    "endpoints",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("kinds", ARRAY(Text), nullable=False),
    # Its secrets, sealed: the newest, and those that are still good for a while.
    Column("secrets", LargeBinary, nullable=False),
    # It failed for too long, or somebody stopped it; whatever comes meanwhile waits.
    Column("paused_at", Instant),
    Column("because", Text),
    Column("deleted_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_endpoints_workspace_id", "workspace_id", "created_at", "id"),
)

# A copy of a CRM's records, for what it can't be asked: who is called like that.
mirrored = Table(
    "mirrored",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("destination", Text, nullable=False),
    Column("list", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("title", Text, nullable=False),
    # The title as names are compared: lower case, without accents and signs; and its last word.
    Column("name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("email", Text),
    Column("url", Text),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "destination", "record"),
    Index("ix_mirrored_last_name", "workspace_id", "destination", "last_name"),
)

# How far the copy of a list has come.
mirrors = Table(
    "mirrors",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("destination", Text, nullable=False),
    Column("list", Text, nullable=False),
    Column("synced_until", Instant, nullable=False),
    Column("synced_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "destination", "list"),
)

# Addresses that are not written to any more, and why.
suppressions = Table(
    "suppressions",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("email", Text, nullable=False),
    # all: no mail at all; follow_up: no mail that nobody asked for.
    Column("scope", Text, CheckConstraint("scope IN ('all', 'follow_up')", name="scope"), nullable=False),
    Column(
        "reason",
        Text,
        CheckConstraint("reason IN ('bounced', 'complained', 'unsubscribed')", name="reason"),
        nullable=False,
    ),
    Column("because", Text, nullable=False),
    Column("delivery_id", UUID),
    Column("event_id", UUID),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "email", "scope"),
)
