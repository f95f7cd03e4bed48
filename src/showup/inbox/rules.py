"""The stored rules of each workspace, and the bookings that a change of them concerns."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from showup.database import bulk
from showup.database.tables import rules
from showup.events.envelope import AnyRecord
from showup.events.workspace import RulesChanged
from showup.pipeline.rules import TIMELESS_RULES, Amendment, RuleBook, amend_rules, rule_book
from showup.projector.streams import NO_REPLAY, ReplayRequest
from showup.values.counted import counted

_MAX_NAMED_DEALS: Final = 5


async def in_force(connection: asyncpg.Connection, workspace_id: UUID) -> RuleBook:
    """Returns the workspace's rules over time."""
    return rule_book(await amendments(connection, workspace_id))


async def amendments(
    connection: asyncpg.Connection, workspace_id: UUID, *, actor: str | None = None
) -> list[Amendment]:
    """Returns every change of the workspace's rules, or the changes by one actor."""
    rows = await connection.fetch(
        """
        SELECT changes::text, since, order_key, at FROM rules
        WHERE workspace_id = $1 AND ($2::text IS NULL OR actor = $2) ORDER BY order_key
        """,
        workspace_id,
        actor,
    )
    return [
        Amendment(
            changes=msgspec.json.decode(row["changes"]), since=row["since"], order_key=row["order_key"], at=row["at"]
        )
        for row in rows
    ]


async def last_changed_by(connection: asyncpg.Connection, actor: str) -> UUID | None:
    """Returns the workspace whose rules this actor changed last."""
    workspace_id: UUID | None = await connection.fetchval(
        "SELECT workspace_id FROM rules WHERE actor = $1 ORDER BY order_key DESC LIMIT 1", actor
    )
    return workspace_id


async def record_changes(
    connection: asyncpg.Connection, workspace_id: UUID, manual_events: Iterable[AnyRecord]
) -> dict[UUID, str]:
    """Stores changes of rules; returns by event why some of them are invalid."""
    refusals: dict[UUID, str] = {}
    rows = []
    for manual_event in manual_events:
        assert isinstance(manual_event.event, RulesChanged), "only changes of rules are recorded here"
        if because := _validation_error(manual_event.event):
            refusals[manual_event.event_id] = because
            continue
        rows.append(
            {
                "event_id": manual_event.event_id,
                "workspace_id": workspace_id,
                "order_key": manual_event.order_key,
                "changes": manual_event.event.changes,
                "since": manual_event.event.since,
                "actor": manual_event.actor,
                "at": manual_event.source_at,
            }
        )
    await bulk.insert_new(connection, rules, rows)
    return refusals


async def stages_in_use(connection: asyncpg.Connection, workspace_id: UUID, stages: Collection[str]) -> str | None:
    """Returns why these can't be all stages: active deals stand on another one; None if no deal does (M10)."""
    rows = await connection.fetch(
        """
        SELECT d.stage, count(*) AS deals, (array_agg(c.name ORDER BY c.name, d.id))[1:$3] AS names
        FROM deals d JOIN companies c ON c.id = d.company_id
        WHERE d.workspace_id = $1 AND d.status = 'active' AND d.stage <> ALL($2::text[]) GROUP BY 1 ORDER BY 1
        """,
        workspace_id,
        list(stages),
        _MAX_NAMED_DEALS,
    )
    found = [_deals_on_stage(row["stage"], row["deals"], row["names"]) for row in rows]
    return f"{'; '.join(found)}. Move them to another stage first" if found else None


def _deals_on_stage(stage: str, count: int, names: Sequence[str]) -> str:
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return f"{counted(count, 'active deal is', 'active deals are')} in the stage {stage} ({', '.join(names)}{more})"


def _validation_error(change: RulesChanged) -> str | None:
    try:
        amend_rules(RuleBook().newest, change.changes)
    except ValueError as fault:
        return str(fault)
    return None


async def bookings_to_replay(
    connection: asyncpg.Connection, workspace_id: UUID, manual_events: Sequence[AnyRecord]
) -> ReplayRequest:
    """Returns the bookings whose replay may change with these rules."""
    since = [manual_event.event.since for manual_event in manual_events if isinstance(manual_event.event, RulesChanged)]
    if any(
        isinstance(manual_event.event, RulesChanged) and manual_event.event.changes.keys() & TIMELESS_RULES
        for manual_event in manual_events
    ):
        # An address can belong to a domain in several ways (its host, its registrable part), so all of them are checked
        # again.
        return ReplayRequest(
            booking_ids=await _bookings_changed_since(connection, workspace_id, None), is_complete=True
        )
    if not since:
        return NO_REPLAY
    first = None if None in since else min(moment for moment in since if moment is not None)
    return ReplayRequest(booking_ids=await _bookings_changed_since(connection, workspace_id, first))


async def _bookings_changed_since(
    connection: asyncpg.Connection, workspace_id: UUID, since: datetime | None
) -> frozenset[UUID]:
    rows = await connection.fetch(
        "SELECT id FROM bookings WHERE workspace_id = $1 AND ($2::timestamptz IS NULL OR updated_at >= $2)",
        workspace_id,
        since,
    )
    return frozenset(row["id"] for row in rows)
