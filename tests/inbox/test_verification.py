"""Verification of the log (RU5): it finds every change that bypassed Showup, and reports nothing else."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.container import build_projection_worker
from showup.database.engine import driver_connection, transaction
from showup.deals.deal import DealChange
from showup.events.deal import DealOpened
from showup.inbox import chain_store, store
from showup.inbox.chain import ChainHead
from showup.inbox.chain_walk import BreakKind
from showup.inbox.inbox_event import IncomingEvent
from showup.inbox.replay import replay_event
from showup.inbox.verification import ChainReport, VerificationReport, verify
from tests.execute import execute
from tests.histories.webhooks import MONDAY, body, payload

START_TIME = MONDAY + timedelta(days=2)
EVENT_COUNT = 12

Sql: TypeAlias = Callable[..., Awaitable[Any]]


@pytest.fixture
async def sql(engine: AsyncEngine) -> Sql:
    """A function that runs one statement on the test's database, as with psql, and returns the first value."""

    async def run(statement: str, *values: object) -> Any:
        async with transaction(engine) as tx:
            return await (await driver_connection(tx)).fetchval(statement, *values)

    return run


@pytest.fixture
async def numbers(engine: AsyncEngine, account: UUID, workspace: UUID) -> list[int]:
    """The event numbers of a log with bookings and one unreadable event."""
    bodies = [
        body("BOOKING_CREATED", MONDAY, payload(f"u{number}", number, START_TIME, ["ann@acme.example"]))
        for number in range(EVENT_COUNT - 1)
    ]
    # In two batches, so that audit log entries have numbers between theirs.
    for batch in (bodies[:6], [*bodies[6:], b"false"]):
        await store_bodies(engine, account, workspace, *batch)
        await build_projection_worker(engine, system_clock).drain()
    async with transaction(engine) as tx:
        rows = await (await driver_connection(tx)).fetch("SELECT number FROM chain ORDER BY number")
    assert len(rows) == EVENT_COUNT
    return [row["number"] for row in rows]


async def store_bodies(engine: AsyncEngine, account: UUID, workspace: UUID, *bodies: bytes) -> None:
    async with transaction(engine) as tx:
        incoming = [
            IncomingEvent(account_id=account, workspace_id=workspace, body=body_bytes, received_at=system_clock())
            for body_bytes in bodies
        ]
        await store.insert_events(await driver_connection(tx), incoming)


async def verify_chain(engine: AsyncEngine, workspace: UUID, *heads: ChainHead) -> VerificationReport:
    async with transaction(engine) as tx:
        return await verify(await driver_connection(tx), {"default": workspace}, heads)


async def chain_report(engine: AsyncEngine, workspace: UUID) -> ChainReport:
    return (await verify_chain(engine, workspace)).chains["default"]


async def find_breaks(engine: AsyncEngine, workspace: UUID) -> list[tuple[BreakKind, int | None]]:
    return [(chain_break.kind, chain_break.number) for chain_break in (await chain_report(engine, workspace)).breaks]


async def test_an_untouched_log_verifies(engine: AsyncEngine, workspace: UUID, numbers: list[int]) -> None:
    report = await chain_report(engine, workspace)
    assert (report.break_count, report.link_count, report.erased_count) == (0, EVENT_COUNT, 0)
    assert report.head is not None
    assert report.head.number == numbers[-1]


async def test_an_empty_log_verifies(engine: AsyncEngine, workspace: UUID) -> None:
    report = await chain_report(engine, workspace)
    assert (report.break_count, report.link_count, report.head) == (0, 0, None)


@pytest.mark.usefixtures("numbers")
async def test_a_replayed_event_is_linked_again(engine: AsyncEngine, workspace: UUID, sql: Sql) -> None:
    unreadable_id = await sql("SELECT id FROM inbox_events WHERE state = 'unreadable'")
    async with transaction(engine) as tx:
        assert await replay_event(tx, unreadable_id)
    assert await find_breaks(engine, workspace) == [], "while the replay is pending"
    await build_projection_worker(engine, system_clock).drain()
    assert await find_breaks(engine, workspace) == []
    assert await sql("SELECT count(*) FROM chain WHERE event_id = $1", unreadable_id) == 2


