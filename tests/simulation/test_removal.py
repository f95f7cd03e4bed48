"""U03: sample and simulated data can be removed wholly, and the log stays verifiable."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import accounts_store, workspaces_store
from showup.access.permission import Permission
from showup.access.secrets_at_rest import Seal
from showup.campaigns.lead_file.file import LeadFile, ReadingOptions, open_lead_file
from showup.commands.import_leads import ImportRequest
from showup.commands.import_leads import import_leads as import_file
from showup.commands.sync_rules import sync_rules
from showup.container import build_projection_worker
from showup.database.engine import driver_connection, transaction
from showup.deals.deal import DealChange
from showup.events.booking import OutcomeReported
from showup.events.deal import DealChanged, DealOpened
from showup.events.workspace import CompanyRecorded, Merged, PersonRecorded
from showup.inbox import store
from showup.inbox.inbox_event import IncomingEvent, Origin
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.inbox.verification import verify
from showup.pipeline.rules import Rules
from showup.reads.attention import AttentionFilter, list_attention
from showup.reads.deals import DealFilter, list_deals
from showup.reads.keyset import PageRequest
from showup.reads.stats import stats
from showup.simulation.campaigns import lead_files
from showup.simulation.preparation import prepare, revoke_key
from showup.simulation.removal import Removed, remove_simulated
from showup.simulation.removal_store import SimulationKind
from showup.simulation.render import render
from showup.simulation.sample_loader import load_sample
from showup.simulation.workspace_removal import remove_workspace
from showup.simulation.world import make_world
from tests.execute import execute
from tests.histories.webhooks import body, payload

SEAL = Seal.from_setting("a key of thirty-two characters or more")
NOW = datetime(2026, 9, 15, 12, tzinfo=UTC)
ADMIN = Permission(actor="key:test", scope="admin", workspace_id=None)
LEADS = """
    SELECT l.email, c.name FROM leads l LEFT JOIN campaign_leads m ON m.lead_id = l.id
    LEFT JOIN campaigns c ON c.id = m.campaign_id ORDER BY 1, 2
"""
STATE = ("bookings", "people", "companies", "deals", "deliveries", "booking_refs", "booking_attendees", "deal_events")


def real_booking(uid: str, number: int, email: str) -> bytes:
    created = payload(uid, number, NOW + timedelta(days=number), [email])
    return body("BOOKING_CREATED", NOW - timedelta(hours=1), created)


async def receive(
    engine: AsyncEngine, account: UUID, workspace: UUID, bodies: Sequence[bytes], origin: Origin = "webhook"
) -> None:
    incoming = [
        IncomingEvent(account_id=account, workspace_id=workspace, body=one, received_at=NOW, origin=origin)
        for one in bodies
    ]
    async with transaction(engine) as tx:
        await store.insert_events(await driver_connection(tx), incoming)
    await drain(engine)


async def drain(engine: AsyncEngine) -> None:
    await build_projection_worker(engine, lambda: NOW).drain()


async def load(engine: AsyncEngine) -> None:
    async with transaction(engine) as tx:
        workspace = await workspaces_store.find(tx, "default")
        assert workspace is not None
        await load_sample(tx, SEAL, workspace, NOW)
    await drain(engine)


async def remove(engine: AsyncEngine, workspace: UUID, kind: SimulationKind) -> Removed:
    return await remove_simulated(engine, workspace, kind, on_start=lambda _: None, on_progress=lambda _: None)


async def rows(engine: AsyncEngine, query: str) -> list[tuple[Any, ...]]:
    async with transaction(engine) as tx:
        return [tuple(row) for row in await (await driver_connection(tx)).fetch(query)]


async def contents(engine: AsyncEngine) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the tables say, without ids and times of writing."""
    queries = {
        "bookings": "SELECT calcom_uid, title, status, simulated FROM bookings ORDER BY 1",
        "people": "SELECT email, name FROM people ORDER BY 1",
        "companies": "SELECT key, name FROM companies ORDER BY 1",
        "deals": "SELECT c.key, d.status, d.stage FROM deals d JOIN companies c ON c.id = d.company_id ORDER BY 1",
        "deliveries": "SELECT key, state FROM deliveries ORDER BY 1",
        "audit": "SELECT what, because, actor FROM audit_log ORDER BY order_key, 1, 2",
    }
    return {name: await rows(engine, query) for name, query in queries.items()}


