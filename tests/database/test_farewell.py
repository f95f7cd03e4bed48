"""R4: a connection that was told of its end, and has not seen it yet, is one that is away."""

import asyncio
import threading

import asyncpg
import pytest

from showup.database.fault import is_away


def _terminate(url: str, pid: int) -> None:
    async def go() -> None:
        other = await asyncpg.connect(url)
        await other.execute("SELECT pg_terminate_backend($1, 5000)", pid)
        await other.close()

    asyncio.run(go())


@pytest.mark.parametrize("turns", range(5))
async def test_whenever_a_query_meets_the_servers_farewell_it_is_an_outage(database_url: str, turns: int) -> None:
    connection = await asyncpg.connect(database_url)
    # The loop stands still until the server has said it and gone; then each turn sees a little more of it.
    cutter = threading.Thread(target=_terminate, args=(database_url, connection.get_server_pid()))
    cutter.start()
    cutter.join()
    for _ in range(turns):
        await asyncio.sleep(0)
    with pytest.raises(Exception) as caught:  # noqa: PT011  # which one it is depends on the turn
        await connection.execute("SELECT 1")
    assert is_away(caught.value), caught.value
    connection.terminate()
