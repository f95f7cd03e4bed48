"""RU6: `/metrics` reports Showup's state to authorized clients, without personal data."""

import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp

from showup.clock import system_clock
from showup.container import build_projection_worker, event_handlers
from showup.database.engine import connect, driver_connection, transaction
from showup.database.tables import reconciliations, syncs
from showup.inbox import store
from showup.inbox.inbox_event import IncomingEvent
from showup.inbox.ingest_metrics import IngestMetrics
from showup.web.app import create_app
from tests.histories.webhooks import MONDAY, body, payload
from tests.web.conftest import ClientFactory
from tests.web.sample_data import key_of


def client_of_app(app: ASGIApp, url: str = "http://127.0.0.1:8000", sender: str = "127.0.0.1") -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app, client=(sender, 1234)), base_url=url)


async def read_samples(app: ASGIApp) -> dict[str, float]:
    """Return the metrics' values by name and labels."""
    async with client_of_app(app) as client:
        response = (await client.get("/metrics")).raise_for_status()
    return parse_samples(response.text)


def parse_samples(text: str) -> dict[str, float]:
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def own_app_and_metrics(engine: AsyncEngine) -> tuple[FastAPI, IngestMetrics]:
    """An app on the test's own database, and the metrics of its webhook endpoint."""
    metrics = IngestMetrics()
    return create_app(
        engine=engine,
        clock=system_clock,
        admin_key=None,
        version="0",
        ingest_metrics=metrics,
        event_handlers=event_handlers(),
    ), metrics


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000"])
@pytest.mark.parametrize("sender", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_loopback_needs_no_key(served_app: ASGIApp, url: str, sender: str) -> None:
    async with client_of_app(served_app, url, sender) as client:
        response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("sender", ["192.0.2.1", "::ffff:192.0.2.1", "testclient"])
async def test_other_addresses_need_a_key(served_app: ASGIApp, sender: str) -> None:
    async with client_of_app(served_app, sender=sender) as client:
        assert (await client.get("/metrics")).status_code == 401


async def test_other_host_names_need_a_key(served_app: ASGIApp) -> None:
    """A foreign page whose host name resolves to this machine (DNS rebinding) can't read the metrics."""
    async with client_of_app(served_app, "http://rebound.example") as client:
        assert (await client.get("/metrics")).status_code == 401


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Via"])
async def test_proxied_requests_need_a_key(served_app: ASGIApp, header: str) -> None:
    async with client_of_app(served_app) as client:
        assert (await client.get("/metrics", headers={header: "127.0.0.1"})).status_code == 401
        key = {"Authorization": f"Bearer {key_of('everywhere')}"}
        assert (await client.get("/metrics", headers=key | {header: "127.0.0.1"})).status_code == 200


async def test_a_key_of_one_workspace_is_refused(client_as: ClientFactory) -> None:
    response = await client_as("reader").get("/metrics")
    assert (response.status_code, response.json()["type"]) == (403, "urn:showup:problem:forbidden")


async def test_metrics_contain_no_names(served_app: ASGIApp) -> None:
    async with client_of_app(served_app) as client:
        text = (await client.get("/metrics")).text.lower()
    assert not [name for name in ("acme", "sarah", "ours", "theirs", "uid-") if name in text]


async def test_ingest_metrics(own_app_and_metrics: tuple[FastAPI, IngestMetrics]) -> None:
    app, metrics = own_app_and_metrics
    metrics.record_stored(accepted=2, duplicates=1, seconds=0.003, pending=5)
    metrics.record_stored(accepted=1, duplicates=0, seconds=0.3, pending=4)
    metrics.record_refused("bad-signature")
    samples = await read_samples(app)
    assert samples["showup_webhooks_stored_total first"] == 3
    assert samples["showup_webhooks_stored_total duplicate"] == 1
    assert samples["showup_webhooks_refused_total bad-signature"] == 1
    assert (samples["showup_webhook_commit_seconds_bucket 0.005"], samples["showup_webhook_commit_seconds_count"]) == (
        1,
        2,
    )
    assert (samples["showup_webhook_group_size_bucket 2.0"], samples["showup_webhook_group_size_sum"]) == (1, 4)
    assert samples["showup_webhooks_pending"] == 4


async def test_processing_metrics(
    own_app_and_metrics: tuple[FastAPI, IngestMetrics], engine: AsyncEngine, account: UUID, workspace: UUID
) -> None:
    """IN5: the metrics include the share of attempts to apply an event that succeeded."""
    app, _ = own_app_and_metrics
    empty = await read_samples(app)
    assert (empty["showup_applications_success_ratio"], empty["showup_projection_lag_seconds"]) == (1, 0)
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        await connection.execute("ALTER TABLE bookings ADD CONSTRAINT poison CHECK (calcom_uid <> 'poison')")
        bodies = [
            body("BOOKING_CREATED", MONDAY, payload(uid, number, MONDAY, [f"{uid}@acme.example"]))
            for number, uid in enumerate(("a", "b", "poison"))
        ]
        incoming = [
            IncomingEvent(account_id=account, workspace_id=workspace, body=raw_body, received_at=system_clock())
            for raw_body in (*bodies, b"false")
        ]
        stored = await store.insert_events(connection, incoming)
        # Longer ago than the duration of any test.
        await connection.execute(
            "UPDATE inbox_events SET received_at = now() - interval '1 hour' WHERE id = $1", stored[0].id
        )
    waiting = await read_samples(app)
    assert waiting["showup_events_unprocessed"] == 4
    assert 3600 <= waiting["showup_projection_lag_seconds"] < 7200
    await build_projection_worker(engine, system_clock).drain()
    samples = await read_samples(app)
    assert (samples["showup_events_processed_total applied"], samples["showup_events_processed_total unreadable"]) == (
        2,
        1,
    )
    assert (
        samples["showup_applications_failed_total"]
        == samples["showup_events_failed"]
        == samples["showup_events_unprocessed"]
        == 1
    )
    assert samples["showup_events_unreadable"] == 1
    assert samples["showup_applications_success_ratio"] == 0.75
    assert samples["showup_projection_lag_seconds"] == 0
    assert samples["showup_batch_seconds_count"] == samples["showup_batch_seconds_bucket +Inf"] > 0
    assert samples["showup_batch_seconds_sum"] > 0


async def test_an_event_without_a_workspace_waits_and_fails_too(
    own_app_and_metrics: tuple[FastAPI, IngestMetrics], engine: AsyncEngine, account: UUID
) -> None:
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        long_ago = system_clock() - timedelta(hours=1)
        incoming = IncomingEvent(account_id=account, workspace_id=None, body=b"{}", received_at=long_ago)
        (stored,) = await store.insert_events(connection, [incoming])
    app, _ = own_app_and_metrics
    assert (await read_samples(app))["showup_projection_lag_seconds"] >= 3600
    async with transaction(engine) as tx:
        await store.schedule_retry(await driver_connection(tx), stored.id, "for a test", system_clock())
    assert (await read_samples(app))["showup_applications_failed_total"] == 1


async def test_connection_metrics(own_app_and_metrics: tuple[FastAPI, IngestMetrics]) -> None:
    app, _ = own_app_and_metrics
    samples = await read_samples(app)
    assert samples["showup_database_up"] == 1
    assert samples["showup_database_connections active"] >= 1
    assert samples["showup_pool_connections busy"] + samples["showup_pool_connections free"] == 10
    assert "process_cpu_seconds_total" in samples or sys.platform != "linux"


async def test_an_unreachable_database_still_reports_ingest_metrics(tmp_path: Path) -> None:
    engine = connect(f"postgresql://nobody@/nothing?host={tmp_path}")
    metrics = IngestMetrics()
    metrics.record_refused("not-stored")
    app = create_app(
        engine=engine,
        clock=system_clock,
        admin_key=None,
        version="0",
        ingest_metrics=metrics,
        event_handlers=event_handlers(),
    )
    samples = await read_samples(app)
    assert (samples["showup_database_up"], samples["showup_webhooks_refused_total not-stored"]) == (0, 1)
    assert "showup_projection_lag_seconds" not in samples
    await engine.dispose()


async def test_the_text_is_valid_prometheus_format(served_app: ASGIApp) -> None:
    async with client_of_app(served_app) as client:
        text = (await client.get("/metrics")).text
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families), "Prometheus refuses a family that appears twice"
    assert all(family.documentation for family in families)


