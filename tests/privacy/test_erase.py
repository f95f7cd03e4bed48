"""RU5: an erased person is nowhere, what follows from their bookings stays, and the log still verifies."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import teammates_store
from showup.database.embedded.server import EmbeddedPostgres
from showup.database.engine import connect, driver_connection, transaction
from showup.database.migrate import upgrade
from showup.database.tables import connections, workspaces
from showup.inbox.verification import verify
from showup.outbox.suppressions import suppressed
from showup.privacy.erase import Erased, erase_person
from showup.privacy.person_scope import NotErasable, PersonUnknown
from showup.privacy.requests import request_erasure, run_requested
from tests.privacy.conftest import (
    EMAIL,
    LEADS,
    NAME,
    NOW,
    SEAL,
    TAGGED,
    TRACES,
    all_traces,
    assert_consistent,
    fetch,
    first_booking,
    import_file,
    load,
    next_booking,
    receive,
    totals,
)

# Tables that an erasure rewrites are rewritten whole, so that no old row is left in their files; so are PostgreSQL's
# statistics, which have examples of values.
_VACUUM = """
    SELECT format('VACUUM FULL %I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname = current_schema() OR tablename LIKE 'pg_statistic%'
"""


async def erase(engine: AsyncEngine, workspace: UUID, email: str = EMAIL) -> Erased:
    return await erase_person(engine, SEAL, workspace, email, actor="key:dpo", at=NOW)


@contextmanager
def own_server() -> Iterator[tuple[Path, str]]:
    """Starts a PostgreSQL of this test's own, so that nothing else is in its files; yields its folder and address."""
    # Short, because socket paths have a limit, and open to the account that runs PostgreSQL if we are root.
    folder = Path(tempfile.mkdtemp(prefix="showup-"))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(folder / "data") as server:
            yield folder / "data", server.dsn
    finally:
        shutil.rmtree(folder)


async def add_workspace(engine: AsyncEngine) -> tuple[UUID, UUID]:
    workspace, account = uuid4(), uuid4()
    async with transaction(engine) as tx:
        await tx.execute(insert(workspaces).values(id=workspace, slug="default", name="Default"))
        row = {"id": account, "workspace_id": workspace, "kind": "calcom", "name": "default"}
        await tx.execute(insert(connections).values(row))
    return workspace, account


async def rewrite_files(url: str) -> None:
    """Does what an operator does who wants the deleted rows out of the files too: docs/PRIVACY.md."""
    driver = await asyncpg.connect(url)
    try:
        await driver.execute("ALTER SYSTEM SET wal_recycle = off")
        await driver.execute("ALTER SYSTEM SET min_wal_size = '32MB'")
        await driver.execute("SELECT pg_reload_conf()")
        for (statement,) in await driver.fetch(_VACUUM):
            await driver.execute(statement)
        # The second checkpoint removes the log from before the first one.
        for _ in range(2):
            await driver.execute("SELECT pg_switch_wal()")
            await driver.execute("CHECKPOINT")
    finally:
        await driver.close()


def files_with_traces(folder: Path) -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(folder)), trace)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
        for content in [path.read_bytes().lower()]
        for trace in TRACES
        if trace.encode() in content
    ]


async def test_ru5_an_erased_person_is_in_no_table_and_no_file_and_all_totals_stay(tmp_path: Path) -> None:
    with own_server() as (folder, url):
        await upgrade(url)
        engine = connect(url, pool_size=5)
        workspace, account = await add_workspace(engine)
        await load(engine, account, workspace, tmp_path)
        before, known = await totals(engine, workspace), await all_traces(engine)
        assert known.keys() >= {"inbox_events", "people", "leads", "matches", "audit_log"}, known
        assert known.keys() >= {"conversations", "chat_messages", "chat_questions"}, known
        erased = await erase(engine, workspace)
        assert (erased.addresses, erased.bookings, erased.leads) == (2, 2, 1)
        assert await all_traces(engine) == {}
        assert await totals(engine, workspace) == before
        await assert_consistent(engine, workspace)
        await engine.dispose()
        assert files_with_traces(folder) != [], "PostgreSQL keeps old rows in its files, and its log"
        await rewrite_files(url)
        assert files_with_traces(folder) == []


@pytest.fixture
async def booked(engine: AsyncEngine, workspace: UUID, account: UUID, tmp_path: Path) -> UUID:
    """The workspace, with the person's bookings and lead."""
    await import_file(engine, workspace, tmp_path, LEADS)
    await receive(engine, account, workspace, [*first_booking(), *next_booking()])
    return workspace


async def test_ru5_an_interrupted_erasure_changes_nothing_and_is_repeated(engine: AsyncEngine, booked: UUID) -> None:
    before = await all_traces(engine)

    def die(_: int) -> None:
        raise RuntimeError("the process dies while the log is replayed")

    with pytest.raises(RuntimeError):
        await erase_person(engine, SEAL, booked, EMAIL, actor="key:dpo", at=NOW, on_progress=die)
    assert await all_traces(engine) == before
    assert await fetch(engine, "SELECT count(*) FROM erased_addresses") == [(0,)]
    await erase(engine, booked)
    assert await all_traces(engine) == {}
    await assert_consistent(engine, booked)
    with pytest.raises(PersonUnknown):
        await erase(engine, booked)


