"""Repairs the current data from the replayed tables: only differing rows change, and no one is notified."""

from typing import Final

import asyncpg

from showup.database.tables import metadata
from showup.inbox.rebuild.compare import STATEMENT_TIMEOUT
from showup.inbox.rebuild.compared_tables import COMPARED_TABLES, SUM_TABLES

NOT_SENT: Final = "not sent: a rebuild sends no notifications"
NOT_PLANNED: Final = "withdrawn by a rebuild: no event requires it"

# Other tables reference these rows, so a changed row must stay. A row that it references may be deleted, so that
# reference is cleared first.
_REFERENCED_TABLES: Final = {
    "companies": (),
    "people": ("company_id",),
    "bookings": ("person_id", "company_id", "seat_company_id", "deal_id"),
}
_SPECIAL_TABLES: Final = ("audit_log", "deliveries", "inbox_events", *SUM_TABLES)
_REPLACED_TABLES: Final = tuple(
    one.name for one in COMPARED_TABLES if one.name not in _REFERENCED_TABLES and one.name not in _SPECIAL_TABLES
)


async def repair_tables(connection: asyncpg.Connection, live_schema: str) -> None:
    """Changes the rows marked as differing to the replayed values; the caller must hold the workspaces' locks."""
    # From referencing tables to referenced ones; a booking's deal is checked at the end of the transaction.
    for name in (*_REPLACED_TABLES, "audit_log"):
        await _run(connection, _delete(name, live_schema))
    for name, columns in _REFERENCED_TABLES.items():
        if columns:
            await _run(connection, _clear_references(name, columns, live_schema))
    for name in reversed(_REFERENCED_TABLES):
        await _run(connection, _delete(name, live_schema) + " AND d.replayed_row IS NULL")
    for name in _REFERENCED_TABLES:
        await _run(connection, _update(name, live_schema))
        await _run(connection, _insert(name, live_schema) + " AND d.current_row IS NULL")
    for name in _REPLACED_TABLES:
        await _run(connection, _insert(name, live_schema))
    for statement in (_AUDIT_LOG, _NEW_DELIVERIES, _CHANGED_DELIVERIES, _REMOVED_DELIVERIES, _INBOX_EVENTS):
        await _run(connection, statement.format(real=live_schema))
    await _replace_sums(connection, live_schema)


async def _replace_sums(connection: asyncpg.Connection, live_schema: str) -> None:
    """Last, because the changes of the tables that they add up have changed them too."""
    for name in SUM_TABLES:
        await _run(connection, _delete_all(name, live_schema))
        await _run(connection, _insert_all(name, live_schema))


async def _run(connection: asyncpg.Connection, statement: str) -> None:
    await connection.execute(statement, timeout=STATEMENT_TIMEOUT)


def _delete_all(name: str, live_schema: str) -> str:
    return f"DELETE FROM {live_schema}.{name} t USING rebuilding r WHERE t.workspace_id = r.workspace_id"  # noqa: S608  # names of our own


def _insert_all(name: str, live_schema: str) -> str:
    return f"""
        INSERT INTO {live_schema}.{name} ({", ".join(_columns(name))})
        SELECT {", ".join(f"f.{column}" for column in _columns(name))}
        FROM pg_temp.{name} f JOIN rebuilding USING (workspace_id)
    """  # noqa: S608  # names of our own


def _columns(name: str) -> tuple[str, ...]:
    return tuple(column.name for column in metadata.tables[name].columns if column.computed is None)


def _delete(name: str, live_schema: str) -> str:
    return f"""
        DELETE FROM {live_schema}.{name} t USING differing d WHERE d.about = '{name}' AND t.ctid = d.current_row
    """.rstrip()  # noqa: S608  # names of our own


def _clear_references(name: str, columns: tuple[str, ...], live_schema: str) -> str:
    return f"""
        UPDATE {live_schema}.{name} t SET {", ".join(f"{column} = NULL" for column in columns)}
        FROM differing d WHERE d.about = '{name}' AND t.ctid = d.current_row AND d.replayed_row IS NOT NULL
    """  # noqa: S608  # names of our own


def _update(name: str, live_schema: str) -> str:
    return f"""
        UPDATE {live_schema}.{name} t
        SET {", ".join(f"{column} = f.{column}" for column in _columns(name) if column != "id")}
        FROM differing d JOIN pg_temp.{name} f ON f.ctid = d.replayed_row
        WHERE d.about = '{name}' AND d.current_row IS NOT NULL AND t.id = f.id
    """  # noqa: S608  # names of our own


