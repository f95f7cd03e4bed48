"""R4: a connection that was told of its end, and has not seen it yet, is one that is away."""

import asyncio
import threading

import asyncpg
import pytest

from showup.database.fault import is_outage


def _terminate(url: str, pid: int) -> None:
    async def terminate() -> None:
        other = await asyncpg.connect(url)
        await other.execute("SELECT pg_terminate_backend($1, 5000)", pid)
        await other.close()

    asyncio.run(terminate())


@pytest.mark.parametrize("loop_passes", range(5))
async def test_a_query_during_server_shutdown_is_an_outage(database_url: str, loop_passes: int) -> None:
    connection = await asyncpg.connect(database_url)
    # The loop stands still until the server has said it and gone; then each turn sees a little more of it.
    terminator = threading.Thread(target=_terminate, args=(database_url, connection.get_server_pid()))
    terminator.start()
    terminator.join()
    for _ in range(loop_passes):
        await asyncio.sleep(0)
    with pytest.raises(Exception) as caught:  # noqa: PT011  # which one it is depends on the turn
        await connection.execute("SELECT 1")
    assert is_outage(caught.value), caught.value
    connection.terminate()