async def assert_consistent(engine: AsyncEngine, workspace: UUID) -> None:
    """`showup verify` and `showup rebuild --check` find nothing."""
    async with transaction(engine) as tx:
        report = await verify(await driver_connection(tx), {"default": workspace}, [])
    assert report.to_dict()["ok"], report.to_dict()
    result = await rebuild(engine, RebuildOptions(workspace_ids=[workspace]))
    assert (result.differing, result.newly_readable) == (0, 0), result.examples


async def test_u03_removing_the_sample_leaves_what_would_be_without_it(
    engine: AsyncEngine, workspace: UUID, account: UUID
) -> None:
    real = [real_booking("unrelated-booking", 1, "ann@acme.com"), real_booking("lisa-for-real", 2, LISA)]
    await receive(engine, account, workspace, real)
    before = await contents(engine)
    await load(engine)
    await execute(
        engine,
        workspace,
        OutcomeReported(subject=await uid_of(engine, "Mike Johnson"), outcome="showed"),
        PersonRecorded(email="sarah.chen@acme.example", name="Sarah C."),
        at=NOW,
        actor="key:test",
    )
    removed = await remove(engine, workspace, "sample")
    assert (removed.bookings, removed.people, removed.companies, removed.events) == (5, 4, 4, 13)
    assert await contents(engine) == before
    assert await rows(engine, "SELECT count(*) FROM inbox_events WHERE body <> '' AND origin = 'sample'") == [(0,)]
    await assert_consistent(engine, workspace)
    await load(engine)
    assert await rows(engine, "SELECT count(*) FROM bookings WHERE simulated") == [(5,)], "it can be loaded again"
    await assert_consistent(engine, workspace)


LISA = "lisa.wong@dataflow.example"


async def real_company(engine: AsyncEngine, workspace: UUID, key: str | None) -> str:
    """Records a company and opens a deal of 50,000 EUR for it by hand, with a delivery about it; returns its key."""
    await execute(engine, workspace, CompanyRecorded(company=key, name="Real GmbH"), at=NOW)
    ((key,),) = await rows(engine, "SELECT key FROM companies WHERE name = 'Real GmbH'")
    value = DealChange(amount=Decimal(50_000), currency="EUR")
    await execute(engine, workspace, DealOpened(company=str(key), change=value), at=NOW)
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute(
            """
            INSERT INTO deliveries (id, workspace_id, key, destination, kind, booking_version, due_at, wake_at, state,
                                    because, created_at, updated_at, deal_id)
            SELECT gen_random_uuid(), workspace_id, 'about the real deal', 'slack', 'deal', 1, now(), now(),
                   'delivered', 'it was sent', now(), now(), id FROM deals WHERE amount = 50000
            """
        )
    return str(key)


REAL_DEAL = """
    SELECT c.name, d.amount, d.status, (SELECT count(*) FROM deliveries WHERE deal_id = d.id)
    FROM deals d JOIN companies c ON c.id = d.company_id WHERE d.amount IS NOT NULL
"""


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("key", ["domain:real.example", None], ids=["with a domain", "without a domain"])
@pytest.mark.parametrize("sample_first", [True, False])
@pytest.mark.parametrize("how", ["nothing", "person moved", "companies merged", "sample merged into it"])
async def test_u03_what_people_entered_is_never_removed(
    engine: AsyncEngine, workspace: UUID, key: str | None, how: str, sample_first: bool
) -> None:
    """A company that a person recorded, or opened a deal for, is real, whoever of the sample is put into it."""
    if sample_first:
        await load(engine)
    real = await real_company(engine, workspace, key)
    if not sample_first:
        await load(engine)
    match how:
        case "person moved":
            await execute(engine, workspace, PersonRecorded(email=LISA, company=real), at=NOW)
        case "companies merged":
            await execute(
                engine, workspace, Merged(kind="companies", gone=real, stays="domain:dataflow.example"), at=NOW
            )
        case "sample merged into it":
            await execute(
                engine, workspace, Merged(kind="companies", gone="domain:dataflow.example", stays=real), at=NOW
            )
    ((opened_by,),) = await rows(engine, "SELECT opened_by FROM deals WHERE amount = 50000")
    won = DealChanged(subject=f"deal:{opened_by}", change=DealChange(status="won"))
    await execute(engine, workspace, won, at=NOW + timedelta(minutes=1))
    before = await rows(engine, REAL_DEAL)
    assert [row[1:] for row in before] == [(50_000, "won", 1)]
    removed = await remove(engine, workspace, "sample")
    assert (removed.bookings, removed.people) == (5, 5)
    assert [row[1:] for row in await rows(engine, REAL_DEAL)] == [(50_000, "won", 1)]
    if how != "companies merged":
        assert await rows(engine, "SELECT name FROM companies") == [("Real GmbH",)]
    assert await rows(engine, "SELECT count(*) FROM people") == [(0,)]
    await assert_consistent(engine, workspace)


