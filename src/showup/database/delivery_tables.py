"""The tables of deliveries: planned deliveries, every attempt, and what delays them.

The delivery row is the source of truth; a PgQueuer job only signals that it is time to check the rows.
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
    # NULL if it is about no booking; then no booking history requires or withdraws it.
    Column("booking_id", UUID),
    Column("deal_id", UUID),
    Column("event_id", UUID),
    # The permanent meaning of the effect: the same key is never delivered twice.
    Column("key", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("recipient", Text),
    # Of the due deliveries, higher values go first.
    Column("priority", SmallInteger, nullable=False, server_default="0"),
    Column("booking_version", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    # After this time the delivery expires; NULL: it never does.
    Column("expires_at", Instant),
    # When the dispatcher must check it next: at its time, after a pause, or when its lease ends.
    Column("wake_at", Instant, nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint(
            "state IN ('scheduled', 'sending', 'delivered', 'previewed', 'failed', 'withdrawn', 'skipped')",
            name="state",
        ),
        nullable=False,
    ),
    Column("because", Text),
    # The current attempt, and why it is the last one: the booking's history no longer requires the delivery.
    Column("attempt_id", UUID),
    Column("unwanted", Text),
    # Failures that count against the retry policy, and all attempts.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # The actor who withdrew it manually: no history plans it again.
    Column("withdrawn_by", Text),
    # The provider that sent it, and the provider's id for it.
    Column("provider", Text),
    Column("provider_id", Text),
    # The destination's record that received it, and further details learned there.
    Column("record", Text),
    Column("found", JSONB, nullable=False, server_default="{}"),
    # A decision that a person must make before the delivery can continue, and the decision made.
    Column("question", JSONB),
    # The status the provider reported later: delivered, delayed, bounced, complained, …
    Column("feedback", Text),
    Column("feedback_because", Text),
    Column("feedback_at", Instant),
    Column("details", JSONB, nullable=False, server_default="{}"),
    Column("simulated", Boolean, nullable=False, server_default=text("false")),
    # NULL for a mail that is only in the mail preview.
    Column("delivered_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "key"),
    Index(
        "ix_deliveries_queue",
        "workspace_id",
        "destination",
        "wake_at",
        postgresql_where=text("state IN ('scheduled', 'sending')"),
    ),
    # The next deliveries of a queue, in order; wake_at lets the query skip those that wait for another attempt.
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
        "ix_deliveries_mail_preview",
        *("workspace_id", "updated_at", "id"),
        postgresql_where=text("state = 'previewed'"),
    ),
    Index(
        *("ix_deliveries_follow_ups", "workspace_id", "booking_id"),
        postgresql_where=text("kind = 'no_show' AND state = 'delivered'"),
    ),
    Index("ix_deliveries_failed", "workspace_id", "updated_at", postgresql_where=text("state = 'failed'")),
    # The last success of a destination, and how many it received lately.
    Index(
        "ix_deliveries_delivered",
        *("workspace_id", "destination", "delivered_at"),
        postgresql_where=text("delivered_at IS NOT NULL"),
    ),
    Index("ix_deliveries_provider_id", "provider_id", postgresql_where=text("provider_id IS NOT NULL")),
    Index(
        "ix_deliveries_record",
        *("workspace_id", "destination", "record"),
        postgresql_where=text("record IS NOT NULL"),
    ),
    Index(
        "ix_deliveries_recipient",
        "workspace_id",
        "recipient",
        postgresql_where=text("kind = 'no_show' AND state = 'delivered'"),
    ),
)

# The rendered request, stored once: a second attempt sends the same bytes. Its format depends on the destination.
delivery_contents = Table(
    "delivery_contents",
    metadata,
    Column("delivery_id", UUID, ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    # Not JSONB, which would reorder the fields and so change the bytes.
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
    # NULL while it is in progress; lost: the process that made it died, and the result is unknown.
    Column(
        "outcome",
        Text,
        CheckConstraint(
            "outcome IN ('delivered', 'previewed', 'try_again', 'asked', 'gave_up', 'stopped', 'lost')", name="outcome"
        ),
    ),
    Column("because", Text),
    Index("ix_delivery_attempts_delivery_id", "delivery_id"),
)

# One row for each destination of a workspace: its rate limit, and whether it is paused after repeated failures.
destination_queues = Table(
    "destination_queues",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("destination", Text, nullable=False),
    # Each call takes a token; tokens refill at the rate of the destination.
    Column("tokens", Double, nullable=False),
    Column("tokens_at", Instant, nullable=False),
    Column("paused_until", Instant),
    Column("because", Text),
    # Failures of the destination itself since its last success, and since when.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("failing_since", Instant),
    # When the newest answered call began: older calls say nothing about the current state.
    Column("passed_at", Instant),
    PrimaryKeyConstraint("workspace_id", "destination"),
)

# Which kinds of events a workspace's destination receives, and in which period: events outside that period were never
# for it. Attendees' mail needs no such row.
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

# Outgoing webhooks: their URL and signing secrets. Each is a destination of its own, `webhook:ID`.
endpoints = Table(
    "endpoints",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("kinds", ARRAY(Text), nullable=False),
    # Its encrypted secrets: the newest, and older ones that are still valid for a while.
    Column("secrets", LargeBinary, nullable=False),
    # It failed for too long, or a person paused it; new deliveries wait meanwhile.
    Column("paused_at", Instant),
    Column("because", Text),
    Column("deleted_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_endpoints_workspace_id", "workspace_id", "created_at", "id"),
)

# A copy of a CRM's records, for queries that its API does not offer, such as search by similar name.
mirrored_records = Table(
    "mirrored_records",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("destination", Text, nullable=False),
    Column("list", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("title", Text, nullable=False),
    # The title normalized for comparison: lower case, without accents and punctuation; and its last word.
    Column("name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("email", Text),
    Column("url", Text),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "destination", "record"),
    Index("ix_mirrored_records_last_name", "workspace_id", "destination", "last_name"),
    Index("ix_mirrored_records_email", "workspace_id", "destination", "email"),
)

# The progress of copying a list.
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

# The last calendar file that each recipient was sent for an iCalendar uid: it must be updated, or cancelled.
calendar_entries = Table(
    "calendar_entries",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("uid", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("booking_id", UUID, nullable=False),
    Column("method", Text, CheckConstraint("method IN ('REQUEST', 'CANCEL')", name="method"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("organizer", Text, nullable=False),
    Column("start_time", Instant, nullable=False),
    Column("sent_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "uid", "recipient"),
    Index("ix_calendar_entries_booking_id", "booking_id"),
)

# Suppressed addresses and phone numbers (in E.164 form), and why.
suppressions = Table(
    "suppressions",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("email", Text),
    Column("phone", Text),
    # all: no mail or text message at all; follow_up: no unrequested mail.
    Column("scope", Text, CheckConstraint("scope IN ('all', 'follow_up')", name="scope"), nullable=False),
    Column(
        "reason",
        Text,
        CheckConstraint("reason IN ('bounced', 'complained', 'unsubscribed', 'unreachable')", name="reason"),
        nullable=False,
    ),
    Column("because", Text, nullable=False),
    Column("delivery_id", UUID),
    Column("event_id", UUID),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "email", "scope"),
    UniqueConstraint("workspace_id", "phone", "scope"),
    CheckConstraint("num_nonnulls(email, phone) = 1", name="recipient"),
)
