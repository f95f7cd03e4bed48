"""IN3, R4: if PostgreSQL can't commit in time, Showup responds 503, stores no partial data and recovers by itself."""

import asyncio

from showup.database.engine import driver_connection, transaction
from tests.ingest.conftest import WebhookSender

PING = b'{"triggerEvent":"PING","payload":{}}'


async def test_a_slow_commit_answers_503_and_a_retry_is_stored_once(sender: WebhookSender) -> None:
    async with transaction(sender.engine) as tx:
        await (await driver_connection(tx)).execute("LOCK TABLE inbox_events IN ACCESS EXCLUSIVE MODE")
        response = await sender.send(PING)
        assert response.status_code == 503
        assert response.headers["retry-after"]
        assert "again" in response.json()["detail"]
    assert (await sender.send(PING)).status_code == 200
    assert len(await sender.stored("duplicate_of IS NULL")) == 1


async def test_closed_connections_are_replaced(sender: WebhookSender) -> None:
    assert (await sender.send(PING)).status_code == 200
    async with transaction(sender.engine) as tx:
        await (await driver_connection(tx)).execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    statuses = []
    async with asyncio.timeout(20):
        while 200 not in statuses:
            statuses.append((await sender.send(PING + b" " * len(statuses))).status_code)
    assert set(statuses) <= {200, 503}