@pytest.mark.usefixtures("account")
async def test_u03_a_deal_that_a_person_opened_for_a_sample_company_stays(engine: AsyncEngine, workspace: UUID) -> None:
    """Growth Partners has no active deal: its own was cancelled."""
    await load(engine)
    ((key,),) = await rows(engine, "SELECT key FROM companies WHERE name = 'Growth Partners'")
    opened = DealOpened(company=key, change=DealChange(amount=Decimal(50_000), currency="EUR"))
    await execute(engine, workspace, opened, at=NOW + timedelta(minutes=1))
    assert await rows(engine, "SELECT count(*) FROM deals WHERE amount = 50000") == [(1,)]
    assert (await remove(engine, workspace, "sample")).companies == 4
    assert await rows(engine, "SELECT amount, status FROM deals") == [(50_000, "active")]
    await assert_consistent(engine, workspace)


@pytest.mark.usefixtures("account")
async def test_u03_a_person_who_was_recorded_before_the_sample_stays(engine: AsyncEngine, workspace: UUID) -> None:
    await execute(engine, workspace, PersonRecorded(email=LISA, name="Lisa W."), at=NOW)
    before = await contents(engine)
    await load(engine)
    await execute(engine, workspace, PersonRecorded(email=LISA, phone="+34600111222"), at=NOW)
    assert (await remove(engine, workspace, "sample")).people == 4
    assert (await contents(engine))["people"] == before["people"]
    await assert_consistent(engine, workspace)


@pytest.mark.usefixtures("account")
async def test_u03_a_new_name_of_a_sample_company_goes_with_it(engine: AsyncEngine, workspace: UUID) -> None:
    await load(engine)
    await execute(engine, workspace, CompanyRecorded(company="domain:dataflow.example", name="DataFlow"), at=NOW)
    assert (await remove(engine, workspace, "sample")).companies == 5
    assert await rows(engine, "SELECT count(*) FROM companies") == [(0,)]
    await assert_consistent(engine, workspace)


@pytest.mark.usefixtures("account")
async def test_u03_no_address_of_the_sample_stays_anywhere(engine: AsyncEngine, workspace: UUID) -> None:
    """Calendar entries have the attendees' addresses, and redirects lead to nothing."""
    await load(engine)
    async with transaction(engine) as tx:
        driver = await driver_connection(tx)
        await driver.execute(
            """
            INSERT INTO calendar_entries (workspace_id, uid, recipient, booking_id, method, sequence, organizer,
                                          start_time, sent_at)
            SELECT b.workspace_id, b.calcom_uid, p.email, b.id, 'REQUEST', 0, 'hanna@host.example', now(), now()
            FROM bookings b JOIN people p ON p.id = b.person_id
            """
        )
        await driver.execute("INSERT INTO deal_aliases SELECT gen_random_uuid(), id, workspace_id FROM bookings")
        await driver.execute(
            "INSERT INTO calendar_entries VALUES ($1, 'real', 'ann@acme.com', $1, 'REQUEST', 0, '', $2, $2)",
            workspace,
            NOW,
        )
    await remove(engine, workspace, "sample")
    assert await rows(engine, "SELECT uid FROM calendar_entries") == [("real",)]
    assert await rows(engine, "SELECT count(*) FROM deal_aliases") == [(0,)]


async def uid_of(engine: AsyncEngine, person: str) -> str:
    query = f"SELECT b.calcom_uid FROM bookings b JOIN people p ON p.id = b.person_id WHERE p.name = '{person}'"  # noqa: S608
    ((uid,),) = await rows(engine, query)
    return f"uid:{uid}"


