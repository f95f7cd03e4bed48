"""Subscriptions: which destinations of a workspace receive which kinds of events, and since when.

A destination never receives what was decided before it was connected. What was decided while it was connected stays so:
a replay or a rebuild calls for the same deliveries again.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg
from msgspec import Struct


class Subscription(Struct, frozen=True, kw_only=True):
    """`destination` receives `kinds` decided from `since` until before `until` (None: it is active)."""

    destination: str
    kinds: frozenset[str]
    since: datetime
    until: datetime | None = None

    def includes(self, kind: str, decided_at: datetime) -> bool:
        """Returns whether the subscription covers this kind at this time."""
        return kind in self.kinds and self.since <= decided_at and (self.until is None or decided_at < self.until)


def subscribed_destinations(subscriptions: Sequence[Subscription], kind: str, decided_at: datetime) -> list[str]:
    """Returns the subscribed destinations, each once, by name."""
    return sorted({one.destination for one in subscriptions if one.includes(kind, decided_at)})


async def of_workspace(connection: asyncpg.Connection, workspace_id: UUID) -> list[Subscription]:
    """Returns all subscriptions of a workspace, including ended ones."""
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
    """Subscribes the destination to exactly these kinds from now on; none ends it. Repeating a call changes nothing."""
    current = await connection.fetchrow(
        """
        SELECT id, kinds FROM subscriptions WHERE workspace_id = $1 AND destination = $2 AND until IS NULL FOR UPDATE
        """,
        workspace_id,
        destination,
    )
    if current is not None:
        if set(current["kinds"]) == set(kinds):
            return
        await connection.execute("UPDATE subscriptions SET until = $2 WHERE id = $1", current["id"], now)
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
