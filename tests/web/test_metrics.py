"""RU6: `/metrics` tells how Showup works, to whoever may know, and names nobody."""

import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp

from showup.clock import system_clock
from showup.database.engine import connect, raw, transaction
from showup.inbox import store
from showup.inbox.applier import Applier
from showup.inbox.door_metrics import DoorMetrics
from showup.inbox.raw_event import Incoming
from showup.web.app import create_app
from tests.stories.webhooks import MONDAY, body, payload
from tests.web.cast import key_of
from tests.web.conftest import Asking


def asked(app: ASGIApp, url: str = "http://127.0.0.1:8000", sender: str = "127.0.0.1") -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app, client=(sender, 1234)), base_url=url)


async def read(app: ASGIApp) -> dict[str, float]:
    """What is told, by name and labels."""
    async with asked(app) as client:
        answer = (await client.get("/metrics")).raise_for_status()
    return samples(answer.text)


def samples(text: str) -> dict[str, float]:
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def own(engine: AsyncEngine) -> tuple[FastAPI, DoorMetrics]:
    """An app on the test's own database, and what it tells of the door."""
    metrics = DoorMetrics()
    return create_app(engine=engine, clock=system_clock, admin_key=None, version="0", door_metrics=metrics), metrics


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000"])
@pytest.mark.parametrize("sender", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_on_the_machine_itself_no_key_is_needed(doors: ASGIApp, url: str, sender: str) -> None:
    async with asked(doors, url, sender) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("sender", ["192.0.2.1", "::ffff:192.0.2.1", "testclient"])
async def test_from_elsewhere_a_key_is_needed(doors: ASGIApp, sender: str) -> None:
    async with asked(doors, sender=sender) as client:
        assert (await client.get("/metrics")).status_code == 401


async def test_by_another_name_a_key_is_needed(doors: ASGIApp) -> None:
    """A page elsewhere whose name was made to lead to this machine reads nothing here."""
    async with asked(doors, "http://rebound.example") as client:
        assert (await client.get("/metrics")).status_code == 401


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Via"])
async def test_through_a_proxy_a_key_is_needed(doors: ASGIApp, header: str) -> None:
    async with asked(doors) as client:
        assert (await client.get("/metrics", headers={header: "127.0.0.1"})).status_code == 401
        key = {"Authorization": f"Bearer {key_of('everywhere')}"}
        assert (await client.get("/metrics", headers=key | {header: "127.0.0.1"})).status_code == 200


async def test_a_key_of_one_workspace_does_not_tell_of_the_others(asking: Asking) -> None:
    answer = await asking("reader").get("/metrics")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:showup:problem:forbidden")


async def test_it_names_nobody(doors: ASGIApp) -> None:
    async with asked(doors) as client:
        said = (await client.get("/metrics")).text.lower()
    assert not [name for name in ("acme", "sarah", "ours", "theirs", "uid-") if name in said]


async def test_it_tells_what_the_door_did(own: tuple[FastAPI, DoorMetrics]) -> None:
    app, metrics = own
    metrics.kept(first=2, duplicates=1, seconds=0.003, still_waiting=5)
    metrics.kept(first=1, duplicates=0, seconds=0.3, still_waiting=4)
    metrics.refused("bad-signature")
    told = await read(app)
    assert told["showup_webhooks_kept_total first"] == 3
    assert told["showup_webhooks_kept_total duplicate"] == 1
    assert told["showup_webhooks_refused_total bad-signature"] == 1
    assert (told["showup_webhook_commit_seconds_bucket 0.005"], told["showup_webhook_commit_seconds_count"]) == (1, 2)
    assert (told["showup_webhook_group_size_bucket 2.0"], told["showup_webhook_group_size_sum"]) == (1, 4)
    assert told["showup_webhooks_waiting"] == 4


async def test_it_tells_what_the_appliers_did_and_have_to_do(
    own: tuple[FastAPI, DoorMetrics], engine: AsyncEngine, account: UUID, workspace: UUID
) -> None:
    """IN5: among it, the share of applications that succeed."""
    app, _ = own
    empty = await read(app)
    assert (empty["showup_applications_success_ratio"], empty["showup_applier_lag_seconds"]) == (1, 0)
    async with transaction(engine) as tx:
        connection = await raw(tx)
        await connection.execute("ALTER TABLE bookings ADD CONSTRAINT poison CHECK (calcom_uid <> 'poison')")
        bodies = [
            body("BOOKING_CREATED", MONDAY, payload(uid, number, MONDAY, [f"{uid}@acme.example"]))
            for number, uid in enumerate(("a", "b", "poison"))
        ]
        incoming = [
            Incoming(account_id=account, workspace_id=workspace, body=one, received_at=system_clock())
            for one in (*bodies, b"false")
        ]
        kept = await store.keep_all(connection, incoming)
        # Longer ago than any test takes.
        await connection.execute(
            "UPDATE calcom_events SET received_at = now() - interval '1 hour' WHERE id = $1", kept[0].id
        )
    waiting = await read(app)
    assert waiting["showup_events_unsettled"] == 4
    assert 3600 <= waiting["showup_applier_lag_seconds"] < 7200
    await Applier(engine, system_clock).drain()
    told = await read(app)
    assert (told["showup_events_settled_total applied"], told["showup_events_settled_total unreadable"]) == (2, 1)
    assert (
        told["showup_applications_failed_total"] == told["showup_events_failed"] == told["showup_events_unsettled"] == 1
    )
    assert told["showup_applications_success_ratio"] == 0.75
    assert told["showup_applier_lag_seconds"] == 0
    assert told["showup_batch_seconds_count"] == told["showup_batch_seconds_bucket +Inf"] > 0
    assert told["showup_batch_seconds_sum"] > 0


async def test_an_event_without_a_workspace_waits_and_fails_too(
    own: tuple[FastAPI, DoorMetrics], engine: AsyncEngine, account: UUID
) -> None:
    async with transaction(engine) as tx:
        connection = await raw(tx)
        long_ago = system_clock() - timedelta(hours=1)
        incoming = Incoming(account_id=account, workspace_id=None, body=b"{}", received_at=long_ago)
        (kept,) = await store.keep_all(connection, [incoming])
    app, _ = own
    assert (await read(app))["showup_applier_lag_seconds"] >= 3600
    async with transaction(engine) as tx:
        await store.set_aside(await raw(tx), kept.id, "for a test", system_clock())
    assert (await read(app))["showup_applications_failed_total"] == 1


async def test_it_tells_of_connections(own: tuple[FastAPI, DoorMetrics]) -> None:
    app, _ = own
    told = await read(app)
    assert told["showup_database_up"] == 1
    assert told["showup_database_connections active"] >= 1
    assert told["showup_pool_connections busy"] + told["showup_pool_connections free"] == 10
    assert "process_cpu_seconds_total" in told or sys.platform != "linux"


async def test_while_the_database_is_away_it_says_so_and_what_the_door_did(tmp_path: Path) -> None:
    engine = connect(f"postgresql://nobody@/nothing?host={tmp_path}")
    metrics = DoorMetrics()
    metrics.refused("not-kept")
    app = create_app(engine=engine, clock=system_clock, admin_key=None, version="0", door_metrics=metrics)
    told = await read(app)
    assert (told["showup_database_up"], told["showup_webhooks_refused_total not-kept"]) == (0, 1)
    assert "showup_applier_lag_seconds" not in told
    await engine.dispose()


async def test_the_text_is_what_prometheus_reads(doors: ASGIApp) -> None:
    async with asked(doors) as client:
        text = (await client.get("/metrics")).text
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families), "a family that is told twice is refused"
    assert all(family.documentation for family in families)


