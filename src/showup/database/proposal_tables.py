"""The tables of proposals and of their PDF files."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from showup.database.metadata import Instant, metadata

# Replayed from the events of the booking. `recipient` is a person's address; texts may name people.
proposals = Table(
    "proposals",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("booking_id", UUID, ForeignKey("bookings.id"), nullable=False),
    # Counts the proposals of the booking's company.
    Column("number", Integer, nullable=False),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('draft', 'ready', 'sent', 'accepted', 'declined')", name="status"),
        nullable=False,
    ),
    Column("title", Text, nullable=False),
    Column("scope", Text, nullable=False),
    # A list of {description, quantity, unit_price}; the numbers are exact text.
    Column("items", JSONB, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total", Numeric(14, 2), nullable=False),
    Column("valid_until", Date),
    Column("recipient", Text),
    Column("notes", Text),
    Column("version", Integer, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("ready_at", Instant),
    Column("sent_at", Instant),
    Column("decided_at", Instant),
    # The event that set the present status, if a person marked it.
    Column("marked_by", UUID),
    Index("ix_proposals_booking_id", "booking_id"),
    Index("ix_proposals_workspace_id", "workspace_id"),
)

# The log has what was offered, not the bytes that show it. `version` is that of the proposal which the file shows.
proposal_files = Table(
    "proposal_files",
    metadata,
    Column("proposal_id", UUID, nullable=False),
    Column("version", Integer, nullable=False),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("pdf", LargeBinary, nullable=False),
    # A picture (PNG) of the first page.
    Column("picture", LargeBinary, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("made_at", Instant, nullable=False),
    PrimaryKeyConstraint("proposal_id", "version"),
    Index("ix_proposal_files_workspace_id", "workspace_id"),
)
