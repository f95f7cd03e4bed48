"""The tables of the analysis: facts about meetings and deals, and their counts by week.

Triggers raise the version of a week when its facts change, no matter who changes them. A count is valid for one
version. No foreign key ties the facts to bookings and deals: the projector removes them together, and a repair, which
may replace a deal, leaves those facts alone that are right.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from showup.database.metadata import Instant, metadata

# One row for each booking, as `analysis.facts.MeetingFacts` describes it.
booking_facts = Table(
    "booking_facts",
    metadata,
    Column("booking_id", UUID, primary_key=True),
    Column("workspace_id", UUID, nullable=False),
    Column("day", Date, nullable=False),
    Column("booked_day", Date, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("organizer", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("lead_days", SmallInteger, nullable=False),
    Column("lead_hours", Integer, nullable=False),
    Column("attendee_hour", SmallInteger),
    Column("moves", SmallInteger, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    Column("cancelled_before", Integer),
    Column("moved_before", Integer),
    Column("interest_hours", Integer),
    # When it was booked, and the seats of its attendees if it is neither cancelled nor rejected, without those that
    # were taken later: how many, and how many of these came or did not.
    Column("booked_at", Instant, nullable=False),
    Column("seats", SmallInteger, nullable=False),
    Column("seats_showed", SmallInteger, nullable=False),
    Column("seats_missed", SmallInteger, nullable=False),
    # The booking's version, and the reminders delivered for the version that was counted; not from the log.
    Column("version", Integer, nullable=False),
    Column("reminders", SmallInteger, nullable=False, server_default="0"),
    Column("counted_version", Integer),
    Index("ix_booking_facts_day", "workspace_id", "day"),
    Index("ix_booking_facts_booked_day", "workspace_id", "booked_day"),
    Index(
        "ix_booking_facts_seats",
        *("workspace_id", "booked_at"),
        postgresql_include=["seats", "seats_showed", "seats_missed"],
        postgresql_where=text("seats > 0 AND NOT simulated"),
    ),
    Index(
        "ix_booking_facts_uncounted",
        "ends_at",
        postgresql_where=text("counted_version IS DISTINCT FROM version"),
    ),
)

# The stays of deals in stages, as `analysis.facts.StageVisit` describes them; `day` in the workspace's time zone.
stage_visits = Table(
    "stage_visits",
    metadata,
    Column("deal_id", UUID, nullable=False),
    Column("position", Integer, nullable=False),
    Column("workspace_id", UUID, nullable=False),
    Column("day", Date, nullable=False),
    Column("organizer", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("stage", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("hours", Integer),
    PrimaryKeyConstraint("deal_id", "position"),
    Index("ix_stage_visits_day", "workspace_id", "day"),
)

# The weeks (by their Monday) that have facts. Each change of the facts raises the version.
fact_weeks = Table(
    "fact_weeks",
    metadata,
    Column("workspace_id", UUID, nullable=False),
    Column("subject", Text, nullable=False),
    Column("week", Date, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace_id", "subject", "week"),
)

# The weeks that are counted: valid for this version, and before `valid_until`, when a meeting of the week ends.
week_summaries = Table(
    "week_summaries",
    metadata,
    Column("workspace_id", UUID, nullable=False),
    Column("subject", Text, nullable=False),
    Column("week", Date, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("valid_until", Instant),
    Column("counted_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "subject", "week"),
)

# The counts of a week for each combination of filters; NULL: any. `cells`: {cell: count}, as `analysis.subjects` says.
week_counts = Table(
    "week_counts",
    metadata,
    Column("workspace_id", UUID, nullable=False),
    Column("subject", Text, nullable=False),
    Column("week", Date, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("organizer", Text),
    Column("source", Text),
    Column("event_type", Text),
    Column("cells", JSONB, nullable=False),
    Index("ix_week_counts_week", "workspace_id", "subject", "week"),
    Index("ix_week_counts_filters", "workspace_id", "subject", "organizer", "source", "event_type", "week"),
)
