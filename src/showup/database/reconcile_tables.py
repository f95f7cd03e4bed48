"""What was asked of Cal.com's API about bookings, how far, and what came of it."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from showup.database.metadata import Instant, metadata

# One row for each Cal.com account that has an API key.
syncs = Table(
    "syncs",
    metadata,
    Column("account_id", UUID, ForeignKey("connections.id"), primary_key=True),
    # What was before that is a matter of a backfill.
    Column("began_at", Instant, nullable=False),
    # Whatever changed at Cal.com before this has been compared; NULL before the first time.
    Column("compared_until", Instant),
    Column("next_at", Instant, nullable=False),
    # Whoever asks Cal.com about the account has it to itself until then.
    Column("leased_by", UUID),
    Column("leased_until", Instant),
    Column("last_ok_at", Instant),
    Column("failing_since", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("because", Text),
)

# One row for each time that bookings were compared.
reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("account_id", UUID, ForeignKey("connections.id"), nullable=False),
    Column("kind", Text, CheckConstraint("kind IN ('poll', 'backfill')", name="kind"), nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint("state IN ('running', 'done', 'failed')", name="state"),
        nullable=False,
        server_default="running",
    ),
    Column("because", Text),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    # What was asked for: all that changed, or, in a backfill, all that was booked, between these.
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    # From where a backfill goes on if it is broken off; written with each page.
    Column("place", JSONB),
    Column("looked_at", Integer, nullable=False, server_default="0"),
    Column("healed", JSONB, nullable=False, server_default="{}"),
    # How many bookings differ in a way that no event of ours puts right, and some of them.
    Column("drifting", Integer, nullable=False, server_default="0"),
    Column("drift", JSONB, nullable=False, server_default="[]"),
    Index("ix_reconciliations_account_id", "account_id", "started_at"),
)
