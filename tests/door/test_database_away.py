"""IN3, R4: when PostgreSQL can't commit in time the answer is 503, nothing is half-done, and recovery needs nobody."""

import asyncio

from showup.database.engine import raw, transaction
from tests.door.conftest import Sender

PING = b'{"triggerEvent":"PING","payload":{}}'


async def test_a_commit_that_waits_too_long_is_answered_503_and_kept_once_when_it_comes_again(door: Sender) -> None:
    async with transaction(door.engine) as tx:
        await (await raw(tx)).execute("LOCK TABLE calcom_events IN ACCESS EXCLUSIVE MODE")
        answer = await door.send(PING)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert "again" in answer.json()["detail"]
    assert (await door.send(PING)).status_code == 200
    assert len(await door.kept("duplicate_of IS NULL")) == 1


async def test_cut_connections_are_replaced_by_themselves(door: Sender) -> None:
    assert (await door.send(PING)).status_code == 200
    async with transaction(door.engine) as tx:
        await (await raw(tx)).execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    statuses = []
    async with asyncio.timeout(20):
        while 200 not in statuses:
            statuses.append((await door.send(PING + b" " * len(statuses))).status_code)
    assert set(statuses) <= {200, 503}
