"""Takes a person out of the log: their events get another body and are linked into the hash chain again.

The replay of the new bodies gives the same bookings, deals and totals. Their order among events of the same time and
kind stays, because each gets a random `order_digest` that sorts as its digest did.
"""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from showup.inbox import chain_store
from showup.inbox.erasure import erase_events
from showup.inbox.rebuild.compare import STATEMENT_TIMEOUT
from showup.sources.redaction import people_in, redact_body
from showup.values.redaction import Redactor

# A body has at most 1 MiB, and most have some 7 KB.
PAGE_SIZE: Final = 50
_ORDER_BYTES: Final = 8
UNREADABLE: Final = "it named somebody who was erased, and can't be read"

# The body as text that can be searched whatever its bytes are.
_FIND: Final = """
    WITH found AS (
    SELECT e.id FROM inbox_events e
    WHERE (e.workspace_id = $1 OR e.workspace_id IS NULL AND e.account_id IN (
        SELECT id FROM connections WHERE workspace_id = $1))
    AND e.state <> 'erased' AND (
        e.booking_id = ANY($2::uuid[])
        OR concat_ws(' ', e.uid, e.because, e.source_id, e.actor) ILIKE ANY($3::text[])
        OR lower(encode(e.body, 'escape')) LIKE ANY(
            SELECT replace(lower(encode(convert_to(term, 'UTF8'), 'escape')), '\\', '\\\\')
            FROM unnest($3::text[]) term))
    )
    SELECT id FROM found
    UNION SELECT d.id FROM inbox_events d JOIN found ON d.duplicate_of = found.id
"""


async def find_events(
    connection: asyncpg.Connection, workspace_id: UUID, booking_ids: Collection[UUID], terms: Sequence[str]
) -> list[UUID]:
    """Returns the events of these bookings, and those whose bodies have one of the `terms` (in lower case).

    It reads all bodies of the workspace: that takes a minute for a million events.
    """
    rows = await connection.fetch(
        _FIND, workspace_id, list(booking_ids), like_patterns(terms), timeout=STATEMENT_TIMEOUT
    )
    return [row["id"] for row in rows]


def like_patterns(terms: Iterable[str]) -> list[str]:
    """Returns patterns for LIKE that find these terms anywhere in a text."""
    return [f"%{term.replace('%', '_')}%" for term in terms]


async def learn_names(connection: asyncpg.Connection, event_ids: Sequence[UUID], redactor: Redactor) -> Redactor:
    """Returns a redactor that also knows the names and numbers that these events give the person."""
    names, phones = set[str](), set[str]()
    for page in _pages(event_ids):
        rows = await connection.fetch("SELECT body FROM inbox_events WHERE id = ANY($1::uuid[])", page)
        for row in rows:
            more_names, more_phones = people_in(row["body"], redactor)
            names |= more_names
            phones |= more_phones
    return redactor.with_names(names, phones)


async def redact_events(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    event_ids: Sequence[UUID],
    redactor: Redactor,
    own_bookings: Collection[UUID] = (),
) -> int:
    """Redacts these events; returns how many. The caller holds the workspace's lock, and replays the log.

    `own_bookings`: the person's; what teammates wrote about these goes too.
    """
    own = frozenset(own_bookings)
    order_digests = await _order_digests(connection, event_ids)
    changed = 0
    for page in _pages(event_ids):
        rows = await connection.fetch(
            "SELECT id, number, state, booking_id, digest, body, uid, because, source_id, actor FROM inbox_events "
            "WHERE id = ANY($1::uuid[]) ORDER BY number NULLS LAST, id",
            page,
        )
        bodies = {
            row["id"]: redact_body(row["body"], redactor, row["id"], is_theirs=row["booking_id"] in own) for row in rows
        }
        unreadable = [row for row in rows if bodies[row["id"]] is None]
        readable = [row for row in rows if bodies[row["id"]] is not None]
        await erase_events(connection, [row["id"] for row in unreadable], UNREADABLE)
        await _write(connection, readable, bodies, order_digests, redactor)
        numbered = [row["id"] for row in readable if row["number"] is not None]
        await chain_store.erase_salts(connection, numbered)
        await chain_store.link_again(connection, workspace_id, numbered)
        changed += len(unreadable) + len(readable)
    return changed


async def _write(
    connection: asyncpg.Connection,
    rows: Sequence[asyncpg.Record],
    bodies: dict[UUID, bytes | None],
    order_digests: dict[UUID, bytes],
    redactor: Redactor,
) -> None:
    def texts(name: str) -> list[str | None]:
        return [None if row[name] is None else redactor.text(row[name], words=False) for row in rows]

    # A duplicate has the body of its original; what it says of the body is in its place in the log.
    new_bodies = [b"" if row["state"] == "duplicate" else bodies[row["id"]] or b"" for row in rows]
    await connection.execute(
        """
        UPDATE inbox_events e SET body = n.body, digest = n.digest, order_digest = n.order_digest, uid = n.uid,
            because = n.because, source_id = n.source_id, actor = n.actor
        FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[])
             AS n(id, body, digest, order_digest, uid, because, source_id, actor)
        WHERE e.id = n.id
        """,
        [row["id"] for row in rows],
        new_bodies,
        [_digest(row, body) for row, body in zip(rows, new_bodies, strict=True)],
        [order_digests[row["id"]] for row in rows],
        texts("uid"),
        texts("because"),
        texts("source_id"),
        texts("actor"),
    )


def _digest(row: asyncpg.Record, body: bytes) -> bytes:
    return hashlib.sha256(body or row["id"].bytes).digest()


async def _order_digests(connection: asyncpg.Connection, event_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """Returns random bytes for each event that sort as the beginnings of their digests do."""
    rows = await connection.fetch(
        "SELECT id, substr(coalesce(order_digest, digest), 1, $2) AS beginning FROM inbox_events "
        "WHERE id = ANY($1::uuid[]) ORDER BY 2, 1",
        list(event_ids),
        _ORDER_BYTES,
    )
    drawn = sorted(secrets.token_bytes(_ORDER_BYTES) for _ in rows)
    return {row["id"]: order for row, order in zip(rows, drawn, strict=True)}


def _pages(event_ids: Sequence[UUID]) -> list[list[UUID]]:
    return [list(event_ids[start : start + PAGE_SIZE]) for start in range(0, len(event_ids), PAGE_SIZE)]
