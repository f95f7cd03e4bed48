"""Temporary tables with the names of the current ones: writes in this transaction go to them instead.

PostgreSQL looks for a table among the temporary ones first, so a replay on this connection runs exactly the live
pipeline, statement by statement. The log itself is read in place; only the events' outcomes are written to a temporary
table, and a view with the log's name joins the two.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from showup.database.tables import inbox_events, metadata

# Tables that a replay reads or never touches. Every other table is rebuilt from the log, and so are tables added later:
# a replay that writes to a new table can't change current data.
_LIVE_TABLES: Final = frozenset(
    {
        *("inbox_events", "chain", "totals", "connections", "routes", "api_keys", "idempotency_keys", "workspaces"),
        *("webhook_tokens", "senders", "settings_log"),
        # The log does not contain the progress of deliveries.
        *("delivery_attempts", "delivery_contents", "destination_queues", "suppressions", "calendar_entries"),
        # What doctor reports: refused requests, and the warnings that a person acknowledged.
        *("webhook_refusals", "acknowledgements"),
        # Subscribers are not in the log; their notifications are replayed for those who were subscribed then.
        *("subscriptions", "endpoints", "mirrored_records", "mirrors"),
        # Counts of the facts, which triggers of the current tables invalidate.
        *("fact_weeks", "week_summaries", "week_counts"),
        # Who signs in is not in the log.
        *("teammates", "memberships", "sessions", "sign_in_links", "sign_in_log", "saved_views"),
        # What assistants may do, asked for and said: what they did is in the log.
        *("calcom_profiles", "calcom_authorizations", "approvals", "tool_grants"),
        *("assistant_settings", "assistant_usage", "slack_users", "conversations", "chat_messages", "chat_questions"),
        # The log has what a proposal offers, not the file that shows it.
        "proposal_files",
        # Who was erased, and which address stands for them: the log has only the latter.
        *("privacy_actions", "requested_erasures", "erasure_keys", "erased_addresses"),
        # How far other systems were compared with Showup.
        *("syncs", "reconciliations"),
        # Sums of leads in campaigns, which triggers of that table keep.
        "mail_weeks",
        # Leads come from imports: the log contains only their matches.
        *("campaigns", "leads", "campaign_leads", "lead_imports"),
        *("campaign_totals", "campaign_days", "lead_sources", "lead_walks", "mail_senders", "reported_leads"),
    }
)
# A replay increments its workspace's feed number.
_COPIED_TABLES: Final = ("workspaces",)
REPLAYED_TABLES: Final = tuple(table.name for table in metadata.sorted_tables if table.name not in _LIVE_TABLES)

# The type of the event that answers a delivery's question.
_ANSWER_TRIGGER: Final = "record_chosen"

# The outcome of each event, which replaces these columns of the log.
_DERIVED_COLUMNS: Final = ("state", "because", "booking_id")

_REBUILD_TABLES: Final = """
CREATE TEMPORARY TABLE rebuilding (workspace_id uuid PRIMARY KEY) ON COMMIT DROP;
CREATE TEMPORARY TABLE replay_order (workspace_id uuid, place bigint, id uuid, PRIMARY KEY (workspace_id, place))
    ON COMMIT DROP;
CREATE TEMPORARY TABLE replayed_events (id uuid PRIMARY KEY, state text NOT NULL, because text, booking_id uuid)
    ON COMMIT DROP;
CREATE INDEX ON replayed_events (booking_id) WHERE booking_id IS NOT NULL;
CREATE TEMPORARY TABLE differing (about text NOT NULL, workspace_id uuid NOT NULL, current_row tid, replayed_row tid)
    ON COMMIT DROP;
"""

# Indexes that serve readers only; a replay does not use them.
_UNUSED_INDEXES: Final = """
    SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
    WHERE t.relnamespace = pg_my_temp_schema() AND NOT x.indisunique
    AND t.relname = ANY($1::text[]) AND (a.attname = 'workspace_id' OR a.attname NOT LIKE '%\\_id')
"""


# The triggers that keep sums of replayed tables. Their functions name tables without a schema.
_SUM_TRIGGERS: Final = """
    SELECT t.relname, p.proname, quote_literal(p.prosrc) AS body, pg_get_triggerdef(g.oid) AS definition
    FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid JOIN pg_proc p ON p.oid = g.tgfoid
    WHERE quote_ident(t.relnamespace::regnamespace::text) = $1 AND t.relname = ANY($2::text[])
    AND p.proname = t.relname || '_sums' ORDER BY g.tgname
