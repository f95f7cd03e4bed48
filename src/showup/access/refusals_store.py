"""Stores how many webhooks were refused for their signature, since when, and from where."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias

import asyncpg
import msgspec
from msgspec import Struct

from showup.access.connection import CALCOM

Reason: TypeAlias = Literal["no_signature", "wrong_signature", "unknown_name"]
MAX_SOURCES: Final = 8
"""Only so many addresses are counted by name; the others appear in the total."""


class RefusedWebhooks(Struct, kw_only=True):
    """Refused webhooks of one reason for one account or connection; an empty `name` stands for all unknown names.

    `sources` counts them by address, for the first MAX_SOURCES addresses.
    """

    kind: str
    name: str
    reason: Reason
    count: int
    first_at: datetime
    last_at: datetime
    sources: dict[str, int]

    def add(self, count: int, at: datetime, sources: Mapping[str, int]) -> None:
        """Add further refusals, the newest of them at `at`."""
        self.count += count
        self.last_at = max(self.last_at, at)
        for source, number in sources.items():
            if source in self.sources or len(self.sources) < MAX_SOURCES:
                self.sources[source] = self.sources.get(source, 0) + number


async def add(connection: asyncpg.Connection, refusals: Sequence[RefusedWebhooks]) -> None:
    """Add to the stored numbers; needs a transaction."""
    # In the order in which every process locks them, so that two never deadlock.
    for one in sorted(refusals, key=lambda refused: (refused.kind, refused.name, refused.reason)):
        key = (one.kind, one.name, one.reason)
        await connection.execute(_INSERT, *key, one.first_at)
        stored = _from_row(await connection.fetchrow(f"{_SELECT} WHERE {_KEY} FOR UPDATE", *key))
        stored.add(one.count, one.last_at, one.sources)
        sources = msgspec.json.encode(stored.sources).decode()
        await connection.execute(_UPDATE, *key, stored.count, stored.last_at, sources)


async def list_refusals(connection: asyncpg.Connection) -> list[RefusedWebhooks]:
    """Return the refusals since their last acknowledgement."""
    return [_from_row(row) for row in await connection.fetch(f"{_SELECT} ORDER BY kind, name, reason")]


async def remove(connection: asyncpg.Connection, kind: str, name: str) -> int:
    """Remove the refusals of an account or connection, because a person has acknowledged them; return how many."""
    rows = await connection.fetch(
        "DELETE FROM webhook_refusals WHERE kind = $1 AND name = $2 RETURNING count", kind, name
    )
    return sum(row["count"] for row in rows)


def subject_of(kind: str, name: str) -> str:
    """Return the subject of the warning about an account or connection; all unknown names of a kind share one."""
    return f"webhooks:{name or f'unknown-{kind}'}" if kind == CALCOM or not name else f"webhooks:{kind}:{name}"


_KEY: Final = "kind = $1 AND name = $2 AND reason = $3"
_SELECT: Final = "SELECT kind, name, reason, count, first_at, last_at, sources FROM webhook_refusals"
_INSERT: Final = """
    INSERT INTO webhook_refusals (kind, name, reason, count, first_at, last_at, sources)
    VALUES ($1, $2, $3, 0, $4, $4, '{}') ON CONFLICT DO NOTHING
"""
_UPDATE: Final = f"UPDATE webhook_refusals SET count = $4, last_at = $5, sources = $6::text::jsonb WHERE {_KEY}"  # noqa: S608  # a constant


def _from_row(row: asyncpg.Record) -> RefusedWebhooks:
    return msgspec.convert(dict(row), RefusedWebhooks)
