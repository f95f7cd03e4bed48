"""Totals of the projectors' work: stored in the transaction that did it, so they outlive the process."""

from collections import Counter
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import asyncpg

# How long a projection transaction took, in seconds: the upper bound of each bucket, as Prometheus names it.
_SECONDS_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BUCKET_LABELS: Final = [*map(str, _SECONDS_BUCKETS), "+Inf"]

_ADD_AMOUNT: Final = "ON CONFLICT (workspace_id, name, label) DO UPDATE SET amount = totals.amount + excluded.amount"


async def add_processed(connection: asyncpg.Connection, workspace_id: UUID, states: Iterable[str]) -> None:
    """Counts a processed batch by its states, and how long its transaction has taken so far."""
    state_counts = Counter(states)
    await connection.execute(
        f"""
        WITH taken AS (SELECT extract(epoch FROM clock_timestamp() - now())::float8 AS seconds)
        INSERT INTO totals (workspace_id, name, label, amount)
        SELECT $1::uuid, 'processed', * FROM unnest($2::text[], $3::float8[])
        UNION ALL SELECT $1::uuid, 'batch_seconds', ($4::text[])[1 + width_bucket(seconds, $5::float8[])], 1 FROM taken
        UNION ALL SELECT $1::uuid, 'batch_seconds_sum', '', seconds FROM taken
        {_ADD_AMOUNT}
        """,  # noqa: S608  # the parts are constants
        workspace_id,
        list(state_counts),
        [float(count) for count in state_counts.values()],
        _BUCKET_LABELS,
        list(_SECONDS_BUCKETS),
    )


async def add_failed(connection: asyncpg.Connection, event_id: UUID) -> None:
    """Counts a failed application; an event without a workspace counts in that of its account."""
    await connection.execute(
        f"""
        INSERT INTO totals (workspace_id, name, label, amount)
        SELECT coalesce(e.workspace_id, c.workspace_id), 'failed', '', 1
        FROM inbox_events e LEFT JOIN connections c ON c.id = e.account_id WHERE e.id = $1
        {_ADD_AMOUNT}
        """,  # noqa: S608  # the parts are constants
        event_id,
    )
