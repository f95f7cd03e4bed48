"""Who listens beside the attendees: which destinations of a workspace are told which kinds of news, and since when.

What was decided before a destination was connected is never for it, and what was decided while it was stays so: a story
that is told anew, or a rebuild, calls for the same deliveries again.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg
from msgspec import Struct


class Subscription(Struct, frozen=True, kw_only=True):
    """`destination` is told `kinds` of what was decided from `since` on and before `until` (None: it still is)."""

    destination: str
    kinds: frozenset[str]
    since: datetime
    until: datetime | None = None

    def wants(self, kind: str, decided_at: datetime) -> bool:
        """Whether news of that kind, decided then, is for it."""
        return kind in self.kinds and self.since <= decided_at and (self.until is None or decided_at < self.until)


def listening(subscriptions: Sequence[Subscription], kind: str, decided_at: datetime) -> list[str]:
    """The destinations that are told, each once, by name."""
    return sorted({one.destination for one in subscriptions if one.wants(kind, decided_at)})


async def of_workspace(connection: asyncpg.Connection, workspace_id: UUID) -> list[Subscription]:
    """All subscriptions of a workspace, those that have ended among them."""
    rows = await connection.fetch(
        "SELECT destination, kinds, since, until FROM subscriptions WHERE workspace_id = $1 ORDER BY since, id",
        workspace_id,
    )
    return [
        Subscription(
            destination=row["destination"], kinds=frozenset(row["kinds"]), since=row["since"], until=row["until"]
        )
        for row in rows
    ]


async def subscribe(
    connection: asyncpg.Connection, workspace_id: UUID, destination: str, kinds: Collection[str], now: datetime
) -> None:
    """From now on the destination is told exactly these kinds; none ends it. The same once more changes nothing."""
    standing = await connection.fetchrow(
        """
        SELECT id, kinds FROM subscriptions WHERE workspace_id = $1 AND destination = $2 AND until IS NULL FOR UPDATE
        """,
        workspace_id,
        destination,
    )
    if standing is not None:
        if set(standing["kinds"]) == set(kinds):
            return
        await connection.execute("UPDATE subscriptions SET until = $2 WHERE id = $1", standing["id"], now)
    if kinds:
        await connection.execute(
            """
            INSERT INTO subscriptions (id, workspace_id, destination, kinds, since) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT DO NOTHING
            """,
            uuid4(),
            workspace_id,
            destination,
            sorted(kinds),
            now,
        )
