"""IN2: repeated invalid signatures notify the workspace's subscribers, without delaying the response."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database import tables
from showup.database.engine import connect, driver_connection, transaction
from showup.inbox.ingest_writer import IngestWriter
from showup.outbox.subscriptions import subscribe
from showup.web.signature_alert import SignatureAlert
from showup.web.signature_counter import ALERT_THRESHOLD
from showup.web.webhooks.calcom import WebhookEndpoint
from tests.ingest.conftest import SampleAccounts, not_found_app

NOON = datetime(2026, 9, 7, 12, 5, tzinfo=UTC)
SOURCE_ADDRESS = "198.51.100.7"


class ManualClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def clock(engine: AsyncEngine, workspace: UUID) -> ManualClock:
    async with transaction(engine) as tx:
        await subscribe(await driver_connection(tx), workspace, "slack", ["signatures.bad"], NOON - timedelta(days=1))
    return ManualClock()


async def read_deliveries(engine: AsyncEngine) -> list[dict[str, Any]]:
    async with engine.connect() as tx:
        query = select(tables.deliveries).order_by(tables.deliveries.c.key)
        return [dict(row) for row in (await tx.execute(query)).mappings()]


def record_many(alert: SignatureAlert, account: str, *workspaces: UUID) -> None:
    for _ in range(ALERT_THRESHOLD):
        alert.record(account, SOURCE_ADDRESS, workspaces)


async def test_many_bad_signatures_send_one_alert_without_the_body(
    engine: AsyncEngine, workspace: UUID, clock: ManualClock
) -> None:
    alert = SignatureAlert(engine, clock)
    for _ in range(ALERT_THRESHOLD - 1):
        alert.record("default", SOURCE_ADDRESS, [workspace])
    await alert.wait_until_sent()
    assert await read_deliveries(engine) == []
    record_many(alert, "default", workspace)
    await alert.wait_until_sent()
    (row,) = await read_deliveries(engine)
    assert (row["kind"], row["destination"], row["state"]) == ("signatures.bad", "slack", "scheduled")
    assert row["details"] == {"account": "default", "at_least": ALERT_THRESHOLD}


async def test_one_alert_per_hour_and_account_across_processes(
    engine: AsyncEngine, workspace: UUID, clock: ManualClock
) -> None:
    for alert in (SignatureAlert(engine, clock), SignatureAlert(engine, clock)):
        record_many(alert, "default", workspace)
        record_many(alert, "other", workspace)
        await alert.wait_until_sent()
    assert [row["key"] for row in await read_deliveries(engine)] == [
        "slack/signatures.bad:default:2026-09-07T12",
        "slack/signatures.bad:other:2026-09-07T12",
    ]
    clock.now += timedelta(hours=1)
    later = SignatureAlert(engine, clock)
    record_many(later, "default", workspace)
    await later.wait_until_sent()
    assert len(await read_deliveries(engine)) == 3


async def test_an_unreachable_database_blocks_nothing(clock: ManualClock, workspace: UUID) -> None:
    nowhere = connect("postgresql://nobody@127.0.0.1:1/nothing", pool_size=1)
    alert = SignatureAlert(nowhere, clock)
    record_many(alert, "default", workspace)
    await alert.wait_until_sent()
    await nowhere.dispose()


async def test_the_webhook_endpoint_triggers_it(
    engine: AsyncEngine, accounts: SampleAccounts, workspace: UUID, clock: ManualClock
) -> None:
    alert = SignatureAlert(engine, clock)
    endpoint = WebhookEndpoint(
        accounts, IngestWriter(engine), system_clock, fallback=not_found_app, signature_alert=alert
    )
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=endpoint), base_url="http://showup.example"
    ) as client:
        for _ in range(ALERT_THRESHOLD):
            response = await client.post("/webhooks/calcom", content=b"{}", headers={"X-Cal-Signature-256": "0" * 64})
            assert response.status_code == 401
    await alert.wait_until_sent()
    (row,) = await read_deliveries(engine)
    assert (row["details"]["account"], row["workspace_id"]) == ("default", workspace)


async def test_every_affected_workspace_is_notified(engine: AsyncEngine, clock: ManualClock) -> None:
    workspace_ids = [uuid4() for _ in range(7)]
    async with transaction(engine) as tx:
        for workspace_id in workspace_ids:
            await tx.execute(
                tables.workspaces.insert().values(id=workspace_id, slug=f"w-{workspace_id}", name="A client")
            )
            await subscribe(
                await driver_connection(tx), workspace_id, "slack", ["signatures.bad"], NOON - timedelta(days=1)
            )
    alert = SignatureAlert(engine, clock)
    record_many(alert, "slack", *workspace_ids)
    await alert.wait_until_sent()
    assert {row["workspace_id"] for row in await read_deliveries(engine)} == set(workspace_ids)