async def test_delivery_metrics(
    own_app_and_metrics: tuple[FastAPI, IngestMetrics], engine: AsyncEngine, workspace: UUID
) -> None:
    """TE10: the metrics count the deliveries that an unreachable destination delays, so an alarm can use them."""
    app, _ = own_app_and_metrics
    before = await read_samples(app)
    assert [before[f"showup_{name}"] for name in ("deliveries_due", "deliveries_failed", "queues_paused")] == [0, 0, 0]
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute(
            """
            INSERT INTO deliveries (id, workspace_id, booking_id, event_id, key, destination, kind, booking_version,
                                    due_at, wake_at, state, created_at, updated_at)
            SELECT gen_random_uuid(), $1, gen_random_uuid(), gen_random_uuid(), n::text, 'email', 'confirmation', 1,
                   at, at,
                   CASE n WHEN 1 THEN 'failed' ELSE 'scheduled' END, at, at
            FROM unnest(ARRAY[1, 2, 3, 4], ARRAY[now(), now() - interval '1 hour', now() - interval '1 minute',
                                                 now() + interval '1 day']) AS t(n, at)
            """,
            workspace,
        )
        await (await driver_connection(tx)).execute(
            """
            INSERT INTO destination_queues (workspace_id, destination, tokens, tokens_at, paused_until)
            VALUES ($1, 'email', 1, now(), now() + interval '1 minute')
            """,
            workspace,
        )
    samples = await read_samples(app)
    assert [samples[f"showup_{name}"] for name in ("deliveries_due", "deliveries_failed", "queues_paused")] == [2, 1, 1]
    assert 3600 <= samples["showup_delivery_lag_seconds"] < 3700


async def test_sync_metrics(
    own_app_and_metrics: tuple[FastAPI, IngestMetrics], engine: AsyncEngine, account: UUID
) -> None:
    app, _ = own_app_and_metrics
    empty = await read_samples(app)
    assert (empty["showup_syncs_failing"], empty["showup_bookings_missing"]) == (0, 0)
    now = system_clock()
    sync = {"account_id": account, "began_at": now, "next_at": now, "failing_since": now}
    comparisons = [
        {
            "id": uuid4(),
            "account_id": account,
            "kind": "poll",
            "state": state,
            "started_at": now - timedelta(hours=hours),
            "since": now,
            "until": now,
            "drifting": drifting,
        }
        # Only the newest that ended counts.
        for hours, drifting, state in ((0, 9, "running"), (1, 2, "done"), (2, 5, "done"))
    ]
    async with transaction(engine) as tx:
        await tx.execute(insert(syncs).values(sync))
        await tx.execute(insert(reconciliations), comparisons)
    samples = await read_samples(app)
    assert (samples["showup_syncs_failing"], samples["showup_bookings_missing"]) == (1, 2)
