"""The event log, its proof and its totals, and the audit log: what each event changed."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from showup.database.metadata import Instant, metadata

inbox_events = Table(
    "inbox_events",
    metadata,
    Column("id", UUID, primary_key=True),
    # NULL for manual events, and for Resend's reports about our mails: `actor` says who.
    Column("account_id", UUID, ForeignKey("connections.id")),
    Column("actor", Text),
    # NULL until the account's routes have decided; only a replayed event is routed again.
    Column("workspace_id", UUID, ForeignKey("workspaces.id")),
    # Who speaks in the body, which decides how it is read: calcom, manual (a person) or resend.
    Column("source", Text, nullable=False, server_default="calcom"),
    # How it came: webhook, reconcile, backfill, sample, simulation or manual.
    Column("origin", Text, nullable=False, server_default="webhook"),
    Column("received_at", Instant, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    # Of a redacted body: takes the digest's place in the order of events of the same time and kind.
    Column("order_digest", LargeBinary),
    Column("content_type", Text),
    Column("webhook_version", Text),
    Column("source_address", Text),
    # The source's own id of the event, if it gives one: it identifies repeated events.
    Column("source_id", Text),
    Column("duplicate_of", UUID, ForeignKey("inbox_events.id")),
    Column("state", Text, nullable=False, server_default="pending"),
    Column("because", Text),
    Column("trigger", Text),
    Column("uid", Text),
    Column("source_at", Instant),
    Column("booking_id", UUID),
    # The position in the workspace's feed, assigned by the applier: a rebuild replays in this order.
    Column("number", BigInteger),
    # When a person replayed it: since then it counts as received at that time.
    Column("replayed_at", Instant),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("next_try_at", Instant),
    Column("processed_at", Instant),
    CheckConstraint(
        "state IN ('pending', 'applied', 'ignored', 'unreadable', 'waiting', 'failed', 'duplicate', 'refused', "
        "'erased')",
        name="state",
    ),
    # Never twice (IN4): the second copy of a body points to the first and stays out of this index.
    Index(
        "uq_inbox_events_digest",
        "account_id",
        "digest",
        unique=True,
        postgresql_where=text("duplicate_of IS NULL"),
    ),
    Index(
        "uq_inbox_events_source_id",
        "workspace_id",
        "source_id",
        unique=True,
        postgresql_where=text("source_id IS NOT NULL AND duplicate_of IS NULL"),
    ),
    # Provider feedback that waits for its mail is looked up every second.
    Index(
        "ix_inbox_events_feedback",
        "received_at",
        postgresql_where=text("source = 'resend' AND state = 'waiting'"),
    ),
    Index(
        "ix_inbox_events_unprocessed",
        "workspace_id",
        "received_at",
        postgresql_where=text("state IN ('pending', 'failed')"),
    ),
    Index("ix_inbox_events_received_at", "received_at", "id"),
    # Few failed, and each metrics collection counts them.
    Index("ix_inbox_events_failed", "id", postgresql_where=text("state = 'failed'")),
    # Few unreadable, and each health check counts the new ones.
    Index("ix_inbox_events_unreadable", "processed_at", postgresql_where=text("state = 'unreadable'")),
    # An event can only be deleted if nothing is its duplicate.
    Index("ix_inbox_events_duplicate_of", "duplicate_of", postgresql_where=text("duplicate_of IS NOT NULL")),
    # The few that wait for a workspace are looked up every second.
    Index("ix_inbox_events_homeless", "id", postgresql_where=text("workspace_id IS NULL AND state = 'waiting'")),
    Index("ix_inbox_events_booking_id", "booking_id", postgresql_where=text("booking_id IS NOT NULL")),
    Index("ix_inbox_events_uid", "account_id", "uid", postgresql_where=text("uid IS NOT NULL")),
)

# Alternate names of an event's booking: those under which a booking it waits for may still arrive, and the booking that
# an attendee left for another one.
event_refs = Table(
    "event_refs",
    metadata,
    Column("ref", Text, nullable=False),
    Column("event_id", UUID, ForeignKey("inbox_events.id"), nullable=False),
    PrimaryKeyConstraint("ref", "event_id"),
    Index("ix_event_refs_event_id", "event_id"),
)

# One link for each processed event, over the previous link and over the received bytes. It references no event row,
# because it must outlast a removed row and prove the removal. A salt is deleted when its event's body is erased.
chain = Table(
    "chain",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("event_id", UUID, nullable=False),
    Column("salt", LargeBinary),
    Column("commitment", LargeBinary, nullable=False),
    Column("link", LargeBinary, nullable=False),
    PrimaryKeyConstraint("workspace_id", "number"),
    # An erasure erases the salts of all links of an event.
    Index("ix_chain_event_id", "event_id"),
)

# Precomputed for metrics: counting the log would take ever longer.
totals = Table(
    "totals",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("amount", Double, nullable=False),
    PrimaryKeyConstraint("workspace_id", "name", "label"),
)

# What each event changed, and why.
audit_log = Table(
    "audit_log",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("event_id", UUID, nullable=False),
    Column("actor", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("change", JSONB, nullable=False, server_default="{}"),
    Column("order_key", Text, nullable=False),
    Column("booking_id", UUID),
    Column("person_id", UUID),
    Column("company_id", UUID),
    Column("deal_id", UUID),
    PrimaryKeyConstraint("workspace_id", "number"),
    Index("ix_audit_log_event_id", "event_id"),
    Index("ix_audit_log_booking_id", "booking_id", postgresql_where=text("booking_id IS NOT NULL")),
    Index("ix_audit_log_deal_id", "deal_id", postgresql_where=text("deal_id IS NOT NULL")),
    Index("ix_audit_log_company_id", "company_id", postgresql_where=text("company_id IS NOT NULL")),
    Index("ix_audit_log_person_id", "person_id", postgresql_where=text("person_id IS NOT NULL")),
)
