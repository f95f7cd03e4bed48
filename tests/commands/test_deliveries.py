"""`showup deliveries`: what is told is listed with its reason, tried again, and taken back (TE1, TE10)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import pytest

from tests.commands.conftest import Showup

NAMESPACE = UUID("6f1c0b1e-52a7-4f0e-9a35-2f3c7f0f9e11")
NOW = datetime.now(UTC)
ROWS = {
    "failed": ("default", "failed", "it is busy (attempt 3 of 3)"),
    "also_failed": ("acme", "failed", "it is busy (attempt 3 of 3)"),
    "waiting": ("default", "scheduled", None),
    "done": ("default", "delivered", None),
}


def id_of(noun: str) -> str:
    return str(uuid5(NAMESPACE, noun))


@pytest.fixture
def told(ready: Showup, database_url: str) -> Showup:
    """`showup` where some deliveries stand, in two workspaces."""
    assert ready("workspaces", "add", "acme").code == 0
    asyncio.run(insert(database_url))
    return ready


async def insert(url: str) -> None:
    driver = await asyncpg.connect(url)
    for noun, (workspace, state, because) in ROWS.items():
        await driver.execute(
            """
            INSERT INTO deliveries (id, workspace_id, booking_id, event_id, key, destination, kind, recipient,
                                    booking_version, due_at, wake_at, state, because, attempts, created_at, updated_at)
            SELECT $1, w.id, $1, $1, $2, 'email', 'confirm', 'ann@acme.example', 1, $3, $3, $4::text, $5,
                   CASE $4::text WHEN 'scheduled' THEN 0 ELSE 3 END, $6, $6
            FROM workspaces w WHERE w.slug = $7
            """,
            UUID(id_of(noun)),
            noun,
            NOW + timedelta(days=1),
            state,
            because,
            NOW,
            workspace,
        )
    await driver.close()


def states(showup: Showup) -> dict[str, Any]:
    return {one["id"]: one["state"] for one in showup("deliveries", "list", "--json").json}


def test_they_are_listed_with_their_reasons(told: Showup) -> None:
    every = told("deliveries", "list", "--json").json
    assert {one["id"]: one["because"] for one in every} == {
        id_of("failed"): "it is busy (attempt 3 of 3)",
        id_of("also_failed"): "it is busy (attempt 3 of 3)",
        id_of("waiting"): f"it is due at {NOW + timedelta(days=1):%Y-%m-%d %H:%M:%S} UTC",
        id_of("done"): "it was taken",
    }
    table = told("deliveries", "list", "--state", "failed", "--workspace", "acme").out.splitlines()
    assert table[0].split() == ["id", "due", "kind", "to", "by", "tries", "state", "because"]
    assert [line.split()[0] for line in table[1:]] == [id_of("also_failed")]
    assert table[1].endswith("failed  it is busy (attempt 3 of 3)")
    assert len(told("deliveries", "list", "--limit", "2", "--json").json) == 2
    assert "no such deliveries" in told("deliveries", "list", "--destination", "slack").out


def test_those_of_a_booking_or_of_somebody_are_found(told: Showup) -> None:
    assert [one["id"] for one in told("deliveries", "list", "--booking", id_of("done"), "--json").json] == [
        id_of("done")
    ]
    assert len(told("deliveries", "list", "--recipient", " Ann@acme.example ", "--json").json) == len(ROWS)
    assert "no such deliveries" in told("deliveries", "list", "--recipient", "bob@acme.example").out


def test_named_ones_are_tried_again_and_taken_back(told: Showup) -> None:
    assert told("deliveries", "retry", id_of("failed"), id_of("also_failed")).out == "2 are tried again.\n"
    said = told("deliveries", "withdraw", id_of("waiting"), "--json")
    assert said.json == {"ids": [id_of("waiting")], "done": "withdrawn"}
    stands = {one["id"]: (one["state"], one["because"]) for one in told("deliveries", "list", "--json").json}
    assert stands[id_of("waiting")] == ("withdrawn", "withdrawn by command line")
    assert stands[id_of("failed")][0] == stands[id_of("also_failed")][0] == "scheduled"


def test_all_failed_ones_are_tried_again_those_of_one_workspace_first(told: Showup) -> None:
    assert told("deliveries", "retry", "--failed", "--workspace", "acme").out == "Tried again: 1.\n"
    assert states(told)[id_of("failed")] == "failed"
    assert told("deliveries", "retry", "--failed", "--json").json == {"retried": 1, "expired": 0}
    assert states(told)[id_of("failed")] == "scheduled"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["retry"], "--failed"),
        (["retry", "--failed", id_of("failed")], "--failed"),
        (["retry", id_of("done")], "it was delivered, and nobody is told twice"),
        (["withdraw", id_of("failed")], "it is failed already"),
        (["withdraw", id_of("nothing")], "deliveries list"),
        (["withdraw", id_of("waiting"), "--workspace", "acme"], "deliveries list"),
        (["list", "--workspace", "nowhere"], "workspaces list"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(told: Showup, command: list[str], says: str) -> None:
    before = states(told)
    said = told("deliveries", *command)
    assert (said.code, said.out) == (1, "")
    assert says in said.error
    assert "Traceback" not in said.error
    assert states(told) == before


def test_of_several_all_or_none_are_done(told: Showup) -> None:
    before = states(told)
    said = told("deliveries", "withdraw", id_of("waiting"), id_of("done"))
    assert (said.code, said.error) == (1, f"Nothing was done, because of {id_of('done')}: it is delivered already.\n")
    assert states(told) == before
