"""What must hold once the applier is idle, whatever was killed before: each fault is a sentence."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.simulation.run import compare
from showup.simulation.sender import Summary
from showup.simulation.world import World
from tests.serving import AT_MOST
from tests.torture.client_workspace import Client, tell_again
from tests.torture.sending import Sent
from tests.torture.standing import standing

_BETWEEN_LOOKS = 0.05
_MOST_SHOWN = 5


async def idle(engine: AsyncEngine, workspace_id: UUID) -> None:
    """Waits until the applier has nothing left to do in the workspace; what it doesn't get done, others will find."""
    query = "SELECT count(*) FROM calcom_events WHERE workspace_id = $1 AND state IN ('kept', 'failed')"
    with suppress(TimeoutError):
        async with asyncio.timeout(AT_MOST):
            while await _value(engine, query, workspace_id):  # noqa: ASYNC110  # another process does it, untold
                await asyncio.sleep(_BETWEEN_LOOKS)


async def faults_in_the_log(engine: AsyncEngine, client: Client, sent: Sent) -> list[str]:
    """Every 2xx is in the log, once; nothing else is; and everything there was applied once, at the first go."""
    async with transaction(engine) as tx:
        query = "SELECT * FROM calcom_events WHERE workspace_id = $1 AND origin = 'webhook'"
        rows = await (await raw(tx)).fetch(query, client.id)
    named = {account_id: name for name, account_id in client.accounts.items()}
    firsts = Counter((named[row["account_id"]], row["digest"]) for row in rows if row["duplicate_of"] is None)
    accepted = Counter((one.account, one.digest) for one in sent.promises if one.word == "accepted")
    known = {row["id"]: row for row in rows}
    return [
        *_sentences("answered 2xx and not in the log", sent.promised - set(firsts)),
        *_sentences("in the log and never sent", set(firsts) - sent.bodies),
        *_sentences("twice in the log", [key for key, count in firsts.items() if count > 1]),
        *_sentences("accepted twice", [key for key, count in accepted.items() if count > 1]),
        *_sentences("answered with another event's id", list(_strangers(sent, known))),
        *_sentences("duplicate of something else", list(_wrong_duplicates(known))),
        *_sentences("not settled", [(row["id"], row["state"]) for row in rows if row["state"] in ("kept", "failed")]),
        *_sentences("failed before", [(row["id"], row["because"]) for row in rows if row["attempts"]]),
        *_wrong_numbers([row["number"] for row in rows if row["duplicate_of"] is None]),
    ]


async def faults_by_the_api(url: str, client: Client, world: World) -> list[str]:
    """What the API says is what the simulated crowd knows."""
    checked = await compare(url, client.key, world, Summary(), within_for=0)
    return _sentences("other than the crowd knows it, by the API", checked.differences)


async def faults_told_again(engine: AsyncEngine, client: Client) -> list[str]:
    """The same bodies, told in peace to the workers that run, come to the same tables, row by row."""
    async with transaction(engine) as tx:
        calm = await tell_again(tx, client)
    await idle(engine, calm)
    found, expected = await standing(engine, client.id), await standing(engine, calm)
    return [
        sentence
        for table, rows in expected.items()
        for sentence in (
            *_sentences(f"lost from {table}", list((Counter(rows) - Counter(found[table])).elements())),
            *_sentences(f"too much in {table}", list((Counter(found[table]) - Counter(rows)).elements())),
        )
    ]


async def faults_in_all(engine: AsyncEngine, promised: set[tuple[str, bytes]]) -> list[str]:
    """Over all rounds together: nothing that was promised has gone since, and nothing has come undone."""
    async with transaction(engine) as tx:
        rows = await (await raw(tx)).fetch(
            "SELECT c.name, e.digest, e.state FROM calcom_events e JOIN connections c ON c.id = e.account_id "
            "WHERE e.duplicate_of IS NULL"
        )
    return [
        *_sentences("promised in some round and gone now", promised - {(row["name"], row["digest"]) for row in rows}),
        *_sentences("unsettled at the end", [row["name"] for row in rows if row["state"] in ("kept", "failed")]),
    ]


def _strangers(sent: Sent, known: dict[UUID, Any]) -> Iterator[tuple[str, str]]:
    for one in sent.promises:
        row = known.get(UUID(one.event_id))
        if row is None or row["digest"] != one.digest or row["duplicate_of"] is not None:
            yield one.word, one.event_id


def _wrong_duplicates(known: dict[UUID, Any]) -> Iterator[UUID]:
    for row in known.values():
        first = known.get(row["duplicate_of"]) if row["duplicate_of"] is not None else None
        if row["duplicate_of"] is not None and (
            first is None or first["duplicate_of"] is not None or first["digest"] != row["digest"]
        ):
            yield row["id"]


def _wrong_numbers(numbers: Sequence[int | None]) -> list[str]:
    twice = [number for number, count in Counter(numbers).items() if number is None or count > 1]
    return _sentences("a number of the feed that is missing or given twice", twice)


def _sentences(what: str, found: Any) -> list[str]:
    some = [str(one) for one in list(found)[:_MOST_SHOWN]]
    return [f"{len(found)} × {what}: {'; '.join(some)}"] if found else []


async def _value(engine: AsyncEngine, query: str, *values: object) -> Any:
    async with transaction(engine) as tx:
        return await (await raw(tx)).fetchval(query, *values)
