"""The hash chain in PostgreSQL: links are added in the transaction that marks events processed, and read in order."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.inbox import chain
from showup.inbox.chain import ChainLink, ReceivedEvent

RECEIVED_COLUMNS: Final = (
    "e.id, e.account_id, e.source, e.origin, e.received_at, e.digest, e.content_type, e.webhook_version, "
    "e.source_address, e.order_digest"
)
_PAGE_SIZE: Final = 1_000
# A log can grow without limit. Reading it may take long, as long as the server responds.
_STATEMENT_TIMEOUT: Final = 3_600.0


class ChainEnd(Struct, frozen=True, kw_only=True):
    """Where a workspace's feed and chain end."""

    number: int
    link: bytes


class LinkedEvent(Struct, frozen=True, kw_only=True):
    """A link, and the current row of its event; None where the row is gone.

    `is_newest`: the link has the event's own number; it is not an older link of an event that was processed again.
    `body_digest` is computed from the stored body.
    """

    link: ChainLink
    received: ReceivedEvent | None
    is_newest: bool
    body_digest: bytes | None
    has_body: bool


class UnlinkedEvent(Struct, frozen=True, kw_only=True):
    """A processed event whose number has no link. `linked_at`: the number of its last link, None without any."""

    event_id: UUID
    number: int | None
    linked_at: int | None


async def lock_chain_end(connection: asyncpg.Connection, workspace_id: UUID) -> ChainEnd:
    """Returns the chain's end, locked for this transaction; the caller holds the workspace's lock."""
    row = await connection.fetchrow(
        "SELECT feed_number, chain_link FROM workspaces WHERE id = $1 FOR NO KEY UPDATE", workspace_id
    )
    return ChainEnd(number=row["feed_number"], link=row["chain_link"] or chain.genesis_link(workspace_id))


async def append_links(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    chain_end: ChainEnd,
    number: int,
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Links the rows (RECEIVED and `number`) behind the chain's end; the feed then ends at `number`."""
    received = sorted(((row["number"], _received_event(row)) for row in rows), key=lambda numbered: numbered[0])
    links = chain.build_links(chain_end.link, received, secrets.token_bytes(chain.SALT_BYTES * len(received)))
    await connection.execute(
        """
        WITH linked AS (
            INSERT INTO chain (workspace_id, number, event_id, salt, commitment, link)
            SELECT $1, * FROM unnest($2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[], $6::bytea[])
        )
        UPDATE workspaces SET feed_number = $7, chain_link = $8 WHERE id = $1
        """,
        workspace_id,
        [link.number for link in links],
        [link.event_id for link in links],
        [link.salt for link in links],
        [link.commitment for link in links],
        [link.link for link in links],
        number,
        links[-1].link if links else chain_end.link,
    )


async def erase_salts(connection: asyncpg.Connection, event_ids: Sequence[UUID]) -> None:
    """Erases the salts of all links of these events: their commitments no longer say anything of the bodies."""
    await connection.execute(
        "UPDATE chain SET salt = NULL WHERE event_id = ANY($1::uuid[]) AND salt IS NOT NULL", event_ids
    )


async def link_again(connection: asyncpg.Connection, workspace_id: UUID, event_ids: Sequence[UUID]) -> None:
    """Links these events once more, as they are now; they keep their numbers. The caller holds the workspace's lock."""
    if not event_ids:
        return
    rows = await connection.fetch(
        f"SELECT {RECEIVED_COLUMNS} FROM inbox_events e WHERE e.id = ANY($1::uuid[]) ORDER BY e.number",  # noqa: S608
        event_ids,
    )
    chain_end = await lock_chain_end(connection, workspace_id)
    numbered = [{**row, "number": chain_end.number + place} for place, row in enumerate(rows, 1)]
    await append_links(connection, workspace_id, chain_end, chain_end.number + len(numbered), numbered)


async def newest_link(connection: asyncpg.Connection, workspace_id: UUID) -> bytes | None:
    """Returns the newest link as the workspace's row records it; None before the first."""
    link: bytes | None = await connection.fetchval("SELECT chain_link FROM workspaces WHERE id = $1", workspace_id)
    return link


async def count_links(connection: asyncpg.Connection, workspace_ids: Sequence[UUID]) -> int:
    """Returns how many links these workspaces have."""
    link_count: int = await connection.fetchval(
        "SELECT count(*) FROM chain WHERE workspace_id = ANY($1::uuid[])", workspace_ids, timeout=_STATEMENT_TIMEOUT
    )
    return link_count


async def read_links(connection: asyncpg.Connection, workspace_id: UUID) -> AsyncIterator[list[LinkedEvent]]:
    """Yields all links of a workspace with their events, in order and in pages; requires a transaction."""
    cursor = await connection.cursor(
        f"""
        SELECT c.number AS linked_number, c.event_id, c.salt, c.commitment, c.link, {RECEIVED_COLUMNS},
               (e.workspace_id, e.number) = (c.workspace_id, c.number) AS is_newest,
               sha256(e.body) AS body_digest, octet_length(e.body) AS size
        FROM chain c LEFT JOIN inbox_events e ON e.id = c.event_id
        WHERE c.workspace_id = $1 ORDER BY c.number
        """,  # noqa: S608  # the columns are a constant
        workspace_id,
        timeout=_STATEMENT_TIMEOUT,
    )
    while rows := await cursor.fetch(_PAGE_SIZE, timeout=_STATEMENT_TIMEOUT):
        yield [_linked_event(row) for row in rows]


async def find_unlinked(connection: asyncpg.Connection, workspace_id: UUID, limit: int) -> list[UnlinkedEvent]:
    """Returns processed events that have no number, or a number that is not that of their link.

    An event that is processed again keeps the number of its last link until the next one.
    """
    rows = await connection.fetch(
        """
        WITH stray AS (
            SELECT e.id, e.number FROM inbox_events e
            LEFT JOIN chain c ON c.event_id = e.id AND c.number = e.number
                              AND (c.workspace_id = e.workspace_id OR e.state IN ('pending', 'failed'))
            WHERE e.workspace_id = $1 AND c.event_id IS NULL
              AND (e.number IS NOT NULL OR e.state NOT IN ('pending', 'failed', 'duplicate'))
            ORDER BY e.number, e.id LIMIT $2
        )
        SELECT s.id, s.number, max(c.number) AS linked_at
        FROM stray s LEFT JOIN chain c ON c.event_id = s.id GROUP BY s.id, s.number ORDER BY s.number, s.id
        """,
        workspace_id,
        limit,
        timeout=_STATEMENT_TIMEOUT,
    )
    return [UnlinkedEvent(event_id=row["id"], number=row["number"], linked_at=row["linked_at"]) for row in rows]


def _received_event(row: Mapping[str, Any]) -> ReceivedEvent:
    return ReceivedEvent(
        event_id=row["id"],
        account_id=row["account_id"],
        source=row["source"],
        origin=row["origin"],
        received_at=row["received_at"],
        digest=row["digest"],
        content_type=row["content_type"],
        webhook_version=row["webhook_version"],
        source_address=row["source_address"],
        order_digest=row["order_digest"],
    )


def _linked_event(row: asyncpg.Record) -> LinkedEvent:
    link = ChainLink(
        number=row["linked_number"],
        event_id=row["event_id"],
        salt=row["salt"],
        commitment=row["commitment"],
        link=row["link"],
    )
    return LinkedEvent(
        link=link,
        received=None if row["id"] is None else _received_event(row),
        is_newest=bool(row["is_newest"]),
        body_digest=row["body_digest"],
        has_body=bool(row["size"]),
    )