"""
_TABLE_AND_FUNCTION: Final = re.compile(r" ON \S+ REFERENCING (.*) EXECUTE FUNCTION \S+$")


async def create_shadow(connection: asyncpg.Connection, workspace_ids: Iterable[UUID]) -> str:
    """Creates the empty shadow tables, which end with the transaction; returns the current data's schema, quoted."""
    # Must come before the first use of a temporary table. Small, because it counts against the server's memory.
    await connection.execute("SET LOCAL temp_buffers = '64MB'")
    await connection.execute("SET LOCAL work_mem = '64MB'")
    # Compiling a plan pays off for one large statement, never for thousands of small ones.
    await connection.execute("SET LOCAL jit = off")
    live_schema: str = await connection.fetchval(
        "SELECT quote_ident(relnamespace::regnamespace::text) FROM pg_class WHERE oid = 'inbox_events'::regclass"
    )
    for name in (*_COPIED_TABLES, *REPLAYED_TABLES):
        await connection.execute(
            f"CREATE TEMPORARY TABLE {name} (LIKE {live_schema}.{name} INCLUDING ALL EXCLUDING GENERATED) "
            "ON COMMIT DROP"
        )
    for name in _COPIED_TABLES:
        await connection.execute(f"INSERT INTO pg_temp.{name} SELECT * FROM {live_schema}.{name}")  # noqa: S608  # our names
    for row in await connection.fetch(_UNUSED_INDEXES, list(REPLAYED_TABLES)):
        await connection.execute(f'DROP INDEX pg_temp."{row["relname"]}"')
    await _create_sum_triggers(connection, live_schema)
    await connection.execute(_REBUILD_TABLES)
    await connection.execute(_event_view(live_schema))
    await connection.executemany("INSERT INTO rebuilding VALUES ($1)", [(one,) for one in workspace_ids])
    return live_schema


async def _create_sum_triggers(connection: asyncpg.Connection, live_schema: str) -> None:
    """Gives the shadow tables the triggers of the current ones, with functions that find the temporary sums."""
    for row in await connection.fetch(_SUM_TRIGGERS, live_schema, list(REPLAYED_TABLES)):
        table, function = f"pg_temp.{row['relname']}", f"pg_temp.{row['proname']}()"
        await connection.execute(
            f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql AS {row['body']}"
        )
        await connection.execute(
            _TABLE_AND_FUNCTION.sub(rf" ON {table} REFERENCING \1 EXECUTE FUNCTION {function}", row["definition"])
        )


def _event_view(live_schema: str) -> str:
    columns = ", ".join(
        f"{'s' if column.name in _DERIVED_COLUMNS else 'e'}.{column.name}" for column in inbox_events.columns
    )
    return (
        f"CREATE TEMPORARY VIEW inbox_events AS SELECT {columns} "  # noqa: S608  # names of our own
        f"FROM {live_schema}.inbox_events e JOIN replayed_events s ON s.id = e.id"
    )


async def clear_shadow(connection: asyncpg.Connection) -> None:
    """Empties the replayed tables, so that the log can be replayed another way."""
    names = ", ".join(f"pg_temp.{name}" for name in (*REPLAYED_TABLES, "replayed_events", "replay_order"))
    await connection.execute(f"TRUNCATE {names}")


async def order_events(
    connection: asyncpg.Connection, live_schema: str, *, by_stream: bool, until: datetime | None, time_limit: float
) -> int:
    """Puts the log's processed events in the order of the replay; returns how many there are.

    The order is that of their numbers in the feed. `by_stream` groups the events of one booking at the place of the
    first, so that its history is replayed once and not once a batch. Manual events that are not about a booking then
    come first, so that no history is replayed again because of them. `until`: only events received by then.
    `time_limit`: in seconds.

    Resend's feedback about mails and people's answers to questions are left out: they are about sent deliveries, and a
    replay sends nothing. EmailBison's webhooks are left out too: they only say which leads to ask its API about.
    """
    stream_key, priority = ("coalesce(e.booking_id, e.id)", "alone DESC") if by_stream else ("e.id", "true")
    statement = f"""
        INSERT INTO replay_order (workspace_id, place, id)
        SELECT workspace_id, row_number() OVER (PARTITION BY workspace_id ORDER BY {priority}, first, number, id), id
        FROM (
            SELECT e.workspace_id, e.id, e.number, e.source = 'manual' AND e.booking_id IS NULL AS alone,
                   min(e.number) OVER (PARTITION BY e.workspace_id, {stream_key}) AS first
            FROM {live_schema}.inbox_events e JOIN rebuilding USING (workspace_id)
            WHERE e.state IN ('applied', 'waiting', 'ignored', 'unreadable')
            AND e.source NOT IN ('resend', 'emailbison')
            AND e.trigger IS DISTINCT FROM '{_ANSWER_TRIGGER}'
            AND ($1::timestamptz IS NULL OR coalesce(e.replayed_at, e.received_at) <= $1)
        ) processed
    """  # noqa: S608  # the parts are constants and the quoted name of a schema
    command_tag: str = await connection.execute(statement, until, timeout=time_limit)
    return int(command_tag.rpartition(" ")[2])


async def analyze_shadow(connection: asyncpg.Connection) -> None:
    """Updates the planner's statistics of the shadow tables.

    Autovacuum does not do so for temporary tables, and plans would stay those of empty tables.
    """
    await connection.execute(
        f"ANALYZE {', '.join(f'pg_temp.{name}' for name in (*REPLAYED_TABLES, 'replayed_events'))}"
    )
