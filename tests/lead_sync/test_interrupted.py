"""CA1: the import of many leads continues where it was interrupted; an EmailBison that fails breaks nothing.

The error scenarios are those of seed 002, here of EmailBison.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import asyncpg
import pytest

from showup.connections.sync_requests_store import request_sync
from showup.database.engine import driver_connection, transaction
from showup.reconcile.lead_sync import run
from showup.reconcile.lead_sync.importer import SyncFailed
from showup.reconcile.lead_sync.walk_store import Walk
from tests.destinations.fake_vendors.emailbison import FakeEmailBison
from tests.lead_sync.conftest import FOUNDERS
from tests.lead_sync.scenario import LeadSyncScenario
from tests.locks import wait_until_blocking
from tests.vendors.faults import VendorResponse

BATCH = run.PAGES_AT_ONCE * 15
"""So many leads are saved together."""


def add_leads(fake: FakeEmailBison, number: int) -> None:
    for one in range(number):
        fake.workspace.add_lead(f"lead{one}@acme.example", [FOUNDERS])


def slow_clock(bison: LeadSyncScenario) -> Callable[[], datetime]:
    """Returns a clock on which two seconds pass whenever somebody looks at it."""

    def look() -> datetime:
        bison.time.now += timedelta(seconds=2)
        return bison.time.now

    return look


_REPORT_ALL = """
    WITH made AS (
        INSERT INTO reported_leads (workspace_id, lead, reported_at)
        SELECT $1, id::text, now() FROM generate_series(1, 20) AS id RETURNING lead
    ) SELECT count(*) FROM made
