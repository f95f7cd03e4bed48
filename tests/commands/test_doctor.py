"""RU4: the doctor says what is wrong and what to do, and shows no secret."""

import asyncio

import asyncpg

from tests.commands.conftest import Showup

SECRET = "webhook secret of the environment"


def states(said: object) -> dict[str, str]:
    return {one["about"]: one["state"] for one in said.json}  # type: ignore[attr-defined] # what a command said


async def change(url: str, *statements: str) -> None:
    driver = await asyncpg.connect(url)
    for statement in statements:
        await driver.execute(statement)
    await driver.close()


def test_all_is_well(ready: Showup) -> None:
    said = ready("doctor", "--json", CALCOM_WEBHOOK_SECRET=SECRET)
    assert said.code == 0
    found = states(said)
    assert found.pop("server") == "warn", "no server runs in this test"
    assert set(found.values()) == {"ok"}
    assert SECRET not in said.out


def test_a_missing_secret_is_a_warning_with_its_remedy(ready: Showup) -> None:
    said = ready("doctor")
    assert said.code == 0
    assert "warn  default account" in said.out
    assert "rotate-secret default" in said.out


def test_credentials_that_cannot_be_opened_are_a_failure(ready: Showup) -> None:
    ready("accounts", "add", "acme")
    said = ready("doctor", "--json", SHOWUP_SECRET_KEY="another " * 8)
    assert said.code == 1
    assert states(said)["connection calcom acme"] == "fail"


def test_an_older_database_is_a_failure(ready: Showup, database_url: str) -> None:
    asyncio.run(change(database_url, "UPDATE alembic_version SET version_num = '0000'"))
    said = ready("doctor", "--json")
    assert (said.code, states(said)["migrations"]) == (1, "fail")


def test_a_database_that_is_away_is_a_failure(showup: Showup) -> None:
    said = showup("doctor", "--json", DATABASE_URL="postgresql://me:hidden@127.0.0.1:1/d")
    assert (said.code, states(said)["database"]) == (1, "fail")
    assert "hidden" not in said.out


def test_settings_that_cannot_be_loaded_are_failures(showup: Showup) -> None:
    said = showup("doctor", "--json", SHOWUP_URL="not an address", LOG_LEVEL="LOUD")
    assert said.code == 1
    assert [one["about"] for one in said.json] == ["settings", "settings"]


def test_failed_events_are_told(ready: Showup, database_url: str) -> None:
    event = (
        "INSERT INTO calcom_events (id, account_id, received_at, digest, body, state)"
        " SELECT gen_random_uuid(), id, now() - interval '1 hour', '\\x01', '\\x', 'failed' FROM connections"
    )
    asyncio.run(change(database_url, event))
    said = ready("doctor", "--json")
    assert (said.code, states(said)["raw events"]) == (0, "warn")
