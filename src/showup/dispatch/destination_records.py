"""Loads known records of a destination: the targets of earlier deliveries, and whether people can be asked."""

from collections.abc import Mapping, Sequence, Set
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.dispatch.claims import Claimed
from showup.outbox.delivery import MAIL_DESTINATIONS, DestinationQueue

QUESTION_KIND: Final = "record.choose"
"""The kind of message that asks people which record to use."""
ANSWER_KIND: Final = "record.chosen"
"""The kind of message that a question is answered; it goes to the same destination as the question."""
_QUESTION_OF: Final = {
    ANSWER_KIND: (QUESTION_KIND, "delivery_id"),
    "approval.decided": ("approval.asked", "approval_id"),
}
"""The kind of an answer → the kind of its question, and the detail that both have in common."""


class DestinationRecords(Struct, frozen=True, kw_only=True):
    """`records` by booking and recipient; `can_ask`: whether someone in the workspace receives questions.

    `questions` maps a delivery about an answer to the record that its question went to. `overtaken` holds deliveries
    whose booking and recipient already received a later message.
    """

    records: Mapping[tuple[UUID | None, str | None], str] = {}
    questions: Mapping[UUID, str] = {}
    can_ask: bool = False
    overtaken: Set[UUID] = frozenset()

    def record_of(self, one: Claimed) -> str | None:
        """Returns the record that this delivery belongs to, or None."""
        if one.kind in _QUESTION_OF:
            return self.questions.get(one.id)
        return self.records.get((one.booking_id, one.recipient))


async def load_destination_records(
    connection: asyncpg.Connection,
    queue: DestinationQueue,
    claimed: Sequence[Claimed],
    *,
    plans_reminders: bool = False,
) -> DestinationRecords:
    """Loads what is known for these deliveries of a queue. Mail has no records.

    `plans_reminders`: each delivery sets all reminders anew, so one is overtaken as soon as a later one waits. What it
    would set holds no more, and a reminder that is due would go out at once.
    """
    if queue.destination in MAIL_DESTINATIONS:
        return DestinationRecords()
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (booking_id, recipient) booking_id, recipient, record FROM deliveries
        WHERE booking_id = ANY($1::uuid[]) AND destination = $2 AND record IS NOT NULL AND event_id IS NOT NULL
        ORDER BY booking_id, recipient, delivered_at DESC NULLS LAST
        """,
        [one.booking_id for one in claimed if one.booking_id is not None],
        queue.destination,
    )
    can_ask = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM subscriptions WHERE workspace_id = $1 AND until IS NULL AND $2 = ANY(kinds)
                       AND destination <> $3)
        """,
        queue.workspace_id,
        QUESTION_KIND,
        queue.destination,
    )
    return DestinationRecords(
        records={(row["booking_id"], row["recipient"]): row["record"] for row in rows},
        questions=await _questions(connection, queue, claimed),
        can_ask=can_ask,
        overtaken=await _overtaken(
            connection, queue, claimed, ("delivered", *(("scheduled", "sending") if plans_reminders else ()))
        ),
    )


async def _overtaken(
    connection: asyncpg.Connection, queue: DestinationQueue, claimed: Sequence[Claimed], states: Sequence[str]
) -> frozenset[UUID]:
    """Returns the overtaken deliveries: an event may arrive late, and a retry may follow a later message."""
    rows = await connection.fetch(
        # All announcements expire after the same time, so a later event expires later, whichever arrived first.
        """
        SELECT d.id FROM deliveries d
        WHERE d.id = ANY($1::uuid[]) AND d.event_id IS NOT NULL AND d.kind LIKE 'booking.%' AND EXISTS (
            SELECT FROM deliveries o
            WHERE o.booking_id = d.booking_id AND o.destination = $2 AND o.recipient = d.recipient
            AND o.event_id IS NOT NULL AND o.kind LIKE 'booking.%' AND o.state = ANY($3::text[])
            AND (o.state = 'delivered' OR o.unwanted IS NULL)
            -- A yes leaves the booking as it was.
            AND o.kind <> 'booking.confirmed'
            AND o.expires_at > d.expires_at
        )
        """,
        [one.id for one in claimed if one.booking_id is not None],
        queue.destination,
        list(states),
    )
    return frozenset(row["id"] for row in rows)


async def _questions(
    connection: asyncpg.Connection, queue: DestinationQueue, claimed: Sequence[Claimed]
) -> dict[UUID, str]:
    keys = {one.id: _question_key(queue, one) for one in claimed if one.kind in _QUESTION_OF}
    if not keys:
        return {}
    rows = await connection.fetch(
        """
        SELECT key, record FROM deliveries
        WHERE workspace_id = $1 AND key = ANY($2::text[]) AND record IS NOT NULL
        """,
        queue.workspace_id,
        list(keys.values()),
    )
    records = {row["key"]: row["record"] for row in rows}
    return {delivery_id: records[key] for delivery_id, key in keys.items() if key in records}


def _question_key(queue: DestinationQueue, answer: Claimed) -> str:
    kind, detail = _QUESTION_OF[answer.kind]
    return f"{queue.destination}/{kind}:{answer.details.get(detail)}"
