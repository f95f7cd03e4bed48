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
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB, UUID

from showup.database.metadata import Instant, metadata

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("booking_id", UUID, nullable=False),
    Column("event_id", UUID, nullable=False),
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
        CheckConstraint("outcome IN ('delivered', 'try_again', 'gave_up', 'stopped', 'lost')", name="outcome"),
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
