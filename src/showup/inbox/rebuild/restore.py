"""What stands, made into what was folded: only rows that differ are touched, and nobody is told anything."""

from typing import Final

import asyncpg

from showup.database.tables import metadata
from showup.inbox.rebuild.compare import PATIENCE
from showup.inbox.rebuild.compared import COMPARED

NOBODY_TOLD: Final = "a rebuild tells nobody"
NOT_CALLED_FOR: Final = "a rebuild found nothing that calls for it"

# Others point at these, so a row that changes has to stay; what it points at may go, so it is let go of first.
_POINTED_AT: Final = {"companies": (), "people": ("company_id",), "bookings": ("person_id", "company_id", "deal_id")}
_BY_THEMSELVES: Final = ("journal", "deliveries", "calcom_events")
_REPLACED: Final = tuple(one.name for one in COMPARED if one.name not in _POINTED_AT and one.name not in _BY_THEMSELVES)


async def restore(connection: asyncpg.Connection, real: str) -> None:
    """Brings the rows that are marked as differing to what was folded. The locks of the workspaces must be held."""
    # From those who point to those who are pointed at; a booking's deal is checked at the end of the transaction.
    for name in (*_REPLACED, "journal"):
        await _run(connection, _delete(name, real))
    for name, columns in _POINTED_AT.items():
        if columns:
            await _run(connection, _let_go(name, columns, real))
    for name in reversed(_POINTED_AT):
        await _run(connection, _delete(name, real) + " AND d.folds_at IS NULL")
    for name in _POINTED_AT:
        await _run(connection, _update(name, real))
        await _run(connection, _insert(name, real) + " AND d.stands_at IS NULL")
    for name in _REPLACED:
        await _run(connection, _insert(name, real))
    for statement in (_JOURNAL, _DELIVERIES_NEW, _DELIVERIES_CHANGED, _DELIVERIES_GONE, _LOG):
        await _run(connection, statement.format(real=real))


async def _run(connection: asyncpg.Connection, statement: str) -> None:
    await connection.execute(statement, timeout=PATIENCE)


def _columns(name: str) -> tuple[str, ...]:
    return tuple(one.name for one in metadata.tables[name].columns if one.computed is None)


def _delete(name: str, real: str) -> str:
    return f"""
        DELETE FROM {real}.{name} t USING differing d WHERE d.about = '{name}' AND t.ctid = d.stands_at
    """.rstrip()  # noqa: S608  # names of our own


def _let_go(name: str, columns: tuple[str, ...], real: str) -> str:
    return f"""
        UPDATE {real}.{name} t SET {", ".join(f"{column} = NULL" for column in columns)}
        FROM differing d WHERE d.about = '{name}' AND t.ctid = d.stands_at AND d.folds_at IS NOT NULL
    """  # noqa: S608  # names of our own


def _update(name: str, real: str) -> str:
    return f"""
        UPDATE {real}.{name} t SET {", ".join(f"{column} = f.{column}" for column in _columns(name) if column != "id")}
        FROM differing d JOIN pg_temp.{name} f ON f.ctid = d.folds_at
        WHERE d.about = '{name}' AND d.stands_at IS NOT NULL AND t.id = f.id
    """  # noqa: S608  # names of our own


def _insert(name: str, real: str) -> str:
    columns = ", ".join(_columns(name))
    return f"""
        INSERT INTO {real}.{name} ({columns}) SELECT {", ".join(f"f.{column}" for column in _columns(name))}
        FROM differing d JOIN pg_temp.{name} f ON f.ctid = d.folds_at WHERE d.about = '{name}'
    """.rstrip()  # noqa: S608  # names of our own


# Lines that are new to readers get the next numbers of the feed, so that whoever follows it hears of them.
_JOURNAL: Final = """
    WITH fresh AS (
        SELECT f.*, row_number() OVER (PARTITION BY f.workspace_id ORDER BY f.order_key, f.number) AS place
        FROM differing d JOIN pg_temp.journal f ON f.ctid = d.folds_at WHERE d.about = 'journal'
    ),
    grown AS (
        UPDATE {real}.workspaces w SET feed_number = w.feed_number + n.many
        FROM (SELECT workspace_id, count(*) AS many FROM fresh GROUP BY 1) n WHERE w.id = n.workspace_id
        RETURNING w.id, w.feed_number - n.many AS before
    )
    INSERT INTO {real}.journal (workspace_id, number, at, event_id, actor, what, because, change, order_key, booking_id,
                                person_id, company_id, deal_id)
    SELECT f.workspace_id, g.before + f.place, f.at, f.event_id, f.actor, f.what, f.because, f.change, f.order_key,
           f.booking_id, f.person_id, f.company_id, f.deal_id
    FROM fresh f JOIN grown g ON g.id = f.workspace_id
"""

_DELIVERIES_NEW: Final = f"""
    INSERT INTO {{real}}.deliveries (id, workspace_id, booking_id, event_id, key, destination, kind, recipient,
                                     booking_version, priority, due_at, expires_at, wake_at, state, because, details,
                                     simulated, created_at, updated_at)
    SELECT f.id, f.workspace_id, f.booking_id, f.event_id, f.key, f.destination, f.kind, f.recipient, f.booking_version,
           f.priority, f.due_at, f.expires_at, f.wake_at, CASE f.state WHEN 'scheduled' THEN 'skipped' ELSE f.state END,
           CASE f.state WHEN 'scheduled' THEN '{NOBODY_TOLD}' ELSE f.because END,
           f.details, f.simulated, f.created_at, f.updated_at
    FROM differing d JOIN pg_temp.deliveries f ON f.ctid = d.folds_at
    WHERE d.about = 'deliveries' AND d.stands_at IS NULL
"""  # noqa: S608  # constants

# Only what is going to be sent anyway goes on to be; a sender may have begun with it since it was compared.
_DELIVERIES_CHANGED: Final = f"""
    UPDATE {{real}}.deliveries t
    SET booking_id = f.booking_id, event_id = f.event_id, destination = f.destination, kind = f.kind,
        recipient = f.recipient, booking_version = f.booking_version, priority = f.priority, due_at = f.due_at,
        expires_at = f.expires_at, wake_at = f.wake_at, details = f.details, simulated = f.simulated,
        updated_at = f.updated_at,
        state = CASE WHEN f.state = 'scheduled' AND t.state <> 'scheduled' THEN 'skipped' ELSE f.state END,
        because = CASE WHEN f.state = 'scheduled' AND t.state <> 'scheduled' THEN '{NOBODY_TOLD}' ELSE f.because END
    FROM differing d JOIN pg_temp.deliveries f ON f.ctid = d.folds_at
    WHERE d.about = 'deliveries' AND d.stands_at IS NOT NULL AND t.workspace_id = f.workspace_id AND t.key = f.key
    AND t.state IN ('scheduled', 'withdrawn', 'skipped')
"""  # noqa: S608  # constants

_DELIVERIES_GONE: Final = f"""
    UPDATE {{real}}.deliveries t SET state = 'withdrawn', because = '{NOT_CALLED_FOR}'
    FROM differing d
    WHERE d.about = 'deliveries' AND d.folds_at IS NULL AND t.ctid = d.stands_at AND t.state = 'scheduled'
"""  # noqa: S608  # constants

_LOG: Final = """
    UPDATE {real}.calcom_events t SET state = f.state, because = f.because, booking_id = f.booking_id
    FROM differing d JOIN settled f ON f.ctid = d.folds_at
    WHERE d.about = 'calcom_events' AND t.id = f.id AND t.state IN ('applied', 'waiting')
"""
