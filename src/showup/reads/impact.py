"""Measures the impact of a change inside its transaction: a snapshot before, compared with the data after.

The snapshot is a temporary table that ends with the transaction. It reads the whole workspace, so it is meant for
changes that may affect all of it.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

MAX_EXAMPLES: Final = 20


class ImpactChange(Struct, frozen=True, kw_only=True):
    """One changed record; `changes` holds `[before, after]` by field, None where it does not exist."""

    noun: str
    id: UUID
    name: str
    changes: dict[str, list[Any]]


class ImpactCounts(Struct, frozen=True, kw_only=True):
    """How many were added, removed and changed."""

    added: int = 0
    removed: int = 0
    changed: int = 0


class ImpactTotals(Struct, frozen=True, kw_only=True):
    """What a change does in numbers that people ask for.

    `moved`: deals that are active before or after it, and differ; `closed`: other deals that differ;
    `meetings`: bookings whose attendance changes; `planned` and `withdrawn`: deliveries. `deals`: all there are.
    """

    deals: int
    moved: int
    closed: int
    meetings: int
    planned: int
    withdrawn: int


class Impact(Struct, frozen=True, kw_only=True):
    """Counts by noun, and the first differences of each noun."""

    counts: Mapping[str, ImpactCounts]
    examples: list[ImpactChange]


# The compared kinds of records, and the name of each.
NOUNS: Final = {
    "bookings": "booking",
    "deals": "deal",
    "people": "person",
    "companies": "company",
    "deliveries": "delivery",
}

# By noun: its identity, its compared fields, and their source. All keys are ids that stay the same after a replay.
_SNAPSHOT_QUERIES: Final = {
    "bookings": """
        SELECT b.id, b.title AS name, jsonb_build_object(
            'status', b.status, 'attended', b.attended, 'evidence', b.attendance_evidence,
            'host_absent', b.host_absent, 'company', c.name, 'deal_id', b.deal_id) AS says
        FROM bookings b LEFT JOIN companies c ON c.id = coalesce(b.seat_company_id, b.company_id)
        WHERE b.workspace_id = $1""",
    "deals": """
        SELECT d.id, c.name, jsonb_build_object(
            'status', d.status, 'stage', d.stage, 'owner_email', d.owner_email, 'amount', d.amount,
            'currency', d.currency, 'lost_reason', d.lost_reason) AS says
        FROM deals d JOIN companies c ON c.id = d.company_id WHERE d.workspace_id = $1""",
    "people": """
        SELECT p.id, p.email AS name, jsonb_build_object(
            'name', p.name, 'company', c.name, 'time_zone', p.time_zone, 'phone', p.phone) AS says
        FROM people p LEFT JOIN companies c ON c.id = p.company_id WHERE p.workspace_id = $1""",
    "companies": """
        SELECT c.id, c.name, jsonb_build_object('name', c.name, 'domain', c.domain) AS says
        FROM companies c WHERE c.workspace_id = $1""",
    "deliveries": """
        SELECT d.id, d.kind AS name, jsonb_build_object('state', d.state, 'due_at', d.due_at) AS says
        FROM deliveries d WHERE d.workspace_id = $1""",
}


async def take_snapshot(connection: asyncpg.Connection, workspace_id: UUID) -> None:
    """Takes the snapshot of the workspace's current data."""
    await connection.execute(
        "CREATE TEMPORARY TABLE pictured (noun text, id uuid, name text, says jsonb) ON COMMIT DROP"
    )
    for noun, query in _SNAPSHOT_QUERIES.items():
        await connection.execute(
            f"INSERT INTO pictured (noun, id, name, says) SELECT $2, * FROM ({query}) AS now",  # noqa: S608  # our own
            workspace_id,
            noun,
        )
    await connection.execute("ANALYZE pictured")


