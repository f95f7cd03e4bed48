"""`showup simulate` and `showup sample` with this machine's own database, as the environment names it."""

import asyncio
import json
import re
from datetime import UTC, datetime

import pytest
import typer
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner, Result

from showup.access import keys_store
from showup.access.accounts_store import list_accounts
from showup.access.secrets_at_rest import Seal
from showup.cli.errors import CliError, expected_message
from showup.cli.sample import sample
from showup.cli.simulate import simulate
from showup.database.engine import DatabaseUnavailable, transaction
from showup.database.tables import inbox_events
from tests.simulation.fake_showup import FakeShowup, signature

SECRET_KEY = "a key of thirty-two characters or more"
app = typer.Typer()
app.command("simulate")(simulate)
app.command("sample")(sample)


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "SHOWUP_SECRET_KEY": SECRET_KEY}


async def invoke(environment: dict[str, str], *arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environment)


async def count_events(engine: AsyncEngine) -> int:
    async with engine.connect() as tx:
        count: int = (await tx.execute(select(func.count()).select_from(inbox_events))).scalar_one()
    return count


@pytest.mark.usefixtures("account")
async def test_the_sample_is_loaded_once_and_prints_the_next_steps(  # AP5
    engine: AsyncEngine, environment: dict[str, str]
) -> None:
    first = await invoke(environment, "sample")
    assert first.exit_code == 0
    assert "Stored 11 events in default" in first.stdout
    assert re.search(r"DataFlow Systems +Lisa Wong +proposal", first.stdout), first.stdout
    second = await invoke(environment, "sample")
    assert (second.exit_code, "nothing was changed" in second.stdout) == (0, True)
    assert await count_events(engine) == 11


@pytest.mark.usefixtures("account")
async def test_u03_the_sample_and_simulations_are_removed_with_one_command_each(
    engine: AsyncEngine, environment: dict[str, str]
) -> None:
    """U03: both tell how much they removed, and a second time there is nothing."""
    await invoke(environment, "sample")
    removed = await invoke(environment, "sample", "--remove")
    assert (removed.exit_code, removed.stdout.strip().splitlines()[-1]) == (0, "Removed 11 events.")
    assert await count_events(engine) == 0
    for command in ("sample", "simulate"):
        again = await invoke(environment, command, "--remove")
        assert (again.exit_code, again.stdout.strip().splitlines()[-1]) == (0, "There was nothing to remove.")


@pytest.mark.usefixtures("account")
async def test_the_sample_answers_in_json(environment: dict[str, str]) -> None:
    output = json.loads((await invoke(environment, "sample", "--json")).stdout)
    assert (output["workspace"], output["stored"]) == ("default", 11)
    assert datetime.fromisoformat(output["loaded_at"]) <= datetime.now(UTC)


async def test_the_sample_needs_a_workspace_that_is_there(environment: dict[str, str]) -> None:
    result = await invoke(environment, "sample", "--workspace", "nowhere")
    assert isinstance(result.exception, CliError)
    assert "showup workspaces list" in str(result.exception)


async def test_a_database_that_is_away_is_one_sentence(environment: dict[str, str], unused_port: int) -> None:
    unreachable_environment = environment | {"DATABASE_URL": f"postgresql://showup@127.0.0.1:{unused_port}/showup"}
    for command in ("sample", "simulate"):
        result = await invoke(unreachable_environment, command)
        assert isinstance(result.exception, DatabaseUnavailable)
        assert "check that it runs" in (expected_message(result.exception) or "")


async def test_a_simulation_signs_with_accounts_that_it_made(  # AP6
    engine: AsyncEngine, environment: dict[str, str], fake_showup: FakeShowup
) -> None:
    fake_showup.accepts_any_signature = True
    result = await invoke(environment, "simulate", "--url", fake_showup.url, "--count", "60", "--rate", "0")
    assert result.exit_code == 0, result.output
    async with transaction(engine) as tx:
        accounts = await list_accounts(tx, ["simulated-1", "simulated-2"])
        keys = await keys_store.list_keys(tx)
    seal = Seal.from_setting(SECRET_KEY)
    secrets = {
        f"/webhooks/calcom/{account.name}": account.credentials(seal).webhook_secrets[0].value for account in accounts
    }
    signatures = [signature(secrets[post.path], post.body) for post in fake_showup.posts]
    assert [post.headers["x-cal-signature-256"] for post in fake_showup.posts] == signatures
    assert {post.path for post in fake_showup.posts} == set(secrets)
    assert len(fake_showup.imports) == 2, "half of the leads come before the bookings, half of them after"
    assert [key.workspace for key in keys] == ["simulation"]
    assert keys[0].revoked_at is not None
    removed = await invoke(environment, "simulate", "--remove")
    assert removed.stdout.strip().splitlines()[-1] == "Removed the workspace simulation with its accounts and keys."
