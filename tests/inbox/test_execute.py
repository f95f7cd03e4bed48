"""A command is stored and projected at once: executed with all its effects, or refused permanently (PI11, PI12)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.commands.execute import CommandResult
from showup.database.engine import driver_connection, transaction
from showup.deals.deal import DealChange
from showup.events.booking import BookingAttached, OutcomeReported
from showup.events.deal import DealChanged, DealOpened
from showup.events.manual import ManualEvent
from showup.events.workspace import CompanyRecorded, Merged, MergeUndone, PersonRecorded, RulesChanged
from showup.inbox import store
from showup.inbox.apply import apply_pending
from showup.inbox.inbox_event import IncomingEvent
from tests.execute import ACTOR, execute
from tests.histories.table_contents import new_account
from tests.histories.webhooks import MONDAY, body, payload

START_TIME = datetime(2026, 9, 10, 12, tzinfo=UTC)
SARAH, SAM, LEE = "sarah@acme.example", "sam@acme.example", "lee@globex.example"


class Scenario:
    """A workspace that receives webhooks and commands, one each minute."""

    def __init__(self, engine: AsyncEngine, account: IncomingEvent) -> None:
        assert account.workspace_id is not None
        self.engine, self.account, self.workspace = engine, account, account.workspace_id
        self.now = MONDAY

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    async def receive(self, trigger: str, uid: str, *emails: str, at: datetime | None = None, **fields: Any) -> None:
        received_at = self.tick()
        raw_body = body(
            trigger, at or received_at, payload(uid, abs(hash(uid)) % 1000, START_TIME, list(emails), **fields)
        )
        incoming = IncomingEvent(
            account_id=self.account.account_id, workspace_id=self.workspace, body=raw_body, received_at=received_at
        )
        async with transaction(self.engine) as tx:
            await store.insert_events(await driver_connection(tx), [incoming])
        await apply_pending(self.engine, self.workspace, lambda: self.now, {})

    async def execute(self, event_type: type[ManualEvent], **fields: Any) -> CommandResult:
        return await execute(self.engine, self.workspace, event_type(**fields), at=self.tick())

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with transaction(self.engine) as tx:
            return [tuple(row) for row in await (await driver_connection(tx)).fetch(query, self.workspace)]

    async def deals(self) -> list[tuple[Any, ...]]:
        return await self.rows(
            "SELECT c.name, d.status, d.stage FROM deals d JOIN companies c ON c.id = d.company_id "
            "WHERE d.workspace_id = $1 ORDER BY c.name, d.position"
        )

    async def people(self) -> list[tuple[Any, ...]]:
        return await self.rows(
            "SELECT p.email, p.name, c.name FROM people p LEFT JOIN companies c ON c.id = p.company_id "
            "WHERE p.workspace_id = $1 ORDER BY p.email"
        )

    async def companies(self) -> list[str]:
        return [row[0] for row in await self.rows("SELECT name FROM companies WHERE workspace_id = $1 ORDER BY 1")]

    async def snapshot(self) -> list[tuple[Any, ...]]:
        """Return all current rows with their ids."""
        return [
            *await self.rows("SELECT id, email, name, company_id, created_at FROM people WHERE workspace_id = $1"),
            *await self.rows("SELECT id, key, name, created_at FROM companies WHERE workspace_id = $1"),
            *await self.rows("SELECT id, company_id, status, stage, opened_by FROM deals WHERE workspace_id = $1"),
            *await self.rows("SELECT id, person_id, company_id, deal_id FROM bookings WHERE workspace_id = $1"),
        ]


@pytest.fixture
async def scenario(engine: AsyncEngine) -> Scenario:
    return Scenario(engine, await new_account(engine))


async def test_an_outcome_is_applied_at_once(scenario: Scenario) -> None:
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    scenario.now = START_TIME
    result = await scenario.execute(OutcomeReported, subject="uid:alpha", outcome="showed")
    assert result.refused is None
    assert await scenario.deals() == [("acme.example", "active", "met")]
    (entry,) = await scenario.rows(
        "SELECT actor, what FROM audit_log WHERE workspace_id = $1 AND what = 'outcome.reported' ORDER BY number"
    )
    assert entry == (ACTOR, "outcome.reported")


async def test_a_deal_is_changed(scenario: Scenario) -> None:
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    change = DealChange(stage="proposal", amount=Decimal("1200.50"), currency="EUR")
    await scenario.execute(DealChanged, subject="uid:alpha", change=change)
    await scenario.receive("BOOKING_CREATED", "beta", SAM)
    assert await scenario.rows("SELECT stage, amount, currency FROM deals WHERE workspace_id = $1") == [
        ("proposal", Decimal("1200.50"), "EUR")
    ]


async def test_a_refused_command_changes_nothing_and_stays_refused(scenario: Scenario) -> None:
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    await scenario.receive("BOOKING_CANCELLED", "alpha", SARAH)
    result = await scenario.execute(DealChanged, subject="uid:alpha", change=DealChange(stage="proposal"))
    assert result.refused == "the deal is cancelled: only an active deal can change its stage"
    query = "SELECT state, because, actor FROM inbox_events WHERE workspace_id = $1 AND origin = 'manual'"
    assert await scenario.rows(query) == [("refused", result.refused, ACTOR)]
    # A late event shows that the other time was cancelled, so the deal was always active.
    early = MONDAY + timedelta(minutes=1, seconds=30)
    await scenario.receive("BOOKING_RESCHEDULED", "alpha-1", SARAH, at=early, rescheduleUid="alpha")
    assert await scenario.deals() == [("acme.example", "active", "booked")]
    assert await scenario.rows(query) == [("refused", result.refused, ACTOR)]


async def test_a_deal_without_a_booking_and_the_booking_that_joins_it(scenario: Scenario) -> None:
    result = await scenario.execute(DealOpened, company="domain:acme.example", change=DealChange(stage="proposal"))
    assert await scenario.deals() == [("acme.example", "active", "proposal")]
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    second = await scenario.execute(DealOpened, company="domain:acme.example")
    assert second.refused == "the company already has an active deal, and only one can be active at a time"
    await scenario.execute(DealChanged, subject=f"deal:{result.event_ids[0]}", change=DealChange(status="won"))
    assert await scenario.deals() == [("acme.example", "won", "proposal")]


async def test_a_booking_goes_to_another_company_with_its_deal(scenario: Scenario) -> None:
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    result = await scenario.execute(BookingAttached, subject="uid:alpha", company="domain:globex.example")
    assert result.refused is None
    assert await scenario.deals() == [("globex.example", "active", "booked")]


async def test_a_booking_goes_to_a_deal_of_another_company(scenario: Scenario) -> None:
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    await scenario.receive("BOOKING_CREATED", "gamma", LEE)
    await scenario.execute(BookingAttached, subject="uid:alpha", company="domain:globex.example", deal="uid:gamma")
    assert await scenario.deals() == [("globex.example", "active", "booked")]
    assert len(await scenario.rows("SELECT DISTINCT deal_id FROM bookings WHERE workspace_id = $1")) == 1


async def test_a_manual_correction_outlasts_the_source(scenario: Scenario) -> None:
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    await scenario.execute(PersonRecorded, email=SARAH, name="Sarah Q. Chen", company="domain:globex.example")
    await scenario.execute(CompanyRecorded, company="domain:acme.example", name="Acme Corp")
    await scenario.receive(
        "BOOKING_CREATED", "beta", SARAH, responses={"company": {"label": "company", "value": "ACME"}}
    )
    assert await scenario.people() == [(SARAH, "Sarah Q. Chen", "globex.example")]
    assert "Acme Corp" in await scenario.companies()


async def test_a_manually_entered_person_stays(scenario: Scenario) -> None:
    await scenario.execute(PersonRecorded, email="ann@new.example", name="Ann")
    result = await scenario.execute(CompanyRecorded, name="New Firm")
    await scenario.execute(PersonRecorded, email="ann@new.example", company=f"company:{result.event_ids[0]}")
    assert await scenario.people() == [("ann@new.example", "Ann", "New Firm")]


async def test_a_merge_of_people_can_be_undone(scenario: Scenario) -> None:
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    await scenario.receive("BOOKING_CREATED", "beta", SAM)
    before = await scenario.snapshot()
    result = await scenario.execute(Merged, kind="people", gone=SAM, stays=SARAH)
    assert [row[0] for row in await scenario.people()] == [SARAH]
    assert len(await scenario.rows("SELECT DISTINCT person_id FROM bookings WHERE workspace_id = $1")) == 1
    await scenario.receive("BOOKING_CREATED", "gamma", SAM)
    assert [row[0] for row in await scenario.people()] == [SARAH]
    await scenario.execute(MergeUndone, merge=result.event_ids[0])
    assert [row[0] for row in await scenario.people()] == [SAM, SARAH]
    await scenario.receive("BOOKING_CANCELLED", "gamma", SAM)
    assert {row for row in before if row[1] == SARAH} <= set(await scenario.snapshot())


async def test_a_merge_of_companies_can_be_undone(scenario: Scenario) -> None:
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    await scenario.receive("BOOKING_CREATED", "gamma", LEE)
    before = await scenario.snapshot()
    result = await scenario.execute(Merged, kind="companies", gone="domain:globex.example", stays="domain:acme.example")
    assert await scenario.companies() == ["acme.example"]
    assert await scenario.deals() == [("acme.example", "active", "booked")]
    await scenario.execute(MergeUndone, merge=result.event_ids[0])
    assert sorted(await scenario.snapshot(), key=repr) == sorted(before, key=repr)


@pytest.mark.parametrize("pair", [(SAM, SARAH), (SARAH, SAM)])
async def test_an_impossible_merge_is_refused(scenario: Scenario, pair: tuple[str, str]) -> None:
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH, SAM)
    await scenario.execute(Merged, kind="people", gone=SAM, stays=SARAH)
    result = await scenario.execute(Merged, kind="people", gone=pair[0], stays=pair[1])
    assert result.refused is not None


async def test_a_domain_marked_personal_has_no_company_and_no_deal(scenario: Scenario) -> None:
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    before = await scenario.snapshot()
    result = await scenario.execute(RulesChanged, changes={"personal_domains": ["acme.example"]}, since=None)
    assert result.refused is None
    assert (await scenario.companies(), await scenario.deals()) == ([], [])
    await scenario.execute(RulesChanged, changes={"personal_domains": []}, since=None)
    assert sorted(await scenario.snapshot(), key=repr) == sorted(before, key=repr)


@pytest.mark.parametrize(("since", "status"), [(None, "active"), (MONDAY + timedelta(days=1), "cancelled")])
async def test_a_rule_applies_from_its_since_time(scenario: Scenario, since: datetime | None, status: str) -> None:
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    await scenario.receive("BOOKING_CREATED", "beta", SAM)
    await scenario.receive("BOOKING_CANCELLED", "alpha", SARAH)
    assert (await scenario.execute(RulesChanged, changes={"cancel_deal": "last_meeting"}, since=since)).refused is None
    assert await scenario.deals() == [("acme.example", status, "booked")]


async def test_commands_sent_together_commit_or_fail_together(scenario: Scenario) -> None:
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    commands: list[ManualEvent] = [
        OutcomeReported(subject="uid:alpha", outcome="showed"),
        DealChanged(subject="uid:alpha", change=DealChange(stage="nowhere")),
    ]
    result = await execute(scenario.engine, scenario.workspace, *commands, at=scenario.tick())
    assert result.refused is not None
    assert await scenario.deals() == [("acme.example", "active", "booked")]
    states = await scenario.rows("SELECT state FROM inbox_events WHERE workspace_id = $1 AND origin = 'manual'")
    assert states == [("refused",), ("refused",)]


async def test_a_rule_change_sends_nothing_about_the_past(scenario: Scenario) -> None:
    await scenario.execute(RulesChanged, changes={"team_emails": [SARAH]}, since=None)
    await scenario.receive("BOOKING_CREATED", "alpha", SARAH)
    await scenario.execute(RulesChanged, changes={"team_emails": []}, since=None)
    deliveries = await scenario.rows(
        "SELECT kind, state, because FROM deliveries WHERE workspace_id = $1 ORDER BY due_at"
    )
    assert deliveries[0] == ("confirmation", "skipped", "the rules changed: Showup does not notify anyone of that")
    # What is still ahead stays planned: reminders, and the question how it went.
    planned = {("reminder", "scheduled"), ("outcome", "scheduled")}
    assert {(kind, state) for kind, state, _ in deliveries[1:]} == planned
