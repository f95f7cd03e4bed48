"""The log proves itself (RU5): whatever was done to it behind Showup's back is found, and nothing else is."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import raw, transaction
from showup.deals.deal import DealChange
from showup.inbox import chain_store, store
from showup.inbox.act import act
from showup.inbox.applier import Applier
from showup.inbox.chain import Head
from showup.inbox.chain_walk import Break
from showup.inbox.raw_event import Incoming
from showup.inbox.replay import replay
from showup.inbox.verifying import Findings, Verdict, verify
from showup.sources.hand.command import OpenDeal
from tests.stories.webhooks import MONDAY, body, payload

START = MONDAY + timedelta(days=2)
EVENTS = 12

Sql: TypeAlias = Callable[..., Awaitable[Any]]


@pytest.fixture
async def sql(engine: AsyncEngine) -> Sql:
    """One statement on the test's database, as somebody with psql would give it; its first value."""

    async def run(statement: str, *values: object) -> Any:
        async with transaction(engine) as tx:
            return await (await raw(tx)).fetchval(statement, *values)

    return run


@pytest.fixture
async def numbers(engine: AsyncEngine, account: UUID, workspace: UUID) -> list[int]:
    """The numbers of the events of a log with bookings, and with what nobody understands."""
    bodies = [
        body("BOOKING_CREATED", MONDAY, payload(f"u{place}", place, START, ["ann@acme.example"]))
        for place in range(EVENTS - 1)
    ]
    # In two batches, with the lines of the journal between their numbers.
    for batch in (bodies[:6], [*bodies[6:], b"false"]):
        await kept(engine, account, workspace, *batch)
        await Applier(engine, system_clock).drain()
    async with transaction(engine) as tx:
        rows = await (await raw(tx)).fetch("SELECT number FROM chain ORDER BY number")
    assert len(rows) == EVENTS
    return [row["number"] for row in rows]


async def kept(engine: AsyncEngine, account: UUID, workspace: UUID, *bodies: bytes) -> None:
    async with transaction(engine) as tx:
        incoming = [
            Incoming(account_id=account, workspace_id=workspace, body=one, received_at=system_clock()) for one in bodies
        ]
        await store.keep_all(await raw(tx), incoming)


async def verdict(engine: AsyncEngine, workspace: UUID, *heads: Head) -> Verdict:
    async with transaction(engine) as tx:
        return await verify(await raw(tx), {"default": workspace}, heads)


async def found(engine: AsyncEngine, workspace: UUID) -> Findings:
    return (await verdict(engine, workspace)).found["default"]


async def broken(engine: AsyncEngine, workspace: UUID) -> list[tuple[Break, int | None]]:
    return [(one.broken, one.number) for one in (await found(engine, workspace)).places]


async def test_a_log_that_nobody_touched_is_whole(engine: AsyncEngine, workspace: UUID, numbers: list[int]) -> None:
    findings = await found(engine, workspace)
    assert (findings.broken, findings.links, findings.erased) == (0, EVENTS, 0)
    assert findings.head is not None
    assert findings.head.number == numbers[-1]


async def test_an_empty_log_is_whole(engine: AsyncEngine, workspace: UUID) -> None:
    findings = await found(engine, workspace)
    assert (findings.broken, findings.links, findings.head) == (0, 0, None)


@pytest.mark.usefixtures("numbers")
async def test_an_event_that_was_run_again_is_linked_again(engine: AsyncEngine, workspace: UUID, sql: Sql) -> None:
    garbled = await sql("SELECT id FROM calcom_events WHERE state = 'unreadable'")
    async with transaction(engine) as tx:
        assert await replay(tx, garbled)
    assert await broken(engine, workspace) == [], "while it waits to be run again"
    await Applier(engine, system_clock).drain()
    assert await broken(engine, workspace) == []
    assert await sql("SELECT count(*) FROM chain WHERE event_id = $1", garbled) == 2