async def test_u03_a_simulations_workspace_goes_unless_something_else_is_in_it(
    engine: AsyncEngine,
) -> None:
    """A rule that the settings set in every workspace is nothing that a person made; an active key is."""
    async with transaction(engine) as tx:
        prepared = await prepare(tx, SEAL, NOW)
        workspace = await workspaces_store.find(tx, "simulation")
        accounts = await accounts_store.list_accounts(tx, ["simulated-1"])
    assert workspace is not None
    bodies = [render(webhook) for webhook in make_world(3, NOW, 20).webhooks]
    await receive(engine, accounts[0].id, workspace.id, [*bodies, bodies[0]], "simulation")
    async with transaction(engine) as tx:
        await sync_rules(await driver_connection(tx), workspace.id, Rules(cancel_deal="last_meeting"), NOW)
    assert await remove_workspace(engine, SEAL, wait=0) == "other events or records"
    await remove(engine, workspace.id, "simulation")
    assert await remove_workspace(engine, SEAL, wait=0) == "active API keys"
    async with transaction(engine) as tx:
        await revoke_key(tx, prepared, NOW)
    assert await remove_workspace(engine, SEAL, wait=0) is None
    for table in ("workspaces WHERE slug = 'simulation'", "connections", "inbox_events", "chain", "rules", "api_keys"):
        assert await rows(engine, f"SELECT count(*) FROM {table}") == [(0,)], table  # noqa: S608
    assert await remove_workspace(engine, SEAL, wait=0) is None


async def test_u03_removing_simulations_leaves_sample_and_real_data(
    engine: AsyncEngine, workspace: UUID, account: UUID
) -> None:
    await load(engine)
    await receive(engine, account, workspace, [real_booking("unrelated-booking", 1, "ann@acme.com")])
    before = await contents(engine)
    world = make_world(3, NOW, 60)
    await receive(engine, account, workspace, [render(webhook) for webhook in world.webhooks], "simulation")
    assert (await remove(engine, workspace, "simulation")).bookings > 5
    assert await contents(engine) == before
    await assert_consistent(engine, workspace)
    assert await remove(engine, workspace, "simulation") == Removed(), "a second time, there is nothing"


async def test_u03_removing_simulations_never_removes_a_real_webhook(
    engine: AsyncEngine, workspace: UUID, account: UUID
) -> None:
    """A simulated webhook about a real booking hides it from the numbers; without that webhook, it is real again."""
    await receive(engine, account, workspace, [real_booking("real", 1, "ann@acme.com")])
    before = await contents(engine)
    moved = payload("real", 1, NOW + timedelta(days=2), ["ann@acme.com"])
    await receive(engine, account, workspace, [body("BOOKING_CANCELLED", NOW, moved)], "simulation")
    assert await rows(engine, "SELECT status, simulated FROM bookings") == [("CANCELLED", True)]
    removed = await remove(engine, workspace, "simulation")
    assert (removed.bookings, removed.events) == (0, 1)
    assert (await contents(engine))["bookings"] == before["bookings"]
    await assert_consistent(engine, workspace)


async def test_u03_what_waits_to_be_applied_is_removed_too(engine: AsyncEngine, workspace: UUID) -> None:
    async with transaction(engine) as tx:
        default = await workspaces_store.find(tx, "default")
        assert default is not None
        await load_sample(tx, SEAL, default, NOW)
    assert (await remove(engine, workspace, "sample")).events == 11
    await drain(engine)
    assert await rows(engine, "SELECT count(*) FROM inbox_events") == [(0,)]


@pytest.mark.usefixtures("account")
async def test_m11_lisas_deal_stands_on_proposal_moved_by_a_person(engine: AsyncEngine) -> None:
    """M11: seed 000's table, exactly (AP5)."""
    await load(engine)
    query = """
        SELECT c.name, p.name, d.stage, d.status FROM deals d JOIN companies c ON c.id = d.company_id
        JOIN people p ON p.company_id = c.id ORDER BY 1
    """
    assert await rows(engine, query) == [
        ("Acme Corp", "Sarah Chen", "booked", "active"),
        ("DataFlow Systems", "Lisa Wong", "proposal", "active"),
        ("Growth Partners", "James Miller", "booked", "cancelled"),
        ("Nexus Ventures", "Anna Smith", "booked", "active"),
        ("TechStart Inc", "Mike Johnson", "met", "active"),
    ]
    moved = await rows(
        engine, "SELECT actor FROM audit_log WHERE what LIKE 'deal.%' AND change->'stage' @> '[\"proposal\"]'"
    )
    assert moved == [("sample",)]


