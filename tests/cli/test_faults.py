"""U02: `showup doctor` knows what happened in other processes, and a person can acknowledge it."""

import asyncio
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from showup.access.refusals_store import MAX_SOURCES
from showup.clock import system_clock
from showup.database.engine import connect
from showup.web.refusal_recorder import RefusalRecorder
from tests.cli.conftest import CommandResult, Showup

_EVENT = """
    INSERT INTO inbox_events (id, account_id, workspace_id, received_at, digest, body, state, because, processed_at)
    SELECT gen_random_uuid(), id, workspace_id, now(), sha256(gen_random_uuid()::text::bytea), '\\x01', 'unreadable',
           'it is not JSON', now() FROM connections WHERE name = 'default'
"""
_DELIVERY = """
    INSERT INTO deliveries (id, workspace_id, key, destination, kind, booking_version, due_at, wake_at, state, because,
                            created_at, updated_at)
    SELECT gen_random_uuid(), id, gen_random_uuid()::text, 'email', 'confirm', 1, now(), now(), 'failed',
           'the mailbox does not exist', now(), now() FROM workspaces
"""


async def _execute(url: str, statement: str) -> None:
    driver = await asyncpg.connect(url)
    await driver.execute(statement)
    await driver.close()


def results(result: CommandResult) -> dict[str, dict[str, object]]:
    return {row["subject"]: row for row in result.json}


@pytest.mark.parametrize(
    ("subject", "statement", "named"),
    [
        ("unreadable-events:default", _EVENT, "it is not JSON"),
        ("failed-deliveries", _DELIVERY, "the mailbox does not exist. List them with `showup deliveries"),
    ],
)
def test_u02_a_fault_is_a_warning_until_it_is_acknowledged_and_again_after_a_new_one(
    ready: Showup, database_url: str, subject: str, statement: str, named: str
) -> None:
    for _ in range(2):
        asyncio.run(_execute(database_url, statement))
    found = results(ready("doctor", "--json"))[subject]
    assert (found["state"], found["can_acknowledge"]) == ("warn", True)
    assert str(found["message"]).startswith("2, the newest")
    assert named in str(found["message"])

    done = ready("acknowledge", subject, "--because", "a test sent them", "--json")
    assert (done.code, done.json[0]["subject"], done.json[0]["message"]) == (0, subject, found["message"])
    assert results(ready("doctor", "--json"))[subject]["state"] == "ok"
    (kept,) = ready("acknowledge", "--list", "--json").json
    assert (kept["because"], kept["actor"].startswith("command line")) == ("a test sent them", True)

    asyncio.run(_execute(database_url, statement))
    again = results(ready("doctor", "--json"))[subject]
    assert (again["state"], str(again["message"])[:2]) == ("warn", "1,")


def test_u02_unreadable_events_are_acknowledged_for_each_account(ready: Showup, database_url: str) -> None:
    assert results(ready("doctor", "--json"))["unreadable-events"]["state"] == "ok"
    assert ready("accounts", "add", "acme").code == 0
    asyncio.run(_execute(database_url, _EVENT))
    asyncio.run(_execute(database_url, _EVENT.replace("'default'", "'acme'")))
    assert ready("acknowledge", "unreadable-events:acme").code == 0
    found = results(ready("doctor", "--json"))
    assert (found["unreadable-events:acme"]["state"], found["unreadable-events:default"]["state"]) == ("ok", "warn")


def test_u02_the_list_of_accounts_warns_of_a_private_address(ready: Showup) -> None:
    (row,) = ready("accounts", "list", "--json").json
    assert "SHOWUP_URL" in row["warning"]
    assert "Warning: Cal.com can't reach 127.0.0.1" in ready("accounts", "list").out
    (row,) = ready("accounts", "list", "--json", SHOWUP_URL="https://showup.acme.com").json
    assert row["warning"] is None


def test_u02_only_a_present_warning_can_be_acknowledged(ready: Showup) -> None:
    for arguments in (["unreadable-events"], ["database"], [], ["database", "--list"]):
        result = ready("acknowledge", *arguments)
        assert (result.code, "Traceback" in result.error) == (1, False)
    assert ready("acknowledge", "--list", "--json").json == []


def record_refusals(database_url: str, count: int, *, sources: int = 1, name: str = "default") -> None:
    """Records refusals as a web process does."""

    async def run() -> None:
        engine = connect(database_url, pool_size=1)
        recorder = RefusalRecorder(engine, system_clock, interval=0)
        for number in range(count):
            address = f"203.0.113.{number % sources + 1}"
            recorder.record("calcom", name, "wrong_signature" if name else "unknown_name", address)
        await recorder.flush()
        await engine.dispose()

    asyncio.run(run())