async def compare_snapshot(connection: asyncpg.Connection, workspace_id: UUID) -> Impact:
    """Returns the differences between the snapshot and the current data."""
    counts: dict[str, ImpactCounts] = {}
    examples: list[ImpactChange] = []
    for noun, query in _SNAPSHOT_QUERIES.items():
        # Both sides are read once; equal rows are left out there.
        rows = await connection.fetch(_CHANGED_ROWS.format(seen=query), workspace_id, noun, MAX_EXAMPLES)
        counts[noun] = (
            ImpactCounts(**{count_name: rows[0][count_name] for count_name in ImpactCounts.__struct_fields__})
            if rows
            else ImpactCounts()
        )
        examples += [_to_change(noun, row) for row in rows]
    return Impact(counts=counts, examples=examples)


async def count_totals(connection: asyncpg.Connection, workspace_id: UUID) -> ImpactTotals:
    """Returns the numbers of the change since the snapshot."""
    deals, bookings, deliveries = (_SNAPSHOT_QUERIES[noun] for noun in ("deals", "bookings", "deliveries"))
    row = await connection.fetchrow(_TOTALS.format(deals=deals, bookings=bookings, deliveries=deliveries), workspace_id)
    return ImpactTotals(**row)


# An outcome is what is known of a meeting: whether they came, and who says so. A delivery that is not scheduled after
# the change, or gone, and was scheduled before it, is withdrawn.
_TOTALS: Final = """
    WITH deals AS (
        SELECT was.says AS was, now.says AS now FROM (SELECT * FROM pictured WHERE noun = 'deals') AS was
        FULL JOIN ({deals}) AS now ON now.id = was.id
    ), bookings AS (
        SELECT was.says AS was, now.says AS now FROM (SELECT * FROM pictured WHERE noun = 'bookings') AS was
        JOIN ({bookings}) AS now ON now.id = was.id
    ), deliveries AS (
        SELECT was.says->>'state' AS was, now.says->>'state' AS now
        FROM (SELECT * FROM pictured WHERE noun = 'deliveries') AS was
        FULL JOIN ({deliveries}) AS now ON now.id = was.id
    )
    SELECT (SELECT count(*) FROM deals WHERE was IS NOT NULL) AS deals,
           (SELECT count(*) FROM deals WHERE was IS DISTINCT FROM now
                AND 'active' IN (was->>'status', now->>'status')) AS moved,
           (SELECT count(*) FROM deals WHERE was IS DISTINCT FROM now
                AND ('active' IN (was->>'status', now->>'status')) IS NOT TRUE) AS closed,
           (SELECT count(*) FROM bookings WHERE (was->'attended', was->'evidence', was->'host_absent')
                IS DISTINCT FROM (now->'attended', now->'evidence', now->'host_absent')) AS meetings,
           (SELECT count(*) FROM deliveries WHERE now = 'scheduled' AND was IS DISTINCT FROM now) AS planned,
           (SELECT count(*) FROM deliveries WHERE was = 'scheduled' AND was IS DISTINCT FROM now) AS withdrawn
"""
_CHANGED_ROWS: Final = """
    SELECT coalesce(was.id, now.id) AS id, coalesce(was.name, now.name) AS name,
           was.says::text AS before, now.says::text AS after,
           count(*) FILTER (WHERE was.id IS NULL) OVER () AS added,
           count(*) FILTER (WHERE now.id IS NULL) OVER () AS removed,
           count(*) FILTER (WHERE was.id IS NOT NULL AND now.id IS NOT NULL) OVER () AS changed
    FROM (SELECT * FROM pictured WHERE noun = $2) AS was FULL JOIN ({seen}) AS now ON now.id = was.id
    WHERE was.says IS DISTINCT FROM now.says
    ORDER BY name, id LIMIT $3
"""


def _to_change(noun: str, row: asyncpg.Record) -> ImpactChange:
    before, after = (msgspec.json.decode(row[column] or "{}") for column in ("before", "after"))
    fields = before.keys() | after.keys()
    changes = {
        field: [before.get(field), after.get(field)]
        for field in sorted(fields)
        if before.get(field) != after.get(field)
    }
    return ImpactChange(noun=noun, id=row["id"], name=row["name"], changes=changes)
