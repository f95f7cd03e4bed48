"""The checks of the torture tests name each fault that is made in a sound log."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.container import build_projection_worker
from showup.database.engine import driver_connection, transaction
from showup.inbox import store
from showup.inbox.inbox_event import IncomingEvent
from tests.histories.webhooks import body, payload
from tests.torture import checks
from tests.torture.client_workspace import Client, new_client
from tests.torture.load_sender import Promise, Sent

# Reminders far ahead are compared, so the meetings are ahead of this machine's clock.
_NOW = system_clock().replace(microsecond=0)
_BODIES = [
    body("BOOKING_CREATED", _NOW, payload(uid, number, _NOW + timedelta(days=10), [f"{uid}@{uid}.example"]))
    for number, uid in enumerate(("alpha", "beta", "gamma"))
]


@pytest.fixture
async def running_applier(engine: AsyncEngine) -> AsyncIterator[None]:
    stop = asyncio.Event()
    applier = asyncio.create_task(build_projection_worker(engine, system_clock).run(stop))
    yield
    stop.set()
    await applier


@pytest.fixture
async def client(engine: AsyncEngine) -> Client:
    async with transaction(engine) as tx:
        return await new_client(tx, "client")


@pytest.fixture
async def sent(engine: AsyncEngine, client: Client, running_applier: None) -> Sent:  # noqa: ARG001  # stored events are applied
    """Stores and applies three bodies, and then sends the first one again."""
    name, account_id = next(iter(client.accounts.items()))
    sent = Sent()
    for webhook_body in (*_BODIES, _BODIES[0]):
        # While it was recent, so that it planned deliveries.
        incoming = IncomingEvent(account_id=account_id, workspace_id=client.id, body=webhook_body, received_at=_NOW)
        async with transaction(engine) as tx:
            (stored,) = await store.insert_events(await driver_connection(tx), [incoming])
        digest = hashlib.sha256(webhook_body).digest()
        outcome = "accepted" if stored.duplicate_of is None else "duplicate"
        sent.bodies.add((name, digest))
        sent.promises.append(Promise(name, digest, outcome, str(stored.duplicate_of or stored.id)))
    await checks.wait_until_idle(engine, client.id)
    return sent


async def find_faults(engine: AsyncEngine, client: Client, sent: Sent) -> str:
    found = [*await checks.faults_in_the_log(engine, client, sent), *await checks.faults_after_replay(engine, client)]
    return "\n".join([*found, *await checks.faults_in_all(engine, sent.accepted)])


async def test_a_sound_log_has_no_fault(engine: AsyncEngine, client: Client, sent: Sent) -> None:
    assert await find_faults(engine, client, sent) == ""


_TWICE = """
    INSERT INTO companies (id, workspace_id, key, name, created_at, updated_at)
    SELECT gen_random_uuid(), workspace_id, 'twice', 'Twice', now(), now() FROM companies LIMIT 1
"""


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("DELETE FROM inbox_events WHERE uid = 'gamma'", ["answered 2xx but not in the log", "missing now"]),
        (
            "UPDATE inbox_events SET digest = '\\x00' WHERE uid = 'alpha'",
            ["in the log but never sent", "another event's id", "duplicate of another event"],
        ),
        (
            "UPDATE inbox_events SET number = (SELECT max(number) FROM inbox_events) WHERE uid = 'alpha'",
            ["missing or used twice"],
        ),
        ("UPDATE inbox_events SET attempts = 1 WHERE uid = 'alpha'", ["failed before"]),
        (
            "UPDATE inbox_events SET state = 'failed', next_try_at = 'infinity' WHERE uid = 'alpha'",
            ["not processed", "unprocessed at the end"],
        ),
        ("UPDATE deals SET stage = 'won'", ["missing from deals", "unexpected in deals"]),
        ("DELETE FROM deliveries", ["missing from deliveries"]),
        (_TWICE, ["unexpected in companies"]),
    ],
)
async def test_damage_is_reported(
    engine: AsyncEngine, client: Client, sent: Sent, damage: str, expected: list[str]
) -> None:
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute(damage)
    found = await find_faults(engine, client, sent)
    assert [fault for fault in expected if fault not in found] == []


async def test_a_body_accepted_twice_is_reported(engine: AsyncEngine, client: Client, sent: Sent) -> None:
    sent.promises.append(sent.promises[0])
    assert "accepted twice" in await find_faults(engine, client, sent)
