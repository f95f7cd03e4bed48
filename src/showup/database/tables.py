"""All of Showup's tables, in the order in which a booking reaches them.

There are three kinds of table. The *log* (`inbox_events`) holds received events, which are only marked as processed;
their bodies are rewritten only where a person is erased. The *current state* (people, companies, bookings, deals,
deliveries, audit log) is projected from the log and can be rebuilt from it. *Access* (in `access_tables`) defines who
owns the data.

All times are `timestamptz`, Showup generates all ids as UUIDs, and all emails are lower case.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR, UUID

from showup.database.access_tables import api_keys as api_keys
from showup.database.access_tables import connections as connections
from showup.database.access_tables import idempotency_keys as idempotency_keys
from showup.database.access_tables import routes as routes
from showup.database.access_tables import rules as rules
from showup.database.access_tables import senders as senders
from showup.database.access_tables import settings_log as settings_log
from showup.database.access_tables import webhook_tokens as webhook_tokens
from showup.database.access_tables import workspaces as workspaces
from showup.database.analysis_tables import booking_facts as booking_facts
from showup.database.analysis_tables import fact_weeks as fact_weeks
from showup.database.analysis_tables import stage_visits as stage_visits
from showup.database.analysis_tables import week_counts as week_counts
from showup.database.analysis_tables import week_summaries as week_summaries
from showup.database.assistant_tables import approvals as approvals
from showup.database.assistant_tables import assistant_settings as assistant_settings
from showup.database.assistant_tables import assistant_usage as assistant_usage
from showup.database.assistant_tables import calcom_authorizations as calcom_authorizations
from showup.database.assistant_tables import calcom_profiles as calcom_profiles
from showup.database.assistant_tables import chat_messages as chat_messages
from showup.database.assistant_tables import chat_questions as chat_questions
from showup.database.assistant_tables import conversations as conversations
from showup.database.assistant_tables import slack_users as slack_users
from showup.database.assistant_tables import tool_grants as tool_grants
from showup.database.campaign_tables import campaign_leads as campaign_leads
from showup.database.campaign_tables import campaigns as campaigns
from showup.database.campaign_tables import funnel_seats as funnel_seats
from showup.database.campaign_tables import lead_imports as lead_imports
from showup.database.campaign_tables import leads as leads
from showup.database.campaign_tables import matches as matches
from showup.database.campaign_tables import unmatched_bookings as unmatched_bookings
from showup.database.delivery_tables import calendar_entries as calendar_entries
from showup.database.delivery_tables import deliveries as deliveries
from showup.database.delivery_tables import delivery_attempts as delivery_attempts
from showup.database.delivery_tables import delivery_contents as delivery_contents
from showup.database.delivery_tables import destination_queues as destination_queues
from showup.database.delivery_tables import endpoints as endpoints
from showup.database.delivery_tables import mirrored_records as mirrored_records
from showup.database.delivery_tables import mirrors as mirrors
from showup.database.delivery_tables import subscriptions as subscriptions
from showup.database.delivery_tables import suppressions as suppressions
from showup.database.funnel_tables import booking_weeks as booking_weeks
from showup.database.funnel_tables import campaign_deals as campaign_deals
from showup.database.funnel_tables import funnel_deals as funnel_deals
from showup.database.funnel_tables import funnel_people as funnel_people
from showup.database.funnel_tables import mail_weeks as mail_weeks
from showup.database.funnel_tables import people_weeks as people_weeks
from showup.database.funnel_tables import record_counts as record_counts
from showup.database.history_tables import deal_events as deal_events
from showup.database.history_tables import merges as merges
from showup.database.lead_source_tables import campaign_days as campaign_days
from showup.database.lead_source_tables import campaign_totals as campaign_totals
from showup.database.lead_source_tables import lead_sources as lead_sources
from showup.database.lead_source_tables import lead_walks as lead_walks
from showup.database.lead_source_tables import mail_senders as mail_senders
from showup.database.lead_source_tables import reported_leads as reported_leads
from showup.database.log_tables import audit_log as audit_log
from showup.database.log_tables import chain as chain
from showup.database.log_tables import event_refs as event_refs
from showup.database.log_tables import inbox_events as inbox_events
from showup.database.log_tables import totals as totals
from showup.database.metadata import Instant, search_column
from showup.database.metadata import metadata as metadata
from showup.database.operation_tables import acknowledgements as acknowledgements
from showup.database.operation_tables import webhook_refusals as webhook_refusals
from showup.database.privacy_tables import erased_addresses as erased_addresses
from showup.database.privacy_tables import erasure_keys as erasure_keys
from showup.database.privacy_tables import privacy_actions as privacy_actions
from showup.database.privacy_tables import requested_erasures as requested_erasures
from showup.database.proposal_tables import proposal_files as proposal_files
from showup.database.proposal_tables import proposals as proposals
from showup.database.reconcile_tables import reconciliations as reconciliations
from showup.database.reconcile_tables import syncs as syncs
from showup.database.teammate_tables import memberships as memberships
from showup.database.teammate_tables import saved_views as saved_views
from showup.database.teammate_tables import sessions as sessions
from showup.database.teammate_tables import sign_in_links as sign_in_links
from showup.database.teammate_tables import sign_in_log as sign_in_log
from showup.database.teammate_tables import teammates as teammates

# ---------------------------------------------------------------- current state

companies = Table(
    "companies",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    # The key to find it by: `domain:acme.com`, or the event by which a person recorded it.
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("domain", Text),
    # The order key of the event that gave the name: older events do not overwrite it.
    Column("name_seen", Text, nullable=False, server_default=""),
    # Whether a person entered or corrected it: then it stays, even if no person works there.
    Column("recorded", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("search", TSVECTOR, search_column("name", "domain")),
    UniqueConstraint("workspace_id", "key"),
    Index("ix_companies_page", "workspace_id", "created_at", "id"),
    Index("ix_companies_updated", "workspace_id", "updated_at", "id"),
    Index("ix_companies_name", "workspace_id", "name", "id"),
    Index("ix_companies_search", "search", postgresql_using="gin"),
)

people = Table(
    "people",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text),
    Column("time_zone", Text),
    Column("phone", Text),
    Column("company_id", UUID, ForeignKey("companies.id")),
    Column("company_key", Text),
    Column("name_seen", Text, nullable=False, server_default=""),
    Column("time_zone_seen", Text, nullable=False, server_default=""),
    Column("phone_seen", Text, nullable=False, server_default=""),
    Column("company_seen", Text, nullable=False, server_default=""),
    Column("recorded", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("search", TSVECTOR, search_column("name", "email")),
    UniqueConstraint("workspace_id", "email"),
    Index("ix_people_page", "workspace_id", "created_at", "id"),
    Index("ix_people_updated", "workspace_id", "updated_at", "id"),
    Index("ix_people_company_id", "company_id"),
    Index("ix_people_search", "search", postgresql_using="gin"),
)

deals = Table(
    "deals",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("company_id", UUID, ForeignKey("companies.id"), nullable=False),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('active', 'won', 'lost', 'cancelled')", name="status"),
        nullable=False,
    ),
    Column("stage", Text, nullable=False),
    Column("owner_email", Text),
    Column("amount", Numeric(14, 2)),
    Column("currency", Text),
    Column("lost_reason", Text),
    # The booking or manual event that opened it, and the booking whose cancellation closed it.
    Column("opened_by", UUID, nullable=False),
    Column("cancelled_by", UUID),
    # The deal's position among the deals of its company, counted from 0.
    Column("position", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("stage_entered_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("uq_deals_active_company_id", "company_id", unique=True, postgresql_where=text("status = 'active'")),
    Index("ix_deals_company_id", "company_id"),
    Index("ix_deals_page", "workspace_id", "created_at", "id"),
    Index("ix_deals_updated", "workspace_id", "updated_at", "id"),
    # A deal without an amount comes below one of 0.
    Index("ix_deals_amount", "workspace_id", text("coalesce(amount, -1)"), "id"),
    Index("ix_deals_won", "workspace_id", "closed_at", postgresql_where=text("status = 'won'")),
    Index("ix_deals_closed", "workspace_id", "status", "closed_at", postgresql_where=text("status <> 'active'")),
    # The columns of the pipeline board, with their sums.
    Index(
        "ix_deals_board",
        "workspace_id",
        "stage",
        "stage_entered_at",
        "id",
        postgresql_include=["owner_email", "currency", "amount"],
        postgresql_where=text("status = 'active'"),
    ),
)

# A deal that a late event took from the booking that had opened it: its id redirects to the deal of that booking.
deal_aliases = Table(
    "deal_aliases",
    metadata,
    Column("alias_id", UUID, primary_key=True),
    Column("opened_by", UUID, nullable=False),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
)

bookings = Table(
    "bookings",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("account_id", UUID, ForeignKey("connections.id"), nullable=False),
    Column("calcom_uid", Text),
    Column("calcom_booking_id", Text),
    Column("person_id", UUID, ForeignKey("people.id")),
    Column("company_id", UUID, ForeignKey("companies.id")),
    # The company of the seats that remain, if none of the booking's own company does.
    Column("seat_company_id", UUID, ForeignKey("companies.id")),
    Column("deal_id", UUID, ForeignKey("deals.id", deferrable=True, initially="DEFERRED")),
    Column("title", Text, nullable=False, server_default=""),
    Column("start_time", Instant, nullable=False),
    Column("end_time", Instant),
    Column("booked_at", Instant, nullable=False),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('ACCEPTED', 'PENDING', 'CANCELLED', 'REJECTED')", name="status"),
        nullable=False,
    ),
    Column("attended", Boolean),
    Column("attendance_evidence", Text),
    Column("host_absent", Boolean, nullable=False, server_default=text("false")),
    Column("show_time", Instant),
    Column("organizer_email", Text),
    Column("organizer_name", Text),
    Column("organizer_time_zone", Text),
    Column("organizer_username", Text),
    Column("event_type", Text),
    Column("event_type_title", Text),
    Column("calcom_event_type_id", Text),
    Column("team_id", BigInteger),
    Column("location", Text),
    # As `bookings.booking.LocationKind` describes it.
    Column("location_kind", Text),
    Column("meeting_url", Text),
    Column("notes", Text),
    Column("cancellation_reason", Text),
    Column("cancelled_by", Text),
    Column("rejection_reason", Text),
    Column("reschedule_requested", Boolean, nullable=False, server_default=text("false")),
    Column("reschedule_reason", Text),
    Column("rescheduled_by", Text),
    Column("reschedule_count", Integer, nullable=False, server_default="0"),
    Column("ical_uid", Text),
    Column("ical_sequence", Integer),
    Column("booker_url", Text),
    # What attendees may see and do, as `BookingDetails` describes it.
    Column("organizer_email_hidden", Boolean, nullable=False, server_default=text("false")),
    Column("reply_to", Text),
    Column("rescheduling_disabled", Boolean, nullable=False, server_default=text("false")),
    Column("cancelling_disabled", Boolean, nullable=False, server_default=text("false")),
    Column("platform_reschedule_url", Text),
    Column("platform_cancel_url", Text),
    Column("platform_booking_url", Text),
    Column("calendar_invites", Boolean, nullable=False, server_default=text("false")),
    # The same for all dates of a series that was booked at once.
    Column("series_uid", Text),
    Column("paid", Boolean),
    Column("price", BigInteger),
    Column("currency", Text),
    Column("recording_url", Text),
    Column("transcript_url", Text),
    # The outcome that a witness reported.
    Column("outcome", Text),
    Column("outcome_notes", Text),
    Column("next_step", Text),
    # The booker's answers by the question's slug: {slug: text}.
    Column("answers", JSONB, nullable=False, server_default="{}"),
    # Where the booking came from: the name of `BookingSource`, or "unknown"; and its fields.
    Column("source", Text, nullable=False, server_default="unknown"),
    Column("source_details", JSONB),
    # Every uid the booking ever had, oldest first: [{uid, calcom_booking_id, start_time, end_time, since}].
    Column("uids", JSONB, nullable=False, server_default="[]"),
    Column("simulated", Boolean, nullable=False, server_default=text("false")),
    # Counts the changes of time: a delivery planned for an older version is no longer valid.
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("search", TSVECTOR, search_column("title")),
    Index("ix_bookings_page", "workspace_id", "start_time", "id"),
    Index("ix_bookings_organizer", "workspace_id", "organizer_email", "start_time", "id"),
    Index("ix_bookings_booked_at", "workspace_id", "booked_at", "id"),
    Index("ix_bookings_over_at", "workspace_id", text("greatest(start_time, end_time)")),
    Index("ix_bookings_source", "workspace_id", "source", "start_time", "id"),
    Index("ix_bookings_person_id", "person_id"),
    Index("ix_bookings_company_id", "company_id"),
    Index("ix_bookings_seat_company_id", "seat_company_id", postgresql_where=text("seat_company_id IS NOT NULL")),
    Index("ix_bookings_deal_id", "deal_id"),
    Index("ix_bookings_search", "search", postgresql_using="gin"),
    # Real data have none: a record is simulated if all its bookings are.
    Index("ix_bookings_simulated", "id", postgresql_where=text("simulated")),
    Index("ix_bookings_series", "workspace_id", "series_uid", postgresql_where=text("series_uid IS NOT NULL")),
)

# All names that sources ever used for the bookings, in the form of `events.booking_names`.
booking_refs = Table(
    "booking_refs",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("ref", Text, nullable=False),
    Column("booking_id", UUID, ForeignKey("bookings.id"), nullable=False),
    PrimaryKeyConstraint("workspace_id", "ref"),
    Index("ix_booking_refs_booking_id", "booking_id"),
)

# Two bookings that turned out to be one: the removed id redirects to the remaining one.
booking_aliases = Table(
    "booking_aliases",
    metadata,
    Column("alias_id", UUID, primary_key=True),
    Column("booking_id", UUID, nullable=False),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Index("ix_booking_aliases_booking_id", "booking_id"),
)

booking_attendees = Table(
    "booking_attendees",
    metadata,
    Column("booking_id", UUID, ForeignKey("bookings.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("person_id", UUID, ForeignKey("people.id")),
    Column("email", Text),
    # What the address has in common with others of the same mailbox: leads are matched by it.
    Column("match_key", Text),
    # What identifies them in the booking, and in `matches`: the address, else the phone number, else the name. NULL for
    # organizers and teammates, who are no leads.
    Column("attendee_key", Text),
    # The company of the address, or the one that a person assigned them to before; a merge or a correction that came
    # after the attendee joined the booking does not change it.
    Column("company_key", Text),
    Column("name", Text),
    Column("time_zone", Text),
    Column("phone", Text),
    Column("first_name", Text),
    Column("locale", Text),
    # The company that the attendee named in the form.
    Column("company_answer", Text),
    # The keys that they may share with leads of the same name or company; NULL: they are matched by address only.
    Column("name_keys", JSONB(none_as_null=True)),
    Column("calcom_seat_uid", Text),
    Column("attended", Boolean),
    Column("attendance_evidence", Text),
    # When the seat was taken, if others had made the booking before; NULL: when the booking was made.
    Column("booked_at", Instant),
    # When the attendee said that they will come at the meeting's current time.
    Column("confirmed_at", Instant),
    # A seat that was given up: the attendee stays on record and no longer counts.
    Column("cancelled_at", Instant),
    # A person said that no campaign brought them.
    Column("dismissed", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("booking_id", "position"),
    Index("ix_booking_attendees_person_id", "person_id"),
    Index("ix_booking_attendees_email", "email"),
    Index("ix_booking_attendees_booked_at", "booked_at", postgresql_where=text("booked_at IS NOT NULL")),
    # The id of the row in `unmatched_bookings`.
    Index(
        "ix_booking_attendees_unmatched",
        text("(md5((booking_id)::text || ':' || attendee_key)::uuid)"),
        postgresql_where=text("attendee_key IS NOT NULL"),
    ),
    Index("ix_booking_attendees_match_key", "match_key", postgresql_where=text("match_key IS NOT NULL")),
    Index(
        "ix_booking_attendees_name_keys",
        "name_keys",
        postgresql_using="gin",
        # An import looks for thousands of keys: each look would read the list of pending entries.
        postgresql_with={"fastupdate": "off"},
        postgresql_where=text("name_keys IS NOT NULL"),
    ),
    Index(
        "ix_booking_attendees_company_key",
        "company_key",
        postgresql_where=text("company_key IS NOT NULL"),
    ),
)