async def test_u03_numbers_leave_out_simulated_data(engine: AsyncEngine, workspace: UUID, account: UUID) -> None:
    """A company with a real and a simulated booking is real."""
    await load(engine)
    await receive(engine, account, workspace, [real_booking("lisa-for-real", 2, LISA)])
    async with engine.connect() as tx:
        period: dict[str, Any] = {"starts_from": None, "starts_before": None, "now": NOW}
        real = await stats(tx, ADMIN, **period)
        everything = await stats(tx, ADMIN, **period, simulated="all")
        marked = await list_deals(tx, ADMIN, DealFilter(), PageRequest(sort="created_at", limit=50))
        of_real = await list_deals(tx, ADMIN, DealFilter(simulated="false"), PageRequest(sort="amount", limit=50))
    assert (real["companies"], real["people"], real["bookings"]["total"]) == (1, 1, 1)
    assert (everything["companies"], everything["people"], everything["bookings"]["total"]) == (5, 5, 6)
    assert sum(real["deals"]["by_status"].values()) == 1
    assert {deal["company"]["name"]: deal["simulated"] for deal in marked.items} == {
        "Acme Corp": True,
        "TechStart Inc": True,
        "DataFlow Systems": False,
        "Growth Partners": True,
        "Nexus Ventures": True,
    }
    assert [deal["company"]["name"] for deal in of_real.items] == ["DataFlow Systems"]


@pytest.mark.usefixtures("account")
async def test_u03_simulated_data_needs_nobodys_attention(engine: AsyncEngine, workspace: UUID) -> None:
    """The meeting of a deal that a person moved on is cancelled: of a real one, somebody would have to decide."""
    await load(engine)
    lisa = await uid_of(engine, "Lisa Wong")
    cancelled = payload(lisa.removeprefix("uid:"), 9_000_003, NOW + timedelta(days=1), [LISA])
    ((account,),) = await rows(engine, "SELECT id FROM connections LIMIT 1")
    await receive(engine, account, workspace, [body("BOOKING_CANCELLED", NOW, cancelled)])
    async with engine.connect() as tx:
        page = PageRequest(sort="-at", limit=50)
        found = await list_attention(tx, ADMIN, AttentionFilter(), page, NOW)
    assert await rows(engine, "SELECT count(*) FROM audit_log WHERE what = 'deal.meeting_cancelled'") == [(1,)]
    assert found.items == []


def open_leads(path: Path, content: bytes) -> LeadFile:
    path.write_bytes(content)
    return open_lead_file(path, ReadingOptions())


async def import_leads(engine: AsyncEngine, workspace: UUID, path: Path, files: Iterable[bytes], actor: str) -> None:
    for content in files:
        file = open_leads(path, content)
        request = ImportRequest(workspace_id=workspace, file=file, file_name=path.name, campaign="Other", actor=actor)
        await import_file(engine, request, lambda: NOW)


async def test_removing_simulations_removes_the_leads_that_they_imported_and_no_other(
    engine: AsyncEngine, workspace: UUID, account: UUID, tmp_path: Path
) -> None:
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute("UPDATE workspaces SET slug = 'simulation'")
    world = make_world(3, NOW, 60, with_campaigns=True)
    booked = next(one for one in world.leads if one.attendee is not None and one.address == "same")
    path = tmp_path / "leads.csv"
    others = [f"Email\n{booked.email}\nann@acme.com\n".encode()]
    await import_leads(engine, workspace, path, others, "key:ops")
    leads_before = await rows(engine, LEADS)
    await import_leads(engine, workspace, path, lead_files(world.leads), "key:simulation-20260915120000-abc")
    await receive(engine, account, workspace, [render(webhook) for webhook in world.webhooks], "simulation")
    removed = await remove(engine, workspace, "simulation")
    assert removed.leads == len({one.email.lower() for one in world.leads}) - 1
    assert await rows(engine, LEADS) == leads_before
    assert await rows(engine, "SELECT count(*) FROM campaigns") == [(1,)]
    assert await rows(engine, "SELECT count(*) FROM lead_imports") == [(1,)]
    assert await rows(engine, "SELECT count(*) FROM matches") == [(0,)]
    await assert_consistent(engine, workspace)