async def test_it_tells_how_much_waits_to_be_told_and_who_is_left_in_peace(
    own: tuple[FastAPI, DoorMetrics], engine: AsyncEngine, workspace: UUID
) -> None:
    """TE10: what a dead destination holds up is a number that an alarm can be set on."""
    app, _ = own
    at_first = await read(app)
    assert [at_first[f"showup_{name}"] for name in ("deliveries_due", "deliveries_failed", "lanes_paused")] == [0, 0, 0]
    async with transaction(engine) as tx:
        await (await raw(tx)).execute(
            """
            INSERT INTO deliveries (id, workspace_id, booking_id, event_id, key, destination, kind, booking_version,
                                    due_at, wake_at, state, created_at, updated_at)
            SELECT gen_random_uuid(), $1, gen_random_uuid(), gen_random_uuid(), n::text, 'email', 'confirm', 1, at, at,
                   CASE n WHEN 1 THEN 'failed' ELSE 'scheduled' END, at, at
            FROM unnest(ARRAY[1, 2, 3, 4], ARRAY[now(), now() - interval '1 hour', now() - interval '1 minute',
                                                 now() + interval '1 day']) AS t(n, at)
            """,
            workspace,
        )
        await (await raw(tx)).execute(
            """
            INSERT INTO lanes (workspace_id, destination, tokens, tokens_at, paused_until)
            VALUES ($1, 'email', 1, now(), now() + interval '1 minute')
            """,
            workspace,
        )
    found = await read(app)
    assert [found[f"showup_{name}"] for name in ("deliveries_due", "deliveries_failed", "lanes_paused")] == [2, 1, 1]
    assert 3600 <= found["showup_delivery_lag_seconds"] < 3700
