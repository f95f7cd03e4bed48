"""PI10, PI13: a rebuild finds every change of the tables, repairs it from the log, and notifies no one."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.container import event_handlers
from showup.database.engine import driver_connection, transaction
from showup.inbox.apply import apply_pending, lock_key
from showup.inbox.rebuild import shadow
from showup.inbox.rebuild.compared_tables import COMPARED_TABLES, IGNORED_TABLES
from showup.inbox.rebuild.run import RepairIncomplete
from tests.histories.calcom_week import SARAH, Meeting, Week
from tests.histories.table_contents import WORKSPACE, apply_batch, apply_history
from tests.rebuild.conftest import change_tables, differing_tables, fetch_rows, load_sample_week, run_rebuild
from tests.rebuild.damages import DAMAGES


@pytest.mark.parametrize("name", DAMAGES)
async def test_damage_is_detected_and_repaired(engine: AsyncEngine, name: str) -> None:
    case = DAMAGES[name]
    await load_sample_week(engine)
    ids = await fetch_rows(
        engine, "SELECT id FROM deals UNION SELECT id FROM people UNION SELECT id FROM bookings ORDER BY 1"
    )
    await change_tables(engine, case.statements)
    assert await differing_tables(engine) == case.differences
    repaired = await run_rebuild(engine, applied=True)
    assert repaired.differing > 0
    assert await differing_tables(engine) == set()
    assert (
        await fetch_rows(
            engine, "SELECT id FROM deals UNION SELECT id FROM people UNION SELECT id FROM bookings ORDER BY 1"
        )
        == ids
    )


async def test_new_audit_entries_get_new_feed_numbers(engine: AsyncEngine) -> None:
    await load_sample_week(engine)
    before = (await fetch_rows(engine, "SELECT feed_number FROM workspaces"))[0][0]
    await change_tables(engine, "DELETE FROM audit_log WHERE what LIKE 'deal.%'")
    deleted = (await run_rebuild(engine, applied=True)).differing
    numbers = await fetch_rows(engine, "SELECT number FROM audit_log WHERE number > $1 ORDER BY 1", before)
    assert [row[0] for row in numbers] == list(range(before + 1, before + deleted + 1))
    assert (await fetch_rows(engine, "SELECT feed_number FROM workspaces"))[0][0] == before + deleted


async def test_a_delivery_withdrawn_while_it_was_being_sent_keeps_its_times(engine: AsyncEngine) -> None:
    """An earlier reason for the same mail may arrive meanwhile: the row in flight is not rewritten."""
    await load_sample_week(engine)
    await change_tables(
        engine, "UPDATE deliveries SET due_at = due_at + interval '5 s', attempts = 1 WHERE state = 'withdrawn'"
    )
    assert await differing_tables(engine) == set()
    await change_tables(engine, "UPDATE deliveries SET attempts = 0 WHERE state = 'withdrawn'")
    assert await differing_tables(engine) == {"deliveries changed"}


async def test_sent_deliveries_stay_and_nothing_new_is_sent(engine: AsyncEngine) -> None:
    await load_sample_week(engine)
    deleted = await fetch_rows(
        engine, "DELETE FROM deliveries WHERE state = 'scheduled' AND kind = 'confirmation' RETURNING key"
    )
    await change_tables(
        engine,
        """
        UPDATE deliveries SET state = 'delivered', recipient = 'old@acme.example' WHERE kind <> 'reminder';
        UPDATE deliveries SET state = 'skipped', because = 'too late' WHERE state = 'scheduled';
        INSERT INTO deliveries (id, workspace_id, booking_id, event_id, key, destination, kind, booking_version, due_at,
                                wake_at, state, created_at, updated_at)
        SELECT gen_random_uuid(), workspace_id, booking_id, event_id, key || '!', destination, kind, 1, due_at,
               due_at, 'scheduled', now(), now() FROM deliveries LIMIT 1
        """,
    )
    assert await differing_tables(engine) == {"deliveries missing", "deliveries extra"}
    await run_rebuild(engine, applied=True)
    result = await fetch_rows(engine, "SELECT kind, state, because, recipient, key FROM deliveries")
    assert {row["state"] for row in result} == {"skipped", "delivered", "withdrawn"}
    assert {row["because"] for row in result if (row["key"],) in deleted} == {
        "not sent: a rebuild sends no notifications"
    }
    assert {row["recipient"] for row in result if row["state"] == "delivered"} == {"old@acme.example"}
    assert {row["state"] for row in result if row["key"].endswith("!")} == {"withdrawn"}
    assert await differing_tables(engine) == set()


async def test_a_withdrawn_delivery_stays_withdrawn(engine: AsyncEngine) -> None:
    await load_sample_week(engine)
    await change_tables(engine, "UPDATE deliveries SET state = 'withdrawn', because = 'no' WHERE state = 'scheduled'")
    assert await differing_tables(engine) == {"deliveries changed"}
    await run_rebuild(engine, applied=True)
    assert await fetch_rows(engine, "SELECT FROM deliveries WHERE state = 'scheduled'") == []
    assert await differing_tables(engine) == set()


async def test_a_check_changes_nothing(engine: AsyncEngine) -> None:
    await load_sample_week(engine)
    await change_tables(engine, "UPDATE deals SET stage = 'negotiation'", "DELETE FROM audit_log")

    async def snapshot() -> list[list[tuple[str]]]:
        tables = []
        for name in (*shadow.REPLAYED_TABLES, "inbox_events", "workspaces"):
            query = f"SELECT t::text FROM {name} t ORDER BY 1"  # noqa: S608  # the names of our own tables
            tables.append([tuple(row) for row in await fetch_rows(engine, query)])
        return tables

    before = await snapshot()
    assert (await run_rebuild(engine)).differing > 0
    assert await snapshot() == before


async def test_pending_and_refused_events_are_skipped_and_counted(engine: AsyncEngine) -> None:
    await load_sample_week(engine)
    await change_tables(engine, "UPDATE inbox_events SET state = 'refused', booking_id = NULL WHERE origin = 'manual'")
    await change_tables(
        engine,
        "INSERT INTO inbox_events (id, account_id, workspace_id, received_at, digest, body) "
        "SELECT gen_random_uuid(), account_id, workspace_id, received_at, 'x', body FROM inbox_events "
        "WHERE trigger = 'BOOKING_CANCELLED'",
    )
    result = await run_rebuild(engine)
    assert result.skipped == {"pending": 1, "refused": 1}
    assert ("inbox_events", "changed") not in {(one.table, one.kind) for one in result.examples}


async def test_unreadable_events_are_read_again_and_only_reported(engine: AsyncEngine) -> None:
    await load_sample_week(engine)
    await change_tables(
        engine,
        "INSERT INTO inbox_events (id, account_id, workspace_id, received_at, digest, body, state, number) SELECT "
        "gen_random_uuid(), account_id, workspace_id, received_at, 'x', body, 'unreadable', 900 FROM inbox_events "
        "WHERE trigger = 'BOOKING_CANCELLED'",
        "INSERT INTO inbox_events (id, account_id, workspace_id, received_at, digest, body, state, number) SELECT "
        "gen_random_uuid(), account_id, workspace_id, received_at, 'y', '{', 'unreadable', 901 FROM inbox_events "
        "WHERE trigger = 'BOOKING_CANCELLED' AND state = 'applied'",
    )
    result = await run_rebuild(engine)
    assert (result.differing, result.newly_readable) == (0, 1)


async def test_a_repair_and_the_projection_wait_for_each_other(engine: AsyncEngine) -> None:
    await load_sample_week(engine)
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute("SELECT pg_advisory_xact_lock($1)", lock_key(WORKSPACE))
        applying = asyncio.create_task(run_rebuild(engine, applied=True))
        async with transaction(engine) as other_tx:
            connection = await driver_connection(other_tx)
            query = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
            while not await connection.fetchval(query):  # noqa: ASYNC110  # a lock that is waited for makes no event
                await asyncio.sleep(0.01)
        assert not applying.done()
        checked = await run_rebuild(engine)
    assert checked.differing == (await applying).differing == 0
    assert await apply_pending(engine, WORKSPACE, system_clock, event_handlers()) == 0


def test_every_replayed_table_is_compared() -> None:
    """A new table is replayed automatically, so COMPARED_TABLES must define how to compare it."""
    assert {one.name for one in COMPARED_TABLES} - {"inbox_events"} == set(shadow.REPLAYED_TABLES) - IGNORED_TABLES


async def test_a_delivery_skipped_by_a_rebuild_stays_skipped_later(engine: AsyncEngine) -> None:
    week = Week()
    meeting = Meeting(week, "alpha", [SARAH], 1)
    meeting.create()
    await apply_history(engine, week.received_bodies([]))
    await change_tables(engine, "DELETE FROM deliveries")
    await run_rebuild(engine, applied=True)
    meeting.end()
    await apply_batch(engine, week.received_bodies([])[1:])
    assert {row["state"] for row in await fetch_rows(engine, "SELECT state FROM deliveries")} == {"skipped"}


async def test_a_failed_repair_changes_nothing(engine: AsyncEngine) -> None:
    await load_sample_week(engine)
    await change_tables(
        engine,
        "UPDATE deals SET stage = 'negotiation'; UPDATE bookings SET title = 'Another'",
        """
        CREATE FUNCTION insist() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN NEW.stage = 'negotiation'; RETURN NEW; END $$;
        CREATE TRIGGER insisted BEFORE INSERT OR UPDATE ON deals FOR EACH ROW EXECUTE FUNCTION insist()
        """,
    )
    with pytest.raises(RepairIncomplete):
        await run_rebuild(engine, applied=True)
    assert {row["title"] for row in await fetch_rows(engine, "SELECT title FROM bookings")} == {"Another"}
