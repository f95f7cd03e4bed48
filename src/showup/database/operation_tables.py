"""The tables that tell operators about faults, and what they have acknowledged."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from showup.database.metadata import Instant, metadata

# Refused webhooks since the last acknowledgement. Strangers cause these, so the rows are limited: two for each account
# or connection that exists, and one for all names that nobody has.
webhook_refusals = Table(
    "webhook_refusals",
    metadata,
    # Who signs: calcom, slack or resend. `name` is the account's or connection's, or empty if nobody has the name.
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column(
        "reason",
        Text,
        CheckConstraint("reason IN ('no_signature', 'wrong_signature', 'unknown_name')", name="reason"),
        nullable=False,
    ),
    Column("count", BigInteger, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    # How many came from each address: of the first addresses only.
    Column("sources", JSONB, nullable=False),
    PrimaryKeyConstraint("kind", "name", "reason"),
)

# Every acknowledgement of a warning: who, when and why. A fault after the newest one of its subject is shown again.
acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("because", Text),
    # The warning as it was shown.
    Column("message", Text, nullable=False),
    Index("ix_acknowledgements_subject", "subject", "at"),
)
