"""Stores mail feedback with the deliveries that it is about."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from showup.events.delivery import MailFeedback
from showup.events.envelope import AnyRecord
from showup.events.outcome import EventOutcome
from showup.feedback.status import LatestFeedback, supersedes
from showup.outbox import suppressions
from showup.outbox.suppressions import Suppression

UNKNOWN_MAIL: Final = "unknown mail: waiting for its delivery"


async def apply_feedback(
    connection: asyncpg.Connection, workspace_id: UUID, records: Sequence[AnyRecord]
) -> list[EventOutcome]:
    """Stores feedback with its delivery, and suppresses the addresses that it names.

    Feedback waits if the workspace has no delivery with the mail's id, or not yet.
    """
    feedback_by_event = {one.event_id: one.event for one in records if isinstance(one.event, MailFeedback)}
    times = {one.event_id: one.source_at for one in records}
    rows = {row["id"]: row for row in await _rows(connection, workspace_id, feedback_by_event.values())}
    by_mail = {row["provider_id"]: row["id"] for row in rows.values() if row["provider_id"] is not None}
    latest = {row["id"]: LatestFeedback(status=row["feedback"], at=row["feedback_at"]) for row in rows.values()}
    changes: dict[UUID, tuple[MailFeedback, datetime]] = {}
    outcomes = []
    for event_id, feedback in feedback_by_event.items():
        delivery_id = feedback.delivery_id if feedback.delivery_id in rows else by_mail.get(feedback.mail_id)
        if delivery_id is None:
            outcomes.append(EventOutcome(event_id=event_id, state="waiting", because=UNKNOWN_MAIL))
            continue
        outcomes.append(EventOutcome(event_id=event_id))
        at = times[event_id]
        if supersedes(feedback, at, latest[delivery_id]):
            latest[delivery_id] = LatestFeedback(status=feedback.status, at=at)
            changes[delivery_id] = feedback, at
        await _suppress(connection, workspace_id, event_id, rows[delivery_id], feedback, at)
    await _write(connection, changes)
    return outcomes


async def _rows(
    connection: asyncpg.Connection, workspace_id: UUID, feedback: Iterable[MailFeedback]
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
    connection: asyncpg.Connection,
    workspace_id: UUID,
    event_id: UUID,
    delivery: asyncpg.Record,
    feedback: MailFeedback,
    at: datetime,
) -> None:
    if feedback.suppression_cause is not None and delivery["recipient"]:
        await suppressions.add(
            connection,
            workspace_id,
            delivery["recipient"],
            Suppression(scope="all", reason=feedback.suppression_cause, because=feedback.because),
            at=at,
            delivery_id=delivery["id"],
            event_id=event_id,
        )


async def _write(connection: asyncpg.Connection, changes: Mapping[UUID, tuple[MailFeedback, datetime]]) -> None:
    await connection.executemany(
        "UPDATE deliveries SET feedback = $2, feedback_because = $3, feedback_at = $4 WHERE id = $1",
        [(delivery_id, feedback.status, feedback.because, at) for delivery_id, (feedback, at) in changes.items()],
    )
