"""PI10, PI13: whatever was done to what stands is found, and put right from the log, and nobody is told anything."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import raw, transaction
from showup.inbox.apply import apply_some, lock_key
from showup.inbox.rebuild import shadow
from showup.inbox.rebuild.compared import COMPARED, LEFT_OUT
from showup.inbox.rebuild.run import StillDiffers
from tests.rebuild.conftest import damage, differing, rows, run, told
from tests.rebuild.damages import DAMAGES
from tests.stories.calendar import SARAH, Meeting, Week
from tests.stories.tables import WORKSPACE, hear, tell


@pytest.mark.parametrize("name", DAMAGES)
async def test_damage_is_found_and_healed(engine: AsyncEngine, name: str) -> None:
    done = DAMAGES[name]
    await told(engine)
    ids = await rows(
        engine, "SELECT id FROM deals UNION SELECT id FROM people UNION SELECT id FROM bookings ORDER BY 1"
    )
    assert await differing(engine) == set()
    await damage(engine, done.statements)
    assert await differing(engine) == done.found
    put_right = await run(engine, applied=True)
    assert put_right.differing > 0
    assert await differing(engine) == set()
    assert (
        await rows(engine, "SELECT id FROM deals UNION SELECT id FROM people UNION SELECT id FROM bookings ORDER BY 1")
        == ids
    )


async def test_new_lines_of_the_journal_get_new_places_in_the_feed(engine: AsyncEngine) -> None:
    await told(engine)
    before = (await rows(engine, "SELECT feed_number FROM workspaces"))[0][0]
    await damage(engine, "DELETE FROM journal WHERE what LIKE 'deal.%'")
    gone = (await run(engine, applied=True)).differing
    numbers = await rows(engine, "SELECT number FROM journal WHERE number > $1 ORDER BY 1", before)
    assert [row[0] for row in numbers] == list(range(before + 1, before + gone + 1))
    assert (await rows(engine, "SELECT feed_number FROM workspaces"))[0][0] == before + gone


async def test_what_was_told_stays_and_nothing_new_is_told(engine: AsyncEngine) -> None:
    await told(engine)
    gone = await rows(engine, "DELETE FROM deliveries WHERE state = 'scheduled' AND kind = 'confirm' RETURNING key")
    await damage(
        engine,
        """
        UPDATE deliveries SET state = 'delivered', recipient = 'old@acme.example' WHERE kind <> 'remind';
        UPDATE deliveries SET state = 'skipped', because = 'too late' WHERE state = 'scheduled';
        INSERT INTO deliveries (id, workspace_id, booking_id, event_id, key, destination, kind, booking_version, due_at,
                                wake_at, state, created_at, updated_at)
        SELECT gen_random_uuid(), workspace_id, booking_id, event_id, key || '!', destination, kind, 1, due_at,
               due_at, 'scheduled', now(), now() FROM deliveries LIMIT 1
        """,
    )
    assert await differing(engine) == {"deliveries missing", "deliveries extra"}
    await run(engine, applied=True)
    found = await rows(engine, "SELECT kind, state, because, recipient, key FROM deliveries")
    assert {row["state"] for row in found} == {"skipped", "delivered", "withdrawn"}
    assert {row["because"] for row in found if (row["key"],) in gone} == {"a rebuild tells nobody"}
    assert {row["recipient"] for row in found if row["state"] == "delivered"} == {"old@acme.example"}
    assert {row["state"] for row in found if row["key"].endswith("!")} == {"withdrawn"}
    assert await differing(engine) == set()


async def test_a_withdrawn_delivery_is_not_called_back(engine: AsyncEngine) -> None:
    await told(engine)
    await damage(engine, "UPDATE deliveries SET state = 'withdrawn', because = 'no' WHERE state = 'scheduled'")
    assert await differing(engine) == {"deliveries changed"}
    await run(engine, applied=True)
    assert await rows(engine, "SELECT FROM deliveries WHERE state = 'scheduled'") == []
    assert await differing(engine) == set()


async def test_a_check_changes_nothing(engine: AsyncEngine) -> None:
    await told(engine)
    await damage(engine, "UPDATE deals SET stage = 'negotiation'", "DELETE FROM journal")

    async def everything() -> list[list[tuple[str]]]:
        found = []
        for name in (*shadow.FOLDED, "calcom_events", "workspaces"):
            query = f"SELECT t::text FROM {name} t ORDER BY 1"  # noqa: S608  # the names of our own tables
            found.append([tuple(row) for row in await rows(engine, query)])
        return found

    before = await everything()
    assert (await run(engine)).differing > 0
    assert await everything() == before


async def test_events_not_applied_yet_and_refused_ones_are_left_out_and_counted(engine: AsyncEngine) -> None:
    await told(engine)
    await damage(engine, "UPDATE calcom_events SET state = 'refused', booking_id = NULL WHERE origin = 'hand'")
    await damage(
        engine,
        "INSERT INTO calcom_events (id, account_id, workspace_id, received_at, digest, body) "
        "SELECT gen_random_uuid(), account_id, workspace_id, received_at, 'x', body FROM calcom_events "
        "WHERE trigger = 'BOOKING_CANCELLED'",
    )
    found = await run(engine)
    assert found.left == {"kept": 1, "refused": 1}
    assert ("calcom_events", "changed") not in {(one.table, one.kind) for one in found.examples}


async def test_what_was_set_aside_is_read_again_and_only_told(engine: AsyncEngine) -> None:
    await told(engine)
    await damage(
        engine,
        "INSERT INTO calcom_events (id, account_id, workspace_id, received_at, digest, body, state, number) SELECT "
        "gen_random_uuid(), account_id, workspace_id, received_at, 'x', body, 'unreadable', 900 FROM calcom_events "
        "WHERE trigger = 'BOOKING_CANCELLED'",
        "INSERT INTO calcom_events (id, account_id, workspace_id, received_at, digest, body, state, number) SELECT "
        "gen_random_uuid(), account_id, workspace_id, received_at, 'y', '{', 'unreadable', 901 FROM calcom_events "
        "WHERE trigger = 'BOOKING_CANCELLED' AND state = 'applied'",
    )
    found = await run(engine)
    assert (found.differing, found.otherwise) == (0, 1)


async def test_an_apply_waits_for_whoever_moves_the_pipeline_and_they_for_it(engine: AsyncEngine) -> None:
    await told(engine)
    async with transaction(engine) as tx:
        await (await raw(tx)).execute("SELECT pg_advisory_xact_lock($1)", lock_key(WORKSPACE))
        applying = asyncio.create_task(run(engine, applied=True))
        async with transaction(engine) as other:
            connection = await raw(other)
            waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
            while not await connection.fetchval(waits):  # noqa: ASYNC110  # a lock that is waited for makes no event
                await asyncio.sleep(0.01)
        assert not applying.done()
        checked = await run(engine)
    assert checked.differing == (await applying).differing == 0
    assert await apply_some(engine, WORKSPACE, system_clock) == 0


def test_every_table_that_is_folded_is_compared() -> None:
    """A table that somebody adds is folded into the shadow by itself, and must say here how it is compared."""
    assert {one.name for one in COMPARED} - {"calcom_events"} == set(shadow.FOLDED) - LEFT_OUT


async def test_what_a_rebuild_left_untold_stays_untold_when_its_story_goes_on(engine: AsyncEngine) -> None:
    week = Week()
    meeting = Meeting(week, "alpha", [SARAH], 1)
    meeting.make()
    await tell(engine, week.arrivals([]))
    await damage(engine, "DELETE FROM deliveries")
    await run(engine, applied=True)
    meeting.end()
    await hear(engine, week.arrivals([])[1:])
    assert {row["state"] for row in await rows(engine, "SELECT state FROM deliveries")} == {"skipped"}


async def test_what_can_not_be_put_right_is_left_as_it_was(engine: AsyncEngine) -> None:
    await told(engine)
    await damage(
        engine,
        "UPDATE deals SET stage = 'negotiation'; UPDATE bookings SET title = 'Another'",
        """
        CREATE FUNCTION insist() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN NEW.stage = 'negotiation'; RETURN NEW; END $$;
        CREATE TRIGGER insisted BEFORE INSERT OR UPDATE ON deals FOR EACH ROW EXECUTE FUNCTION insist()
        """,
    )
    with pytest.raises(StillDiffers):
        await run(engine, applied=True)
    assert {row["title"] for row in await rows(engine, "SELECT title FROM bookings")} == {"Another"}
