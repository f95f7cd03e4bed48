"""What a change makes of what stands, seen from inside its transaction: a picture of before, compared with after.

The picture is a temporary table that goes with the transaction. It costs a reading of the whole workspace, so it is for
changes that may concern all of it.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

SHOWN_AT_MOST: Final = 20


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that stands otherwise; `change` holds `[before, after]` by field, None where it is not there."""

    noun: str
    id: UUID
    name: str
    change: dict[str, list[Any]]


class Counts(Struct, frozen=True, kw_only=True):
    """How many came, went, and stand otherwise."""

    added: int = 0
    removed: int = 0
    changed: int = 0


class Consequence(Struct, frozen=True, kw_only=True):
    """Counts by noun, and some of the differences."""

    counts: Mapping[str, Counts]
    examples: list[Difference]


# What is compared, and how one of them is called.
NOUNS: Final = {
    "bookings": "booking",
    "deals": "deal",
    "people": "person",
    "companies": "company",
    "deliveries": "delivery",
}

# By noun: who it is, what of it is compared, and where that stands. Everything is keyed by ids that a story told anew
# gives again.
_PICTURES: Final = {
    "bookings": """
        SELECT b.id, b.title AS name, jsonb_build_object(
            'status', b.status, 'attended', b.attended, 'evidence', b.attendance_evidence,
            'host_absent', b.host_absent, 'company', c.name, 'deal_id', b.deal_id) AS says
        FROM bookings b LEFT JOIN companies c ON c.id = b.company_id WHERE b.workspace_id = $1""",
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


async def picture(connection: asyncpg.Connection, workspace_id: UUID) -> None:
    """Takes the picture of what stands in the workspace."""
    await connection.execute(
        "CREATE TEMPORARY TABLE pictured (noun text, id uuid, name text, says jsonb) ON COMMIT DROP"
    )
    for noun, seen in _PICTURES.items():
        await connection.execute(
            f"INSERT INTO pictured (noun, id, name, says) SELECT $2, * FROM ({seen}) AS now",  # noqa: S608  # our own
            workspace_id,
            noun,
        )
    await connection.execute("ANALYZE pictured")


async def difference(connection: asyncpg.Connection, workspace_id: UUID) -> Consequence:
    """What is otherwise now than in the picture."""
    counts: dict[str, Counts] = {}
    examples: list[Difference] = []
    for noun, seen in _PICTURES.items():
        # Both sides are read once; what is alike is left out there.
        rows = await connection.fetch(_DIFFERING.format(seen=seen), workspace_id, noun, SHOWN_AT_MOST)
        counts[noun] = Counts(**{kind: rows[0][kind] for kind in Counts.__struct_fields__}) if rows else Counts()
        examples += [_difference(noun, row) for row in rows]
    return Consequence(counts=counts, examples=examples[:SHOWN_AT_MOST])


_DIFFERING: Final = """
    SELECT coalesce(was.id, now.id) AS id, coalesce(was.name, now.name) AS name,
           was.says::text AS before, now.says::text AS after,
           count(*) FILTER (WHERE was.id IS NULL) OVER () AS added,
           count(*) FILTER (WHERE now.id IS NULL) OVER () AS removed,
           count(*) FILTER (WHERE was.id IS NOT NULL AND now.id IS NOT NULL) OVER () AS changed
    FROM (SELECT * FROM pictured WHERE noun = $2) AS was FULL JOIN ({seen}) AS now ON now.id = was.id
    WHERE was.says IS DISTINCT FROM now.says
    ORDER BY name, id LIMIT $3
"""


def _difference(noun: str, row: asyncpg.Record) -> Difference:
    before, after = (msgspec.json.decode(row[side] or "{}") for side in ("before", "after"))
    fields = before.keys() | after.keys()
    change = {
        field: [before.get(field), after.get(field)]
        for field in sorted(fields)
        if before.get(field) != after.get(field)
    }
    return Difference(noun=noun, id=row["id"], name=row["name"], change=change)
