"""The rules of each workspace, as they stand in the database: what a fold depends on beside the events."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from showup.pipeline.rules import Rules


async def in_force(connection: asyncpg.Connection, workspace_id: UUID) -> Rules:
    """The newest rules of the workspace; those of the workspace `default` where it has none of its own."""
    data = await connection.fetchval(
        """
        SELECT r.data::text FROM rules r JOIN workspaces w ON w.id = r.workspace_id
        WHERE w.id = $1 OR w.slug = 'default' ORDER BY w.id = $1 DESC, r.number DESC LIMIT 1
        """,
        workspace_id,
    )
    return Rules() if data is None else _rules(msgspec.json.decode(data))


async def put(connection: asyncpg.Connection, workspace_id: UUID, rules: Rules) -> None:
    """Makes these the rules of the workspace, if they are not already; earlier ones stay on record.

    Several processes that start at once take turns until the transaction ends.
    """
    await connection.execute("SELECT id FROM workspaces WHERE id = $1 FOR NO KEY UPDATE", workspace_id)
    if await in_force(connection, workspace_id) == rules:
        return
    await connection.execute(
        """
        INSERT INTO rules (workspace_id, number, data)
        SELECT $1, coalesce(max(number), 0) + 1, $2::jsonb FROM rules WHERE workspace_id = $1
        """,
        workspace_id,
        msgspec.json.encode(_data(rules)).decode(),
    )


def _data(rules: Rules) -> dict[str, Any]:
    return {
        "cancel_deal": rules.cancel_deal,
        "meeting_ended": rules.meeting_ended,
        "personal_domains": sorted(rules.personal_domains),
        "business_domains": sorted(rules.business_domains),
        "team_domains": sorted(rules.team_domains),
        "team_emails": sorted(rules.team_emails),
        "fresh_for_seconds": round(rules.fresh_for.total_seconds()),
        "remind_before_seconds": [round(before.total_seconds()) for before in rules.remind_before],
    }


def _rules(data: dict[str, Any]) -> Rules:
    return Rules(
        cancel_deal=data["cancel_deal"],
        meeting_ended=data["meeting_ended"],
        personal_domains=frozenset(data["personal_domains"]),
        business_domains=frozenset(data["business_domains"]),
        team_domains=frozenset(data["team_domains"]),
        team_emails=frozenset(data["team_emails"]),
        fresh_for=timedelta(seconds=data["fresh_for_seconds"]),
        remind_before=tuple(timedelta(seconds=one) for one in data["remind_before_seconds"]),
    )
