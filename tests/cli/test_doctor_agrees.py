"""RU4: `showup doctor`, the test of a connection and the page Connections say the same of each fault of each kind."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from showup.access import refusals_store, workspaces_store
from showup.access.acknowledgements_store import acknowledge_refusals
from showup.access.permission import Permission
from showup.access.refusals_store import RefusedWebhooks, subject_of
from showup.connections.catalogue import KINDS
from showup.database.engine import connect, driver_connection, transaction
from showup.reads.connections import list_connections
from showup.reads.destinations import list_destinations
from showup.reads.source_webhooks import received_webhooks
from showup.web.dashboard.operations.connection_rows import ACKNOWLEDGE, ConnectionsView, build_connections
from showup.web.dashboard.operations.system_names import system_name
from showup.web.dashboard.words import Viewer
from tests.cli.conftest import Showup

# The port of nobody: each call is refused at once.
_NOWHERE = "http://127.0.0.1:1"
_SETTINGS: dict[str, dict[str, object]] = {
    "clickup": {"lists": ["901"], "inbound_list": "903"},
    "emailbison": {},
    "notion": {"contacts_database": "0123456789abcdef0123456789abcdef"},
    "prefect": {"deployment": "reminder/production"},
    "slack": {"channel": "C0123456789"},
    "twilio": {"account_sid": f"AC{'0' * 32}", "sender": "+15005550006"},
}


@pytest.fixture
def connected(ready: Showup) -> Showup:
    """Connects each kind to a system that does not answer."""
    for kind, settings in _SETTINGS.items():
        arguments = [
            f"{name}={json.dumps(value) if isinstance(value, list) else value}"
            for name, value in {**settings, "api_url": _NOWHERE}.items()
        ]
        secrets = json.dumps(dict.fromkeys(KINDS[kind].credentials, "made-up"))
        options = [part for one in arguments for part in ("--setting", one)]
        result = ready(
            "connections",
            "set",
            kind,
            "own",
            *options,
            "--credentials-file",
            "-",
            stdin=secrets,
            SHOWUP_ALLOW_PRIVATE_ADDRESSES="true",
        )
        assert result.code == 0, result.error
    return ready


def test_the_doctor_and_the_test_of_a_connection_name_the_same_faults(connected: Showup, database_url: str) -> None:
    assert _SETTINGS.keys() == KINDS.keys()
    asyncio.run(_break(database_url))
    found = connected("doctor", "--json", SHOWUP_ALLOW_PRIVATE_ADDRESSES="true").json
    by_subject = {row["subject"]: row for row in found}
    for kind in KINDS:
        tested = connected("connections", "test", kind, "own", "--json", SHOWUP_ALLOW_PRIVATE_ADDRESSES="true").json
        messages = [row["message"] for row in found if row["subject"] == f"connection {kind} own"]
        assert messages == tested["faults"], kind
        assert by_subject[f"connection {kind} own"]["state"] == "fail"
        assert f"default to {kind}: broken {kind}" in by_subject["deliveries"]["message"]
    assert {one.name for one in asyncio.run(_page(database_url)).needing} >= {system_name(kind) for kind in KINDS}


def test_both_count_refused_webhooks_until_they_are_acknowledged(connected: Showup, database_url: str) -> None:
    week_ago = datetime.now(UTC) - timedelta(days=9)
    counts = {("calcom", "default"): 2, ("slack", "own"): 3}
    asyncio.run(_refuse(database_url, counts, week_ago))
    subjects = {subject_of(*key): f"{count} refused with a wrong signature" for key, count in counts.items()}
    assert subjects.keys() == {"webhooks:default", "webhooks:slack:own"}
    messages = {row["subject"]: row["message"] for row in connected("doctor", "--json").json}
    assert all(words in messages[subject] for subject, words in subjects.items())
    page = {row.name: row for row in asyncio.run(_page(database_url)).needing}
    assert "2 webhooks were refused" in page["Cal.com"].because
    assert "3 webhooks were refused" in page["Slack"].because
    assert all(ACKNOWLEDGE in page[name].actions for name in ("Cal.com", "Slack"))

    assert connected("acknowledge", "webhooks:slack:own").code == 0
    assert asyncio.run(_acknowledge(database_url, "calcom", "default")) == 2
    assert asyncio.run(_acknowledge(database_url, "calcom", "default")) == 0
    states = {row["subject"]: row["message"] for row in connected("doctor", "--json").json}
    assert not [subject for subject in subjects if "refused" in states.get(subject, "")]
    assert not [row for row in asyncio.run(_page(database_url)).rows if "refused" in row.because]
    acknowledged = connected("acknowledge", "--list", "--json").json
    assert {row["subject"] for row in acknowledged} == subjects.keys()


async def _refuse(database_url: str, counts: Mapping[tuple[str, str], int], at: datetime) -> None:
    refused = [
        RefusedWebhooks(
            kind=kind, name=name, reason="wrong_signature", count=count, first_at=at, last_at=at, sources={"::1": count}
        )
        for (kind, name), count in counts.items()
    ]
    engine = connect(database_url)
    async with transaction(engine) as tx:
        await refusals_store.add(await driver_connection(tx), refused)
    await engine.dispose()


async def _acknowledge(database_url: str, kind: str, name: str) -> int:
    """Does what the page's button does."""
    engine, actor = connect(database_url), "teammate:ann@ours.example"
    async with transaction(engine) as tx:
        driver = await driver_connection(tx)
        count = await acknowledge_refusals(driver, kind, name, actor=actor, at=datetime.now(UTC))
    await engine.dispose()
    return count


async def _page(database_url: str) -> ConnectionsView:
    """Returns the page's rows, from the data that the page reads."""
    engine, now = connect(database_url), datetime.now(UTC)
    async with transaction(engine) as tx:
        workspace = await workspaces_store.find(tx, "default")
        assert workspace is not None
        permission = Permission(actor="test", scope="read", workspace_id=workspace.id)
        view = build_connections(
            await list_connections(tx, permission, now),
            await list_destinations(tx, permission, now),
            await received_webhooks(tx, permission),
            [],
            Viewer(zone=ZoneInfo("UTC"), clock="24h", now=now),
            carrier=None,
            has_sender=True,
        )
    await engine.dispose()
    return view


async def _break(database_url: str) -> None:
    """Lets each destination fail, though nothing waits for it."""
    driver = await asyncpg.connect(database_url)
    for kind in KINDS:
        await driver.execute(
            "INSERT INTO destination_queues (workspace_id, destination, tokens, tokens_at, because, failures,"
            " failing_since) SELECT id, $1, 1, now(), $2, 3, now() FROM workspaces"
            " ON CONFLICT (workspace_id, destination) DO UPDATE SET because = $2, failing_since = now()",
            kind,
            f"broken {kind}",
        )
    await driver.close()
