"""Campaigns, their leads, the imports that brought them, and the matches of bookings' attendees to leads.

Campaigns and leads come from imports, not from the log: decisions/0013 says why. Matches are projected from the log.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from showup.database.metadata import Instant, metadata

# The numbers of campaigns that no other system has numbered; an aborted import leaves a gap.
campaign_numbers = Sequence("campaign_numbers", start=1_000_000_000, metadata=metadata)

campaigns = Table(
    "campaigns",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    # EmailBison's own number, or one of `campaign_numbers`, which begin at FIRST_OWN_ID.
    Column("id", BigInteger, nullable=False),
    Column("source", Text, CheckConstraint("source IN ('csv', 'emailbison')", name="source"), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    # EmailBison may give one name to several campaigns.
    Index("uq_campaigns_name", "workspace_id", "source", "name", unique=True, postgresql_where=text("source = 'csv'")),
)

# One run of an import: the same file with the same options continues where it stopped, and is never imported twice.
lead_imports = Table(
    "lead_imports",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    # Of the file's bytes, and of the options that change what they mean.
    Column("digest", LargeBinary, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("campaign", Text),
    Column("actor", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('running', 'done')", name="state"), nullable=False),
    # The last line whose record is imported; written with each batch.
    Column("position", BigInteger, nullable=False, server_default="0"),
    Column("accepted", BigInteger, nullable=False, server_default="0"),
    Column("repeated", BigInteger, nullable=False, server_default="0"),
    Column("ignored", BigInteger, nullable=False, server_default="0"),
    # How many rows were rejected for each reason, and the first of them: [{line, reason}].
    Column("rejected", JSONB, nullable=False, server_default="{}"),
    Column("rejected_rows", JSONB, nullable=False, server_default="[]"),
    Column("repeated_rows", JSONB, nullable=False, server_default="[]"),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    UniqueConstraint("workspace_id", "digest"),
)

leads = Table(
    "leads",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("email", Text, nullable=False),
    # The key for normalized matching; NULL where it is the address itself, as it nearly always is.
    Column("match_key", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("name", Text),
    Column("company", Text),
    # The import or the source that named the lead last, and the names that it replaced, each `until` a time.
    Column("names_from", UUID),
    Column("earlier_names", JSONB, nullable=False, server_default="[]"),
    Column("other_emails", ARRAY(Text)),
    Column("other_keys", ARRAY(Text)),
    # The keys by which attendees of the same name or company find the lead: name_match/keys.py. Empty: unknown.
    Column("family_key", Text(collation="C"), nullable=False, server_default=""),
    Column("first_key", Text(collation="C"), nullable=False, server_default=""),
    Column("company_key", Text(collation="C"), nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "email"),
    Index(
        *("ix_leads_family_key", "workspace_id", "family_key", "first_key", "id"),
        postgresql_where=text("family_key <> ''"),
    ),
    Index(
        *("ix_leads_company_key", "workspace_id", "company_key", "family_key", "id"),
        postgresql_where=text("company_key <> ''"),
    ),
    Index(
        *("ix_leads_first_key", "workspace_id", "first_key", "family_key", "id"),
        postgresql_where=text("first_key <> ''"),
    ),
    Index("ix_leads_match_key", "match_key", postgresql_where=text("match_key IS NOT NULL")),
    Index("ix_leads_other_keys", "other_keys", postgresql_using="gin", postgresql_where=text("other_keys IS NOT NULL")),
)

# A lead in a campaign, and what the campaign reported about it; NULL: it says nothing.
campaign_leads = Table(
    "campaign_leads",
    metadata,
    Column("workspace_id", UUID, nullable=False),
    Column("campaign_id", BigInteger, nullable=False),
    Column("lead_id", UUID, ForeignKey("leads.id"), nullable=False),
    Column("sent", Integer),
    # The earliest known mail.
    Column("first_sent_at", Instant),
    Column("last_sent_at", Instant),
    Column("replied", Boolean),
    Column("replied_at", Instant),
    Column("interested", Boolean),
    Column("interested_at", Instant),
    Column("bounced", Boolean),
    Column("bounced_at", Instant),
    Column("unsubscribed", Boolean),
    Column("unsubscribed_at", Instant),
    # Which mail of the campaign was answered, counted from 1; NULL: the last one that was sent.
    Column("step", Integer),
    # The mailbox that wrote to the lead.
    Column("sender_email", Text),
    # Where it came from: the import, and the line of its file; for EmailBison its number of the lead.
    Column("import_id", UUID),
    Column("import_line", BigInteger),
    # The lead was in several campaigns at some time.
    Column("shared", Boolean, nullable=False, server_default=text("false")),
    # Of EmailBison's campaigns, what was known when the times of the single mails were read: how many were sent, and
    # whether the lead had answered (1) and was interested (2). NULL: they were not read yet.
    Column("mails_read", Integer),
    Column("answers_read", SmallInteger),
    PrimaryKeyConstraint("lead_id", "campaign_id"),
    ForeignKeyConstraint(["workspace_id", "campaign_id"], ["campaigns.workspace_id", "campaigns.id"]),
    Index("ix_campaign_leads_campaign", "workspace_id", "campaign_id", "lead_id"),
    Index("ix_campaign_leads_sent_at", "workspace_id", "last_sent_at"),
    # With all that the list of answers filters by.
    Index(
        *("ix_campaign_leads_replied_at", "workspace_id", "replied_at", "lead_id"),
        postgresql_include=["campaign_id", "shared"],
        postgresql_where=text("replied"),
    ),
    Index(
        *("ix_campaign_leads_interested_at", "workspace_id", "interested_at", "lead_id"),
        postgresql_include=["campaign_id", "shared"],
        postgresql_where=text("interested"),
    ),
    Index(
        *("ix_campaign_leads_shared", "workspace_id", "lead_id"),
        postgresql_include=["campaign_id", "replied", "replied_at", "interested", "interested_at"],
        postgresql_where=text("shared AND (replied OR interested)"),
    ),
    # The leads whose mails are to be read, those who answered first: as `campaigns.mails_store` asks for them.
    Index(
        "ix_campaign_leads_unread_mails",
        "workspace_id",
        text("((replied IS TRUE)::integer + (interested IS TRUE)::integer) DESC"),
        "lead_id",
        postgresql_where=text(
            "campaign_id < 1000000000 AND (coalesce(sent, 0) > coalesce(mails_read, 0)"
            " OR (replied IS TRUE)::integer + (interested IS TRUE)::integer > coalesce(answers_read, 0))"
        ),
    ),
)

# The match of a booking's attendee to a lead. A match that was undone stays, so that it is not made again by itself.
matches = Table(
    "matches",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("booking_id", UUID, ForeignKey("bookings.id"), nullable=False),
    # The attendee's key in the booking, as in `booking_attendees`.
    Column("attendee", Text, nullable=False),
    Column("lead_id", UUID, nullable=False),
    Column("lead_email", Text, nullable=False),
    Column("campaign_id", BigInteger, nullable=False),
    Column("method", Text, nullable=False),
    Column("score", Double, nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('matched', 'undone', 'withdrawn')", name="state"), nullable=False),
    Column("event_id", UUID, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("uq_matches_attendee", "booking_id", "attendee", unique=True, postgresql_where=text("state = 'matched'")),
    Index("ix_matches_booking_id", "booking_id"),
    Index("ix_matches_lead_id", "lead_id"),
    Index(
        "ix_matches_campaign",
        "workspace_id",
        "campaign_id",
        postgresql_include=["booking_id"],
        postgresql_where=text("state = 'matched'"),
    ),
)

# The seats of attendees that count in the funnel: copies of bookings and their attendees in few bytes, so that a funnel
# reads one table. The id is that of the match, or that of `unmatched_bookings` for one whom no campaign brought.
funnel_seats = Table(
    "funnel_seats",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("booking_id", UUID, ForeignKey("bookings.id"), nullable=False),
    # None: no campaign brought them.
    Column("lead_id", UUID),
    # Who counts: the lead, or the lead of the person's current address if somebody merged people. People whom no
    # campaign brought have ids of their own, by their address.
    Column("person_id", UUID, nullable=False),
    Column("campaign_id", BigInteger),
    Column("booked_at", Instant, nullable=False),
    Column("start_time", Instant, nullable=False),
    Column("over_at", Instant, nullable=False),
    # As `campaigns.funnel.SEAT_OUTCOMES` numbers them.
    Column("outcome", SmallInteger, nullable=False),
    Column("reported", Boolean, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("organizer_email", Text),
    Index("ix_funnel_seats_booking_id", "booking_id"),
    Index("ix_funnel_seats_person_id", "person_id"),
)

# A view: the attendees of bookings that are neither cancelled nor rejected, who have no match.
unmatched_bookings = Table(
    "unmatched_bookings",
    MetaData(),
    Column("id", UUID),
    Column("workspace_id", UUID),
    Column("booking_id", UUID),
    Column("attendee", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("name", Text),
    Column("title", Text),
    Column("start_time", Instant),
    Column("booked_at", Instant),
    Column("status", Text),
    Column("organizer_email", Text),
    Column("simulated", Boolean),
    Column("dismissed", Boolean),
    Column("company_answer", Text),
    Column("company_key", Text),
)
