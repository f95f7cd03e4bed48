"""The tables of funnels and statistics: narrow rows that the projector computes, and sums of rows that triggers keep.

A trigger adds the difference between a statement's rows before and after it to the sums, in the same transaction, no
matter who changes the rows. So a sum equals a count of the rows at any time. Weeks begin on Monday, in UTC; rows
without a date are in the week `-infinity`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from showup.database.metadata import Instant, metadata

# What becomes of a person in all their seats as a lead, and in those of one campaign, of one organizer, or of both; and
# of a person whom no campaign brought, in the seats that have no match (`matched`: false).
# `levels` are the bits of `campaigns.funnel.LEVEL_BITS` that the row stands for: a person with one seat has one row for
# all of them. Merged people are one person: `funnel_seats.person_id`.
funnel_people = Table(
    "funnel_people",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("person_id", UUID, nullable=False),
    Column("matched", Boolean, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("levels", SmallInteger, nullable=False),
    # 0: several campaigns, or none. Empty: several organizers, or an unknown one. Zeros: several campaigns or leads, or
    # none.
    Column("campaign_id", BigInteger, nullable=False),
    Column("organizer_email", Text, nullable=False),
    Column("lead_id", UUID, nullable=False),
    # Of the lead in the campaign, as `reads.funnel_filter.MEMBERS` has them; 0 and empty: unknown.
    Column("step", Integer, nullable=False, server_default="0"),
    Column("sender_email", Text, nullable=False, server_default=""),
    # The person has seats in several campaigns, as several leads, or simulated and real ones.
    Column("shared", Boolean, nullable=False),
    # Of the latest seat.
    Column("booked_at", Instant, nullable=False),
    Column("start_time", Instant, nullable=False),
    Column("over_at", Instant, nullable=False),
    Column("latest", SmallInteger, nullable=False),
    # The latest meetings that a report says were held, and that are assumed to be.
    Column("showed_at", Instant),
    Column("assumed_at", Instant),
    # The last reported meeting.
    Column("is_held", Boolean),
    Column("report_at", Instant),
    Column("report_over_at", Instant),
    # The outcome that counts, and its date. After `settled_at` it does not depend on the clock any more.
    Column("outcome", SmallInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("settled_at", Instant, nullable=False),
    PrimaryKeyConstraint("person_id", "simulated", "levels", "campaign_id", "organizer_email", "lead_id"),
    Index("ix_funnel_people_lead_id", "lead_id"),
    Index("ix_funnel_people_booked_at", "workspace_id", "matched", "booked_at"),
    Index("ix_funnel_people_at", "workspace_id", "matched", "at"),
    Index(
        *("ix_funnel_people_report_at", "workspace_id", "matched", "report_at"),
        postgresql_where=text("report_at IS NOT NULL"),
    ),
    Index("ix_funnel_people_settled_at", "workspace_id", "matched", "settled_at"),
    Index("ix_funnel_people_shared", "workspace_id", "matched", postgresql_where=text("shared")),
)

people_weeks = Table(
    "people_weeks",
    metadata,
    Column("workspace_id", UUID, nullable=False),
    # As `campaigns.funnel.LEVELS` numbers them; what a level does not distinguish is 0 or empty.
    Column("level", SmallInteger, nullable=False),
    Column("matched", Boolean, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("week", Date, nullable=False),
    Column("campaign_id", BigInteger, nullable=False),
    Column("step", Integer, nullable=False),
    Column("sender_email", Text, nullable=False),
    Column("organizer_email", Text, nullable=False),
    # By `booked_at`, by `at`, and by `report_at`; as if all meetings were over.
    Column("booked", BigInteger, nullable=False),
    Column("showed_reported", BigInteger, nullable=False),
    Column("showed_assumed", BigInteger, nullable=False),
    Column("no_show", BigInteger, nullable=False),
    Column("host_absent", BigInteger, nullable=False),
    Column("unreported", BigInteger, nullable=False),
    Column("open", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("missed", BigInteger, nullable=False),
    PrimaryKeyConstraint(
        *("workspace_id", "level", "matched", "simulated", "shared", "week"),
        *("campaign_id", "step", "sender_email", "organizer_email"),
    ),
)

# What leads in campaigns received and answered, by the week of each step.
mail_weeks = Table(
    "mail_weeks",
    metadata,
    Column("workspace_id", UUID, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("week", Date, nullable=False),
    Column("campaign_id", BigInteger, nullable=False),
    Column("step", Integer, nullable=False),
    Column("sender_email", Text, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("replied", BigInteger, nullable=False),
    Column("interested", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace_id", "level", "shared", "week", "campaign_id", "step", "sender_email"),
)

# The lead who brought a won deal: for each organizer of its meetings the first one, and `first` for all of them. Deals
# that no lead brought have rows too, for the first attendee.
funnel_deals = Table(
    "funnel_deals",
    metadata,
    Column("deal_id", UUID, nullable=False),
    Column("simulated", Boolean, nullable=False),
    # Empty: unknown.
    Column("organizer_email", Text, nullable=False),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("company_id", UUID, nullable=False),
    Column("closed_at", Instant),
    Column("amount", Numeric(14, 2)),
    Column("currency", Text),
    # None: no campaign brought it.
    Column("lead_id", UUID),
    Column("campaign_id", BigInteger),
    Column("step", Integer, nullable=False, server_default="0"),
    Column("sender_email", Text, nullable=False, server_default=""),
    # The order in which the first one is found; leads come before others.
    Column("of_other_company", Boolean, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Column("start_time", Instant, nullable=False),
    Column("position", Integer, nullable=False),
    Column("first", Boolean, nullable=False),
    PrimaryKeyConstraint("deal_id", "simulated", "organizer_email"),
    Index("ix_funnel_deals_company_id", "company_id"),
    Index("ix_funnel_deals_lead_id", "lead_id"),
    Index("ix_funnel_deals_closed_at", "workspace_id", "closed_at"),
)

# Bookings by the week of their start, as if all meetings were over.
booking_weeks = Table(
    "booking_weeks",
    metadata,
    Column("workspace_id", UUID, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("week", Date, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("cancelled", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("showed", BigInteger, nullable=False),
    Column("no_show", BigInteger, nullable=False),
    Column("host_absent", BigInteger, nullable=False),
    Column("unreported", BigInteger, nullable=False),
    Column("booked", BigInteger, nullable=False),
    Column("reported_showed", BigInteger, nullable=False),
    Column("reported", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace_id", "simulated", "week"),
)

# How many companies, people and deals there are; deals by status, stage, owner and currency, with the sum of their
# amounts.
record_counts = Table(
    "record_counts",
    metadata,
    Column("workspace_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("stage", Text, nullable=False),
    # Empty: none.
    Column("owner_email", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("amounts", BigInteger, nullable=False),
    Column("amount", Numeric, nullable=False),
    PrimaryKeyConstraint("workspace_id", "kind", "status", "stage", "owner_email", "currency"),
)

# The deals whose bookings a campaign brought, and how many matched attendees these have.
campaign_deals = Table(
    "campaign_deals",
    metadata,
    Column("workspace_id", UUID, nullable=False),
    Column("campaign_id", BigInteger, nullable=False),
    Column("deal_id", UUID, nullable=False),
    Column("seats", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace_id", "campaign_id", "deal_id"),
)
