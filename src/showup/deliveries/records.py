"""What is known of a destination's records: to which one earlier deliveries went, and whether anybody can be asked."""

from collections.abc import Mapping, Sequence, Set
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.deliveries.claiming import Claimed
from showup.deliveries.delivery import MAIL, Lane

ASKED_AS: Final = "record.choose"
"""The kind of news by which people are asked which record is meant."""
ANSWERED: Final = "record.chosen"
"""The kind of news that such a question has its answer: it goes to where the question went."""


class Known(Struct, frozen=True, kw_only=True):
    """`records` by booking and recipient; `can_ask`: whether somebody of the workspace is told of questions.

    `questions`: by the delivery that tells of an answer, the record there to which its question went. `overtaken` are
    deliveries whose booking and recipient were told later news of already.
    """

    records: Mapping[tuple[UUID | None, str | None], str] = {}
    questions: Mapping[UUID, str] = {}
    can_ask: bool = False
    overtaken: Set[UUID] = frozenset()

    def record_of(self, one: Claimed) -> str | None:
        """The record to which this delivery belongs, if there is one yet."""
        if one.kind == ANSWERED:
            return self.questions.get(one.id)
        return self.records.get((one.booking_id, one.recipient))


async def known_there(connection: asyncpg.Connection, lane: Lane, claimed: Sequence[Claimed]) -> Known:
    """What is known for these deliveries of a lane. Mail has no records."""
    if lane.destination in MAIL:
        return Known()
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (booking_id, recipient) booking_id, recipient, record FROM deliveries
        WHERE booking_id = ANY($1::uuid[]) AND destination = $2 AND record IS NOT NULL AND event_id IS NOT NULL
        ORDER BY booking_id, recipient, delivered_at DESC NULLS LAST
        """,
        [one.booking_id for one in claimed if one.booking_id is not None],
        lane.destination,
    )
    can_ask = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM subscriptions WHERE workspace_id = $1 AND until IS NULL AND $2 = ANY(kinds)
                       AND destination <> $3)
        """,
        lane.workspace_id,
        ASKED_AS,
        lane.destination,
    )
    return Known(
        records={(row["booking_id"], row["recipient"]): row["record"] for row in rows},
        questions=await _questions(connection, lane, claimed),
        can_ask=can_ask,
        overtaken=await _overtaken(connection, lane, claimed),
    )


async def _overtaken(connection: asyncpg.Connection, lane: Lane, claimed: Sequence[Claimed]) -> frozenset[UUID]:
    """News may come late, and what failed may be tried again when other news has passed."""
    rows = await connection.fetch(
        # All that is announced is worth telling for as long, so what happened later ends later: whichever came first.
        """
        SELECT d.id FROM deliveries d
        WHERE d.id = ANY($1::uuid[]) AND d.event_id IS NOT NULL AND d.kind LIKE 'booking.%' AND EXISTS (
            SELECT FROM deliveries o
            WHERE o.booking_id = d.booking_id AND o.destination = $2 AND o.recipient = d.recipient
            AND o.event_id IS NOT NULL AND o.kind LIKE 'booking.%' AND o.state = 'delivered'
            AND o.expires_at > d.expires_at
        )
        """,
        [one.id for one in claimed if one.booking_id is not None],
        lane.destination,
    )
    return frozenset(row["id"] for row in rows)


async def _questions(connection: asyncpg.Connection, lane: Lane, claimed: Sequence[Claimed]) -> dict[UUID, str]:
    answers = {
        f"{lane.destination}/{ASKED_AS}:{one.details.get('delivery_id')}": one.id
        for one in claimed
        if one.kind == ANSWERED
    }
    if not answers:
        return {}
    rows = await connection.fetch(
        """
        SELECT key, record FROM deliveries
        WHERE workspace_id = $1 AND key = ANY($2::text[]) AND record IS NOT NULL
        """,
        lane.workspace_id,
        list(answers),
    )
    return {answers[row["key"]]: row["record"] for row in rows}