UPDATE_EVENT = "UPDATE inbox_events SET {} WHERE number = $1"
EVENT_CHANGES = {
    "body = 'other'": BreakKind.BODY,
    "body = 'other', digest = sha256('other')": BreakKind.RECEIVED,
    "received_at = received_at + interval '1 microsecond'": BreakKind.RECEIVED,
    "origin = 'sample'": BreakKind.RECEIVED,
    "content_type = 'text/plain'": BreakKind.RECEIVED,
    "source_address = ''": BreakKind.RECEIVED,
}


@pytest.mark.parametrize(("change", "kind"), EVENT_CHANGES.items(), ids=EVENT_CHANGES)
async def test_a_changed_event_is_detected(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql, change: str, kind: BreakKind
) -> None:
    await sql(UPDATE_EVENT.format(change), numbers[4])
    assert await find_breaks(engine, workspace) == [(kind, numbers[4])]


DELETE_ONE = ("DELETE FROM inbox_events WHERE number = $1", "DELETE FROM chain WHERE number = $1")
DELETE_FROM = ("DELETE FROM inbox_events WHERE number >= $1", "DELETE FROM chain WHERE number >= $1")


async def test_a_deleted_event_is_detected(engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql) -> None:
    await sql(DELETE_ONE[0], numbers[4])
    assert await find_breaks(engine, workspace) == [(BreakKind.MISSING, numbers[4])]


