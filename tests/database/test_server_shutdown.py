"""R4: a connection that the server has closed counts as an outage, even before the driver notices it."""

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
    # The event loop is blocked until the server has closed the connection; each pass then processes more of that.
    terminator = threading.Thread(target=_terminate, args=(database_url, connection.get_server_pid()))
    terminator.start()
    terminator.join()
    for _ in range(loop_passes):
        await asyncio.sleep(0)
    with pytest.raises(Exception) as caught:  # noqa: PT011  # the type depends on the number of passes
        await connection.execute("SELECT 1")
    assert is_outage(caught.value), caught.value
    connection.terminate()
