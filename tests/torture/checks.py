"""Checks that must pass once all events are applied, whatever was killed before. Each fault is one sentence."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from showup.simulation.run import check_run
from showup.simulation.sender import SendSummary
from showup.simulation.world import World
from tests.showup_process import TIMEOUT
from tests.torture.client_workspace import Client, replay_bodies
from tests.torture.load_sender import Sent
from tests.torture.table_snapshot import snapshot

_POLL_INTERVAL = 0.05
_MAX_EXAMPLES = 5


async def wait_until_idle(engine: AsyncEngine, workspace_id: UUID) -> None:
    """Waits until no event of the workspace is pending or a time limit passes; later checks report pending events."""
    query = "SELECT count(*) FROM inbox_events WHERE workspace_id = $1 AND state IN ('pending', 'failed')"
    with suppress(TimeoutError):
        async with asyncio.timeout(TIMEOUT):
            while await _value(engine, query, workspace_id):  # noqa: ASYNC110  # another process applies them
                await asyncio.sleep(_POLL_INTERVAL)


async def faults_in_the_log(engine: AsyncEngine, client: Client, sent: Sent) -> list[str]:
    """Checks that the log has exactly the events answered 2xx, and that each was applied once, at the first attempt."""
    async with transaction(engine) as tx:
        query = "SELECT * FROM inbox_events WHERE workspace_id = $1 AND origin IN ('webhook', 'simulation')"
        rows = await (await driver_connection(tx)).fetch(query, client.id)
    account_names = {account_id: name for name, account_id in client.accounts.items()}
    first_counts = Counter(
        (account_names[row["account_id"]], row["digest"]) for row in rows if row["duplicate_of"] is None
    )
    accepted_counts = Counter(
        (promise.account, promise.digest) for promise in sent.promises if promise.outcome == "accepted"
    )
    known = {row["id"]: row for row in rows}
    return [
        *_sentences("answered 2xx but not in the log", sent.accepted - set(first_counts)),
        *_sentences("in the log but never sent", set(first_counts) - sent.bodies),
        *_sentences("twice in the log", [key for key, count in first_counts.items() if count > 1]),
        *_sentences("accepted twice", [key for key, count in accepted_counts.items() if count > 1]),
        *_sentences("answered with another event's id", list(_unknown_promises(sent, known))),
        *_sentences("duplicate of another event", list(_wrong_duplicates(known))),
        *_sentences(
            "not processed", [(row["id"], row["state"]) for row in rows if row["state"] in ("pending", "failed")]
        ),
        *_sentences("failed before", [(row["id"], row["because"]) for row in rows if row["attempts"]]),
        *_wrong_numbers([row["number"] for row in rows if row["duplicate_of"] is None]),
    ]


async def faults_in_the_api(url: str, client: Client, world: World) -> list[str]:
    """Checks that the API returns what the simulation expects."""
    checked = await check_run(url, client.key, world, SendSummary(), time_limit=0)
    return _sentences("different in the API and in the simulation", checked.differences)


async def faults_after_replay(engine: AsyncEngine, client: Client) -> list[str]:
    """Checks that the same bodies, applied in another workspace while nothing is killed, give the same rows."""
    async with transaction(engine) as tx:
        replayed = await replay_bodies(tx, client)
    await wait_until_idle(engine, replayed)
    actual, expected = await snapshot(engine, client.id), await snapshot(engine, replayed)
    return [
        sentence
        for table, rows in expected.items()
        for sentence in (
            *_sentences(f"missing from {table}", list((Counter(rows) - Counter(actual[table])).elements())),
            *_sentences(f"unexpected in {table}", list((Counter(actual[table]) - Counter(rows)).elements())),
        )
    ]


async def faults_in_all(engine: AsyncEngine, accepted: set[tuple[str, bytes]]) -> list[str]:
    """Checks over all rounds that every accepted event still exists and is processed."""
    async with transaction(engine) as tx:
        rows = await (await driver_connection(tx)).fetch(
            "SELECT c.name, e.digest, e.state FROM inbox_events e JOIN connections c ON c.id = e.account_id "
            "WHERE e.duplicate_of IS NULL"
        )
    return [
        *_sentences(
            "accepted in an earlier round but missing now", accepted - {(row["name"], row["digest"]) for row in rows}
        ),
        *_sentences("unprocessed at the end", [row["name"] for row in rows if row["state"] in ("pending", "failed")]),
    ]


def _unknown_promises(sent: Sent, known: dict[UUID, Any]) -> Iterator[tuple[str, str]]:
    for promise in sent.promises:
        row = known.get(UUID(promise.event_id))
        if row is None or row["digest"] != promise.digest or row["duplicate_of"] is not None:
            yield promise.outcome, promise.event_id


def _wrong_duplicates(known: dict[UUID, Any]) -> Iterator[UUID]:
    for row in known.values():
        first = known.get(row["duplicate_of"]) if row["duplicate_of"] is not None else None
        if row["duplicate_of"] is not None and (
            first is None or first["duplicate_of"] is not None or first["digest"] != row["digest"]
        ):
            yield row["id"]


def _wrong_numbers(numbers: Sequence[int | None]) -> list[str]:
    twice = [number for number, count in Counter(numbers).items() if number is None or count > 1]
    return _sentences("number of the feed that is missing or used twice", twice)


def _sentences(label: str, actual: Any) -> list[str]:
    examples = [str(item) for item in list(actual)[:_MAX_EXAMPLES]]
    return [f"{len(actual)} × {label}: {'; '.join(examples)}"] if actual else []


async def _value(engine: AsyncEngine, query: str, *values: object) -> Any:
    async with transaction(engine) as tx:
        return await (await driver_connection(tx)).fetchval(query, *values)
