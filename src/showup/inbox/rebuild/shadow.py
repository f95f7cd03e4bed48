"""Temporary tables under the names of those that stand: whatever writes there in this transaction, writes here.

PostgreSQL looks for a table among the temporary ones first, so the pipeline that is run on such a connection is the
very one that runs live, statement by statement. The log itself is read where it is; only what became of its events is
written beside it, and a view of its name joins the two.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from showup.database.tables import calcom_events, metadata
from showup.inbox.raw_event import FROM_RESEND

# What a fold reads or never touches. Every other table is folded from the log, those that don't exist yet among them:
# so nothing real can be written by a fold that has learned of a new table.
_GIVEN: Final = frozenset(
    {
        *("calcom_events", "chain", "totals", "connections", "routes", "api_keys", "idempotency_keys", "workspaces"),
        # What became of deliveries on their way is in no log.
        *("delivery_attempts", "delivery_contents", "lanes", "suppressions"),
        # Who listens is no matter of the log; what they were told is folded for whoever listened then.
        *("subscriptions", "endpoints", "mirrored", "mirrors"),
        # How far others were compared with us.
        *("syncs", "reconciliations"),
    }
)
# A fold counts up the feed of its workspace.
_COPIED: Final = ("workspaces",)
FOLDED: Final = tuple(table.name for table in metadata.sorted_tables if table.name not in _GIVEN)

# The word of the command by which a question about a delivery is answered.
_CHOICE: Final = "choose_record"

# What became of each event, in the place of these columns of the log.
_DERIVED: Final = ("state", "because", "booking_id")

_BESIDE: Final = """
CREATE TEMPORARY TABLE rebuilding (workspace_id uuid PRIMARY KEY) ON COMMIT DROP;
CREATE TEMPORARY TABLE arrivals (workspace_id uuid, place bigint, id uuid, PRIMARY KEY (workspace_id, place))
    ON COMMIT DROP;
CREATE TEMPORARY TABLE settled (id uuid PRIMARY KEY, state text NOT NULL, because text, booking_id uuid) ON COMMIT DROP;
CREATE INDEX ON settled (booking_id) WHERE booking_id IS NOT NULL;
CREATE TEMPORARY TABLE differing (about text NOT NULL, workspace_id uuid NOT NULL, stands_at tid, folds_at tid)
    ON COMMIT DROP;
"""

# Indexes by which readers look, and no fold does.
_UNUSED: Final = """
    SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
    WHERE t.relnamespace = pg_my_temp_schema() AND NOT x.indisunique
    AND t.relname = ANY($1::text[]) AND (a.attname = 'workspace_id' OR a.attname NOT LIKE '%\\_id')
"""


async def cast(connection: asyncpg.Connection, workspace_ids: Iterable[UUID]) -> str:
    """Makes the shadow, empty, in the transaction that it ends with; the name of the schema of what stands, quoted."""
    # Must come before the first use of a temporary table; small, since it counts against the server's memory.
    await connection.execute("SET LOCAL temp_buffers = '64MB'")
    await connection.execute("SET LOCAL work_mem = '64MB'")
    # Compiling a plan pays for one large statement, never for thousands of the same.
    await connection.execute("SET LOCAL jit = off")
    schema: str = await connection.fetchval(
        "SELECT quote_ident(relnamespace::regnamespace::text) FROM pg_class WHERE oid = 'calcom_events'::regclass"
    )
    for name in (*_COPIED, *FOLDED):
        await connection.execute(
            f"CREATE TEMPORARY TABLE {name} (LIKE {schema}.{name} INCLUDING ALL EXCLUDING GENERATED) ON COMMIT DROP"
        )
    for name in _COPIED:
        await connection.execute(f"INSERT INTO pg_temp.{name} SELECT * FROM {schema}.{name}")  # noqa: S608  # our names
    for row in await connection.fetch(_UNUSED, list(FOLDED)):
        await connection.execute(f'DROP INDEX pg_temp."{row["relname"]}"')
    await connection.execute(_BESIDE)
    await connection.execute(_view(schema))
    await connection.executemany("INSERT INTO rebuilding VALUES ($1)", [(one,) for one in workspace_ids])
    return schema


def _view(schema: str) -> str:
    columns = ", ".join(f"{'s' if column.name in _DERIVED else 'e'}.{column.name}" for column in calcom_events.columns)
    return (
        f"CREATE TEMPORARY VIEW calcom_events AS SELECT {columns} "  # noqa: S608  # names of our own
        f"FROM {schema}.calcom_events e JOIN settled s ON s.id = e.id"
    )


async def clear(connection: asyncpg.Connection) -> None:
    """Empties what was folded, so that it can be folded another way."""
    names = ", ".join(f"pg_temp.{name}" for name in (*FOLDED, "settled", "arrivals"))
    await connection.execute(f"TRUNCATE {names}")


async def line_up(
    connection: asyncpg.Connection, schema: str, *, by_story: bool, until: datetime | None, within: float
) -> int:
    """Puts the settled events of the log in the order in which they are folded; how many there are.

    By their numbers in the feed; `by_story` brings the events of one booking together at the place of its first, so
    that its story is told once and not once a batch. What people did beside bookings comes first then, so that no story
    is told again because of it. `until`: only what had reached us by then. `within`: seconds that this may take.

    What Resend says of mails and what people say of questions are left out: they are about what was sent, and no fold
    sends.
    """
    together, first = ("coalesce(e.booking_id, e.id)", "alone DESC") if by_story else ("e.id", "true")
    statement = f"""
        INSERT INTO arrivals (workspace_id, place, id)
        SELECT workspace_id, row_number() OVER (PARTITION BY workspace_id ORDER BY {first}, first, number, id), id
        FROM (
            SELECT e.workspace_id, e.id, e.number, e.origin = 'hand' AND e.booking_id IS NULL AS alone,
                   min(e.number) OVER (PARTITION BY e.workspace_id, {together}) AS first
            FROM {schema}.calcom_events e JOIN rebuilding USING (workspace_id)
            WHERE e.state IN ('applied', 'waiting', 'ignored', 'unreadable') AND e.origin <> '{FROM_RESEND}'
            AND e.trigger IS DISTINCT FROM '{_CHOICE}'
            AND ($1::timestamptz IS NULL OR coalesce(e.replayed_at, e.received_at) <= $1)
        ) settled
    """  # noqa: S608  # the parts are constants and the quoted name of a schema
    said: str = await connection.execute(statement, until, timeout=within)
    return int(said.rpartition(" ")[2])


async def take_stock(connection: asyncpg.Connection) -> None:
    """Tells the planner how large the shadow is by now: nobody else ever does, and plans stay those of empty tables."""
    await connection.execute(f"ANALYZE {', '.join(f'pg_temp.{name}' for name in (*FOLDED, 'settled'))}")
