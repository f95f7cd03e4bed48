"""What appliers did, as sums: kept in the transaction that did it, so that no process has to live to tell."""

from collections import Counter
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import asyncpg

# How long a settling transaction took, in seconds: the upper end of each bucket, as Prometheus names it.
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LABELS: Final = [*map(str, _SECONDS), "+Inf"]

_ADD: Final = "ON CONFLICT (workspace_id, name, label) DO UPDATE SET amount = totals.amount + excluded.amount"


async def add_settled(connection: asyncpg.Connection, workspace_id: UUID, states: Iterable[str]) -> None:
    """Counts a batch that was settled with these states, and how long its transaction has taken until now."""
    counted = Counter(states)
    await connection.execute(
        f"""
        WITH taken AS (SELECT extract(epoch FROM clock_timestamp() - now())::float8 AS seconds)
        INSERT INTO totals (workspace_id, name, label, amount)
        SELECT $1::uuid, 'settled', * FROM unnest($2::text[], $3::float8[])
        UNION ALL SELECT $1::uuid, 'batch_seconds', ($4::text[])[1 + width_bucket(seconds, $5::float8[])], 1 FROM taken
        UNION ALL SELECT $1::uuid, 'batch_seconds_sum', '', seconds FROM taken
        {_ADD}
        """,  # noqa: S608  # the parts are constants
        workspace_id,
        list(counted),
        [float(count) for count in counted.values()],
        _LABELS,
        list(_SECONDS),
    )


async def add_failed(connection: asyncpg.Connection, event_id: UUID) -> None:
    """Counts a failed application; where the event has no workspace yet, in that of its account."""
    await connection.execute(
        f"""
        INSERT INTO totals (workspace_id, name, label, amount)
        SELECT coalesce(e.workspace_id, c.workspace_id), 'failed', '', 1
        FROM calcom_events e LEFT JOIN connections c ON c.id = e.account_id WHERE e.id = $1
        {_ADD}
        """,  # noqa: S608  # the parts are constants
        event_id,
    )
