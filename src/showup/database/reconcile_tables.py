"""Tables of what is read from other systems' APIs: the progress of each account, and the comparisons with Cal.com."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from showup.database.metadata import Instant, metadata

# One row for each Cal.com account that has an API key, and for each connection to EmailBison.
syncs = Table(
    "syncs",
    metadata,
    Column("account_id", UUID, ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True),
    # Bookings before this time are left to a backfill.
    Column("began_at", Instant, nullable=False),
    # All changes there before this time have been compared; NULL before the first comparison.
    Column("compared_until", Instant),
    Column("next_at", Instant, nullable=False),
    # The process that calls the API for this account has a lease until then.
    Column("leased_by", UUID),
    Column("leased_until", Instant),
    Column("last_ok_at", Instant),
    Column("failing_since", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("because", Text),
)

# One row for each comparison of bookings.
reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("account_id", UUID, ForeignKey("connections.id"), nullable=False),
    Column("kind", Text, CheckConstraint("kind IN ('poll', 'backfill')", name="kind"), nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
        nullable=False,
        server_default="running",
    ),
    Column("because", Text),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    # The requested range: all that changed or, in a backfill, all that was booked, between these.
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    # Where an interrupted backfill continues; written with each page.
    Column("place", JSONB),
    Column("looked_at", Integer, nullable=False, server_default="0"),
    Column("repaired", JSONB, nullable=False, server_default="{}"),
    # The number of bookings with differences that no event of ours can fix, and some examples.
    Column("drifting", Integer, nullable=False, server_default="0"),
    Column("drift", JSONB, nullable=False, server_default="[]"),
    Index("ix_reconciliations_account_id", "account_id", "started_at"),
)
