"""Feedback as it is written to the deliveries that it is about."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import asyncpg

from showup.deliveries import suppressions
from showup.deliveries.feedback import Feedback, Said, outweighs
from showup.deliveries.suppressions import Suppression


async def record(
    connection: asyncpg.Connection, workspace_id: UUID, heard: Mapping[UUID, Feedback]
) -> dict[UUID, UUID | None]:
    """Notes what was said, by its event's id, and stops mail to the addresses that it says so of.

    The delivery of each event; None where no delivery of the workspace is known by the mail's id, or not yet.
    """
    if not heard:
        return {}
    rows = {row["id"]: row for row in await _rows(connection, workspace_id, heard.values())}
    by_mail = {row["provider_id"]: row["id"] for row in rows.values() if row["provider_id"] is not None}
    found = {
        event_id: said.delivery_id if said.delivery_id in rows else by_mail.get(said.mail_id)
        for event_id, said in heard.items()
    }
    stands = {row["id"]: Said(word=row["feedback"], at=row["feedback_at"]) for row in rows.values()}
    last: dict[UUID, Feedback] = {}
    for event_id, delivery_id in found.items():
        if delivery_id is None:
            continue
        said = heard[event_id]
        if outweighs(said, stands[delivery_id]):
            stands[delivery_id], last[delivery_id] = Said(word=said.word, at=said.at), said
        await _stop(connection, workspace_id, event_id, rows[delivery_id], said)
    await _write(connection, last)
    return found


async def _rows(
    connection: asyncpg.Connection, workspace_id: UUID, feedback: Iterable[Feedback]
) -> list[asyncpg.Record]:
    """The deliveries in question, held so that none of them is settled meanwhile."""
    every = list(feedback)
    rows: list[asyncpg.Record] = await connection.fetch(
        """
        SELECT id, provider_id, recipient, feedback, feedback_at FROM deliveries
        WHERE workspace_id = $1 AND (id = ANY($2::uuid[]) OR provider_id = ANY($3::text[]))
        ORDER BY id FOR NO KEY UPDATE
        """,
        workspace_id,
        [one.delivery_id for one in every if one.delivery_id is not None],
        [one.mail_id for one in every],
    )
    return rows


async def _stop(
    connection: asyncpg.Connection, workspace_id: UUID, event_id: UUID, delivery: asyncpg.Record, said: Feedback
) -> None:
    if said.stops is not None and delivery["recipient"]:
        await suppressions.add(
            connection,
            workspace_id,
            delivery["recipient"],
            Suppression(scope="all", reason=said.stops, because=said.because),
            at=said.at,
            delivery_id=delivery["id"],
            event_id=event_id,
        )


async def _write(connection: asyncpg.Connection, last: Mapping[UUID, Feedback]) -> None:
    await connection.executemany(
        "UPDATE deliveries SET feedback = $2, feedback_because = $3, feedback_at = $4 WHERE id = $1",
        [(delivery_id, said.word, said.because, said.at) for delivery_id, said in last.items()],
    )
