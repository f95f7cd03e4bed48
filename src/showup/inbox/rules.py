"""The rules of each workspace as they stand in the database, and which bookings a change of them concerns."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from showup.database import bulk
from showup.database.tables import rules
from showup.deeds import Deed, RulesChanged
from showup.pipeline.advance.stories import NOTHING_AGAIN, Retelling
from showup.pipeline.rules import FACTS, Amendment, RuleBook, amended, rule_book


async def in_force(connection: asyncpg.Connection, workspace_id: UUID) -> RuleBook:
    """The rules of the workspace through time."""
    return rule_book(await amendments(connection, workspace_id))


async def amendments(
    connection: asyncpg.Connection, workspace_id: UUID, *, actor: str | None = None
) -> list[Amendment]:
    """Every change of the workspace's rules, or those that one actor made."""
    rows = await connection.fetch(
        """
        SELECT changes::text, since, order_key FROM rules
        WHERE workspace_id = $1 AND ($2::text IS NULL OR actor = $2) ORDER BY order_key
        """,
        workspace_id,
        actor,
    )
    return [
        Amendment(changes=msgspec.json.decode(row["changes"]), since=row["since"], order_key=row["order_key"])
        for row in rows
    ]


async def last_changed_by(connection: asyncpg.Connection, actor: str) -> UUID | None:
    """The workspace whose rules this actor changed last."""
    found: UUID | None = await connection.fetchval(
        "SELECT workspace_id FROM rules WHERE actor = $1 ORDER BY order_key DESC LIMIT 1", actor
    )
    return found


async def record(connection: asyncpg.Connection, workspace_id: UUID, deeds: Iterable[Deed]) -> dict[UUID, str]:
    """Writes changes of rules down; by event, why some of them can't hold."""
    refused: dict[UUID, str] = {}
    rows = []
    for deed in deeds:
        assert isinstance(deed.act, RulesChanged), "only changes of rules are recorded here"
        if because := _wrong(deed.act):
            refused[deed.event_id] = because
            continue
        rows.append(
            {
                "event_id": deed.event_id,
                "workspace_id": workspace_id,
                "order_key": deed.order_key,
                "changes": deed.act.changes,
                "since": deed.act.since,
                "actor": deed.actor,
                "at": deed.source_at,
            }
        )
    await bulk.insert_new(connection, rules, rows)
    return refused


def _wrong(act: RulesChanged) -> str | None:
    try:
        amended(RuleBook().newest, act.changes)
    except ValueError as fault:
        return str(fault)
    return None


async def told_again(connection: asyncpg.Connection, workspace_id: UUID, deeds: Sequence[Deed]) -> Retelling:
    """The bookings whose stories these changes of rules may tell otherwise."""
    since = [deed.act.since for deed in deeds if isinstance(deed.act, RulesChanged)]
    if any(isinstance(deed.act, RulesChanged) and deed.act.changes.keys() & FACTS for deed in deeds):
        # An address may be of a domain by many roads (its host, its registrable part), so all are asked anew.
        return Retelling(bookings=await _changed_since(connection, workspace_id, None), everybody=True)
    if not since:
        return NOTHING_AGAIN
    first = None if None in since else min(one for one in since if one is not None)
    return Retelling(bookings=await _changed_since(connection, workspace_id, first))


async def _changed_since(connection: asyncpg.Connection, workspace_id: UUID, since: datetime | None) -> frozenset[UUID]:
    rows = await connection.fetch(
        "SELECT id FROM bookings WHERE workspace_id = $1 AND ($2::timestamptz IS NULL OR updated_at >= $2)",
        workspace_id,
        since,
    )
    return frozenset(row["id"] for row in rows)
