"""Stores which leads EmailBison's webhooks named, until its API was asked about them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from showup.events.envelope import AnyRecord
from showup.events.lead import LeadReported
from showup.events.outcome import EventOutcome


async def apply_reports(
    connection: asyncpg.Connection, workspace_id: UUID, records: Sequence[AnyRecord]
) -> list[EventOutcome]:
    """Stores the leads to ask about, and makes the workspace's sync due, unless it waits for EmailBison to recover."""
    latest: dict[str, datetime] = {}
    for record in records:
        assert isinstance(record.event, LeadReported), "the container registers this handler for reports only"
        latest[record.event.lead] = max(record.received_at, latest.get(record.event.lead, record.received_at))
    await connection.execute(
        """
        INSERT INTO reported_leads AS r (workspace_id, lead, reported_at)
        SELECT $1, lead, at FROM unnest($2::text[], $3::timestamptz[]) AS given(lead, at)
        ON CONFLICT (workspace_id, lead) DO UPDATE SET reported_at = greatest(r.reported_at, excluded.reported_at)
        """,
        workspace_id,
        list(latest),
        list(latest.values()),
    )
    await connection.execute(
        """
        UPDATE syncs SET next_at = least(next_at, $2) FROM connections c
        WHERE c.id = syncs.account_id AND c.workspace_id = $1 AND c.kind = 'emailbison' AND syncs.failures = 0
        """,
        workspace_id,
        max(latest.values()),
    )
    return [EventOutcome(event_id=record.event_id) for record in records]


async def list_reported(connection: asyncpg.Connection, workspace_id: UUID, limit: int) -> dict[str, datetime]:
    """Returns the leads to ask about, the oldest reports first, with the time of the last report."""
    rows = await connection.fetch(
        "SELECT lead, reported_at FROM reported_leads WHERE workspace_id = $1 ORDER BY reported_at, lead LIMIT $2",
        workspace_id,
        limit,
    )
    return {row["lead"]: row["reported_at"] for row in rows}


async def mark_read(connection: asyncpg.Connection, workspace_id: UUID, reported: dict[str, datetime]) -> None:
    """Removes reports that were read, unless the lead was reported again meanwhile."""
    await connection.execute(
        """
        DELETE FROM reported_leads r USING unnest($2::text[], $3::timestamptz[]) AS done(lead, at)
        WHERE r.workspace_id = $1 AND r.lead = done.lead AND r.reported_at <= done.at
        """,
        workspace_id,
        list(reported),
        list(reported.values()),
    )


async def wake_if_reported(connection: asyncpg.Connection, workspace_id: UUID, source_id: UUID, now: datetime) -> None:
    """Makes the sync due again where leads were reported during it.

    The caller has changed the row of `syncs` in this transaction, so a report is either seen here, or waits for it.
    """
    await connection.execute(
        """
        UPDATE syncs SET next_at = $3
        WHERE account_id = $2 AND EXISTS (SELECT FROM reported_leads WHERE workspace_id = $1)
        """,
        workspace_id,
        source_id,
        now,
    )
