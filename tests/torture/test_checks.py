"""The torture finds what it looks for: each harm that is done to a sound log by hand is named."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import raw, transaction
from showup.inbox import store
from showup.inbox.applier import Applier
from showup.inbox.raw_event import Incoming
from tests.stories.webhooks import body, payload
from tests.torture import checks
from tests.torture.client_workspace import Client, new_client
from tests.torture.sending import Promise, Sent

# Reminders far ahead are compared, so the meetings are ahead of this machine's clock.
_NOW = system_clock().replace(microsecond=0)
_BODIES = [
    body("BOOKING_CREATED", _NOW, payload(uid, number, _NOW + timedelta(days=10), [f"{uid}@{uid}.example"]))
    for number, uid in enumerate(("alpha", "beta", "gamma"))
]


@pytest.fixture
async def applying(engine: AsyncEngine) -> AsyncIterator[None]:
    stop = asyncio.Event()
    applier = asyncio.create_task(Applier(engine, system_clock).run(stop))
    yield
    stop.set()
    await applier


@pytest.fixture
async def client(engine: AsyncEngine) -> Client:
    async with transaction(engine) as tx:
        return await new_client(tx, "client")


@pytest.fixture
async def sent(engine: AsyncEngine, client: Client, applying: None) -> Sent:  # noqa: ARG001  # what is kept is applied
    """Three bodies, kept and applied, and then the first one again."""
    name, account_id = next(iter(client.accounts.items()))
    sent = Sent()
    for one in (*_BODIES, _BODIES[0]):
        # While it was news, so that somebody would be told of it.
        incoming = Incoming(account_id=account_id, workspace_id=client.id, body=one, received_at=_NOW)
        async with transaction(engine) as tx:
            (kept,) = await store.keep_all(await raw(tx), [incoming])
        digest = hashlib.sha256(one).digest()
        word = "accepted" if kept.duplicate_of is None else "duplicate"
        sent.bodies.add((name, digest))
        sent.promises.append(Promise(name, digest, word, str(kept.duplicate_of or kept.id)))
    await checks.idle(engine, client.id)
    return sent


async def faults(engine: AsyncEngine, client: Client, sent: Sent) -> str:
    found = [*await checks.faults_in_the_log(engine, client, sent), *await checks.faults_told_again(engine, client)]
    return "\n".join([*found, *await checks.faults_in_all(engine, sent.promised)])


async def test_a_sound_log_has_no_fault(engine: AsyncEngine, client: Client, sent: Sent) -> None:
    assert await faults(engine, client, sent) == ""


_TWICE = """
    INSERT INTO companies (id, workspace_id, key, name, created_at, updated_at)
    SELECT gen_random_uuid(), workspace_id, 'twice', 'Twice', now(), now() FROM companies LIMIT 1
"""


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        ("DELETE FROM calcom_events WHERE uid = 'gamma'", ["answered 2xx and not in the log", "gone now"]),
        (
            "UPDATE calcom_events SET digest = '\\x00' WHERE uid = 'alpha'",
            ["in the log and never sent", "another event's id", "duplicate of something else"],
        ),
        (
            "UPDATE calcom_events SET number = (SELECT max(number) FROM calcom_events) WHERE uid = 'alpha'",
            ["missing or given twice"],
        ),
        ("UPDATE calcom_events SET attempts = 1 WHERE uid = 'alpha'", ["failed before"]),
        (
            "UPDATE calcom_events SET state = 'failed', next_try_at = 'infinity' WHERE uid = 'alpha'",
            ["not settled", "unsettled at the end"],
        ),
        ("UPDATE deals SET stage = 'won'", ["lost from deals", "too much in deals"]),
        ("DELETE FROM deliveries", ["lost from deliveries"]),
        (_TWICE, ["too much in companies"]),
    ],
)
async def test_a_harm_is_named(engine: AsyncEngine, client: Client, sent: Sent, harm: str, named: list[str]) -> None:
    async with transaction(engine) as tx:
        await (await raw(tx)).execute(harm)
    found = await faults(engine, client, sent)
    assert [one for one in named if one not in found] == []


async def test_a_body_that_two_were_told_is_new_is_named(engine: AsyncEngine, client: Client, sent: Sent) -> None:
    sent.promises.append(sent.promises[0])
    assert "accepted twice" in await faults(engine, client, sent)
