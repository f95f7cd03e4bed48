"""`showup simulate` and `showup sample` with this machine's own database, as the environment names it."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
import typer
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner, Result

from showup.access import keys_store
from showup.access.accounts_store import list_accounts
from showup.access.secrets_at_rest import Seal
from showup.commands.refusal import Refused, sentence_of
from showup.commands.sample import sample
from showup.commands.simulate import simulate
from showup.database.engine import DatabaseAway, transaction
from showup.database.tables import calcom_events
from tests.simulation.house import House, signature

SECRET_KEY = "a key of thirty-two characters or more"
app = typer.Typer()
app.command("simulate")(simulate)
app.command("sample")(sample)


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "SHOWUP_SECRET_KEY": SECRET_KEY}


async def invoke(environment: dict[str, str], *arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environment)


async def kept(engine: AsyncEngine) -> int:
    async with engine.connect() as tx:
        count: int = (await tx.execute(select(func.count()).select_from(calcom_events))).scalar_one()
    return count


@pytest.mark.usefixtures("account")
async def test_the_sample_is_loaded_once_and_says_what_a_person_has_to_do(  # AP5
    engine: AsyncEngine, environment: dict[str, str]
) -> None:
    first = await invoke(environment, "sample")
    assert first.exit_code == 0
    assert "Kept 10 webhooks in default" in first.stdout
    assert "Lisa Wong's deal stands on met: a person moves it to proposal." in first.stdout
    second = await invoke(environment, "sample")
    assert (second.exit_code, "nothing was changed" in second.stdout) == (0, True)
    assert await kept(engine) == 10


@pytest.mark.usefixtures("account")
async def test_the_sample_answers_in_json(environment: dict[str, str]) -> None:
    said = json.loads((await invoke(environment, "sample", "--json")).stdout)
    assert (said["workspace"], said["kept"]) == ("default", 10)
    assert datetime.fromisoformat(said["loaded_at"]) <= datetime.now(UTC)


async def test_the_sample_needs_a_workspace_that_is_there(environment: dict[str, str]) -> None:
    result = await invoke(environment, "sample", "--workspace", "nowhere")
    assert isinstance(result.exception, Refused)
    assert "showup workspaces list" in str(result.exception)


async def test_a_database_that_is_away_is_one_sentence(environment: dict[str, str], unused_port: int) -> None:
    away = environment | {"DATABASE_URL": f"postgresql://showup@127.0.0.1:{unused_port}/showup"}
    for command in ("sample", "simulate"):
        result = await invoke(away, command)
        assert isinstance(result.exception, DatabaseAway)
        assert "check that it runs" in (sentence_of(result.exception) or "")


async def test_a_simulation_signs_with_accounts_that_it_made(  # AP6
    engine: AsyncEngine, environment: dict[str, str], house: House
) -> None:
    house.trusting = True
    result = await invoke(environment, "simulate", "--url", house.url, "--count", "60", "--rate", "0")
    assert result.exit_code == 0, result.output
    async with transaction(engine) as tx:
        accounts = await list_accounts(tx, ["simulated-1", "simulated-2"])
        keys = await keys_store.list_keys(tx)
    seal = Seal.of(SECRET_KEY)
    secrets = {f"/webhooks/calcom/{one.name}": one.credentials(seal).webhook_secrets[0].value for one in accounts}
    assert all(signature(secrets[path], body) == given for path, body, given in house.posts)
    assert {path for path, _, _ in house.posts} == set(secrets)
    assert [key.workspace for key in keys] == ["simulation"]
    assert keys[0].revoked_at is not None
