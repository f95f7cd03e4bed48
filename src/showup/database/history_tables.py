"""The history of deals, and the identities that were merged: what the projector needs beside the event log."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from showup.database.metadata import Instant, metadata

# The deal events of each stream (of a booking, or of a deal that a person opened), in source order.
deal_events = Table(
    "deal_events",
    metadata,
    Column("company_id", UUID, ForeignKey("companies.id"), nullable=False),
    # The booking, or the event by which a person opened the deal.
    Column("stream_id", UUID, nullable=False),
    # Of a company with seats in a booking of another company: the booking, and the company's deal.
    Column("booking_id", UUID),
    Column("deal_id", UUID),
    Column("position", Integer, nullable=False),
    Column("order_key", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("event_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("organizer_email", Text),
    Column("start_time", Instant),
    Column("series_uid", Text),
    # {change, to, actor} of a manual event; NULL otherwise.
    Column("manual", JSONB),
    PrimaryKeyConstraint("stream_id", "position"),
    Index("ix_deal_events_company_id", "company_id"),
    Index("ix_deal_events_booking_id", "booking_id", postgresql_where=text("booking_id IS NOT NULL")),
    Index("ix_deal_events_deal_id", "deal_id", postgresql_where=text("deal_id IS NOT NULL")),
)

# Merged identities (PI12): two people by their emails, two companies by their keys. An undone merge has no row.
merges = Table(
    "merges",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("kind", Text, CheckConstraint("kind IN ('people', 'companies')", name="kind"), nullable=False),
    Column("gone", Text, nullable=False),
    Column("stays", Text, nullable=False),
    Column("gone_id", UUID, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "kind", "gone"),
    Index("ix_merges_gone_id", "gone_id"),
)
