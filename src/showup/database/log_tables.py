"""The log, what proves it, and the totals of what was made of it."""

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
from sqlalchemy.dialects.postgresql import UUID

from showup.database.metadata import Instant, metadata

calcom_events = Table(
    "calcom_events",
    metadata,
    Column("id", UUID, primary_key=True),
    # NULL for what people did here, and for what Resend says of our mails: `actor` says who.
    Column("account_id", UUID, ForeignKey("connections.id")),
    Column("actor", Text),
    # NULL until the account's routes have decided; only an event that is run again is sorted again.
    Column("workspace_id", UUID, ForeignKey("workspaces.id")),
    Column("origin", Text, nullable=False, server_default="webhook"),
    Column("received_at", Instant, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("content_type", Text),
    Column("webhook_version", Text),
    Column("source_address", Text),
    # The source's own id of what it sent, where it gives one: by it what comes again is known.
    Column("source_id", Text),
    Column("duplicate_of", UUID, ForeignKey("calcom_events.id")),
    Column("state", Text, nullable=False, server_default="kept"),
    Column("because", Text),
    Column("trigger", Text),
    Column("uid", Text),
    Column("source_at", Instant),
    Column("booking_id", UUID),
    # The place in the workspace's feed, given by the applier: a rebuild folds in this order.
    Column("number", BigInteger),
    # When somebody had it run again: from then on it is news of that moment, and no longer of its arrival.
    Column("replayed_at", Instant),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("next_try_at", Instant),
    Column("settled_at", Instant),
    CheckConstraint(
        "state IN ('kept', 'applied', 'ignored', 'unreadable', 'waiting', 'failed', 'duplicate', 'refused')",
        name="state",
    ),
    # Never twice (IN4): the second copy of a body points at the first and stays out of this index.
    Index(
        "uq_calcom_events_digest",
        "account_id",
        "digest",
        unique=True,
        postgresql_where=text("duplicate_of IS NULL"),
    ),
    Index(
        "uq_calcom_events_source_id",
        "workspace_id",
        "source_id",
        unique=True,
        postgresql_where=text("source_id IS NOT NULL AND duplicate_of IS NULL"),
    ),
    # Feedback that waits for its mail is looked for every second.
    Index(
        "ix_calcom_events_feedback",
        "received_at",
        postgresql_where=text("origin = 'resend' AND state = 'waiting'"),
    ),
    Index(
        "ix_calcom_events_unsettled",
        "workspace_id",
        "received_at",
        postgresql_where=text("state IN ('kept', 'failed')"),
    ),
    Index("ix_calcom_events_received_at", "received_at", "id"),
    # Few failed, and they are counted whenever somebody measures.
    Index("ix_calcom_events_failed", "id", postgresql_where=text("state = 'failed'")),
    # The few that wait for a workspace are looked for every second.
    Index("ix_calcom_events_homeless", "id", postgresql_where=text("workspace_id IS NULL AND state = 'waiting'")),
    Index("ix_calcom_events_booking_id", "booking_id", postgresql_where=text("booking_id IS NOT NULL")),
    Index("ix_calcom_events_uid", "account_id", "uid", postgresql_where=text("uid IS NOT NULL")),
)

# Further names under which an event concerns a booking: those under which a booking it waits for may still come, and
# the booking that an attendee left for another one.
event_refs = Table(
    "event_refs",
    metadata,
    Column("ref", Text, nullable=False),
    Column("event_id", UUID, ForeignKey("calcom_events.id"), nullable=False),
    PrimaryKeyConstraint("ref", "event_id"),
    Index("ix_event_refs_event_id", "event_id"),
)

# One link for every settlement, each over the one before and over what had reached us. It refers to no event's row,
# since it has to outlast one that was taken out, and say so. A salt goes when its event's body is erased.
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
)

# For whoever measures: counting the log would take ever longer.
totals = Table(
    "totals",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("amount", Double, nullable=False),
    PrimaryKeyConstraint("workspace_id", "name", "label"),
)