def _insert(name: str, live_schema: str) -> str:
    columns = ", ".join(_columns(name))
    return f"""
        INSERT INTO {live_schema}.{name} ({columns}) SELECT {", ".join(f"f.{column}" for column in _columns(name))}
        FROM differing d JOIN pg_temp.{name} f ON f.ctid = d.replayed_row WHERE d.about = '{name}'
    """.rstrip()  # noqa: S608  # names of our own


# Rows that are new to readers get the next numbers of the feed, so that its subscribers receive them.
_AUDIT_LOG: Final = """
    WITH fresh AS (
        SELECT f.*, row_number() OVER (PARTITION BY f.workspace_id ORDER BY f.order_key, f.number) AS place
        FROM differing d JOIN pg_temp.audit_log f ON f.ctid = d.replayed_row WHERE d.about = 'audit_log'
    ),
    grown AS (
        UPDATE {real}.workspaces w SET feed_number = w.feed_number + n.many
        FROM (SELECT workspace_id, count(*) AS many FROM fresh GROUP BY 1) n WHERE w.id = n.workspace_id
        RETURNING w.id, w.feed_number - n.many AS before
    )
    INSERT INTO {real}.audit_log (workspace_id, number, at, event_id, actor, what, because, change, order_key,
        booking_id,
                                person_id, company_id, deal_id)
    SELECT f.workspace_id, g.before + f.place, f.at, f.event_id, f.actor, f.what, f.because, f.change, f.order_key,
           f.booking_id, f.person_id, f.company_id, f.deal_id
    FROM fresh f JOIN grown g ON g.id = f.workspace_id
"""

_NEW_DELIVERIES: Final = f"""
    INSERT INTO {{real}}.deliveries (id, workspace_id, booking_id, event_id, key, destination, kind, recipient,
                                     booking_version, priority, due_at, expires_at, wake_at, state, because, details,
                                     simulated, created_at, updated_at)
    SELECT f.id, f.workspace_id, f.booking_id, f.event_id, f.key, f.destination, f.kind, f.recipient, f.booking_version,
           f.priority, f.due_at, f.expires_at, f.wake_at, CASE f.state WHEN 'scheduled' THEN 'skipped' ELSE f.state END,
           CASE f.state WHEN 'scheduled' THEN '{NOT_SENT}' ELSE f.because END,
           f.details, f.simulated, f.created_at, f.updated_at
    FROM differing d JOIN pg_temp.deliveries f ON f.ctid = d.replayed_row
    WHERE d.about = 'deliveries' AND d.current_row IS NULL
"""  # noqa: S608  # constants

# Only a delivery that is still going to be sent is planned again; a dispatcher may have started it since the
# comparison.
_CHANGED_DELIVERIES: Final = f"""
    UPDATE {{real}}.deliveries t
    SET booking_id = f.booking_id, event_id = f.event_id, destination = f.destination, kind = f.kind,
        recipient = f.recipient, booking_version = f.booking_version, priority = f.priority, due_at = f.due_at,
        expires_at = f.expires_at, wake_at = f.wake_at, details = f.details, simulated = f.simulated,
        updated_at = f.updated_at,
        state = CASE WHEN f.state = 'scheduled' AND t.state <> 'scheduled' THEN 'skipped' ELSE f.state END,
        because = CASE WHEN f.state = 'scheduled' AND t.state <> 'scheduled' THEN '{NOT_SENT}' ELSE f.because END
    FROM differing d JOIN pg_temp.deliveries f ON f.ctid = d.replayed_row
    WHERE d.about = 'deliveries' AND d.current_row IS NOT NULL AND t.workspace_id = f.workspace_id AND t.key = f.key
    AND t.state IN ('scheduled', 'withdrawn', 'skipped')
"""  # noqa: S608  # constants

_REMOVED_DELIVERIES: Final = f"""
    UPDATE {{real}}.deliveries t SET state = 'withdrawn', because = '{NOT_PLANNED}'
    FROM differing d
    WHERE d.about = 'deliveries' AND d.replayed_row IS NULL AND t.ctid = d.current_row AND t.state = 'scheduled'
"""  # noqa: S608  # constants

_INBOX_EVENTS: Final = """
    UPDATE {real}.inbox_events t SET state = f.state, because = f.because, booking_id = f.booking_id
    FROM differing d JOIN replayed_events f ON f.ctid = d.replayed_row
    WHERE d.about = 'inbox_events' AND t.id = f.id AND t.state IN ('applied', 'waiting')
"""
