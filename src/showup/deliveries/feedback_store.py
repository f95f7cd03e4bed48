"""Stores mail feedback with the deliveries that it is about."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import asyncpg

from showup.deliveries import suppressions
from showup.deliveries.feedback import Feedback, LatestFeedback, supersedes
from showup.deliveries.suppressions import Suppression


async def record(
    connection: asyncpg.Connection, workspace_id: UUID, feedback_by_event: Mapping[UUID, Feedback]
) -> dict[UUID, UUID | None]:
    """Stores feedback by its event's id, and suppresses the addresses that it names.

    Returns the delivery of each event; None if the workspace has no delivery with the mail's id, or not yet.
    """
    if not feedback_by_event:
        return {}
    rows = {row["id"]: row for row in await _rows(connection, workspace_id, feedback_by_event.values())}
    by_mail = {row["provider_id"]: row["id"] for row in rows.values() if row["provider_id"] is not None}
    delivery_ids = {
        event_id: feedback.delivery_id if feedback.delivery_id in rows else by_mail.get(feedback.mail_id)
        for event_id, feedback in feedback_by_event.items()
    }
    latest = {row["id"]: LatestFeedback(status=row["feedback"], at=row["feedback_at"]) for row in rows.values()}
    changes: dict[UUID, Feedback] = {}
    for event_id, delivery_id in delivery_ids.items():
        if delivery_id is None:
            continue
        feedback = feedback_by_event[event_id]
        if supersedes(feedback, latest[delivery_id]):
            latest[delivery_id], changes[delivery_id] = LatestFeedback(status=feedback.status, at=feedback.at), feedback
        await _suppress(connection, workspace_id, event_id, rows[delivery_id], feedback)
    await _write(connection, changes)
    return delivery_ids


async def _rows(
    connection: asyncpg.Connection, workspace_id: UUID, feedback: Iterable[Feedback]
) -> list[asyncpg.Record]:
    """Returns these deliveries, locked so that no outcome is recorded meanwhile."""
    items = list(feedback)
    rows: list[asyncpg.Record] = await connection.fetch(
        """
        SELECT id, provider_id, recipient, feedback, feedback_at FROM deliveries
        WHERE workspace_id = $1 AND (id = ANY($2::uuid[]) OR provider_id = ANY($3::text[]))
        ORDER BY id FOR NO KEY UPDATE
        """,
        workspace_id,
        [one.delivery_id for one in items if one.delivery_id is not None],
        [one.mail_id for one in items],
    )
    return rows


async def _suppress(
    connection: asyncpg.Connection, workspace_id: UUID, event_id: UUID, delivery: asyncpg.Record, feedback: Feedback
) -> None:
    if feedback.suppression_cause is not None and delivery["recipient"]:
        await suppressions.add(
            connection,
            workspace_id,
            delivery["recipient"],
            Suppression(scope="all", reason=feedback.suppression_cause, because=feedback.because),
            at=feedback.at,
            delivery_id=delivery["id"],
            event_id=event_id,
        )


async def _write(connection: asyncpg.Connection, changes: Mapping[UUID, Feedback]) -> None:
    await connection.executemany(
        "UPDATE deliveries SET feedback = $2, feedback_because = $3, feedback_at = $4 WHERE id = $1",
        [(delivery_id, feedback.status, feedback.because, feedback.at) for delivery_id, feedback in changes.items()],
    )
