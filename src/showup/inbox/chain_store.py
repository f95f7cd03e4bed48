"""The chain in PostgreSQL: links are added in the transaction that settles, and read in their order."""

import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.inbox import chain
from showup.inbox.chain import Linked, Received

RECEIVED: Final = (
    "e.id, e.account_id, e.origin, e.received_at, e.digest, e.content_type, e.webhook_version, e.source_address"
)
_READ_AT_ONCE: Final = 1_000
# A log has no end; reading it through may take its time, while the server answers.
_ANSWERED_WITHIN: Final = 3_600.0


class End(Struct, frozen=True, kw_only=True):
    """Where a workspace's feed and chain end."""

    number: int
    link: bytes


class Standing(Struct, frozen=True, kw_only=True):
    """A link, and the event it was made for as it stands now; None where it is gone.

    `is_newest`: this link is that of the event's own number, and no earlier settlement's of an event that was run
    again. `body_digest` is made anew from the body.
    """

    linked: Linked
    received: Received | None
    is_newest: bool
    body_digest: bytes | None
    has_body: bool


class Stray(Struct, frozen=True, kw_only=True):
    """A settled event whose number is no link's. `linked_at`: the number of its last link, None without any."""

    event_id: UUID
    number: int | None
    linked_at: int | None


async def end(connection: asyncpg.Connection, workspace_id: UUID) -> End:
    """The end to go on from, held for this transaction; the caller has the workspace's lock."""
    row = await connection.fetchrow(
        "SELECT feed_number, chain_link FROM workspaces WHERE id = $1 FOR NO KEY UPDATE", workspace_id
    )
    return End(number=row["feed_number"], link=row["chain_link"] or chain.first_link(workspace_id))


async def extend(
    connection: asyncpg.Connection, workspace_id: UUID, standing: End, number: int, rows: Sequence[asyncpg.Record]
) -> None:
    """Links the rows (RECEIVED and `number`) behind where the chain stands; the feed ends at `number` then."""
    received = sorted(((row["number"], _received(row)) for row in rows), key=lambda numbered: numbered[0])
    made = chain.extend(standing.link, received, secrets.token_bytes(chain.SALT_BYTES * len(received)))
    await connection.execute(
        """
        WITH linked AS (
            INSERT INTO chain (workspace_id, number, event_id, salt, commitment, link)
            SELECT $1, * FROM unnest($2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[], $6::bytea[])
        )
        UPDATE workspaces SET feed_number = $7, chain_link = $8 WHERE id = $1
        """,
        workspace_id,
        [one.number for one in made],
        [one.event_id for one in made],
        [one.salt for one in made],
        [one.commitment for one in made],
        [one.link for one in made],
        number,
        made[-1].link if made else standing.link,
    )


async def newest(connection: asyncpg.Connection, workspace_id: UUID) -> bytes | None:
    """The newest link as the workspace remembers it; None before the first."""
    found: bytes | None = await connection.fetchval("SELECT chain_link FROM workspaces WHERE id = $1", workspace_id)
    return found


async def count(connection: asyncpg.Connection, workspace_ids: Sequence[UUID]) -> int:
    """How many links there are to read."""
    found: int = await connection.fetchval(
        "SELECT count(*) FROM chain WHERE workspace_id = ANY($1::uuid[])", workspace_ids, timeout=_ANSWERED_WITHIN
    )
    return found


async def read(connection: asyncpg.Connection, workspace_id: UUID) -> AsyncIterator[list[Standing]]:
    """All links of a workspace with their events, in order, some at a time; inside a transaction."""
    cursor = await connection.cursor(
        f"""
        SELECT c.number AS linked_number, c.event_id, c.salt, c.commitment, c.link, {RECEIVED},
               (e.workspace_id, e.number) = (c.workspace_id, c.number) AS is_newest,
               sha256(e.body) AS body_digest, octet_length(e.body) AS size
        FROM chain c LEFT JOIN calcom_events e ON e.id = c.event_id
        WHERE c.workspace_id = $1 ORDER BY c.number
        """,  # noqa: S608  # the columns are a constant
        workspace_id,
        timeout=_ANSWERED_WITHIN,
    )
    while rows := await cursor.fetch(_READ_AT_ONCE, timeout=_ANSWERED_WITHIN):
        yield [_standing(row) for row in rows]


async def strays(connection: asyncpg.Connection, workspace_id: UUID, most: int) -> list[Stray]:
    """Events of a workspace that are settled and have no number, or one that is no link of theirs.

    An event that is being run again keeps the number of its last settlement until the next, wherever that was.
    """
    rows = await connection.fetch(
        """
        WITH stray AS (
            SELECT e.id, e.number FROM calcom_events e
            LEFT JOIN chain c ON c.event_id = e.id AND c.number = e.number
                              AND (c.workspace_id = e.workspace_id OR e.state IN ('kept', 'failed'))
            WHERE e.workspace_id = $1 AND c.event_id IS NULL
              AND (e.number IS NOT NULL OR e.state NOT IN ('kept', 'failed', 'duplicate'))
            ORDER BY e.number, e.id LIMIT $2
        )
        SELECT s.id, s.number, max(c.number) AS linked_at
        FROM stray s LEFT JOIN chain c ON c.event_id = s.id GROUP BY s.id, s.number ORDER BY s.number, s.id
        """,
        workspace_id,
        most,
        timeout=_ANSWERED_WITHIN,
    )
    return [Stray(event_id=row["id"], number=row["number"], linked_at=row["linked_at"]) for row in rows]


def _received(row: asyncpg.Record) -> Received:
    return Received(
        event_id=row["id"],
        account_id=row["account_id"],
        origin=row["origin"],
        received_at=row["received_at"],
        digest=row["digest"],
        content_type=row["content_type"],
        webhook_version=row["webhook_version"],
        source_address=row["source_address"],
    )


def _standing(row: asyncpg.Record) -> Standing:
    linked = Linked(
        number=row["linked_number"],
        event_id=row["event_id"],
        salt=row["salt"],
        commitment=row["commitment"],
        link=row["link"],
    )
    return Standing(
        linked=linked,
        received=None if row["id"] is None else _received(row),
        is_newest=bool(row["is_newest"]),
        body_digest=row["body_digest"],
        has_body=bool(row["size"]),
    )