async def test_an_event_deleted_with_its_link_is_detected(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    for statement in DELETE_ONE:
        await sql(statement, numbers[4])
    assert await find_breaks(engine, workspace) == [(BreakKind.LINK, numbers[5])]


async def test_deletion_of_the_first_event_is_detected(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    for statement in DELETE_ONE:
        await sql(statement, numbers[0])
    assert await find_breaks(engine, workspace) == [(BreakKind.LINK, numbers[1])]


UPDATE_LINK = "UPDATE chain SET {} = sha256('other') WHERE number = $1"


@pytest.mark.parametrize("column", ["link", "commitment"])
async def test_a_changed_link_is_detected_in_place(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql, column: str
) -> None:
    await sql(UPDATE_LINK.format(column), numbers[4])
    assert {number for _, number in await find_breaks(engine, workspace)} == {numbers[4]}


SWAP_NUMBERS = "UPDATE {} SET number = CASE number WHEN $1::bigint THEN $2::bigint ELSE $1 END WHERE number IN ($1, $2)"


async def swap_numbers(sql: Sql, table: str, first: int, second: int) -> None:
    if table == "chain":
        # The primary key would refuse a swap in one statement.
        await sql("ALTER TABLE chain DROP CONSTRAINT pk_chain")
    await sql(SWAP_NUMBERS.format(table), first, second)


async def test_numbers_swapped_in_the_log_are_detected(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    await swap_numbers(sql, "inbox_events", numbers[3], numbers[6])
    breaks = await find_breaks(engine, workspace)
    assert breaks == [(BreakKind.REORDERED, numbers[3]), (BreakKind.REORDERED, numbers[6])]


async def test_numbers_swapped_everywhere_are_detected(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    for table in ("inbox_events", "chain"):
        await swap_numbers(sql, table, numbers[4], numbers[5])
    breaks = await find_breaks(engine, workspace)
    assert breaks == [(BreakKind.REORDERED, numbers[4]), (BreakKind.REORDERED, numbers[5])]


async def test_a_truncated_log_is_detected(engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql) -> None:
    for statement in DELETE_FROM:
        await sql(statement, numbers[8])
    assert await find_breaks(engine, workspace) == [(BreakKind.CUT, numbers[7])]


async def test_a_consistently_truncated_log_is_detected_by_a_saved_head(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    saved_head = (await chain_report(engine, workspace)).head
    assert saved_head is not None
    assert (await verify_chain(engine, workspace, saved_head)).break_count == 0
    for statement in DELETE_FROM:
        await sql(statement, numbers[8])
    await sql("UPDATE workspaces SET chain_link = (SELECT link FROM chain ORDER BY number DESC LIMIT 1)")
    assert (await verify_chain(engine, workspace)).break_count == 0
    result = await verify_chain(engine, workspace, saved_head)
    assert (result.break_count, result.unknown_heads) == (1, [saved_head])


async def test_an_old_head_is_still_part_of_the_chain(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    link = await sql("SELECT link FROM chain WHERE number = $1", numbers[2])
    ours, theirs = ChainHead(numbers[2], link), ChainHead(numbers[3], link)
    assert (await verify_chain(engine, workspace, ours, theirs)).unknown_heads == [theirs]


@pytest.mark.parametrize("is_consistent", [False, True])
async def test_an_event_inserted_with_a_link_is_detected(
    engine: AsyncEngine, account: UUID, workspace: UUID, numbers: list[int], sql: Sql, is_consistent: bool
) -> None:
    before, number = numbers[5], numbers[5] + 1
    assert number not in numbers
    await store_bodies(engine, account, workspace, b"forged")
    await sql("UPDATE inbox_events SET state = 'applied', number = $1 WHERE body = 'forged'", number)
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        row = await connection.fetchrow("SELECT * FROM inbox_events WHERE body = 'forged'")
        previous = await connection.fetchval("SELECT link FROM chain WHERE number = $1", before)
        chain_end = chain_store.ChainEnd(number=numbers[-1], link=previous if is_consistent else bytes(32))
        await chain_store.append_links(connection, workspace, chain_end, numbers[-1], [row])
    await sql("UPDATE workspaces SET chain_link = (SELECT link FROM chain ORDER BY number DESC LIMIT 1)")
    assert await find_breaks(engine, workspace) == [(BreakKind.INSERTED, number)]


async def test_an_event_inserted_with_a_number_is_detected(
    engine: AsyncEngine, account: UUID, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    await store_bodies(engine, account, workspace, b"forged")
    await sql("UPDATE inbox_events SET state = 'applied', number = $1 WHERE body = 'forged'", numbers[-1] + 1)
    assert await find_breaks(engine, workspace) == [(BreakKind.UNLINKED, numbers[-1] + 1)]


@pytest.mark.usefixtures("numbers")
async def test_a_processed_event_without_a_number_is_detected(
    engine: AsyncEngine, account: UUID, workspace: UUID, sql: Sql
) -> None:
    await store_bodies(engine, account, workspace, b"forged")
    assert await find_breaks(engine, workspace) == [], "the event waits to be applied"
    await sql("UPDATE inbox_events SET state = 'applied' WHERE body = 'forged'")
    assert await find_breaks(engine, workspace) == [(BreakKind.UNNUMBERED, None)]


async def erase_body(sql: Sql, number: int) -> None:
    await sql("UPDATE inbox_events SET body = '', digest = uuid_send(id) WHERE number = $1", number)
    await sql("UPDATE chain SET salt = NULL WHERE number = $1", number)


async def test_the_chain_verifies_after_a_body_is_erased(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    await erase_body(sql, numbers[4])
    report = await chain_report(engine, workspace)
    assert (report.break_count, report.link_count, report.erased_count) == (0, EVENT_COUNT, 1)


async def test_a_body_inserted_after_erasure_is_detected(
    engine: AsyncEngine, workspace: UUID, numbers: list[int], sql: Sql
) -> None:
    await erase_body(sql, numbers[4])
    await sql("UPDATE inbox_events SET body = 'other', digest = sha256('other') WHERE number = $1", numbers[4])
    assert await find_breaks(engine, workspace) == [(BreakKind.BODY, numbers[4])]


async def test_applied_and_refused_commands_are_linked(engine: AsyncEngine, workspace: UUID, sql: Sql) -> None:
    for now in (MONDAY, START_TIME):
        opened = DealOpened(company="domain:acme.example", change=DealChange(stage="met"))
        await execute(engine, workspace, opened, at=now)
    assert await sql("SELECT count(DISTINCT state) FROM inbox_events") == 2, "one of them was refused"
    report = await chain_report(engine, workspace)
    assert (report.break_count, report.link_count) == (0, 2)
    await sql("UPDATE inbox_events SET origin = 'webhook' WHERE state = 'refused'")
    assert [chain_break.kind for chain_break in (await chain_report(engine, workspace)).breaks] == [BreakKind.RECEIVED]
