"""`showup simulate` as a user meets it, against a door on a loopback port."""

import asyncio
import json
import socket

import pytest
import typer
from typer.testing import CliRunner, Result

from showup.commands.refusal import sentence_of
from showup.commands.simulate import simulate
from tests.simulation.house import KEY, SECRET, House

app = typer.Typer()
app.command("simulate")(simulate)


async def invoke(*arguments: str) -> Result:
    # The command has an event loop of its own, and the door lives in the test's.
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


def refusal(result: Result) -> str:
    """The sentence that the user sees instead of a traceback."""
    assert result.exception is not None
    return sentence_of(result.exception) or ""


async def test_where_nobody_answers_it_says_so_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    said = refusal(await invoke("--url", url, "--secret", SECRET))
    assert f"Nothing answers at {url}" in said
    assert "make run" in said


async def test_it_says_exactly_how_many_were_sent(house: House) -> None:
    result = await invoke("--url", house.url, "--secret", SECRET, "--count", "60", "--rate", "0")
    assert result.exit_code == 0
    assert f"sent {len(house.bodies)} webhooks" in result.stdout
    assert "(p50)" in result.stdout
    assert set(house.paths) == {"/healthz", "/webhooks/calcom"}


async def test_an_account_has_a_door_of_its_own(house: House) -> None:  # AP6
    await invoke("--url", house.url, "--secret", SECRET, "--account", "berlin", "--count", "5", "--rate", "0")
    assert set(house.paths) == {"/healthz", "/webhooks/calcom/berlin"}


async def test_json_says_the_same_in_figures(house: House) -> None:
    result = await invoke("--url", house.url, "--secret", SECRET, "--count", "40", "--rate", "0", "--chaos", "--json")
    said = json.loads(result.stdout)
    assert said["sent"] == said["accepted"] == len(house.bodies)
    assert said["duplicates"] > 0
    assert said["latency_ms"]["p50"] <= said["latency_ms"]["p99"]


async def test_refused_webhooks_are_counted_and_end_in_failure(house: House) -> None:
    result = await invoke("--url", house.url, "--secret", "another", "--count", "5", "--rate", "0")
    assert result.exit_code == 1
    assert f"not taken: {house.forged} × 401" in result.stdout


async def test_a_check_prints_what_differs(house: House) -> None:
    house.lists = {"bookings": [], "deals": [], "companies": [], "people": []}
    result = await invoke(
        "--url", house.url, "--secret", SECRET, "--key", KEY, "--count", "5", "--rate", "0", "--check"
    )
    assert result.exit_code == 1
    assert "missing" in result.stdout
    assert "OK" not in result.stdout


async def test_a_check_that_may_not_read_says_so(house: House) -> None:
    result = await invoke(
        "--url", house.url, "--secret", SECRET, "--key", "wrong", "--count", "5", "--rate", "0", "--check"
    )
    assert "/api/events: answered 401" in refusal(result)


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--url", "https://showup.example"], "--yes-really"),
        (["--url", "https://showup.example", "--yes-really"], "--secret"),
        (["--account", "berlin"], "--secret"),
        (["--secret", SECRET, "--check"], "--key"),
    ],
)
async def test_what_cannot_work_is_refused_with_advice(arguments: list[str], advice: str) -> None:
    assert advice in refusal(await invoke(*arguments))
