"""Every table at once: the schema with which Showup begins."""

from alembic import op
from sqlalchemy import text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ACCESS = (
    """CREATE TABLE workspaces (
        id UUID NOT NULL,
        slug TEXT NOT NULL,
        name TEXT NOT NULL,
        time_zone TEXT DEFAULT 'UTC' NOT NULL,
        feed_number BIGINT DEFAULT '0' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_workspaces PRIMARY KEY (id),
        CONSTRAINT uq_workspaces_slug UNIQUE (slug)
    )""",
    """CREATE TABLE connections (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        settings JSONB DEFAULT '{}' NOT NULL,
        credentials BYTEA,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_connections PRIMARY KEY (id),
        CONSTRAINT uq_connections_workspace_id_kind_name UNIQUE (workspace_id, kind, name),
        CONSTRAINT fk_connections_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE UNIQUE INDEX uq_connections_calcom_name ON connections (name) WHERE kind = 'calcom'",
    """CREATE TABLE routes (
        id UUID NOT NULL,
        account_id UUID NOT NULL,
        position INTEGER NOT NULL,
        event_type TEXT,
        team_id BIGINT,
        organizer_domain TEXT,
        workspace_id UUID NOT NULL,
        CONSTRAINT pk_routes PRIMARY KEY (id),
        CONSTRAINT uq_routes_account_id_position UNIQUE (account_id, position),
        CONSTRAINT fk_routes_account_id FOREIGN KEY(account_id) REFERENCES connections (id),
        CONSTRAINT fk_routes_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE api_keys (
        id UUID NOT NULL,
        name TEXT NOT NULL,
        workspace_id UUID,
        scope TEXT NOT NULL CONSTRAINT ck_api_keys_scope CHECK (scope IN ('read', 'write', 'admin')),
        digest BYTEA NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        revoked_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_api_keys PRIMARY KEY (id),
        CONSTRAINT uq_api_keys_name UNIQUE (name),
        CONSTRAINT fk_api_keys_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT uq_api_keys_digest UNIQUE (digest)
    )""",
    """CREATE TABLE rules (
        workspace_id UUID NOT NULL,
        number INTEGER NOT NULL,
        data JSONB NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_rules PRIMARY KEY (workspace_id, number),
        CONSTRAINT fk_rules_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
)
LOG = (
    """CREATE TABLE calcom_events (
        id UUID NOT NULL,
        account_id UUID NOT NULL,
        workspace_id UUID,
        origin TEXT DEFAULT 'webhook' NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        digest BYTEA NOT NULL,
        body BYTEA NOT NULL,
        content_type TEXT,
        webhook_version TEXT,
        source_address TEXT,
        duplicate_of UUID,
        state TEXT DEFAULT 'kept' NOT NULL,
        because TEXT,
        trigger TEXT,
        uid TEXT,
        source_at TIMESTAMP WITH TIME ZONE,
        booking_id UUID,
        number BIGINT,
        replayed_at TIMESTAMP WITH TIME ZONE,
        attempts SMALLINT DEFAULT '0' NOT NULL,
        next_try_at TIMESTAMP WITH TIME ZONE,
        settled_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_calcom_events PRIMARY KEY (id),
        CONSTRAINT ck_calcom_events_state
            CHECK (state IN ('kept', 'applied', 'ignored', 'unreadable', 'waiting', 'failed', 'duplicate')),
        CONSTRAINT fk_calcom_events_account_id FOREIGN KEY(account_id) REFERENCES connections (id),
        CONSTRAINT fk_calcom_events_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_calcom_events_duplicate_of FOREIGN KEY(duplicate_of) REFERENCES calcom_events (id)
    )""",
    "CREATE INDEX ix_calcom_events_booking_id ON calcom_events (booking_id) WHERE booking_id IS NOT NULL",
    """CREATE INDEX ix_calcom_events_homeless ON calcom_events (id)
        WHERE workspace_id IS NULL AND state = 'waiting'""",
    "CREATE INDEX ix_calcom_events_received_at ON calcom_events (received_at, id)",
    "CREATE INDEX ix_calcom_events_uid ON calcom_events (account_id, uid) WHERE uid IS NOT NULL",
    """CREATE INDEX ix_calcom_events_unsettled ON calcom_events (workspace_id, received_at)
        WHERE state IN ('kept', 'failed')""",
    """CREATE UNIQUE INDEX uq_calcom_events_digest ON calcom_events (account_id, digest)
        WHERE duplicate_of IS NULL""",
    """CREATE TABLE event_refs (
        ref TEXT NOT NULL,
        event_id UUID NOT NULL,
        CONSTRAINT pk_event_refs PRIMARY KEY (ref, event_id),
        CONSTRAINT fk_event_refs_event_id FOREIGN KEY(event_id) REFERENCES calcom_events (id)
    )""",
    "CREATE INDEX ix_event_refs_event_id ON event_refs (event_id)",
)
STANDING = (
    """CREATE TABLE companies (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        name TEXT NOT NULL,
        domain TEXT,
        name_seen TEXT DEFAULT '' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        search TSVECTOR
            GENERATED ALWAYS AS (to_tsvector('simple',
            translate(coalesce(name, '') || ' ' || coalesce(domain, ''), '@._-+/', '      '))) STORED,
        CONSTRAINT pk_companies PRIMARY KEY (id),
        CONSTRAINT uq_companies_workspace_id_domain UNIQUE (workspace_id, domain),
        CONSTRAINT fk_companies_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_companies_page ON companies (workspace_id, created_at, id)",
    "CREATE INDEX ix_companies_search ON companies USING gin (search)",
    """CREATE TABLE people (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        email TEXT NOT NULL,
        name TEXT,
        time_zone TEXT,
        phone TEXT,
        company_id UUID,
        name_seen TEXT DEFAULT '' NOT NULL,
        time_zone_seen TEXT DEFAULT '' NOT NULL,
        phone_seen TEXT DEFAULT '' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        search TSVECTOR
            GENERATED ALWAYS AS (to_tsvector('simple',
            translate(coalesce(name, '') || ' ' || coalesce(email, ''), '@._-+/', '      '))) STORED,
        CONSTRAINT pk_people PRIMARY KEY (id),
        CONSTRAINT uq_people_workspace_id_email UNIQUE (workspace_id, email),
        CONSTRAINT fk_people_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_people_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
    )""",
    "CREATE INDEX ix_people_company_id ON people (company_id)",
    "CREATE INDEX ix_people_page ON people (workspace_id, created_at, id)",
    "CREATE INDEX ix_people_search ON people USING gin (search)",
    """CREATE TABLE deals (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        company_id UUID NOT NULL,
        status TEXT NOT NULL CONSTRAINT ck_deals_status
            CHECK (status IN ('active', 'won', 'lost', 'cancelled')),
        stage TEXT NOT NULL,
        owner_email TEXT,
        amount NUMERIC(14, 2),
        currency TEXT,
        lost_reason TEXT,
        opened_by UUID NOT NULL,
        cancelled_by UUID,
        position INTEGER NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
        stage_entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        closed_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_deals PRIMARY KEY (id),
        CONSTRAINT fk_deals_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_deals_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
    )""",
    "CREATE INDEX ix_deals_company_id ON deals (company_id)",
    "CREATE INDEX ix_deals_page ON deals (workspace_id, created_at, id)",
    "CREATE UNIQUE INDEX uq_deals_active_company_id ON deals (company_id) WHERE status = 'active'",
    """CREATE TABLE bookings (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        account_id UUID NOT NULL,
        calcom_uid TEXT,
        calcom_booking_id TEXT,
        person_id UUID,
        company_id UUID,
        deal_id UUID,
        title TEXT DEFAULT '' NOT NULL,
        start_time TIMESTAMP WITH TIME ZONE NOT NULL,
        end_time TIMESTAMP WITH TIME ZONE,
        booked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        status TEXT NOT NULL CONSTRAINT ck_bookings_status
            CHECK (status IN ('ACCEPTED', 'PENDING', 'CANCELLED', 'REJECTED')),
        attended BOOLEAN,
        attendance_evidence TEXT,
        host_absent BOOLEAN DEFAULT false NOT NULL,
        show_time TIMESTAMP WITH TIME ZONE,
        organizer_email TEXT,
        organizer_name TEXT,
        organizer_time_zone TEXT,
        event_type TEXT,
        event_type_title TEXT,
        calcom_event_type_id TEXT,
        location TEXT,
        meeting_url TEXT,
        notes TEXT,
        cancellation_reason TEXT,
        cancelled_by TEXT,
        rejection_reason TEXT,
        reschedule_requested BOOLEAN DEFAULT false NOT NULL,
        reschedule_reason TEXT,
        rescheduled_by TEXT,
        reschedule_count INTEGER DEFAULT '0' NOT NULL,
        ical_uid TEXT,
        ical_sequence INTEGER,
        booker_url TEXT,
        paid BOOLEAN,
        price BIGINT,
        currency TEXT,
        recording_url TEXT,
        transcript_url TEXT,
        answers JSONB DEFAULT '{}' NOT NULL,
        uids JSONB DEFAULT '[]' NOT NULL,
        simulated BOOLEAN DEFAULT false NOT NULL,
        version INTEGER DEFAULT '1' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        search TSVECTOR
            GENERATED ALWAYS AS (to_tsvector('simple',
            translate(coalesce(title, ''), '@._-+/', '      '))) STORED,
        CONSTRAINT pk_bookings PRIMARY KEY (id),
        CONSTRAINT fk_bookings_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_bookings_account_id FOREIGN KEY(account_id) REFERENCES connections (id),
        CONSTRAINT fk_bookings_person_id FOREIGN KEY(person_id) REFERENCES people (id),
        CONSTRAINT fk_bookings_company_id FOREIGN KEY(company_id) REFERENCES companies (id),
        CONSTRAINT fk_bookings_deal_id FOREIGN KEY(deal_id)
            REFERENCES deals (id) DEFERRABLE INITIALLY DEFERRED
    )""",
    "CREATE INDEX ix_bookings_company_id ON bookings (company_id)",
    "CREATE INDEX ix_bookings_deal_id ON bookings (deal_id)",
    "CREATE INDEX ix_bookings_page ON bookings (workspace_id, start_time, id)",
    "CREATE INDEX ix_bookings_person_id ON bookings (person_id)",
    "CREATE INDEX ix_bookings_search ON bookings USING gin (search)",
    """CREATE TABLE booking_refs (
        workspace_id UUID NOT NULL,
        ref TEXT NOT NULL,
        booking_id UUID NOT NULL,
        CONSTRAINT pk_booking_refs PRIMARY KEY (workspace_id, ref),
        CONSTRAINT fk_booking_refs_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_booking_refs_booking_id FOREIGN KEY(booking_id) REFERENCES bookings (id)
    )""",
    "CREATE INDEX ix_booking_refs_booking_id ON booking_refs (booking_id)",
    """CREATE TABLE booking_aliases (
        alias_id UUID NOT NULL,
        booking_id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        CONSTRAINT pk_booking_aliases PRIMARY KEY (alias_id),
        CONSTRAINT fk_booking_aliases_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_booking_aliases_booking_id ON booking_aliases (booking_id)",
    """CREATE TABLE booking_attendees (
        booking_id UUID NOT NULL,
        position INTEGER NOT NULL,
        person_id UUID,
        email TEXT,
        name TEXT,
        time_zone TEXT,
        phone TEXT,
        calcom_seat_uid TEXT,
        attended BOOLEAN,
        attendance_evidence TEXT,
        cancelled_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_booking_attendees PRIMARY KEY (booking_id, position),
        CONSTRAINT fk_booking_attendees_booking_id FOREIGN KEY(booking_id) REFERENCES bookings (id),
        CONSTRAINT fk_booking_attendees_person_id FOREIGN KEY(person_id) REFERENCES people (id)
    )""",
    "CREATE INDEX ix_booking_attendees_email ON booking_attendees (email)",
    "CREATE INDEX ix_booking_attendees_person_id ON booking_attendees (person_id)",
    """CREATE TABLE deal_turns (
        company_id UUID NOT NULL,
        booking_id UUID NOT NULL,
        position INTEGER NOT NULL,
        order_key TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        event_id UUID NOT NULL,
        kind TEXT NOT NULL,
        organizer_email TEXT,
        start_time TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_deal_turns PRIMARY KEY (booking_id, position),
        CONSTRAINT fk_deal_turns_company_id FOREIGN KEY(company_id) REFERENCES companies (id),
        CONSTRAINT fk_deal_turns_booking_id FOREIGN KEY(booking_id) REFERENCES bookings (id)
    )""",
    "CREATE INDEX ix_deal_turns_company_id ON deal_turns (company_id)",
)
TOLD = (
    """CREATE TABLE journal (
        workspace_id UUID NOT NULL,
        number BIGINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        event_id UUID NOT NULL,
        actor TEXT NOT NULL,
        what TEXT NOT NULL,
        because TEXT NOT NULL,
        change JSONB DEFAULT '{}' NOT NULL,
        order_key TEXT NOT NULL,
        booking_id UUID,
        person_id UUID,
        company_id UUID,
        deal_id UUID,
        CONSTRAINT pk_journal PRIMARY KEY (workspace_id, number),
        CONSTRAINT fk_journal_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_journal_booking_id ON journal (booking_id) WHERE booking_id IS NOT NULL",
    "CREATE INDEX ix_journal_company_id ON journal (company_id) WHERE company_id IS NOT NULL",
    "CREATE INDEX ix_journal_deal_id ON journal (deal_id) WHERE deal_id IS NOT NULL",
    "CREATE INDEX ix_journal_person_id ON journal (person_id) WHERE person_id IS NOT NULL",
    """CREATE TABLE deliveries (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        booking_id UUID NOT NULL,
        event_id UUID NOT NULL,
        key TEXT NOT NULL,
        destination TEXT NOT NULL,
        kind TEXT NOT NULL,
        recipient TEXT,
        booking_version INTEGER NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        state TEXT NOT NULL CONSTRAINT ck_deliveries_state
            CHECK (state IN ('scheduled', 'sending', 'delivered', 'failed', 'withdrawn', 'skipped')),
        because TEXT,
        details JSONB DEFAULT '{}' NOT NULL,
        simulated BOOLEAN DEFAULT false NOT NULL,
        delivered_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_deliveries PRIMARY KEY (id),
        CONSTRAINT uq_deliveries_workspace_id_key UNIQUE (workspace_id, key),
        CONSTRAINT fk_deliveries_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_deliveries_booking_id ON deliveries (booking_id)",
    "CREATE INDEX ix_deliveries_due_at ON deliveries (due_at) WHERE state = 'scheduled'",
    "CREATE INDEX ix_deliveries_page ON deliveries (workspace_id, created_at, id)",
)
TABLES = (
    "workspaces",
    "connections",
    "routes",
    "api_keys",
    "rules",
    "calcom_events",
    "event_refs",
    "companies",
    "people",
    "deals",
    "bookings",
    "booking_refs",
    "booking_aliases",
    "booking_attendees",
    "deal_turns",
    "journal",
    "deliveries",
)


def upgrade() -> None:
    for statement in (*ACCESS, *LOG, *STANDING, *TOLD):
        op.execute(statement)
    _compress_bodies()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _compress_bodies() -> None:
    # A server built without lz4 keeps its own way: the data is the same, only slower to write.
    offered = text("SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")
    if op.get_bind().scalar(offered):
        op.execute("ALTER TABLE calcom_events ALTER COLUMN body SET COMPRESSION lz4")
