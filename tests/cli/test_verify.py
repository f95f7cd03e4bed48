"""`showup verify` reports whether the log still matches the applied events (RU5)."""

import asyncio

import asyncpg
import pytest

from showup.clock import system_clock
from showup.container import build_projection_worker
from showup.database.engine import connect
from tests.cli.conftest import Showup


@pytest.fixture
def applied_log(ready: Showup, database_url: str) -> Showup:
    """Runs `showup` on a database whose log contains the sample."""
    result = ready("sample")
    assert result.code == 0, result.error

    async def apply_events() -> None:
        engine = connect(database_url)
        await build_projection_worker(engine, system_clock).drain()
        await engine.dispose()

    asyncio.run(apply_events())
    return ready


def execute(url: str, statement: str) -> None:
    async def run() -> None:
        driver = await asyncpg.connect(url)
        await driver.execute(statement)
        await driver.close()

    asyncio.run(run())


def test_an_intact_log_is_reported_with_its_head(applied_log: Showup) -> None:
    report = applied_log("verify", "--json").json
    (workspace,) = (row for row in report["workspaces"] if row["links"])
    assert (report["ok"], workspace["erased"], workspace["breaks"]) == (True, 0, [])
    again = applied_log("verify", "--workspace", workspace["workspace"], "--head", workspace["head"])
    assert again.code == 0
    assert f"{workspace['workspace']}: {workspace['links']} links, head {workspace['head']}" in again.out


def test_a_broken_log_is_reported_by_number_and_event_and_exits_with_1(applied_log: Showup, database_url: str) -> None:
    execute(database_url, "UPDATE inbox_events SET body = 'other' WHERE number = (SELECT min(number) FROM chain)")
    result = applied_log("verify", "--json")
    assert result.code == 1
    assert "1 break found." in result.error
    assert not result.json["ok"]
    (chain_break,) = (chain_break for workspace in result.json["workspaces"] for chain_break in workspace["breaks"])
    text = applied_log("verify").out
    assert f"body changed  number {chain_break['number']}  event {chain_break['event_id']}" in text


def test_a_missing_head_is_reported(applied_log: Showup) -> None:
    missing_head = "1:" + "ab" * 32
    result = applied_log("verify", "--head", missing_head)
    assert result.code == 1
    assert f"head {missing_head} is part of no chain" in result.out


def test_the_number_of_printed_breaks_is_limited(applied_log: Showup, database_url: str) -> None:
    execute(
        database_url,
        """
        INSERT INTO inbox_events (id, account_id, workspace_id, received_at, digest, body, state, number)
        SELECT gen_random_uuid(), account_id, workspace_id, received_at, sha256(int4send(n)), '', 'applied', 1000 + n
        FROM (SELECT * FROM inbox_events LIMIT 1) one, generate_series(1, 60) n
        """,
    )
    result = applied_log("verify")
    assert result.code == 1
    assert result.out.count("not linked") == 50
    assert "… and 10 more" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"), [(["--head", "12"], "NUMBER:HEX"), (["--workspace", "nowhere"], "workspaces list")]
)
def test_invalid_verify_arguments_are_refused(ready: Showup, arguments: list[str], message: str) -> None:
    result = ready("verify", *arguments)
    assert (result.code, result.out) == (1, "")
    assert message in result.error
