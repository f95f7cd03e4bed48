"""`showup deliveries` lists deliveries with their reasons, retries and withdraws them (TE1, TE10)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import pytest

from tests.cli.conftest import Showup

NAMESPACE = UUID("6f1c0b1e-52a7-4f0e-9a35-2f3c7f0f9e11")
NOW = datetime.now(UTC)
ROWS = {
    "failed": ("default", "failed", "it is busy (attempt 3 of 3)"),
    "also_failed": ("acme", "failed", "it is busy (attempt 3 of 3)"),
    "waiting": ("default", "scheduled", None),
    "done": ("default", "delivered", None),
}


def delivery_id(name: str) -> str:
    return str(uuid5(NAMESPACE, name))


@pytest.fixture
def deliveries_showup(ready: Showup, database_url: str) -> Showup:
    """Runs `showup` on a database with some deliveries in two workspaces."""
    assert ready("workspaces", "add", "acme").code == 0
    asyncio.run(insert_deliveries(database_url))
    return ready


async def insert_deliveries(url: str) -> None:
    driver = await asyncpg.connect(url)
    for name, (workspace, state, because) in ROWS.items():
        await driver.execute(
            """
            INSERT INTO deliveries (id, workspace_id, booking_id, event_id, key, destination, kind, recipient,
                                    booking_version, due_at, wake_at, state, because, attempts, created_at, updated_at)
            SELECT $1, w.id, $1, $1, $2, 'email', 'confirmation', 'ann@acme.example', 1, $3, $3, $4::text, $5,
                   CASE $4::text WHEN 'scheduled' THEN 0 ELSE 3 END, $6, $6
            FROM workspaces w WHERE w.slug = $7
            """,
            UUID(delivery_id(name)),
            name,
            NOW + timedelta(days=1),
            state,
            because,
            NOW,
            workspace,
        )
    await driver.close()


def states(showup: Showup) -> dict[str, Any]:
    return {delivery["id"]: delivery["state"] for delivery in showup("deliveries", "list", "--json").json}


def test_deliveries_are_listed_with_their_reasons(deliveries_showup: Showup) -> None:
    deliveries = deliveries_showup("deliveries", "list", "--json").json
    assert {delivery["id"]: delivery["because"] for delivery in deliveries} == {
        delivery_id("failed"): "it is busy (attempt 3 of 3)",
        delivery_id("also_failed"): "it is busy (attempt 3 of 3)",
        delivery_id("waiting"): f"due at {NOW + timedelta(days=1):%Y-%m-%d %H:%M:%S} UTC",
        delivery_id("done"): "the destination accepted it",
    }
    table = deliveries_showup("deliveries", "list", "--state", "failed", "--workspace", "acme").out.splitlines()
    assert table[0].split() == ["id", "due", "kind", "to", "by", "attempts", "state", "because"]
    assert [line.split()[0] for line in table[1:]] == [delivery_id("also_failed")]
    assert table[1].endswith("failed  it is busy (attempt 3 of 3)")
    assert len(deliveries_showup("deliveries", "list", "--limit", "2", "--json").json) == 2
    assert "no such deliveries" in deliveries_showup("deliveries", "list", "--destination", "slack").out


def test_deliveries_are_filtered_by_booking_and_recipient(deliveries_showup: Showup) -> None:
    assert [
        delivery["id"]
        for delivery in deliveries_showup("deliveries", "list", "--booking", delivery_id("done"), "--json").json
    ] == [delivery_id("done")]
    assert len(deliveries_showup("deliveries", "list", "--recipient", " Ann@acme.example ", "--json").json) == len(ROWS)
    assert "no such deliveries" in deliveries_showup("deliveries", "list", "--recipient", "bob@acme.example").out


def test_named_deliveries_are_retried_and_withdrawn(deliveries_showup: Showup) -> None:
    assert (
        deliveries_showup("deliveries", "retry", delivery_id("failed"), delivery_id("also_failed")).out
        == "2 deliveries retried.\n"
    )
    result = deliveries_showup("deliveries", "withdraw", delivery_id("waiting"), "--json")
    assert result.json == {"ids": [delivery_id("waiting")], "done": "withdrawn"}
    current = {
        delivery["id"]: (delivery["state"], delivery["because"])
        for delivery in deliveries_showup("deliveries", "list", "--json").json
    }
    assert current[delivery_id("waiting")] == ("withdrawn", "withdrawn by command line")
    assert current[delivery_id("failed")][0] == current[delivery_id("also_failed")][0] == "scheduled"


def test_failed_deliveries_are_retried_by_workspace_and_all(deliveries_showup: Showup) -> None:
    assert deliveries_showup("deliveries", "retry", "--failed", "--workspace", "acme").out == "Retried deliveries: 1.\n"
    assert states(deliveries_showup)[delivery_id("failed")] == "failed"
    assert deliveries_showup("deliveries", "retry", "--failed", "--json").json == {"retried": 1, "expired": 0}
    assert states(deliveries_showup)[delivery_id("failed")] == "scheduled"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["retry"], "--failed"),
        (["retry", "--failed", delivery_id("failed")], "--failed"),
        (["retry", delivery_id("done")], "it was delivered, and Showup sends each delivery once"),
        (["withdraw", delivery_id("failed")], "it is failed: only a scheduled delivery can be withdrawn"),
        (["withdraw", delivery_id("nothing")], "deliveries list"),
        (["withdraw", delivery_id("waiting"), "--workspace", "acme"], "deliveries list"),
        (["list", "--workspace", "nowhere"], "workspaces list"),
    ],
)
def test_an_impossible_command_is_refused_with_a_message(
    deliveries_showup: Showup, command: list[str], message: str
) -> None:
    before = states(deliveries_showup)
    result = deliveries_showup("deliveries", *command)
    assert (result.code, result.out) == (1, "")
    assert message in result.error
    assert "Traceback" not in result.error
    assert states(deliveries_showup) == before


def test_a_batch_is_all_or_nothing(deliveries_showup: Showup) -> None:
    before = states(deliveries_showup)
    result = deliveries_showup("deliveries", "withdraw", delivery_id("waiting"), delivery_id("done"))
    assert result.code == 1
    assert result.error.startswith(f"Nothing was changed, because of delivery {delivery_id('done')}: it is delivered")
    assert states(deliveries_showup) == before