CHANGE = "UPDATE calcom_events SET {} WHERE number = $1"
CHANGES = {
    "body = 'other'": Break.BODY,
    "body = 'other', digest = sha256('other')": Break.RECEIVED,
    "received_at = received_at + interval '1 microsecond'": Break.RECEIVED,
    "origin = 'sample'": Break.RECEIVED,
    "content_type = 'text/plain'": Break.RECEIVED,
    "source_address = ''": Break.RECEIVED,
}


@pytest.mark.parametrize(("change", "called"), CHANGES.items(), ids=CHANGES)
async def test_what_was_changed_is_found(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql, change: str, called: Break
) -> None:
    await sql(CHANGE.format(change), numbers[4])
    assert await broken(engine, workspace) == [(called, numbers[4])]


DELETED = ("DELETE FROM calcom_events WHERE number = $1", "DELETE FROM chain WHERE number = $1")
CUT_OFF = ("DELETE FROM calcom_events WHERE number >= $1", "DELETE FROM chain WHERE number >= $1")


async def test_an_event_that_was_deleted_is_found(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    await sql(DELETED[0], numbers[4])
    assert await broken(engine, workspace) == [(Break.MISSING, numbers[4])]


async def test_an_event_that_was_deleted_with_its_link_is_found(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    for statement in DELETED:
        await sql(statement, numbers[4])
    assert await broken(engine, workspace) == [(Break.LINK, numbers[5])]


async def test_the_first_event_can_not_be_deleted_unseen(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    for statement in DELETED:
        await sql(statement, numbers[0])
    assert await broken(engine, workspace) == [(Break.LINK, numbers[1])]


LINK = "UPDATE chain SET {} = sha256('other') WHERE number = $1"


@pytest.mark.parametrize("column", ["link", "commitment"])
async def test_a_link_that_was_changed_is_found_where_it_stands(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql, column: str
) -> None:
    await sql(LINK.format(column), numbers[4])
    assert {number for _, number in await broken(engine, workspace)} == {numbers[4]}


SWAP = "UPDATE {} SET number = CASE number WHEN $1::bigint THEN $2::bigint ELSE $1 END WHERE number IN ($1, $2)"


async def swap(sql: Sql, table: str, one: int, other: int) -> None:
    if table == "chain":
        # Its primary key would refuse one statement.
        await sql("ALTER TABLE chain DROP CONSTRAINT pk_chain")
    await sql(SWAP.format(table), one, other)


async def test_numbers_that_were_swapped_in_the_log_are_found(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    await swap(sql, "calcom_events", numbers[3], numbers[6])
    found = await broken(engine, workspace)
    assert found == [(Break.REORDERED, numbers[3]), (Break.REORDERED, numbers[6])]


async def test_numbers_that_were_swapped_everywhere_are_found(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    for table in ("calcom_events", "chain"):
        await swap(sql, table, numbers[4], numbers[5])
    found = await broken(engine, workspace)
    assert found == [(Break.REORDERED, numbers[4]), (Break.REORDERED, numbers[5])]


async def test_an_end_that_was_cut_off_is_found(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    for statement in CUT_OFF:
        await sql(statement, numbers[8])
    assert await broken(engine, workspace) == [(Break.CUT, numbers[7])]


async def test_an_end_that_was_cut_off_by_somebody_careful_is_found_by_the_head_that_was_noted(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    noted = (await found(engine, workspace)).head
    assert noted is not None
    assert (await verdict(engine, workspace, noted)).broken == 0
    for statement in CUT_OFF:
        await sql(statement, numbers[8])
    await sql("UPDATE workspaces SET chain_link = (SELECT link FROM chain ORDER BY number DESC LIMIT 1)")
    assert (await verdict(engine, workspace)).broken == 0
    cut = await verdict(engine, workspace, noted)
    assert (cut.broken, cut.unknown) == (1, [noted])


async def test_a_head_from_long_ago_is_still_part_of_the_chain(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    link = await sql("SELECT link FROM chain WHERE number = $1", numbers[2])
    ours, theirs = Head(numbers[2], link), Head(numbers[3], link)
    assert (await verdict(engine, workspace, ours, theirs)).unknown == [theirs]


@pytest.mark.parametrize("careful", [False, True])
async def test_an_event_that_was_put_in_with_a_link_is_found(
    engine: AsyncEngine, account: UUID, workspace: UUID, numbers: list[int], sql: Sql, careful: bool
) -> None:
    before, number = numbers[5], numbers[5] + 1
    assert number not in numbers
    await kept(engine, account, workspace, b"forged")
    await sql("UPDATE calcom_events SET state = 'applied', number = $1 WHERE body = 'forged'", number)
    async with transaction(engine) as tx:
        connection = await raw(tx)
        row = await connection.fetchrow("SELECT * FROM calcom_events WHERE body = 'forged'")
        previous = await connection.fetchval("SELECT link FROM chain WHERE number = $1", before)
        end = chain_store.End(number=numbers[-1], link=previous if careful else bytes(32))
        await chain_store.extend(connection, workspace, end, numbers[-1], [row])
    await sql("UPDATE workspaces SET chain_link = (SELECT link FROM chain ORDER BY number DESC LIMIT 1)")
    assert await broken(engine, workspace) == [(Break.INSERTED, number)]


async def test_an_event_that_was_put_in_with_a_number_is_found(
    engine: AsyncEngine, account: UUID, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    await kept(engine, account, workspace, b"forged")
    await sql("UPDATE calcom_events SET state = 'applied', number = $1 WHERE body = 'forged'", numbers[-1] + 1)
    assert await broken(engine, workspace) == [(Break.UNLINKED, numbers[-1] + 1)]


@pytest.mark.usefixtures("numbers")
async def test_a_settled_event_without_a_number_is_found(
    engine: AsyncEngine, account: UUID, workspace: UUID, sql: Sql
) -> None:
    await kept(engine, account, workspace, b"forged")
    assert await broken(engine, workspace) == [], "it waits to be applied"
    await sql("UPDATE calcom_events SET state = 'applied' WHERE body = 'forged'")
    assert await broken(engine, workspace) == [(Break.UNNUMBERED, None)]


async def erase(sql: Sql, number: int) -> None:
    await sql("UPDATE calcom_events SET body = '', digest = uuid_send(id) WHERE number = $1", number)
    await sql("UPDATE chain SET salt = NULL WHERE number = $1", number)


async def test_a_body_can_be_erased_and_the_chain_still_holds(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    await erase(sql, numbers[4])
    findings = await found(engine, workspace)
    assert (findings.broken, findings.links, findings.erased) == (0, EVENTS, 1)


async def test_a_body_that_was_put_where_one_was_erased_is_found(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    await erase(sql, numbers[4])
    await sql("UPDATE calcom_events SET body = 'other', digest = sha256('other') WHERE number = $1", numbers[4])
    assert await broken(engine, workspace) == [(Break.BODY, numbers[4])]


async def test_what_people_do_is_linked_whether_it_was_done_or_refused(
    engine: AsyncEngine, workspace: UUID, sql: Sql
) -> None:
    for now in (MONDAY, START):
        command = OpenDeal(at=now, actor="key:ops", company="domain:acme.example", change=DealChange(stage="met"))
        async with transaction(engine) as tx:
            await act(await raw(tx), workspace, [command], now)
    assert await sql("SELECT count(DISTINCT state) FROM calcom_events") == 2, "one of them was refused"
    findings = await found(engine, workspace)
    assert (findings.broken, findings.links) == (0, 2)
    await sql("UPDATE calcom_events SET origin = 'webhook' WHERE state = 'refused'")
    assert [place.broken for place in (await found(engine, workspace)).places] == [Break.RECEIVED]
