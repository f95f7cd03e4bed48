"""`showup simulate` from a user's view, against a fake Showup on a loopback port."""

import asyncio
import json
import socket

import pytest
import typer
from typer.testing import CliRunner, Result

from showup.cli.errors import expected_message
from showup.cli.simulate import simulate
from tests.simulation.fake_showup import KEY, SECRET, FakeShowup

app = typer.Typer()
app.command("simulate")(simulate)


async def invoke(*arguments: str) -> Result:
    # The command has its own event loop.
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


def error_message(result: Result) -> str:
    """Returns the message that the user sees instead of a traceback."""
    assert result.exception is not None
    return expected_message(result.exception) or ""


async def test_no_response_is_reported_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    message = error_message(await invoke("--url", url, "--secret", SECRET))
    assert f"No response from {url}" in message
    assert "make run" in message


async def test_the_number_of_sent_webhooks_is_printed(fake_showup: FakeShowup) -> None:
    result = await invoke("--url", fake_showup.url, "--secret", SECRET, "--count", "60", "--rate", "0")
    assert result.exit_code == 0
    assert f"sent {len(fake_showup.bodies)} webhooks" in result.stdout
    assert "(p50)" in result.stdout
    assert fake_showup.paths == {"/healthz", "/webhooks/calcom"}


async def test_an_account_has_its_own_endpoint(fake_showup: FakeShowup) -> None:  # AP6
    await invoke("--url", fake_showup.url, "--secret", SECRET, "--account", "berlin", "--count", "5", "--rate", "0")
    assert fake_showup.paths == {"/healthz", "/webhooks/calcom/berlin"}


async def test_json_has_the_same_numbers(fake_showup: FakeShowup) -> None:
    result = await invoke(
        "--url", fake_showup.url, "--secret", SECRET, "--count", "40", "--rate", "0", "--chaos", "--json"
    )
    output = json.loads(result.stdout)
    assert output["sent"] == output["accepted"] == len(fake_showup.bodies)
    assert output["duplicates"] > 0
    assert output["latency_ms"]["p50"] <= output["latency_ms"]["p99"]


async def test_refused_webhooks_are_counted_and_end_in_failure(fake_showup: FakeShowup) -> None:
    result = await invoke("--url", fake_showup.url, "--secret", "another", "--count", "5", "--rate", "0")
    assert result.exit_code == 1
    assert f"refused: {fake_showup.rejected} × 401" in result.stdout


async def test_a_check_prints_the_differences(fake_showup: FakeShowup) -> None:
    fake_showup.lists = {"bookings": [], "deals": [], "companies": [], "people": []}
    result = await invoke(
        "--url", fake_showup.url, "--secret", SECRET, "--key", KEY, "--count", "5", "--rate", "0", "--check"
    )
    assert result.exit_code == 1
    assert "missing" in result.stdout
    assert "OK" not in result.stdout


async def test_a_check_without_permission_is_reported(fake_showup: FakeShowup) -> None:
    result = await invoke(
        "--url", fake_showup.url, "--secret", SECRET, "--key", "wrong", "--count", "5", "--rate", "0", "--check"
    )
    assert "/api/events: answered 401" in error_message(result)


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--url", "https://showup.example"], "--yes-really"),
        (["--url", "https://showup.example", "--yes-really"], "--secret"),
        (["--account", "berlin"], "--secret"),
        (["--secret", SECRET, "--check"], "--key"),
    ],
)
async def test_invalid_arguments_are_refused_with_advice(arguments: list[str], advice: str) -> None:
    assert advice in error_message(await invoke(*arguments))
