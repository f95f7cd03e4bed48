"""Waits for another transaction to wait for this one."""

from typing import Final

import asyncpg

# pg_stat_activity would show the same picture until the end of the transaction.
_WAITING: Final = """
    SELECT count(*) FROM pg_sleep(0.01), pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))
"""


async def wait_until_blocking(connection: asyncpg.Connection) -> None:
    """Returns when another transaction waits for a lock that this connection holds."""
    while not await connection.fetchval(_WAITING):
        pass
