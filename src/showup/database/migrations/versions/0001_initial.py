"""Create every table, the view `calcom_events`, and PgQueuer's tables, in the schema `showup`."""

from alembic import op
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from sqlalchemy import text
from sqlalchemy.util import await_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """CREATE TABLE webhook_refusals (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        reason TEXT NOT NULL CONSTRAINT ck_webhook_refusals_reason
            CHECK (reason IN ('no_signature', 'wrong_signature', 'unknown_name')),
        count BIGINT NOT NULL,
        first_at TIMESTAMP WITH TIME ZONE NOT NULL,
        last_at TIMESTAMP WITH TIME ZONE NOT NULL,
        sources JSONB NOT NULL,
        CONSTRAINT pk_webhook_refusals PRIMARY KEY (kind, name, reason)
    )""",
    """CREATE TABLE acknowledgements (
        id UUID NOT NULL,
        subject TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        actor TEXT NOT NULL,
        because TEXT,
        message TEXT NOT NULL,
        CONSTRAINT pk_acknowledgements PRIMARY KEY (id)
    )""",
    "CREATE INDEX ix_acknowledgements_subject ON acknowledgements (subject, at)",
    """CREATE TABLE idempotency_keys (
        actor TEXT NOT NULL,
        key TEXT NOT NULL,
        request_digest BYTEA NOT NULL,
        status INTEGER,
        answer JSONB,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_idempotency_keys PRIMARY KEY (actor, key)
    )""",
    "CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at)",
    """CREATE TABLE workspaces (
        id UUID NOT NULL,
        slug TEXT NOT NULL,
        name TEXT NOT NULL,
        time_zone TEXT DEFAULT 'UTC' NOT NULL,
        feed_number BIGINT DEFAULT '0' NOT NULL,
        chain_link BYTEA,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_workspaces PRIMARY KEY (id),
        CONSTRAINT uq_workspaces_slug UNIQUE (slug)
    )""",
    """CREATE TABLE teammates (
        id UUID NOT NULL,
        email TEXT NOT NULL,
        name TEXT NOT NULL,
        password_hash TEXT,
        time_zone TEXT,
        clock TEXT DEFAULT '24h' NOT NULL CONSTRAINT ck_teammates_clock CHECK (clock IN ('24h', '12h')),
        theme TEXT DEFAULT 'system' NOT NULL
            CONSTRAINT ck_teammates_theme CHECK (theme IN ('system', 'light', 'dark')),
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE,
        last_visit_ended_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_teammates PRIMARY KEY (id),
        CONSTRAINT uq_teammates_email UNIQUE (email)
    )""",
    """CREATE TABLE memberships (
        id UUID NOT NULL,
        teammate_id UUID NOT NULL,
        workspace_id UUID,
        role TEXT NOT NULL CONSTRAINT ck_memberships_role CHECK (role IN ('admin', 'member', 'read_only')),
        CONSTRAINT pk_memberships PRIMARY KEY (id),
        CONSTRAINT uq_memberships_teammate_id_workspace_id UNIQUE NULLS NOT DISTINCT (teammate_id, workspace_id),
        CONSTRAINT fk_memberships_teammate_id FOREIGN KEY(teammate_id) REFERENCES teammates (id) ON DELETE CASCADE,
        CONSTRAINT fk_memberships_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE sessions (
        digest BYTEA NOT NULL,
        teammate_id UUID NOT NULL,
        workspace_id UUID,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_sessions PRIMARY KEY (digest),
        CONSTRAINT fk_sessions_teammate_id FOREIGN KEY(teammate_id) REFERENCES teammates (id) ON DELETE CASCADE,
        CONSTRAINT fk_sessions_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_sessions_expires_at ON sessions (expires_at)",
    "CREATE INDEX ix_sessions_teammate_id ON sessions (teammate_id)",
    """CREATE TABLE sign_in_links (
        digest BYTEA NOT NULL,
        kind TEXT NOT NULL CONSTRAINT ck_sign_in_links_kind CHECK (kind IN ('first_run', 'invitation', 'sign_in')),
        teammate_id UUID,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        used_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_sign_in_links PRIMARY KEY (digest),
        CONSTRAINT fk_sign_in_links_teammate_id FOREIGN KEY(teammate_id) REFERENCES teammates (id) ON DELETE CASCADE
    )""",
    "CREATE INDEX ix_sign_in_links_teammate_id ON sign_in_links (teammate_id)",
    """CREATE TABLE sign_in_log (
        id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        email TEXT NOT NULL,
        what TEXT NOT NULL,
        actor TEXT,
        source_address TEXT,
        CONSTRAINT pk_sign_in_log PRIMARY KEY (id)
    )""",
    "CREATE INDEX ix_sign_in_log_at ON sign_in_log (at, id)",
    """CREATE TABLE saved_views (
        id UUID NOT NULL,
        teammate_id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        list_name TEXT NOT NULL
            CONSTRAINT ck_saved_views_list_name CHECK (list_name IN ('deals', 'bookings', 'people', 'companies', 'leads', 'answers')),
        name TEXT NOT NULL,
        query TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_saved_views PRIMARY KEY (id),
        CONSTRAINT uq_saved_views_teammate_id_workspace_id_list_name_name UNIQUE (teammate_id, workspace_id, list_name, name),
        CONSTRAINT fk_saved_views_teammate_id FOREIGN KEY(teammate_id) REFERENCES teammates (id) ON DELETE CASCADE,
        CONSTRAINT fk_saved_views_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE api_keys (
        id UUID NOT NULL,
        name TEXT NOT NULL,
        workspace_id UUID,
        scope TEXT NOT NULL CONSTRAINT ck_api_keys_scope CHECK (scope IN ('read', 'write', 'admin')),
        digest BYTEA NOT NULL,
        teammate_id UUID,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        last_used_at TIMESTAMP WITH TIME ZONE,
        revoked_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_api_keys PRIMARY KEY (id),
        CONSTRAINT uq_api_keys_name UNIQUE (name),
        CONSTRAINT fk_api_keys_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_api_keys_teammate_id FOREIGN KEY(teammate_id) REFERENCES teammates (id) ON DELETE SET NULL,
        CONSTRAINT uq_api_keys_digest UNIQUE (digest)
    )""",
    """CREATE TABLE senders (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        host TEXT,
        domain TEXT,
        address TEXT NOT NULL,
        name TEXT,
        logo TEXT,
        logo_dark TEXT,
        color TEXT,
        postal_address TEXT,
        privacy_url TEXT,
        reply_to TEXT,
        signature TEXT,
        language TEXT,
        updated_by TEXT NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_senders PRIMARY KEY (id),
        CONSTRAINT uq_senders_workspace_id_host_domain UNIQUE NULLS NOT DISTINCT (workspace_id, host, domain),
        CONSTRAINT fk_senders_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE settings_log (
        id UUID NOT NULL,
        workspace_id UUID,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        actor TEXT NOT NULL,
        what TEXT NOT NULL,
        about TEXT NOT NULL,
        change JSONB DEFAULT '{}' NOT NULL,
        CONSTRAINT pk_settings_log PRIMARY KEY (id),
        CONSTRAINT fk_settings_log_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_settings_log_at ON settings_log (at, id)",
    """CREATE TABLE audit_log (
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
        CONSTRAINT pk_audit_log PRIMARY KEY (workspace_id, number),
        CONSTRAINT fk_audit_log_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_audit_log_booking_id ON audit_log (booking_id) WHERE booking_id IS NOT NULL",
    "CREATE INDEX ix_audit_log_company_id ON audit_log (company_id) WHERE company_id IS NOT NULL",
    "CREATE INDEX ix_audit_log_deal_id ON audit_log (deal_id) WHERE deal_id IS NOT NULL",
    "CREATE INDEX ix_audit_log_event_id ON audit_log (event_id)",
    "CREATE INDEX ix_audit_log_person_id ON audit_log (person_id) WHERE person_id IS NOT NULL",
    """CREATE TABLE booking_aliases (
        alias_id UUID NOT NULL,
        booking_id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        CONSTRAINT pk_booking_aliases PRIMARY KEY (alias_id),
        CONSTRAINT fk_booking_aliases_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_booking_aliases_booking_id ON booking_aliases (booking_id)",
    """CREATE TABLE chain (
        workspace_id UUID NOT NULL,
        number BIGINT NOT NULL,
        event_id UUID NOT NULL,
        salt BYTEA,
        commitment BYTEA NOT NULL,
        link BYTEA NOT NULL,
        CONSTRAINT pk_chain PRIMARY KEY (workspace_id, number),
        CONSTRAINT fk_chain_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_chain_event_id ON chain (event_id)",
    """CREATE TABLE privacy_actions (
        id UUID NOT NULL,
        workspace_id UUID,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        actor TEXT NOT NULL,
        what TEXT NOT NULL,
        counts JSONB DEFAULT '{}' NOT NULL,
        CONSTRAINT pk_privacy_actions PRIMARY KEY (id),
        CONSTRAINT fk_privacy_actions_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_privacy_actions_at ON privacy_actions (workspace_id, at, id)",
    """CREATE TABLE requested_erasures (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        person_id UUID NOT NULL,
        email BYTEA NOT NULL,
        actor TEXT NOT NULL,
        requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
        because TEXT,
        CONSTRAINT pk_requested_erasures PRIMARY KEY (id),
        CONSTRAINT uq_requested_erasures_workspace_id_person_id UNIQUE (workspace_id, person_id),
        CONSTRAINT fk_requested_erasures_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE erasure_keys (
        workspace_id UUID NOT NULL,
        key BYTEA NOT NULL,
        CONSTRAINT pk_erasure_keys PRIMARY KEY (workspace_id),
        CONSTRAINT fk_erasure_keys_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE erased_addresses (
        workspace_id UUID NOT NULL,
        hash BYTEA NOT NULL,
        address TEXT NOT NULL,
        name TEXT NOT NULL,
        erased_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_erased_addresses PRIMARY KEY (workspace_id, hash, address),
        CONSTRAINT fk_erased_addresses_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE companies (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        key TEXT NOT NULL,
        name TEXT NOT NULL,
        domain TEXT,
        name_seen TEXT DEFAULT '' NOT NULL,
        recorded BOOLEAN DEFAULT false NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        search TSVECTOR GENERATED ALWAYS AS (to_tsvector('simple', translate(replace(replace(replace(replace(replace(replace(replace(replace(normalize(regexp_replace(normalize(coalesce(name, '') || ' ' || coalesce(domain, ''), NFKD), '[\\u0300-\\u036f]', '', 'g'), NFKC), 'ß', 'ss'), 'ẞ', 'SS'), 'Æ', 'AE'), 'æ', 'ae'), 'Œ', 'OE'), 'œ', 'oe'), 'Þ', 'TH'), 'þ', 'th'), '@._-+/ØøŁłĐđĦħıÐð', '      OoLlDdHhiDd'))) STORED,
        CONSTRAINT pk_companies PRIMARY KEY (id),
        CONSTRAINT uq_companies_workspace_id_key UNIQUE (workspace_id, key),
        CONSTRAINT fk_companies_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_companies_page ON companies (workspace_id, created_at, id)",
    "CREATE INDEX ix_companies_updated ON companies (workspace_id, updated_at, id)",
    "CREATE INDEX ix_companies_name ON companies (workspace_id, name, id)",
    "CREATE INDEX ix_companies_search ON companies USING gin (search)",
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
    """CREATE TABLE deal_aliases (
        alias_id UUID NOT NULL,
        opened_by UUID NOT NULL,
        workspace_id UUID NOT NULL,
        CONSTRAINT pk_deal_aliases PRIMARY KEY (alias_id),
        CONSTRAINT fk_deal_aliases_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE deliveries (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        booking_id UUID,
        deal_id UUID,
        event_id UUID,
        key TEXT NOT NULL,
        destination TEXT NOT NULL,
        kind TEXT NOT NULL,
        recipient TEXT,
        priority SMALLINT DEFAULT '0' NOT NULL,
        booking_version INTEGER NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE,
        wake_at TIMESTAMP WITH TIME ZONE NOT NULL,
        state TEXT NOT NULL CONSTRAINT ck_deliveries_state CHECK (state IN ('scheduled', 'sending', 'delivered', 'previewed', 'failed', 'withdrawn', 'skipped')),
        because TEXT,
        attempt_id UUID,
        unwanted TEXT,
        failures INTEGER DEFAULT '0' NOT NULL,
        attempts INTEGER DEFAULT '0' NOT NULL,
        withdrawn_by TEXT,
        provider TEXT,
        provider_id TEXT,
        record TEXT,
        found JSONB DEFAULT '{}' NOT NULL,
        question JSONB,
        feedback TEXT,
        feedback_because TEXT,
        feedback_at TIMESTAMP WITH TIME ZONE,
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
    """CREATE INDEX ix_deliveries_delivered ON deliveries (workspace_id, destination, delivered_at) WHERE
        delivered_at IS NOT NULL""",
    "CREATE INDEX ix_deliveries_deal_id ON deliveries (deal_id) WHERE deal_id IS NOT NULL",
    """CREATE INDEX ix_deliveries_expires_at ON deliveries (workspace_id, destination, expires_at) WHERE
        state IN ('scheduled', 'sending')""",
    """CREATE INDEX ix_deliveries_follow_ups ON deliveries (workspace_id, booking_id)
        WHERE kind = 'no_show' AND state = 'delivered'""",
    "CREATE INDEX ix_deliveries_failed ON deliveries (workspace_id, updated_at) WHERE state = 'failed'",
    """CREATE INDEX ix_deliveries_mail_preview ON deliveries (workspace_id, updated_at, id) WHERE
        state = 'previewed'""",
    """CREATE INDEX ix_deliveries_next ON deliveries (workspace_id, destination, priority, due_at, id,
        wake_at) WHERE state IN ('scheduled', 'sending')""",
    "CREATE INDEX ix_deliveries_page ON deliveries (workspace_id, created_at, id)",
    "CREATE INDEX ix_deliveries_provider_id ON deliveries (provider_id) WHERE provider_id IS NOT NULL",
    """CREATE INDEX ix_deliveries_queue ON deliveries (workspace_id, destination, wake_at) WHERE state IN
        ('scheduled', 'sending')""",
    """CREATE INDEX ix_deliveries_record ON deliveries (workspace_id, destination, record) WHERE
        record IS NOT NULL""",
    """CREATE INDEX ix_deliveries_recipient ON deliveries (workspace_id, recipient) WHERE kind =
        'no_show' AND state = 'delivered'""",
    "CREATE INDEX ix_deliveries_wake_at ON deliveries (wake_at) WHERE state IN ('scheduled', 'sending')",
    """CREATE TABLE destination_queues (
        workspace_id UUID NOT NULL,
        destination TEXT NOT NULL,
        tokens DOUBLE PRECISION NOT NULL,
        tokens_at TIMESTAMP WITH TIME ZONE NOT NULL,
        paused_until TIMESTAMP WITH TIME ZONE,
        because TEXT,
        failures INTEGER DEFAULT '0' NOT NULL,
        failing_since TIMESTAMP WITH TIME ZONE,
        passed_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_destination_queues PRIMARY KEY (workspace_id, destination),
        CONSTRAINT fk_destination_queues_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE endpoints (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        url TEXT NOT NULL,
        description TEXT DEFAULT '' NOT NULL,
        kinds TEXT[] NOT NULL,
        secrets BYTEA NOT NULL,
        paused_at TIMESTAMP WITH TIME ZONE,
        because TEXT,
        deleted_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_endpoints PRIMARY KEY (id),
        CONSTRAINT fk_endpoints_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_endpoints_workspace_id ON endpoints (workspace_id, created_at, id)",
    """CREATE TABLE merges (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        kind TEXT NOT NULL CONSTRAINT ck_merges_kind CHECK (kind IN ('people', 'companies')),
        gone TEXT NOT NULL,
        stays TEXT NOT NULL,
        gone_id UUID NOT NULL,
        actor TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_merges PRIMARY KEY (id),
        CONSTRAINT uq_merges_workspace_id_kind_gone UNIQUE (workspace_id, kind, gone),
        CONSTRAINT fk_merges_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_merges_gone_id ON merges (gone_id)",
    """CREATE TABLE mirrored_records (
        workspace_id UUID NOT NULL,
        destination TEXT NOT NULL,
        list TEXT NOT NULL,
        record TEXT NOT NULL,
        title TEXT NOT NULL,
        name TEXT NOT NULL,
        last_name TEXT NOT NULL,
        email TEXT,
        url TEXT,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_mirrored_records PRIMARY KEY (workspace_id, destination, record),
        CONSTRAINT fk_mirrored_records_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_mirrored_records_email ON mirrored_records (workspace_id, destination, email)",
    "CREATE INDEX ix_mirrored_records_last_name ON mirrored_records (workspace_id, destination, last_name)",
    """CREATE TABLE mirrors (
        workspace_id UUID NOT NULL,
        destination TEXT NOT NULL,
        list TEXT NOT NULL,
        synced_until TIMESTAMP WITH TIME ZONE NOT NULL,
        synced_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_mirrors PRIMARY KEY (workspace_id, destination, list),
        CONSTRAINT fk_mirrors_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE rules (
        event_id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        order_key TEXT NOT NULL,
        changes JSONB NOT NULL,
        since TIMESTAMP WITH TIME ZONE,
        actor TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_rules PRIMARY KEY (event_id),
        CONSTRAINT fk_rules_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_rules_workspace_id ON rules (workspace_id)",
    """CREATE TABLE subscriptions (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        destination TEXT NOT NULL,
        kinds TEXT[] NOT NULL,
        since TIMESTAMP WITH TIME ZONE NOT NULL,
        until TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_subscriptions PRIMARY KEY (id),
        CONSTRAINT fk_subscriptions_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE UNIQUE INDEX uq_subscriptions_open ON subscriptions (workspace_id, destination) WHERE until IS NULL",
    """CREATE TABLE calendar_entries (
        workspace_id UUID NOT NULL,
        uid TEXT NOT NULL,
        recipient TEXT NOT NULL,
        booking_id UUID NOT NULL,
        method TEXT NOT NULL CONSTRAINT ck_calendar_entries_method CHECK (method IN ('REQUEST', 'CANCEL')),
        sequence INTEGER NOT NULL,
        organizer TEXT NOT NULL,
        start_time TIMESTAMP WITH TIME ZONE NOT NULL,
        sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_calendar_entries PRIMARY KEY (workspace_id, uid, recipient),
        CONSTRAINT fk_calendar_entries_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_calendar_entries_booking_id ON calendar_entries (booking_id)",
    """CREATE TABLE suppressions (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        email TEXT,
        phone TEXT,
        scope TEXT NOT NULL CONSTRAINT ck_suppressions_scope CHECK (scope IN ('all', 'follow_up')),
        reason TEXT NOT NULL CONSTRAINT ck_suppressions_reason CHECK (reason IN ('bounced', 'complained', 'unsubscribed', 'unreachable')),
        because TEXT NOT NULL,
        delivery_id UUID,
        event_id UUID,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_suppressions PRIMARY KEY (id),
        CONSTRAINT ck_suppressions_recipient CHECK (num_nonnulls(email, phone) = 1),
        CONSTRAINT uq_suppressions_workspace_id_email_scope UNIQUE (workspace_id, email, scope),
        CONSTRAINT uq_suppressions_workspace_id_phone_scope UNIQUE (workspace_id, phone, scope),
        CONSTRAINT fk_suppressions_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE totals (
        workspace_id UUID NOT NULL,
        name TEXT NOT NULL,
        label TEXT NOT NULL,
        amount DOUBLE PRECISION NOT NULL,
        CONSTRAINT pk_totals PRIMARY KEY (workspace_id, name, label),
        CONSTRAINT fk_totals_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE deal_events (
        company_id UUID NOT NULL,
        stream_id UUID NOT NULL,
        booking_id UUID,
        deal_id UUID,
        position INTEGER NOT NULL,
        order_key TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        event_id UUID NOT NULL,
        kind TEXT NOT NULL,
        organizer_email TEXT,
        start_time TIMESTAMP WITH TIME ZONE,
        series_uid TEXT,
        manual JSONB,
        CONSTRAINT pk_deal_events PRIMARY KEY (stream_id, position),
        CONSTRAINT fk_deal_events_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
    )""",
    "CREATE INDEX ix_deal_events_booking_id ON deal_events (booking_id) WHERE booking_id IS NOT NULL",
    "CREATE INDEX ix_deal_events_company_id ON deal_events (company_id)",
    "CREATE INDEX ix_deal_events_deal_id ON deal_events (deal_id) WHERE deal_id IS NOT NULL",
    """CREATE TABLE deals (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        company_id UUID NOT NULL,
        status TEXT NOT NULL CONSTRAINT ck_deals_status CHECK (status IN ('active', 'won', 'lost', 'cancelled')),
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
    "CREATE INDEX ix_deals_updated ON deals (workspace_id, updated_at, id)",
    "CREATE INDEX ix_deals_amount ON deals (workspace_id, coalesce(amount, -1), id)",
    """CREATE INDEX ix_deals_board ON deals (workspace_id, stage, stage_entered_at, id)
    INCLUDE (owner_email, currency, amount) WHERE status = 'active'""",
    "CREATE INDEX ix_deals_closed ON deals (workspace_id, status, closed_at) WHERE status <> 'active'",
    "CREATE INDEX ix_deals_company_id ON deals (company_id)",
    "CREATE INDEX ix_deals_page ON deals (workspace_id, created_at, id)",
    "CREATE INDEX ix_deals_won ON deals (workspace_id, closed_at) WHERE status = 'won'",
    "CREATE UNIQUE INDEX uq_deals_active_company_id ON deals (company_id) WHERE status = 'active'",
    """CREATE TABLE delivery_attempts (
        id UUID NOT NULL,
        delivery_id UUID NOT NULL,
        number INTEGER NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        outcome TEXT CONSTRAINT ck_delivery_attempts_outcome CHECK (outcome IN ('delivered', 'previewed', 'try_again', 'asked', 'gave_up', 'stopped', 'lost')),
        because TEXT,
        CONSTRAINT pk_delivery_attempts PRIMARY KEY (id),
        CONSTRAINT fk_delivery_attempts_delivery_id FOREIGN KEY(delivery_id) REFERENCES deliveries (id) ON
            DELETE CASCADE
    )""",
    "CREATE INDEX ix_delivery_attempts_delivery_id ON delivery_attempts (delivery_id)",
    """CREATE TABLE delivery_contents (
        delivery_id UUID NOT NULL,
        content JSON NOT NULL,
        rendered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_delivery_contents PRIMARY KEY (delivery_id),
        CONSTRAINT fk_delivery_contents_delivery_id FOREIGN KEY(delivery_id) REFERENCES deliveries (id) ON
            DELETE CASCADE
    )""",
    """CREATE TABLE inbox_events (
        id UUID NOT NULL,
        account_id UUID,
        actor TEXT,
        workspace_id UUID,
        source TEXT DEFAULT 'calcom' NOT NULL,
        origin TEXT DEFAULT 'webhook' NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        digest BYTEA NOT NULL,
        body BYTEA NOT NULL,
        order_digest BYTEA,
        content_type TEXT,
        webhook_version TEXT,
        source_address TEXT,
        source_id TEXT,
        duplicate_of UUID,
        state TEXT DEFAULT 'pending' NOT NULL,
        because TEXT,
        trigger TEXT,
        uid TEXT,
        source_at TIMESTAMP WITH TIME ZONE,
        booking_id UUID,
        number BIGINT,
        replayed_at TIMESTAMP WITH TIME ZONE,
        attempts SMALLINT DEFAULT '0' NOT NULL,
        next_try_at TIMESTAMP WITH TIME ZONE,
        processed_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_inbox_events PRIMARY KEY (id),
        CONSTRAINT ck_inbox_events_state CHECK (state IN ('pending', 'applied', 'ignored', 'unreadable', 'waiting', 'failed', 'duplicate', 'refused', 'erased')),
        CONSTRAINT fk_inbox_events_account_id FOREIGN KEY(account_id) REFERENCES connections (id),
        CONSTRAINT fk_inbox_events_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_inbox_events_duplicate_of FOREIGN KEY(duplicate_of) REFERENCES inbox_events (id)
    )""",
    "CREATE INDEX ix_inbox_events_booking_id ON inbox_events (booking_id) WHERE booking_id IS NOT NULL",
    "CREATE INDEX ix_inbox_events_failed ON inbox_events (id) WHERE state = 'failed'",
    """CREATE INDEX ix_inbox_events_feedback ON inbox_events (received_at) WHERE source = 'resend' AND
        state = 'waiting'""",
    "CREATE INDEX ix_inbox_events_duplicate_of ON inbox_events (duplicate_of) WHERE duplicate_of IS NOT NULL",
    "CREATE INDEX ix_inbox_events_unreadable ON inbox_events (processed_at) WHERE state = 'unreadable'",
    "CREATE INDEX ix_inbox_events_homeless ON inbox_events (id) WHERE workspace_id IS NULL AND state = 'waiting'",
    "CREATE INDEX ix_inbox_events_received_at ON inbox_events (received_at, id)",
    "CREATE INDEX ix_inbox_events_uid ON inbox_events (account_id, uid) WHERE uid IS NOT NULL",
    """CREATE INDEX ix_inbox_events_unprocessed ON inbox_events (workspace_id, received_at) WHERE state IN
        ('pending', 'failed')""",
    "CREATE UNIQUE INDEX uq_inbox_events_digest ON inbox_events (account_id, digest) WHERE duplicate_of IS NULL",
    """CREATE UNIQUE INDEX uq_inbox_events_source_id ON inbox_events (workspace_id, source_id) WHERE
        source_id IS NOT NULL AND duplicate_of IS NULL""",
    """CREATE TABLE people (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        email TEXT NOT NULL,
        name TEXT,
        time_zone TEXT,
        phone TEXT,
        company_id UUID,
        company_key TEXT,
        name_seen TEXT DEFAULT '' NOT NULL,
        time_zone_seen TEXT DEFAULT '' NOT NULL,
        phone_seen TEXT DEFAULT '' NOT NULL,
        company_seen TEXT DEFAULT '' NOT NULL,
        recorded BOOLEAN DEFAULT false NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        search TSVECTOR GENERATED ALWAYS AS (to_tsvector('simple', translate(replace(replace(replace(replace(replace(replace(replace(replace(normalize(regexp_replace(normalize(coalesce(name, '') || ' ' || coalesce(email, ''), NFKD), '[\\u0300-\\u036f]', '', 'g'), NFKC), 'ß', 'ss'), 'ẞ', 'SS'), 'Æ', 'AE'), 'æ', 'ae'), 'Œ', 'OE'), 'œ', 'oe'), 'Þ', 'TH'), 'þ', 'th'), '@._-+/ØøŁłĐđĦħıÐð', '      OoLlDdHhiDd'))) STORED,
        CONSTRAINT pk_people PRIMARY KEY (id),
        CONSTRAINT uq_people_workspace_id_email UNIQUE (workspace_id, email),
        CONSTRAINT fk_people_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_people_company_id FOREIGN KEY(company_id) REFERENCES companies (id)
    )""",
    "CREATE INDEX ix_people_company_id ON people (company_id)",
    "CREATE INDEX ix_people_page ON people (workspace_id, created_at, id)",
    "CREATE INDEX ix_people_updated ON people (workspace_id, updated_at, id)",
    "CREATE INDEX ix_people_search ON people USING gin (search)",
    """CREATE TABLE reconciliations (
        id UUID NOT NULL,
        account_id UUID NOT NULL,
        kind TEXT NOT NULL CONSTRAINT ck_reconciliations_kind CHECK (kind IN ('poll', 'backfill')),
        state TEXT DEFAULT 'running' NOT NULL CONSTRAINT ck_reconciliations_state CHECK (state IN ('waiting', 'running', 'done', 'failed')),
        because TEXT,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        since TIMESTAMP WITH TIME ZONE NOT NULL,
        until TIMESTAMP WITH TIME ZONE NOT NULL,
        place JSONB,
        looked_at INTEGER DEFAULT '0' NOT NULL,
        repaired JSONB DEFAULT '{}' NOT NULL,
        drifting INTEGER DEFAULT '0' NOT NULL,
        drift JSONB DEFAULT '[]' NOT NULL,
        CONSTRAINT pk_reconciliations PRIMARY KEY (id),
        CONSTRAINT fk_reconciliations_account_id FOREIGN KEY(account_id) REFERENCES connections (id)
    )""",
    "CREATE INDEX ix_reconciliations_account_id ON reconciliations (account_id, started_at)",
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
    """CREATE TABLE syncs (
        account_id UUID NOT NULL,
        began_at TIMESTAMP WITH TIME ZONE NOT NULL,
        compared_until TIMESTAMP WITH TIME ZONE,
        next_at TIMESTAMP WITH TIME ZONE NOT NULL,
        leased_by UUID,
        leased_until TIMESTAMP WITH TIME ZONE,
        last_ok_at TIMESTAMP WITH TIME ZONE,
        failing_since TIMESTAMP WITH TIME ZONE,
        failures INTEGER DEFAULT '0' NOT NULL,
        because TEXT,
        CONSTRAINT pk_syncs PRIMARY KEY (account_id),
        CONSTRAINT fk_syncs_account_id FOREIGN KEY(account_id) REFERENCES connections (id) ON DELETE CASCADE
    )""",
    """CREATE TABLE bookings (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        account_id UUID NOT NULL,
        calcom_uid TEXT,
        calcom_booking_id TEXT,
        person_id UUID,
        company_id UUID,
        seat_company_id UUID,
        deal_id UUID,
        title TEXT DEFAULT '' NOT NULL,
        start_time TIMESTAMP WITH TIME ZONE NOT NULL,
        end_time TIMESTAMP WITH TIME ZONE,
        booked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        status TEXT NOT NULL CONSTRAINT ck_bookings_status CHECK (status IN ('ACCEPTED', 'PENDING', 'CANCELLED', 'REJECTED')),
        attended BOOLEAN,
        attendance_evidence TEXT,
        host_absent BOOLEAN DEFAULT false NOT NULL,
        show_time TIMESTAMP WITH TIME ZONE,
        organizer_email TEXT,
        organizer_name TEXT,
        organizer_time_zone TEXT,
        organizer_username TEXT,
        event_type TEXT,
        event_type_title TEXT,
        calcom_event_type_id TEXT,
        team_id BIGINT,
        location TEXT,
        location_kind TEXT,
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
        organizer_email_hidden BOOLEAN DEFAULT false NOT NULL,
        reply_to TEXT,
        rescheduling_disabled BOOLEAN DEFAULT false NOT NULL,
        cancelling_disabled BOOLEAN DEFAULT false NOT NULL,
        platform_reschedule_url TEXT,
        platform_cancel_url TEXT,
        platform_booking_url TEXT,
        calendar_invites BOOLEAN DEFAULT false NOT NULL,
        series_uid TEXT,
        paid BOOLEAN,
        price BIGINT,
        currency TEXT,
        recording_url TEXT,
        transcript_url TEXT,
        outcome TEXT,
        outcome_notes TEXT,
        next_step TEXT,
        answers JSONB DEFAULT '{}' NOT NULL,
        source TEXT DEFAULT 'unknown' NOT NULL,
        source_details JSONB,
        uids JSONB DEFAULT '[]' NOT NULL,
        simulated BOOLEAN DEFAULT false NOT NULL,
        version INTEGER DEFAULT '1' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        search TSVECTOR GENERATED ALWAYS AS (to_tsvector('simple', translate(replace(replace(replace(replace(replace(replace(replace(replace(normalize(regexp_replace(normalize(coalesce(title, ''), NFKD), '[\\u0300-\\u036f]', '', 'g'), NFKC), 'ß', 'ss'), 'ẞ', 'SS'), 'Æ', 'AE'), 'æ', 'ae'), 'Œ', 'OE'), 'œ', 'oe'), 'Þ', 'TH'), 'þ', 'th'), '@._-+/ØøŁłĐđĦħıÐð', '      OoLlDdHhiDd'))) STORED,
        CONSTRAINT pk_bookings PRIMARY KEY (id),
        CONSTRAINT fk_bookings_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_bookings_account_id FOREIGN KEY(account_id) REFERENCES connections (id),
        CONSTRAINT fk_bookings_person_id FOREIGN KEY(person_id) REFERENCES people (id),
        CONSTRAINT fk_bookings_company_id FOREIGN KEY(company_id) REFERENCES companies (id),
        CONSTRAINT fk_bookings_seat_company_id FOREIGN KEY(seat_company_id) REFERENCES companies (id),
        CONSTRAINT fk_bookings_deal_id FOREIGN KEY(deal_id) REFERENCES deals (id) DEFERRABLE INITIALLY DEFERRED
    )""",
    "CREATE INDEX ix_bookings_booked_at ON bookings (workspace_id, booked_at, id)",
    "CREATE INDEX ix_bookings_company_id ON bookings (company_id)",
    "CREATE INDEX ix_bookings_seat_company_id ON bookings (seat_company_id) WHERE seat_company_id IS NOT NULL",
    "CREATE INDEX ix_bookings_deal_id ON bookings (deal_id)",
    "CREATE INDEX ix_bookings_organizer ON bookings (workspace_id, organizer_email, start_time, id)",
    "CREATE INDEX ix_bookings_over_at ON bookings (workspace_id, greatest(start_time, end_time))",
    "CREATE INDEX ix_bookings_page ON bookings (workspace_id, start_time, id)",
    "CREATE INDEX ix_bookings_person_id ON bookings (person_id)",
    "CREATE INDEX ix_bookings_search ON bookings USING gin (search)",
    "CREATE INDEX ix_bookings_simulated ON bookings (id) WHERE simulated",
    "CREATE INDEX ix_bookings_source ON bookings (workspace_id, source, start_time, id)",
    "CREATE INDEX ix_bookings_series ON bookings (workspace_id, series_uid) WHERE series_uid IS NOT NULL",
    """CREATE TABLE event_refs (
        ref TEXT NOT NULL,
        event_id UUID NOT NULL,
        CONSTRAINT pk_event_refs PRIMARY KEY (ref, event_id),
        CONSTRAINT fk_event_refs_event_id FOREIGN KEY(event_id) REFERENCES inbox_events (id)
    )""",
    "CREATE INDEX ix_event_refs_event_id ON event_refs (event_id)",
    """CREATE TABLE booking_attendees (
        booking_id UUID NOT NULL,
        position INTEGER NOT NULL,
        person_id UUID,
        email TEXT,
        match_key TEXT,
        attendee_key TEXT,
        company_key TEXT,
        name TEXT,
        time_zone TEXT,
        phone TEXT,
        first_name TEXT,
        locale TEXT,
        company_answer TEXT,
        name_keys JSONB,
        calcom_seat_uid TEXT,
        attended BOOLEAN,
        attendance_evidence TEXT,
        booked_at TIMESTAMP WITH TIME ZONE,
        confirmed_at TIMESTAMP WITH TIME ZONE,
        cancelled_at TIMESTAMP WITH TIME ZONE,
        dismissed BOOLEAN DEFAULT false NOT NULL,
        CONSTRAINT pk_booking_attendees PRIMARY KEY (booking_id, position),
        CONSTRAINT fk_booking_attendees_booking_id FOREIGN KEY(booking_id) REFERENCES bookings (id),
        CONSTRAINT fk_booking_attendees_person_id FOREIGN KEY(person_id) REFERENCES people (id)
    )""",
    """CREATE INDEX ix_booking_attendees_booked_at ON booking_attendees (booked_at)
        WHERE booked_at IS NOT NULL""",
    """CREATE INDEX ix_booking_attendees_company_key ON booking_attendees (company_key)
        WHERE company_key IS NOT NULL""",
    "CREATE INDEX ix_booking_attendees_email ON booking_attendees (email)",
    """CREATE INDEX ix_booking_attendees_match_key ON booking_attendees (match_key)
        WHERE match_key IS NOT NULL""",
    """CREATE INDEX ix_booking_attendees_name_keys ON booking_attendees USING gin (name_keys)
        WITH (fastupdate = off) WHERE name_keys IS NOT NULL""",
    """CREATE INDEX ix_booking_attendees_unmatched
        ON booking_attendees ((md5((booking_id)::text || ':' || attendee_key)::uuid)) WHERE attendee_key IS NOT NULL""",
    "CREATE INDEX ix_booking_attendees_person_id ON booking_attendees (person_id)",
    """CREATE TABLE booking_refs (
        workspace_id UUID NOT NULL,
        ref TEXT NOT NULL,
        booking_id UUID NOT NULL,
        CONSTRAINT pk_booking_refs PRIMARY KEY (workspace_id, ref),
        CONSTRAINT fk_booking_refs_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_booking_refs_booking_id FOREIGN KEY(booking_id) REFERENCES bookings (id)
    )""",
    "CREATE INDEX ix_booking_refs_booking_id ON booking_refs (booking_id)",
    """CREATE TABLE campaigns (
        workspace_id UUID NOT NULL,
        id BIGINT NOT NULL,
        source TEXT NOT NULL CONSTRAINT ck_campaigns_source CHECK (source IN ('csv', 'emailbison')),
        name TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_campaigns PRIMARY KEY (workspace_id, id),
        CONSTRAINT fk_campaigns_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE UNIQUE INDEX uq_campaigns_name ON campaigns (workspace_id, source, name) WHERE source = 'csv'",
    """CREATE TABLE campaign_days (
        workspace_id UUID NOT NULL,
        campaign_id BIGINT NOT NULL,
        day DATE NOT NULL,
        sent INTEGER DEFAULT '0' NOT NULL,
        bounced INTEGER DEFAULT '0' NOT NULL,
        replied INTEGER DEFAULT '0' NOT NULL,
        interested INTEGER DEFAULT '0' NOT NULL,
        unsubscribed INTEGER DEFAULT '0' NOT NULL,
        CONSTRAINT pk_campaign_days PRIMARY KEY (workspace_id, campaign_id, day),
        CONSTRAINT fk_campaign_days_workspace_id_campaign_id FOREIGN KEY(workspace_id, campaign_id) REFERENCES campaigns (workspace_id, id)
    )""",
    """CREATE TABLE campaign_totals (
        workspace_id UUID NOT NULL,
        campaign_id BIGINT NOT NULL,
        sent INTEGER NOT NULL,
        bounced INTEGER NOT NULL,
        contacted INTEGER NOT NULL,
        replied INTEGER NOT NULL,
        interested INTEGER NOT NULL,
        unsubscribed INTEGER NOT NULL,
        leads INTEGER NOT NULL,
        read_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_campaign_totals PRIMARY KEY (workspace_id, campaign_id),
        CONSTRAINT fk_campaign_totals_workspace_id_campaign_id FOREIGN KEY(workspace_id, campaign_id) REFERENCES campaigns (workspace_id, id)
    )""",
    """CREATE TABLE lead_sources (
        connection_id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        url TEXT NOT NULL,
        number BIGINT NOT NULL,
        name TEXT NOT NULL,
        read_at TIMESTAMP WITH TIME ZONE NOT NULL,
        statistics_read_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_lead_sources PRIMARY KEY (connection_id),
        CONSTRAINT fk_lead_sources_connection_id FOREIGN KEY(connection_id) REFERENCES connections (id) ON DELETE CASCADE,
        CONSTRAINT fk_lead_sources_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE webhook_tokens (
        connection_id UUID NOT NULL,
        secrets BYTEA NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_webhook_tokens PRIMARY KEY (connection_id),
        CONSTRAINT fk_webhook_tokens_connection_id FOREIGN KEY(connection_id) REFERENCES connections (id) ON DELETE CASCADE
    )""",
    """CREATE TABLE lead_walks (
        workspace_id UUID NOT NULL,
        list TEXT NOT NULL CONSTRAINT ck_lead_walks_list CHECK (list IN ('leads', 'replies', 'changed_leads')),
        origin TEXT NOT NULL,
        cursor TEXT,
        newest BIGINT,
        known_until BIGINT,
        since DATE,
        read BIGINT DEFAULT '0' NOT NULL,
        expected BIGINT,
        started_at TIMESTAMP WITH TIME ZONE,
        first_ended_at TIMESTAMP WITH TIME ZONE,
        ended_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_lead_walks PRIMARY KEY (workspace_id, list),
        CONSTRAINT fk_lead_walks_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE mail_senders (
        workspace_id UUID NOT NULL,
        number BIGINT NOT NULL,
        email TEXT,
        CONSTRAINT pk_mail_senders PRIMARY KEY (workspace_id, number),
        CONSTRAINT fk_mail_senders_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE reported_leads (
        workspace_id UUID NOT NULL,
        lead TEXT NOT NULL,
        reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_reported_leads PRIMARY KEY (workspace_id, lead),
        CONSTRAINT fk_reported_leads_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE SEQUENCE campaign_numbers START WITH 1000000000",
    """CREATE TABLE lead_imports (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        digest BYTEA NOT NULL,
        file_name TEXT NOT NULL,
        campaign TEXT,
        actor TEXT NOT NULL,
        state TEXT NOT NULL CONSTRAINT ck_lead_imports_state CHECK (state IN ('running', 'done')),
        position BIGINT DEFAULT '0' NOT NULL,
        accepted BIGINT DEFAULT '0' NOT NULL,
        repeated BIGINT DEFAULT '0' NOT NULL,
        ignored BIGINT DEFAULT '0' NOT NULL,
        rejected JSONB DEFAULT '{}' NOT NULL,
        rejected_rows JSONB DEFAULT '[]' NOT NULL,
        repeated_rows JSONB DEFAULT '[]' NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_lead_imports PRIMARY KEY (id),
        CONSTRAINT uq_lead_imports_workspace_id_digest UNIQUE (workspace_id, digest),
        CONSTRAINT fk_lead_imports_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE leads (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        email TEXT NOT NULL,
        match_key TEXT,
        first_name TEXT,
        last_name TEXT,
        name TEXT,
        company TEXT,
        names_from UUID,
        earlier_names JSONB DEFAULT '[]' NOT NULL,
        other_emails TEXT[],
        other_keys TEXT[],
        family_key TEXT COLLATE "C" DEFAULT '' NOT NULL,
        first_key TEXT COLLATE "C" DEFAULT '' NOT NULL,
        company_key TEXT COLLATE "C" DEFAULT '' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_leads PRIMARY KEY (id),
        CONSTRAINT uq_leads_workspace_id_email UNIQUE (workspace_id, email),
        CONSTRAINT fk_leads_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE INDEX ix_leads_company_key ON leads (workspace_id, company_key, family_key, id)
        WHERE company_key <> ''""",
    """CREATE INDEX ix_leads_family_key ON leads (workspace_id, family_key, first_key, id)
        WHERE family_key <> ''""",
    """CREATE INDEX ix_leads_first_key ON leads (workspace_id, first_key, family_key, id)
        WHERE first_key <> ''""",
    "CREATE INDEX ix_leads_match_key ON leads (match_key) WHERE match_key IS NOT NULL",
    "CREATE INDEX ix_leads_other_keys ON leads USING gin (other_keys) WHERE other_keys IS NOT NULL",
    """CREATE TABLE campaign_leads (
        workspace_id UUID NOT NULL,
        campaign_id BIGINT NOT NULL,
        lead_id UUID NOT NULL,
        sent INTEGER,
        first_sent_at TIMESTAMP WITH TIME ZONE,
        last_sent_at TIMESTAMP WITH TIME ZONE,
        replied BOOLEAN,
        replied_at TIMESTAMP WITH TIME ZONE,
        interested BOOLEAN,
        interested_at TIMESTAMP WITH TIME ZONE,
        bounced BOOLEAN,
        bounced_at TIMESTAMP WITH TIME ZONE,
        unsubscribed BOOLEAN,
        unsubscribed_at TIMESTAMP WITH TIME ZONE,
        step INTEGER,
        sender_email TEXT,
        import_id UUID,
        import_line BIGINT,
        shared BOOLEAN DEFAULT false NOT NULL,
        mails_read INTEGER,
        answers_read SMALLINT,
        CONSTRAINT pk_campaign_leads PRIMARY KEY (lead_id, campaign_id),
        CONSTRAINT fk_campaign_leads_workspace_id_campaign_id FOREIGN KEY(workspace_id, campaign_id) REFERENCES campaigns (workspace_id, id),
        CONSTRAINT fk_campaign_leads_lead_id FOREIGN KEY(lead_id) REFERENCES leads (id)
    )""",
    "CREATE INDEX ix_campaign_leads_campaign ON campaign_leads (workspace_id, campaign_id, lead_id)",
    """CREATE INDEX ix_campaign_leads_interested_at ON campaign_leads (workspace_id, interested_at, lead_id)
        INCLUDE (campaign_id, shared) WHERE interested""",
    """CREATE INDEX ix_campaign_leads_replied_at ON campaign_leads (workspace_id, replied_at, lead_id)
        INCLUDE (campaign_id, shared) WHERE replied""",
    "CREATE INDEX ix_campaign_leads_sent_at ON campaign_leads (workspace_id, last_sent_at)",
    """CREATE INDEX ix_campaign_leads_shared ON campaign_leads (workspace_id, lead_id)
        INCLUDE (campaign_id, replied, replied_at, interested, interested_at)
        WHERE shared AND (replied OR interested)""",
    """CREATE INDEX ix_campaign_leads_unread_mails
        ON campaign_leads (workspace_id, ((replied IS TRUE)::integer + (interested IS TRUE)::integer) DESC, lead_id)
        WHERE campaign_id < 1000000000 AND (coalesce(sent, 0) > coalesce(mails_read, 0)
        OR (replied IS TRUE)::integer + (interested IS TRUE)::integer > coalesce(answers_read, 0))""",
    """CREATE TABLE matches (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        booking_id UUID NOT NULL,
        attendee TEXT NOT NULL,
        lead_id UUID NOT NULL,
        lead_email TEXT NOT NULL,
        campaign_id BIGINT NOT NULL,
        method TEXT NOT NULL,
        score DOUBLE PRECISION NOT NULL,
        evidence JSONB NOT NULL,
        state TEXT NOT NULL CONSTRAINT ck_matches_state CHECK (state IN ('matched', 'undone', 'withdrawn')),
        event_id UUID NOT NULL,
        actor TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_matches PRIMARY KEY (id),
        CONSTRAINT fk_matches_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_matches_booking_id FOREIGN KEY(booking_id) REFERENCES bookings (id)
    )""",
    "CREATE INDEX ix_matches_booking_id ON matches (booking_id)",
    "CREATE INDEX ix_matches_campaign ON matches (workspace_id, campaign_id) INCLUDE (booking_id) WHERE state = 'matched'",
    "CREATE INDEX ix_matches_lead_id ON matches (lead_id)",
    "CREATE UNIQUE INDEX uq_matches_attendee ON matches (booking_id, attendee) WHERE state = 'matched'",
    """CREATE TABLE funnel_seats (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        booking_id UUID NOT NULL,
        lead_id UUID,
        person_id UUID NOT NULL,
        campaign_id BIGINT,
        booked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        start_time TIMESTAMP WITH TIME ZONE NOT NULL,
        over_at TIMESTAMP WITH TIME ZONE NOT NULL,
        outcome SMALLINT NOT NULL,
        reported BOOLEAN NOT NULL,
        simulated BOOLEAN NOT NULL,
        organizer_email TEXT,
        CONSTRAINT pk_funnel_seats PRIMARY KEY (id),
        CONSTRAINT fk_funnel_seats_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_funnel_seats_booking_id FOREIGN KEY(booking_id) REFERENCES bookings (id)
    )""",
    "CREATE INDEX ix_funnel_seats_booking_id ON funnel_seats (booking_id)",
    "CREATE INDEX ix_funnel_seats_person_id ON funnel_seats (person_id)",
)

# Cal.com's own events under the name that integrations know. Readers need rights of their own on the table.
VIEW = """CREATE VIEW calcom_events WITH (security_invoker = true) AS
    SELECT * FROM inbox_events WHERE source = 'calcom'"""

# Attendees who are no lead as far as anybody knows: the seeds' name. Readers need rights of their own on the tables.
UNMATCHED = """CREATE VIEW unmatched_bookings WITH (security_invoker = true) AS
    SELECT md5(a.booking_id::text || ':' || a.attendee_key)::uuid AS id, b.workspace_id, a.booking_id,
           a.attendee_key AS attendee, a.email, a.phone, a.name, b.title, b.start_time, coalesce(a.booked_at, b.booked_at) AS booked_at, b.status, b.organizer_email,
           b.simulated, a.dismissed, a.company_answer, a.company_key
    FROM booking_attendees a JOIN bookings b ON b.id = a.booking_id
    WHERE a.attendee_key IS NOT NULL AND a.cancelled_at IS NULL AND b.status NOT IN ('CANCELLED', 'REJECTED')
    AND NOT EXISTS (
        SELECT FROM matches m WHERE m.booking_id = a.booking_id AND m.attendee = a.attendee_key AND m.state = 'matched')"""

# Teammates' Cal.com accounts, and what assistants may do and asked for: see showup.assistant.
ASSISTANT_TABLES = (
    """CREATE TABLE calcom_profiles (
        id UUID NOT NULL,
        teammate_id UUID NOT NULL,
        name TEXT NOT NULL,
        credentials BYTEA NOT NULL,
        is_oauth BOOLEAN NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE,
        because TEXT,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_calcom_profiles PRIMARY KEY (id),
        CONSTRAINT uq_calcom_profiles_teammate_id_name UNIQUE (teammate_id, name),
        CONSTRAINT fk_calcom_profiles_teammate_id FOREIGN KEY(teammate_id) REFERENCES teammates (id) ON DELETE CASCADE
    )""",
    """CREATE TABLE calcom_authorizations (
        digest BYTEA NOT NULL,
        teammate_id UUID NOT NULL,
        name TEXT NOT NULL,
        verifier BYTEA NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_calcom_authorizations PRIMARY KEY (digest),
        CONSTRAINT fk_calcom_authorizations_teammate_id FOREIGN KEY(teammate_id) REFERENCES teammates (id) ON DELETE CASCADE
    )""",
    "CREATE INDEX ix_calcom_authorizations_expires_at ON calcom_authorizations (expires_at)",
    "CREATE INDEX ix_calcom_authorizations_teammate_id ON calcom_authorizations (teammate_id)",
    """CREATE TABLE approvals (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        tool TEXT NOT NULL,
        arguments JSONB NOT NULL,
        difference JSONB NOT NULL,
        requested_by TEXT NOT NULL,
        state TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        decided_by TEXT,
        decided_at TIMESTAMP WITH TIME ZONE,
        because TEXT,
        event_ids UUID[] DEFAULT '{}' NOT NULL,
        undone_by TEXT,
        undone_at TIMESTAMP WITH TIME ZONE,
        undo JSONB,
        CONSTRAINT pk_approvals PRIMARY KEY (id),
        CONSTRAINT ck_approvals_state CHECK (state IN ('pending', 'done', 'denied', 'expired', 'outdated', 'refused')),
        CONSTRAINT fk_approvals_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_approvals_created_at ON approvals (workspace_id, created_at, id)",
    "CREATE INDEX ix_approvals_event_ids ON approvals USING gin (event_ids)",
    "CREATE INDEX ix_approvals_pending ON approvals (workspace_id, requested_by) WHERE state = 'pending'",
    """CREATE TABLE slack_users (
        workspace_id UUID NOT NULL,
        team TEXT NOT NULL,
        member TEXT NOT NULL,
        name TEXT NOT NULL,
        teammate_id UUID NOT NULL,
        linked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_slack_users PRIMARY KEY (workspace_id, team, member),
        CONSTRAINT fk_slack_users_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_slack_users_teammate_id FOREIGN KEY(teammate_id) REFERENCES teammates (id) ON DELETE CASCADE,
        CONSTRAINT uq_slack_users_teammate_id_workspace_id UNIQUE (teammate_id, workspace_id)
    )""",
    """CREATE TABLE tool_grants (
        workspace_id UUID NOT NULL,
        actor TEXT NOT NULL,
        tool TEXT NOT NULL,
        granted_by TEXT NOT NULL,
        granted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_tool_grants PRIMARY KEY (workspace_id, actor, tool),
        CONSTRAINT fk_tool_grants_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE assistant_settings (
        workspace_id UUID NOT NULL,
        is_on BOOLEAN NOT NULL,
        calls_per_day INTEGER NOT NULL,
        changes_per_day INTEGER NOT NULL,
        tokens_per_day INTEGER NOT NULL,
        changed_by TEXT NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_assistant_settings PRIMARY KEY (workspace_id),
        CONSTRAINT fk_assistant_settings_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE assistant_usage (
        workspace_id UUID NOT NULL,
        actor TEXT NOT NULL,
        day DATE NOT NULL,
        calls INTEGER DEFAULT '0' NOT NULL,
        changes INTEGER DEFAULT '0' NOT NULL,
        tokens BIGINT DEFAULT '0' NOT NULL,
        CONSTRAINT pk_assistant_usage PRIMARY KEY (workspace_id, actor, day),
        CONSTRAINT fk_assistant_usage_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE conversations (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        actor TEXT NOT NULL,
        title TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_conversations PRIMARY KEY (id),
        CONSTRAINT fk_conversations_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_conversations_actor ON conversations (workspace_id, actor, updated_at)",
    """CREATE TABLE chat_messages (
        conversation_id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        number BIGINT NOT NULL,
        role TEXT NOT NULL CONSTRAINT ck_chat_messages_role CHECK (role IN ('user', 'assistant')),
        content JSONB NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_chat_messages PRIMARY KEY (conversation_id, number),
        CONSTRAINT fk_chat_messages_conversation_id FOREIGN KEY(conversation_id)
            REFERENCES conversations (id) ON DELETE CASCADE,
        CONSTRAINT fk_chat_messages_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE chat_questions (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        actor TEXT NOT NULL,
        conversation_id UUID NOT NULL,
        text TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        taken_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_chat_questions PRIMARY KEY (id),
        CONSTRAINT fk_chat_questions_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_chat_questions_conversation_id FOREIGN KEY(conversation_id)
            REFERENCES conversations (id) ON DELETE CASCADE,
        CONSTRAINT uq_chat_questions_workspace_id_actor UNIQUE (workspace_id, actor)
    )""",
    "CREATE INDEX ix_chat_questions_conversation_id ON chat_questions (conversation_id)",
)

# Facts about meetings and deals, and their counts by week: see showup.analysis.
ANALYSIS_TABLES = (
    """CREATE TABLE booking_facts (
        booking_id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        day DATE NOT NULL,
        booked_day DATE NOT NULL,
        ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
        organizer TEXT NOT NULL,
        source TEXT NOT NULL,
        event_type TEXT NOT NULL,
        simulated BOOLEAN NOT NULL,
        state TEXT NOT NULL,
        lead_days SMALLINT NOT NULL,
        lead_hours INTEGER NOT NULL,
        attendee_hour SMALLINT,
        moves SMALLINT NOT NULL,
        confirmed BOOLEAN NOT NULL,
        cancelled_before INTEGER,
        moved_before INTEGER,
        interest_hours INTEGER,
        version INTEGER NOT NULL,
        booked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        seats SMALLINT NOT NULL,
        seats_showed SMALLINT NOT NULL,
        seats_missed SMALLINT NOT NULL,
        reminders SMALLINT DEFAULT '0' NOT NULL,
        counted_version INTEGER,
        CONSTRAINT pk_booking_facts PRIMARY KEY (booking_id)
    )""",
    "CREATE INDEX ix_booking_facts_day ON booking_facts (workspace_id, day)",
    "CREATE INDEX ix_booking_facts_booked_day ON booking_facts (workspace_id, booked_day)",
    """CREATE INDEX ix_booking_facts_seats ON booking_facts (workspace_id, booked_at)
        INCLUDE (seats, seats_showed, seats_missed) WHERE seats > 0 AND NOT simulated""",
    """CREATE INDEX ix_booking_facts_uncounted ON booking_facts (ends_at)
        WHERE counted_version IS DISTINCT FROM version""",
    """CREATE TABLE stage_visits (
        deal_id UUID NOT NULL,
        position INTEGER NOT NULL,
        workspace_id UUID NOT NULL,
        day DATE NOT NULL,
        organizer TEXT NOT NULL,
        source TEXT NOT NULL,
        event_type TEXT NOT NULL,
        simulated BOOLEAN NOT NULL,
        stage TEXT NOT NULL,
        outcome TEXT NOT NULL,
        hours INTEGER,
        CONSTRAINT pk_stage_visits PRIMARY KEY (deal_id, position)
    )""",
    "CREATE INDEX ix_stage_visits_day ON stage_visits (workspace_id, day)",
    """CREATE TABLE fact_weeks (
        workspace_id UUID NOT NULL,
        subject TEXT NOT NULL,
        week DATE NOT NULL,
        version BIGINT NOT NULL,
        CONSTRAINT pk_fact_weeks PRIMARY KEY (workspace_id, subject, week)
    )""",
    """CREATE TABLE week_summaries (
        workspace_id UUID NOT NULL,
        subject TEXT NOT NULL,
        week DATE NOT NULL,
        version BIGINT NOT NULL,
        valid_until TIMESTAMP WITH TIME ZONE,
        counted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_week_summaries PRIMARY KEY (workspace_id, subject, week)
    )""",
    """CREATE TABLE week_counts (
        workspace_id UUID NOT NULL,
        subject TEXT NOT NULL,
        week DATE NOT NULL,
        simulated BOOLEAN NOT NULL,
        organizer TEXT,
        source TEXT,
        event_type TEXT,
        cells JSONB NOT NULL
    )""",
    "CREATE INDEX ix_week_counts_week ON week_counts (workspace_id, subject, week)",
    """CREATE INDEX ix_week_counts_filters
        ON week_counts (workspace_id, subject, organizer, source, event_type, week)""",
)

# A change of facts raises the version of its weeks, no matter who makes it, in the same transaction. Weeks are locked in one
# order, so that two changes can't wait for each other. The functions run with the schema of the migration, no matter
# what the caller's search path is.
_RAISE = """
    INSERT INTO fact_weeks (workspace_id, subject, week, version)
    SELECT DISTINCT workspace_id, subject, date_trunc('week', day::timestamp)::date, 1
    FROM {changed} ORDER BY 1, 2, 3
    ON CONFLICT (workspace_id, subject, week) DO UPDATE SET version = fact_weeks.version + 1;
"""
_MEETING_WEEKS = """(
    SELECT r.workspace_id, s.subject, s.day FROM {rows} r
    CROSS JOIN LATERAL (VALUES ('meetings', r.day), ('cohorts', r.booked_day)) s(subject, day)
) changed"""
_STAGE_WEEKS = "(SELECT r.workspace_id, 'stages' AS subject, r.day FROM {rows} r) changed"
# Before and after: a fact may move to another week. Statements that update facts leave out those that stay the same.
_CHANGED_ROWS = "(TABLE old_rows UNION ALL TABLE new_rows)"


def _statement_triggers(table: str, name: str, inserted: str, deleted: str, updated: str) -> tuple[str, ...]:
    function = f"""CREATE FUNCTION {table}_{name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN {inserted}
            ELSIF TG_OP = 'DELETE' THEN {deleted}
            ELSE {updated}
            END IF;
            RETURN NULL;
        END $$"""
    tables = {
        "insert": "NEW TABLE AS new_rows",
        "delete": "OLD TABLE AS old_rows",
        "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    }
    triggers = (
        f"""CREATE TRIGGER {table}_{name}_{event} AFTER {event.upper()} ON {table} REFERENCING {transition}
            FOR EACH STATEMENT EXECUTE FUNCTION {table}_{name}()"""
        for event, transition in tables.items()
    )
    return (function, *triggers)


def _week_triggers(table: str, weeks: str) -> tuple[str, ...]:
    branches = [_RAISE.format(changed=weeks.format(rows=rows)) for rows in ("new_rows", "old_rows", _CHANGED_ROWS)]
    return _statement_triggers(table, "versions", *branches)


WEEK_TRIGGERS = (
    *_week_triggers("booking_facts", _MEETING_WEEKS),
    *_week_triggers("stage_visits", _STAGE_WEEKS),
)


# Narrow rows and sums for funnels and statistics: see showup.database.funnel_tables.
FUNNEL_TABLES = (
    """CREATE TABLE funnel_people (
        workspace_id UUID NOT NULL,
        person_id UUID NOT NULL,
        matched BOOLEAN NOT NULL,
        simulated BOOLEAN NOT NULL,
        levels SMALLINT NOT NULL,
        campaign_id BIGINT NOT NULL,
        organizer_email TEXT NOT NULL,
        lead_id UUID NOT NULL,
        step INTEGER DEFAULT '0' NOT NULL,
        sender_email TEXT DEFAULT '' NOT NULL,
        shared BOOLEAN NOT NULL,
        booked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        start_time TIMESTAMP WITH TIME ZONE NOT NULL,
        over_at TIMESTAMP WITH TIME ZONE NOT NULL,
        latest SMALLINT NOT NULL,
        showed_at TIMESTAMP WITH TIME ZONE,
        assumed_at TIMESTAMP WITH TIME ZONE,
        is_held BOOLEAN,
        report_at TIMESTAMP WITH TIME ZONE,
        report_over_at TIMESTAMP WITH TIME ZONE,
        outcome SMALLINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        settled_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_funnel_people PRIMARY KEY (person_id, simulated, levels, campaign_id, organizer_email, lead_id),
        CONSTRAINT fk_funnel_people_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_funnel_people_at ON funnel_people (workspace_id, matched, at)",
    "CREATE INDEX ix_funnel_people_booked_at ON funnel_people (workspace_id, matched, booked_at)",
    "CREATE INDEX ix_funnel_people_lead_id ON funnel_people (lead_id)",
    """CREATE INDEX ix_funnel_people_report_at ON funnel_people (workspace_id, matched, report_at)
        WHERE report_at IS NOT NULL""",
    "CREATE INDEX ix_funnel_people_settled_at ON funnel_people (workspace_id, matched, settled_at)",
    "CREATE INDEX ix_funnel_people_shared ON funnel_people (workspace_id, matched) WHERE shared",
    """CREATE TABLE people_weeks (
        workspace_id UUID NOT NULL,
        level SMALLINT NOT NULL,
        matched BOOLEAN NOT NULL,
        simulated BOOLEAN NOT NULL,
        shared BOOLEAN NOT NULL,
        week DATE NOT NULL,
        campaign_id BIGINT NOT NULL,
        step INTEGER NOT NULL,
        sender_email TEXT NOT NULL,
        organizer_email TEXT NOT NULL,
        booked BIGINT NOT NULL,
        showed_reported BIGINT NOT NULL,
        showed_assumed BIGINT NOT NULL,
        no_show BIGINT NOT NULL,
        host_absent BIGINT NOT NULL,
        unreported BIGINT NOT NULL,
        open BIGINT NOT NULL,
        held BIGINT NOT NULL,
        missed BIGINT NOT NULL,
        CONSTRAINT pk_people_weeks PRIMARY KEY (workspace_id, level, matched, simulated, shared, week, campaign_id,
                                                step, sender_email, organizer_email)
    )""",
    """CREATE TABLE mail_weeks (
        workspace_id UUID NOT NULL,
        level SMALLINT NOT NULL,
        shared BOOLEAN NOT NULL,
        week DATE NOT NULL,
        campaign_id BIGINT NOT NULL,
        step INTEGER NOT NULL,
        sender_email TEXT NOT NULL,
        sent BIGINT NOT NULL,
        delivered BIGINT NOT NULL,
        replied BIGINT NOT NULL,
        interested BIGINT NOT NULL,
        CONSTRAINT pk_mail_weeks PRIMARY KEY (workspace_id, level, shared, week, campaign_id, step, sender_email)
    )""",
    """CREATE TABLE funnel_deals (
        deal_id UUID NOT NULL,
        simulated BOOLEAN NOT NULL,
        organizer_email TEXT NOT NULL,
        workspace_id UUID NOT NULL,
        company_id UUID NOT NULL,
        closed_at TIMESTAMP WITH TIME ZONE,
        amount NUMERIC(14, 2),
        currency TEXT,
        lead_id UUID,
        campaign_id BIGINT,
        step INTEGER DEFAULT '0' NOT NULL,
        sender_email TEXT DEFAULT '' NOT NULL,
        of_other_company BOOLEAN NOT NULL,
        booked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        start_time TIMESTAMP WITH TIME ZONE NOT NULL,
        position INTEGER NOT NULL,
        first BOOLEAN NOT NULL,
        CONSTRAINT pk_funnel_deals PRIMARY KEY (deal_id, simulated, organizer_email),
        CONSTRAINT fk_funnel_deals_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_funnel_deals_closed_at ON funnel_deals (workspace_id, closed_at)",
    "CREATE INDEX ix_funnel_deals_company_id ON funnel_deals (company_id)",
    "CREATE INDEX ix_funnel_deals_lead_id ON funnel_deals (lead_id)",
    """CREATE TABLE booking_weeks (
        workspace_id UUID NOT NULL,
        simulated BOOLEAN NOT NULL,
        week DATE NOT NULL,
        total BIGINT NOT NULL,
        accepted BIGINT NOT NULL,
        cancelled BIGINT NOT NULL,
        pending BIGINT NOT NULL,
        rejected BIGINT NOT NULL,
        showed BIGINT NOT NULL,
        no_show BIGINT NOT NULL,
        host_absent BIGINT NOT NULL,
        unreported BIGINT NOT NULL,
        booked BIGINT NOT NULL,
        reported_showed BIGINT NOT NULL,
        reported BIGINT NOT NULL,
        CONSTRAINT pk_booking_weeks PRIMARY KEY (workspace_id, simulated, week)
    )""",
    """CREATE TABLE record_counts (
        workspace_id UUID NOT NULL,
        kind TEXT NOT NULL,
        status TEXT NOT NULL,
        stage TEXT NOT NULL,
        owner_email TEXT NOT NULL,
        currency TEXT NOT NULL,
        records BIGINT NOT NULL,
        amounts BIGINT NOT NULL,
        amount NUMERIC NOT NULL,
        CONSTRAINT pk_record_counts PRIMARY KEY (workspace_id, kind, status, stage, owner_email, currency)
    )""",
    """CREATE TABLE campaign_deals (
        workspace_id UUID NOT NULL,
        campaign_id BIGINT NOT NULL,
        deal_id UUID NOT NULL,
        seats BIGINT NOT NULL,
        CONSTRAINT pk_campaign_deals PRIMARY KEY (workspace_id, campaign_id, deal_id)
    )""",
)


def _week(at: str) -> str:
    return f"coalesce(date_trunc('week', {at} AT TIME ZONE 'UTC')::date, '-infinity')"


# A statement's rows, with what each adds to the sums: its columns are the keys, then the numbers. Numbers of the rows before
# a change count negative.
_BOOKING_NUMBERS = {
    "total": "true",
    "accepted": "status = 'ACCEPTED'",
    "cancelled": "status = 'CANCELLED'",
    "pending": "status = 'PENDING'",
    "rejected": "status = 'REJECTED'",
    "showed": "attended",
    "no_show": "NOT attended",
    "host_absent": "attended IS NULL AND host_absent",
    "unreported": "status = 'ACCEPTED' AND attended IS NULL AND NOT host_absent",
    "booked": "status = 'ACCEPTED' OR attended",
    "reported_showed": "attended AND attendance_evidence = 'reported'",
    "reported": "attended IS NOT NULL AND attendance_evidence = 'reported'",
}
_BOOKING_SUMS = f"""
    SELECT sign, workspace_id, simulated, {_week("start_time")} AS week,
           {", ".join(f"coalesce({sql}, false)::int AS {name}" for name, sql in _BOOKING_NUMBERS.items())}
    FROM {{rows}} r
"""  # noqa: S608  # constants
# The matches of a deal's bookings: counted again when a booking gets another deal, and when a match comes or goes.
_MATCHES_OF_BOOKINGS = """
    SELECT sign, r.workspace_id, m.campaign_id, r.deal_id, 1 AS seats
    FROM {rows} r JOIN matches m ON m.booking_id = r.id AND m.state = 'matched' WHERE r.deal_id IS NOT NULL
"""
_MATCHES = """
    SELECT sign, r.workspace_id, r.campaign_id, b.deal_id, 1 AS seats
    FROM {rows} r JOIN bookings b ON b.id = r.booking_id WHERE r.state = 'matched' AND b.deal_id IS NOT NULL
"""
_RECORD_SUMS = """
    SELECT sign, workspace_id, '{kind}' AS kind, {status} AS status, {stage} AS stage, {owner} AS owner_email,
           {currency} AS currency, 1 AS records, ({amount} IS NOT NULL)::int AS amounts, coalesce({amount}, 0) AS amount
    FROM {{rows}} r
"""
_PLAIN_RECORD = {"status": "''", "stage": "''", "owner": "''", "currency": "''", "amount": "NULL::numeric"}
_DEAL = {
    "status": "status",
    "stage": "stage",
    "owner": "coalesce(owner_email, '')",
    "currency": "coalesce(currency, '')",
    "amount": "amount",
}
# Levels: 0 all, 1 campaign, 2 campaign, step and sender, 3 organizer, 4 campaign and organizer. People whom no campaign
# brought have sums of all, and by organizer.
_PEOPLE_SUMS = f"""
    SELECT sign, workspace_id, level, matched, simulated, shared, week, CASE WHEN level IN (1, 2, 4) THEN campaign_id ELSE 0 END
           AS campaign_id, CASE level WHEN 2 THEN step ELSE 0 END AS step,
           CASE level WHEN 2 THEN sender_email ELSE '' END AS sender_email,
           CASE WHEN level >= 3 THEN organizer_email ELSE '' END AS organizer_email,
           (part = 1)::int AS booked, (part = 2 AND outcome = 1)::int AS showed_reported,
           (part = 2 AND outcome = 2)::int AS showed_assumed, (part = 2 AND outcome = 3)::int AS no_show,
           (part = 2 AND outcome = 4)::int AS host_absent, (part = 2 AND outcome = 5)::int AS unreported,
           (part = 2 AND is_held IS NULL AND outcome IN (2, 3, 5))::int AS open,
           (part = 3 AND is_held)::int AS held, (part = 3 AND NOT is_held)::int AS missed
    FROM {{rows}} r
    CROSS JOIN (VALUES (0, 1), (1, 2), (2, 16), (3, 4), (4, 8)) l(level, bit)
    CROSS JOIN LATERAL (VALUES (1, {_week("booked_at")}), (2, {_week("at")}), (3, {_week("report_at")})) d(part, week)
    WHERE levels & bit <> 0 AND (matched OR level IN (0, 3)) AND (part < 3 OR report_at IS NOT NULL)
"""  # noqa: S608  # constants
_MAIL_SUMS = f"""
    SELECT sign, workspace_id, level, shared, week, CASE level WHEN 0 THEN 0 ELSE campaign_id END AS campaign_id,
           CASE level WHEN 2 THEN place ELSE 0 END AS step,
           CASE level WHEN 2 THEN coalesce(sender_email, '') ELSE '' END AS sender_email, n.sent, n.delivered,
           n.replied, n.interested
    FROM (
        SELECT *, greatest(coalesce(sent, 0), (last_sent_at IS NOT NULL)::int) AS mails,
               least(coalesce(step, sent, 0), 100) AS own_step,
               (coalesce(bounced, false))::int AS lost
        FROM {{rows}} r
    ) m
    CROSS JOIN (VALUES (0), (1), (2)) l(level)
    CROSS JOIN LATERAL (
        SELECT {_week("last_sent_at")} AS week, 0 AS place, mails AS sent, mails - lost AS delivered, 0 AS replied,
               0 AS interested
        WHERE level < 2 AND mails > 0
        UNION ALL
        SELECT {_week("last_sent_at")}, place, 1, 1, 0, 0
        FROM generate_series(1, least(mails, 100) - 1) place WHERE level = 2
        UNION ALL
        SELECT {_week("last_sent_at")}, least(mails, 100), mails - least(mails, 100) + 1,
               mails - least(mails, 100) + 1 - lost, 0, 0
        WHERE level = 2 AND mails > 0
        UNION ALL
        SELECT {_week("replied_at")}, own_step, 0, 0, 1, 0 WHERE replied
        UNION ALL
        SELECT {_week("interested_at")}, own_step, 0, 0, 0, 1 WHERE interested
    ) n
"""  # noqa: S608  # constants


def _sum_triggers(table: str, *targets: tuple[str, str, str, str]) -> tuple[str, ...]:
    """Each target: the table of the sums, what a row adds to them, keys, and numbers.

    The rows are added in one order, so that two statements can't wait for each other.
    """

    def added(rows: str) -> str:
        return "".join(_added(*target, rows) for target in targets)

    def _added(target: str, sums: str, keys: str, numbers: str, rows: str) -> str:
        names = numbers.split(", ")
        return f"""
            INSERT INTO {target} AS t ({keys}, {numbers})
            SELECT {keys}, {", ".join(f"sum(sign * {name}) AS {name}" for name in names)}
            FROM ({sums.format(rows=rows)}) added
            GROUP BY {keys} HAVING {" OR ".join(f"sum(sign * {name}) <> 0" for name in names)} ORDER BY {keys}
            ON CONFLICT ({keys}) DO UPDATE SET {", ".join(f"{name} = t.{name} + excluded.{name}" for name in names)};
        """  # noqa: S608  # constants

    before, after = "(SELECT -1 AS sign, * FROM old_rows)", "(SELECT 1 AS sign, * FROM new_rows)"
    both = f"({after[1:-1]} UNION ALL {before[1:-1]})"
    return _statement_triggers(table, "sums", added(after), added(before), added(both))


SUM_TRIGGERS = (
    *_sum_triggers(
        "bookings",
        ("booking_weeks", _BOOKING_SUMS, "workspace_id, simulated, week", ", ".join(_BOOKING_NUMBERS)),
        ("campaign_deals", _MATCHES_OF_BOOKINGS, "workspace_id, campaign_id, deal_id", "seats"),
    ),
    *_sum_triggers("matches", ("campaign_deals", _MATCHES, "workspace_id, campaign_id, deal_id", "seats")),
    *(
        statement
        for table, columns in (("companies", _PLAIN_RECORD), ("people", _PLAIN_RECORD), ("deals", _DEAL))
        for statement in _sum_triggers(
            table,
            (
                "record_counts",
                _RECORD_SUMS.format(kind=table, **columns),
                "workspace_id, kind, status, stage, owner_email, currency",
                "records, amounts, amount",
            ),
        )
    ),
    *_sum_triggers(
        "funnel_people",
        (
            "people_weeks",
            _PEOPLE_SUMS,
            "workspace_id, level, matched, simulated, shared, week, campaign_id, step, sender_email, organizer_email",
            "booked, showed_reported, showed_assumed, no_show, host_absent, unreported, open, held, missed",
        ),
    ),
    *_sum_triggers(
        "campaign_leads",
        (
            "mail_weeks",
            _MAIL_SUMS,
            "workspace_id, level, shared, week, campaign_id, step, sender_email",
            "sent, delivered, replied, interested",
        ),
    ),
)


PROPOSAL_TABLES = (
    """CREATE TABLE proposals (
        id UUID NOT NULL,
        workspace_id UUID NOT NULL,
        booking_id UUID NOT NULL,
        number INTEGER NOT NULL,
        status TEXT NOT NULL CONSTRAINT ck_proposals_status
            CHECK (status IN ('draft', 'ready', 'sent', 'accepted', 'declined')),
        title TEXT NOT NULL,
        scope TEXT NOT NULL,
        items JSONB NOT NULL,
        currency TEXT NOT NULL,
        total NUMERIC(14, 2) NOT NULL,
        valid_until DATE,
        recipient TEXT,
        notes TEXT,
        version INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ready_at TIMESTAMP WITH TIME ZONE,
        sent_at TIMESTAMP WITH TIME ZONE,
        decided_at TIMESTAMP WITH TIME ZONE,
        marked_by UUID,
        CONSTRAINT pk_proposals PRIMARY KEY (id),
        CONSTRAINT fk_proposals_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id),
        CONSTRAINT fk_proposals_booking_id FOREIGN KEY(booking_id) REFERENCES bookings (id)
    )""",
    "CREATE INDEX ix_proposals_booking_id ON proposals (booking_id)",
    "CREATE INDEX ix_proposals_workspace_id ON proposals (workspace_id)",
    """CREATE TABLE proposal_files (
        proposal_id UUID NOT NULL,
        version INTEGER NOT NULL,
        workspace_id UUID NOT NULL,
        pdf BYTEA NOT NULL,
        picture BYTEA NOT NULL,
        pages INTEGER NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_proposal_files PRIMARY KEY (proposal_id, version),
        CONSTRAINT fk_proposal_files_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "CREATE INDEX ix_proposal_files_workspace_id ON proposal_files (workspace_id)",
)


def upgrade() -> None:
    for statement in (*TABLES, *PROPOSAL_TABLES, *ASSISTANT_TABLES, *ANALYSIS_TABLES, *FUNNEL_TABLES, VIEW, UNMATCHED):
        op.get_bind().exec_driver_sql(statement)
    # A rebuild has temporary tables with the names of the sums: the functions must not take these for the current ones.
    op.execute("SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)")
    for statement in (*WEEK_TRIGGERS, *SUM_TRIGGERS):
        op.get_bind().exec_driver_sql(statement)
    _compress_bodies()
    _create_job_tables()


def downgrade() -> None:
    raise NotImplementedError("This is the first version: restore a backup instead of going back.")


def _compress_bodies() -> None:
    # A server built without lz4 keeps its own method: the data is the same, only slower to write.
    has_lz4 = text("SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")
    if op.get_bind().scalar(has_lz4):
        op.execute("ALTER TABLE inbox_events ALTER COLUMN body SET COMPRESSION lz4")


def _create_job_tables() -> None:
    # Many statements in one text: only the driver itself takes them, in this transaction all the same.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    await_only(driver.execute(QueryBuilderEnvironment().build_install_query(create_schema=False)))