"""


class TestImport:
    async def test_it_continues_where_it_stopped(self, bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
        add_leads(fake, BATCH + 100)
        calls_of_one_batch = 6 + run.PAGES_AT_ONCE
        fake.faults.queue(*[None] * (calls_of_one_batch + 2), "reset")
        await bison.sync()
        state = await bison.state()
        assert (state.available, state.import_state, state.read, state.expected) == (
            False,
            "running",
            BATCH,
            BATCH + 100,
        )
        # Came meanwhile, above the place where the walk continues.
        fake.workspace.add_lead("new@acme.example", [FOUNDERS])
        await bison.wait(minutes=1)
        bison.asked()
        await bison.sync()
        # The rest of the first walk, then the changes since it began: one page says that there are none.
        assert bison.asked().count("GET /leads") == 8
        state = await bison.state()
        assert (state.available, state.import_state, state.read) == (True, "done", BATCH + 100)
        await bison.wait(minutes=15)
        await bison.sync()
        assert len(await bison.emails()) == BATCH + 101

    async def test_a_long_one_is_read_in_parts(self, bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
        """Each part lasts less than a minute, so that other workspaces have their turn."""
        add_leads(fake, 100)
        parts: list[int] = []
        while not parts or (await bison.state()).import_state != "done":
            await bison.importer(slow_clock(bison)).poll_due()
            parts.append((await bison.state()).read)
            assert len(parts) < 20
        assert parts == sorted(parts)
        assert len(parts) > 2
        assert len(await bison.emails()) == 100

    async def test_many_statistics_and_reports_are_read_in_parts(
        self, bison: LeadSyncScenario, fake: FakeEmailBison
    ) -> None:
        for number in range(20):
            fake.workspace.add_campaign(200 + number, f"C{number}")
        add_leads(fake, 20)
        parts: list[tuple[int, int]] = []
        await bison.rows(_REPORT_ALL)
        while not parts or parts[-1] != (0, 22):
            await bison.importer(slow_clock(bison)).poll_due()
            state = await bison.state()
            parts.append((state.reported, len(await bison.table("campaign_totals"))))
            assert len(parts) < 20
            assert (state.statistics_read_at is None) == (parts[-1][1] < 22)
        assert 0 < parts[0][0] < 20
        assert any(0 < totals < 22 for _, totals in parts)

    async def test_a_cursor_that_emailbison_forgot_is_no_dead_end(
        self, bison: LeadSyncScenario, fake: FakeEmailBison
    ) -> None:
        add_leads(fake, 40)
        await bison.sync()
        await bison.rows(
            "UPDATE lead_walks SET cursor = 'gone', ended_at = NULL WHERE workspace_id = $1 AND list = 'leads' "
            "RETURNING list"
        )
        fake.workspace.add_lead("new@acme.example", [FOUNDERS])
        await bison.wait(minutes=15)
        await bison.sync()
        assert "new@acme.example" in await bison.emails()

    async def test_a_list_that_never_ends_does(self, bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
        pages = [VendorResponse(200, {"data": [], "meta": {"next_cursor": f"c{number}"}}) for number in range(5)]
        fake.faults.queue(None, None, None, None, *pages)
        await bison.sync()
        assert bison.asked().count("GET /replies") == 1
        assert (await bison.state()).available is True

    async def test_a_person_reads_all_again_and_sees_the_progress(
        self, bison: LeadSyncScenario, fake: FakeEmailBison
    ) -> None:
        add_leads(fake, 40)
        await bison.sync()
        fake.workspace.leads[1].company = "Renamed"
        seen: list[Walk] = []
        [source] = await bison.importer().sources()
        await bison.importer().sync_now(source, full=True, report_progress=seen.append)
        assert [(one.list, one.read, one.expected) for one in seen] == [
            ("replies", 0, None),
            ("leads", 40, 40),
            ("changed_leads", 0, None),
        ]
        assert len(await bison.emails()) == 40

    async def test_a_repeated_import_changes_nothing(self, bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
        add_leads(fake, 40)
        await bison.sync()
        before = await bison.memberships()
        [source] = await bison.importer().sources()
        await bison.importer().sync_now(source, full=True, report_progress=lambda _: None)
        assert await bison.memberships() == before


class TestErrorScenario1ApiDown:
    async def test_the_last_data_stays_and_the_state_says_so(
        self, bison: LeadSyncScenario, fake: FakeEmailBison
    ) -> None:
        add_leads(fake, 3)
        await bison.sync()
        good_sync, before = bison.clock(), await bison.memberships()
        for fault in ("500", "reset", "html", "401", "garbled"):
            await bison.wait(minutes=15)
            fake.faults.queue(fault)
            await bison.sync()
            state = await bison.state()
            assert (state.available, state.last_synced_at) == (False, good_sync), fault
            assert state.message is not None
            assert state.message.startswith("EmailBison data unavailable (")
            assert state.message.endswith("min); last good sync 2026-09-14 12:00 UTC")
            assert fake.key not in state.message
        assert await bison.memberships() == before

    async def test_retries_come_after_ever_longer_pauses(self, bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
        await bison.sync()
        await bison.wait(minutes=15)
        fake.faults.queue(*["503"] * 5)
        pauses = []
        for _ in range(5):
            await bison.sync()
            state = await bison.state()
            pauses.append((state.next_at - bison.clock()).total_seconds() / 60)
            bison.time.now = state.next_at
        assert pauses == [1, 2, 4, 8, 15]
        await bison.sync()
        assert ((await bison.state()).available, (await bison.state()).message) == (True, None)

    async def test_nonsense_is_not_stored(self, bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
        nonsense = {"id": 10**12, "name": "x", "emails_sent": "many"}
        fake.faults.queue(None, VendorResponse(200, {"data": [nonsense], "meta": {"last_page": 1}}))
        await bison.sync()
        state = await bison.state()
        assert state.available is False
        assert state.message is not None
        assert "the response is malformed" in state.message
        assert await bison.table("campaigns") == []

    async def test_a_short_rate_limit_is_waited_for(self, bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
        add_leads(fake, 3)
        fake.faults.queue(None, "429", None, None, None, "429")
        await bison.sync()
        assert (await bison.state()).available is True
        assert len(await bison.emails()) == 3

    async def test_a_limit_without_an_end_is_an_outage(self, bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
        fake.faults.queue(*["429"] * 10)
        await bison.sync()
        state = await bison.state()
        assert state.available is False
        assert state.message is not None
        assert "rate limit reached" in state.message

    async def test_a_sync_by_a_person_says_why_it_failed(self, bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
        [source] = await bison.importer().sources()
        fake.faults.queue("401")
        with pytest.raises(SyncFailed, match="EmailBison rejected the API token"):
            await bison.importer().sync_now(source, full=False, report_progress=lambda _: None)

    async def test_one_that_nobody_reads_is_reported(self, bison: LeadSyncScenario) -> None:
        await bison.sync()
        await bison.wait(hours=1)
        state = await bison.state()
        assert state.available is False
        assert state.message is not None
        assert "no process reads it" in state.message


class TestErrorScenario2WebhookDeliveryFailure:
    async def test_the_poll_finds_what_no_webhook_brought(self, bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
        ann = fake.workspace.add_lead("ann@acme.example", [FOUNDERS])
        await bison.sync()
        await bison.wait(minutes=15)
        fake.workspace.reply(ann, FOUNDERS, bison.clock(), interested=True)
        await bison.sync()
        assert (await bison.memberships())[0][3:6] == (True, True, bison.clock())


async def test_a_process_that_dies_leaves_its_lease(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    """Another process continues after two minutes, with what was committed."""
    add_leads(fake, 40)
    fake.faults.queue(None, "hang")
    dying = asyncio.create_task(bison.sync())
    await asyncio.to_thread(fake.arrived.acquire)
    await asyncio.to_thread(fake.arrived.acquire)
    async with transaction(bison.engine) as tx:
        held = await _lease(await driver_connection(tx))
    assert held is not None
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    fake.release()
    await bison.wait(minutes=3)
    await bison.sync()
    assert len(await bison.emails()) == 40


@pytest.mark.parametrize("table", ["lead_sources", "lead_walks", "campaign_totals"])
async def test_a_request_to_read_all_again_and_a_run_wait_for_each_other(
    bison: LeadSyncScenario, fake: FakeEmailBison, table: str
) -> None:
    """A run changes its data, then extends its lease: a request must not hold the lease while it waits for the data."""
    add_leads(fake, 1)
    await bison.sync()
    async with transaction(bison.engine) as tx:
        connection = await driver_connection(tx)
        await connection.execute(f"UPDATE {table} SET workspace_id = workspace_id")  # noqa: S608  # fixed names
        request = asyncio.create_task(_request_all(bison))
        await wait_until_blocking(connection)
        await connection.execute("UPDATE syncs SET leased_until = leased_until")
    assert await request is True


async def _request_all(bison: LeadSyncScenario) -> bool:
    async with transaction(bison.engine) as tx:
        return await request_sync(await driver_connection(tx), bison.connection_id, bison.clock(), full=True)


async def _lease(connection: asyncpg.Connection) -> object:
    return await connection.fetchval("SELECT leased_until FROM syncs")