def test_u02_refused_signatures_are_counted_with_their_time_and_sources(ready: Showup, database_url: str) -> None:
    assert results(ready("doctor", "--json"))["webhooks:default"]["state"] == "ok"
    for _ in range(2):
        record_refusals(database_url, 6, sources=2)
    found = results(ready("doctor", "--json"))["webhooks:default"]
    message = str(found["message"])
    assert found["state"] == "warn"
    assert "12 refused with a wrong signature" in message
    assert "203.0.113.1 (6), 203.0.113.2 (6)" in message
    assert f"{datetime.now(UTC):%Y-%m-%d}" in message
    assert "showup accounts rotate-secret default" in message
    assert ready("acknowledge", "webhooks:default").code == 0
    assert results(ready("doctor", "--json"))["webhooks:default"]["state"] == "ok"
    record_refusals(database_url, 1)
    assert "1 refused" in str(results(ready("doctor", "--json"))["webhooks:default"]["message"])


def test_u02_strangers_can_not_fill_the_table(ready: Showup, database_url: str) -> None:
    record_refusals(database_url, 3_000, sources=250)
    record_refusals(database_url, 3_000, sources=250, name="")

    async def read() -> list[asyncpg.Record]:
        driver = await asyncpg.connect(database_url)
        rows: list[asyncpg.Record] = await driver.fetch(
            "SELECT count, (SELECT count(*) FROM jsonb_object_keys(sources)) AS sources FROM webhook_refusals"
        )
        await driver.close()
        return rows

    assert [tuple(row) for row in asyncio.run(read())] == [(3_000, MAX_SOURCES)] * 2
    found = results(ready("doctor", "--json"))
    assert "and others" in str(found["webhooks:default"]["message"])
    assert "showup accounts list" in str(found["webhooks:unknown-calcom"]["message"])


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_u02_systems_that_do_not_answer_are_asked_side_by_side_and_for_a_limited_time(
    ready: Showup, silent_port: int, tmp_path: Path
) -> None:
    (tmp_path / "showup.toml").write_text('[[senders]]\nfrom = "team@example.com"\n')
    variables = {
        "SMTP_URL": f"smtp://127.0.0.1:{silent_port}",
        "CALCOM_API_KEY": "cal_live_x",
        "CALCOM_API_URL": f"http://127.0.0.1:{silent_port}",
        "SHOWUP_PORT": str(silent_port),
    }
    started_at = time.monotonic()
    result = ready("doctor", "--json", **variables)
    assert time.monotonic() - started_at < 40
    found = results(result)
    assert (result.code, found["mail"]["state"], found["connection calcom default"]["state"]) == (1, "fail", "fail")
    assert found["server"]["state"] == "warn"


def test_u02_a_queue_s_fault_ends_with_its_connection(ready: Showup, database_url: str) -> None:
    credentials = '{"bot_token": "xoxb-made-up"}'
    assert (
        ready(
            "connections", "set", "slack", "team", "--setting", "channel=C0123456789", "--credentials-file", "-",
            stdin=credentials,
        ).code
        == 0
    )  # fmt: skip
    asyncio.run(
        _execute(
            database_url,
            "INSERT INTO destination_queues (workspace_id, destination, tokens, tokens_at, because, failures,"
            " failing_since) SELECT id, 'slack', 1, now(), 'Slack rejected the token', 3, now() FROM workspaces",
        )
    )
    assert ready("connections", "remove", "slack", "team", "--json").code == 0

    async def read() -> asyncpg.Record:
        driver = await asyncpg.connect(database_url)
        row = await driver.fetchrow("SELECT because, failures, failing_since FROM destination_queues")
        await driver.close()
        return row

    assert tuple(asyncio.run(read())) == (None, 0, None)
    assert results(ready("doctor", "--json"))["deliveries"]["state"] == "ok"


@pytest.mark.parametrize("url", ["", "http://192.168.1.5", "https://box.local", "http://10.0.0.1:8000"])
def test_u13_an_address_that_calcom_can_not_reach_is_a_warning(ready: Showup, url: str) -> None:
    """U13: a new address and a new secret both print the address for Cal.com."""
    for command in (["accounts", "add", "acme"], ["accounts", "rotate-secret", "acme"]):
        result = ready(*command, SHOWUP_URL=url)
        assert ("Warning: Cal.com can't reach" in result.out, "SHOWUP_URL" in result.out) == (True, True)
        assert "tunnel" in result.out


def test_u13_a_public_address_is_no_warning(ready: Showup) -> None:
    public = {"SHOWUP_URL": "https://showup.acme-sales.com"}
    assert "Warning" not in ready("accounts", "add", "acme", **public).out
    assert ready("accounts", "add", "globex", "--json", **public).json["warning"] is None


def test_u02_the_test_of_an_account_shows_its_webhooks(ready: Showup, database_url: str) -> None:
    assert "Webhooks: no webhook among" in ready("connections", "test", "calcom", "default").out
    asyncio.run(_execute(database_url, _EVENT.replace("'unreadable'", "'ignored'")))
    record_refusals(database_url, 3)
    out = ready("connections", "test", "calcom", "default").out
    assert f"last webhook {datetime.now(UTC):%Y-%m-%d}" in out
    assert "3 refused with a wrong signature" in out