async def test_ru5_late_webhooks_and_imports_bring_no_erased_person_back(
    engine: AsyncEngine, account: UUID, booked: UUID, tmp_path: Path
) -> None:
    await erase(engine, booked)
    people = await fetch(engine, "SELECT id, email, name FROM people ORDER BY id")
    await receive(engine, account, booked, [*first_booking(), *next_booking()])
    await import_file(engine, booked, tmp_path, LEADS + b"new@globex.example,New,Lead,Globex,Autumn,false,false\n")
    assert await all_traces(engine) == {}
    assert await fetch(engine, "SELECT id, email, name FROM people ORDER BY id") == people
    assert await fetch(engine, "SELECT count(*) FROM leads") == [(3,)]
    assert await fetch(engine, "SELECT count(*) FROM leads WHERE email LIKE 'erased-%'") == [(1,)]
    await assert_consistent(engine, booked)


async def test_ru5_a_new_booking_after_an_erasure_is_a_new_persons(
    engine: AsyncEngine, account: UUID, booked: UUID
) -> None:
    await erase(engine, booked)
    await receive(engine, account, booked, next_booking("zeph-again", EMAIL))
    names = await fetch(engine, "SELECT name FROM people WHERE email = $1", EMAIL)
    assert names == [(NAME,)]
    assert await fetch(engine, "SELECT count(*) FROM people WHERE email LIKE 'erased-%'") == [(2,)]
    await receive(engine, account, booked, first_booking())
    assert await fetch(engine, "SELECT count(*) FROM booking_attendees WHERE email = $1", EMAIL) == [(1,)]
    await erase(engine, booked)
    assert await all_traces(engine) == {}
    await assert_consistent(engine, booked)


async def test_ru5_nothing_planned_is_sent_to_an_erased_person(engine: AsyncEngine, booked: UUID) -> None:
    waiting = "SELECT count(*) FROM deliveries WHERE recipient = ANY($1::text[]) AND state = 'scheduled'"
    assert await fetch(engine, waiting, [EMAIL, TAGGED]) != [(0,)]
    erased = await erase(engine, booked, TAGGED)
    assert (erased.addresses, erased.leads) == (2, 1), "one mailbox"
    recipients = [row[0] for row in await fetch(engine, "SELECT email FROM people WHERE email LIKE 'erased-%'")]
    assert len(recipients) == 2
    assert await fetch(engine, waiting, [EMAIL, TAGGED, *recipients]) == [(0,)]
    async with transaction(engine) as tx:
        stopped = await suppressed(await driver_connection(tx), booked, recipients)
    assert {one.scope for one in stopped.values()} == {"all"}


async def test_ru5_teammates_and_hosts_are_not_erased(engine: AsyncEngine, booked: UUID) -> None:
    with pytest.raises(NotErasable, match="host"):
        await erase(engine, booked, "ben@outbound.example")
    async with transaction(engine) as tx:
        await teammates_store.add(tx, email=EMAIL, name="Z", now=NOW)
    with pytest.raises(NotErasable, match="teammate"):
        await erase(engine, booked)
    with pytest.raises(PersonUnknown):
        await erase(engine, booked, "nobody@globex.example")


async def test_ru5_a_body_that_is_replaced_without_a_new_link_is_found(engine: AsyncEngine, booked: UUID) -> None:
    """An erasure links what it redacts: whoever only removes the salt and changes the body does not."""
    await erase(engine, booked)
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        report = (await verify(connection, {"default": booked}, [])).chains["default"]
        assert (report.break_count, report.redacted_count > 0) == (0, True)
        await connection.execute(
            "UPDATE inbox_events SET body = body || ' ', digest = sha256(body || ' ') "
            "WHERE id = (SELECT event_id FROM chain ORDER BY number LIMIT 1)"
        )
        await connection.execute(
            "UPDATE chain SET salt = NULL WHERE event_id = (SELECT event_id FROM chain ORDER BY number LIMIT 1)"
        )
        report = (await verify(connection, {"default": booked}, [])).chains["default"]
        assert report.break_count == 1


async def test_ru5_a_requested_erasure_is_done_by_the_worker_once(engine: AsyncEngine, booked: UUID) -> None:
    ((person, _),) = await fetch(engine, "SELECT id, email FROM people WHERE email = $1", EMAIL)
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        asked = [
            await request_erasure(connection, SEAL, booked, person, EMAIL, actor="key:dpo", at=NOW) for _ in range(2)
        ]
    assert asked[0] == asked[1]
    await asyncio.gather(*(run_requested(engine, SEAL, lambda: NOW) for _ in range(2)))
    assert await all_traces(engine) == {}
    assert await fetch(engine, "SELECT count(*) FROM requested_erasures") == [(0,)]
    actions = await fetch(engine, "SELECT what, count(*) FROM privacy_actions GROUP BY 1 ORDER BY 1")
    assert actions == [("erased", 1), ("erasure_requested", 1)]
    ((actor, counts),) = await fetch(engine, "SELECT actor, counts FROM privacy_actions WHERE what = 'erased'")
    assert (actor, counts["bookings"]) == ("key:dpo", 2)
