"""Records a person's choice of a record when a destination had several candidates; the waiting delivery continues."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from showup.dispatch import notices
from showup.dispatch.destination_records import QUESTION_KIND
from showup.events.delivery import RecordChosen
from showup.events.envelope import AnyRecord
from showup.events.outcome import EventOutcome, OutcomeState
from showup.outbox import system_notifications
from showup.outbox.delivery import DestinationQueue
from showup.outbox.wakeups import wake_queues


async def apply_answers(
    connection: asyncpg.Connection, workspace_id: UUID, records: Sequence[AnyRecord]
) -> list[EventOutcome]:
    """Applies the answers to deliveries' questions in the order in which they were given: the first one decides."""
    outcomes = []
    for record in sorted(records, key=lambda one: (one.source_at, one.event_id)):
        assert isinstance(record.event, RecordChosen), "the container registers this handler for answers only"
        because = await _choose(connection, workspace_id, record.event, record.actor, record.source_at)
        state: OutcomeState = "applied" if because is None else "refused"
        outcomes.append(EventOutcome(event_id=record.event_id, state=state, because=because))
    return outcomes


async def _choose(
    connection: asyncpg.Connection, workspace_id: UUID, chosen: RecordChosen, actor: str, now: datetime
) -> str | None:
    """Stores the answer and wakes the queue, in the connection's transaction; else returns why not."""
    row = await connection.fetchrow(
        """
        SELECT destination, booking_id, recipient, state, question FROM deliveries
        WHERE id = $1 AND workspace_id = $2 FOR UPDATE
        """,
        chosen.delivery_id,
        workspace_id,
    )
    if row is None:
        return "the delivery does not exist"
    question = row["question"]
    if question is None:
        return "this delivery has no question"
    if question.get("answered_by") is not None:
        return f"{question['answered_by']} has already answered"
    if row["state"] != "scheduled":
        return f"it is too late to answer: the delivery is {row['state']}"
    if chosen.record is not None and chosen.record not in {one["record"] for one in question["candidates"]}:
        return f"{chosen.record!r} is not a candidate"
    await connection.execute(
        """
        UPDATE deliveries SET question = $2::text::jsonb, wake_at = $3, because = $4, updated_at = $3 WHERE id = $1
        """,
        chosen.delivery_id,
        msgspec.json.encode(question | {"answered_by": actor, "chosen": chosen.record}).decode(),
        now,
        f"{actor} chose the record",
    )
    await connection.execute(
        """
        UPDATE deliveries SET state = 'withdrawn', because = 'it was decided meanwhile', updated_at = $3
        WHERE workspace_id = $1 AND state = 'scheduled' AND event_id IS NULL AND kind = $2
        AND details->>'delivery_id' = $4
        """,
        workspace_id,
        QUESTION_KIND,
        now,
        str(chosen.delivery_id),
    )
    await system_notifications.notify_subscribers(
        connection,
        workspace_id,
        [
            notices.question_answered(
                row["destination"],
                chosen.delivery_id,
                row["booking_id"],
                row["recipient"],
                chosen.record,
                by=actor,
                name=notices.name_of(question, chosen.record),
            )
        ],
        now,
    )
    queue = DestinationQueue(workspace_id=workspace_id, destination=row["destination"])
    await wake_queues(connection, [(queue, now)], now)
    return None
