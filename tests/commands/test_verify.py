"""`showup verify`: says in a sentence whether the log is what was applied (RU5)."""

import asyncio

import asyncpg
import pytest

from showup.clock import system_clock
from showup.database.engine import connect
from showup.inbox.applier import Applier
from tests.commands.conftest import Showup


@pytest.fixture
def applied(ready: Showup, database_url: str) -> Showup:
    """A log with something in it."""
    said = ready("sample")
    assert said.code == 0, said.error

    async def apply() -> None:
        engine = connect(database_url)
        await Applier(engine, system_clock).drain()
        await engine.dispose()

    asyncio.run(apply())
    return ready


def change(url: str, statement: str) -> None:
    async def run() -> None:
        driver = await asyncpg.connect(url)
        await driver.execute(statement)
        await driver.close()

    asyncio.run(run())


def test_a_whole_log_is_told_with_its_head(applied: Showup) -> None:
    told = applied("verify", "--json").json
    (ours,) = (one for one in told["workspaces"] if one["links"])
    assert (told["ok"], ours["erased"], ours["places"]) == (True, 0, [])
    again = applied("verify", "--workspace", ours["workspace"], "--head", ours["head"])
    assert again.code == 0
    assert f"{ours['workspace']}: {ours['links']} links, head {ours['head']}" in again.out


def test_a_broken_log_is_told_by_number_and_event_and_ends_with_1(applied: Showup, database_url: str) -> None:
    change(database_url, "UPDATE calcom_events SET body = 'other' WHERE number = (SELECT min(number) FROM chain)")
    said = applied("verify", "--json")
    assert said.code == 1
    assert "1 broken place." in said.error
    assert not said.json["ok"]
    (place,) = (place for one in said.json["workspaces"] for place in one["places"])
    text = applied("verify").out
    assert f"body changed  number {place['number']}  event {place['event_id']}" in text


def test_a_head_that_is_gone_is_told(applied: Showup) -> None:
    gone = "1:" + "ab" * 32
    said = applied("verify", "--head", gone)
    assert said.code == 1
    assert f"head {gone}: part of no chain" in said.out


def test_only_so_many_places_are_printed(applied: Showup, database_url: str) -> None:
    change(
        database_url,
        """
        INSERT INTO calcom_events (id, account_id, workspace_id, received_at, digest, body, state, number)
        SELECT gen_random_uuid(), account_id, workspace_id, received_at, sha256(int4send(n)), '', 'applied', 1000 + n
        FROM (SELECT * FROM calcom_events LIMIT 1) one, generate_series(1, 60) n
        """,
    )
    said = applied("verify")
    assert said.code == 1
    assert said.out.count("not linked") == 50
    assert "… and 10 more" in said.out


@pytest.mark.parametrize(
    ("arguments", "says"), [(["--head", "12"], "NUMBER:HEX"), (["--workspace", "nowhere"], "workspaces list")]
)
def test_what_can_not_be_verified_is_refused(ready: Showup, arguments: list[str], says: str) -> None:
    said = ready("verify", *arguments)
    assert (said.code, said.out) == (1, "")
    assert says in said.error
