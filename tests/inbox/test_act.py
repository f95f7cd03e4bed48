"""What people do is kept and advanced at once: done with all that follows from it, or refused for good (PI11, PI12)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.deals.deal import DealChange
from showup.inbox import store
from showup.inbox.act import Acted, act
from showup.inbox.apply import apply_some
from showup.inbox.raw_event import Incoming
from showup.sources.hand.command import (
    ChangeDeal,
    ChangeRules,
    Command,
    Merge,
    MoveBooking,
    OpenDeal,
    RecordCompany,
    RecordPerson,
    ReportOutcome,
    UndoMerge,
)
from tests.stories.tables import new_account
from tests.stories.webhooks import MONDAY, body, payload

WHO = "key:ops"
START = datetime(2026, 9, 10, 12, tzinfo=UTC)
SARAH, SAM, LEE = "sarah@acme.example", "sam@acme.example", "lee@globex.example"


class Desk:
    """A workspace in which webhooks arrive and people act, one minute after the other."""

    def __init__(self, engine: AsyncEngine, account: Incoming) -> None:
        assert account.workspace_id is not None
        self.engine, self.account, self.workspace = engine, account, account.workspace_id
        self.now = MONDAY

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    async def hear(self, trigger: str, uid: str, *emails: str, at: datetime | None = None, **more: Any) -> None:
        heard = self.tick()
        raw_body = body(trigger, at or heard, payload(uid, abs(hash(uid)) % 1000, START, list(emails), **more))
        incoming = Incoming(
            account_id=self.account.account_id, workspace_id=self.workspace, body=raw_body, received_at=heard
        )
        async with transaction(self.engine) as tx:
            await store.keep_all(await raw(tx), [incoming])
        await apply_some(self.engine, self.workspace, lambda: self.now)

    async def act(self, what: type[Command], **fields: Any) -> Acted:
        command = what(at=self.tick(), actor=WHO, **fields)
        async with transaction(self.engine) as tx:
            return await act(await raw(tx), self.workspace, [command], self.now)

    async def rows(self, question: str) -> list[tuple[Any, ...]]:
        async with transaction(self.engine) as tx:
            return [tuple(row) for row in await (await raw(tx)).fetch(question, self.workspace)]

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

    async def all_of(self) -> list[tuple[Any, ...]]:
        """Everything that stands, with its ids."""
        return [
            *await self.rows("SELECT id, email, name, company_id, created_at FROM people WHERE workspace_id = $1"),
            *await self.rows("SELECT id, key, name, created_at FROM companies WHERE workspace_id = $1"),
            *await self.rows("SELECT id, company_id, status, stage, opened_by FROM deals WHERE workspace_id = $1"),
            *await self.rows("SELECT id, person_id, company_id, deal_id FROM bookings WHERE workspace_id = $1"),
        ]


@pytest.fixture
async def desk(engine: AsyncEngine) -> Desk:
    return Desk(engine, await new_account(engine))


async def test_an_outcome_is_seen_at_once(desk: Desk) -> None:
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    done = await desk.act(ReportOutcome, booking="uid:alpha", outcome="showed")
    assert done.refused is None
    assert await desk.deals() == [("acme.example", "active", "met")]
    (line,) = await desk.rows(
        "SELECT actor, what FROM journal WHERE workspace_id = $1 AND what = 'outcome.reported' ORDER BY number"
    )
    assert line == (WHO, "outcome.reported")


async def test_a_deal_is_changed(desk: Desk) -> None:
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    change = DealChange(stage="proposal", amount=Decimal("1200.50"), currency="EUR")
    await desk.act(ChangeDeal, deal="uid:alpha", change=change)
    await desk.hear("BOOKING_CREATED", "beta", SAM)
    assert await desk.rows("SELECT stage, amount, currency FROM deals WHERE workspace_id = $1") == [
        ("proposal", Decimal("1200.50"), "EUR")
    ]


async def test_what_is_refused_changes_nothing_is_in_the_log_and_stays_refused(desk: Desk) -> None:
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    await desk.hear("BOOKING_CANCELLED", "alpha", SARAH)
    done = await desk.act(ChangeDeal, deal="uid:alpha", change=DealChange(stage="proposal"))
    assert done.refused == "the deal is cancelled: only an active one changes its stage"
    log = "SELECT state, because, actor FROM calcom_events WHERE workspace_id = $1 AND origin = 'hand'"
    assert await desk.rows(log) == [("refused", done.refused, WHO)]
    # By late news it was another time that was cancelled, so the deal was active all along.
    early = MONDAY + timedelta(minutes=1, seconds=30)
    await desk.hear("BOOKING_RESCHEDULED", "alpha-1", SARAH, at=early, rescheduleUid="alpha")
    assert await desk.deals() == [("acme.example", "active", "booked")]
    assert await desk.rows(log) == [("refused", done.refused, WHO)]


async def test_a_deal_without_a_booking_and_the_booking_that_joins_it(desk: Desk) -> None:
    done = await desk.act(OpenDeal, company="domain:acme.example", change=DealChange(stage="proposal"))
    assert await desk.deals() == [("acme.example", "active", "proposal")]
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    again = await desk.act(OpenDeal, company="domain:acme.example")
    assert again.refused == "the company has an active deal, and at most one can be"
    await desk.act(ChangeDeal, deal=f"deal:{done.event_ids[0]}", change=DealChange(status="won"))
    assert await desk.deals() == [("acme.example", "won", "proposal")]


async def test_a_booking_goes_to_another_company_with_its_deal(desk: Desk) -> None:
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    done = await desk.act(MoveBooking, booking="uid:alpha", company="domain:globex.example")
    assert done.refused is None
    assert await desk.deals() == [("globex.example", "active", "booked")]


async def test_a_booking_goes_to_a_deal_of_another_company(desk: Desk) -> None:
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    await desk.hear("BOOKING_CREATED", "gamma", LEE)
    await desk.act(MoveBooking, booking="uid:alpha", company="domain:globex.example", deal="uid:gamma")
    assert await desk.deals() == [("globex.example", "active", "booked")]
    assert len(await desk.rows("SELECT DISTINCT deal_id FROM bookings WHERE workspace_id = $1")) == 1


async def test_what_a_person_corrected_no_source_takes_back(desk: Desk) -> None:
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    await desk.act(RecordPerson, email=SARAH, name="Sarah Q. Chen", company="domain:globex.example")
    await desk.act(RecordCompany, company="domain:acme.example", name="Acme Corp")
    await desk.hear("BOOKING_CREATED", "beta", SARAH, responses={"company": {"label": "company", "value": "ACME"}})
    assert await desk.people() == [(SARAH, "Sarah Q. Chen", "globex.example")]
    assert "Acme Corp" in await desk.companies()


async def test_whoever_was_entered_stays(desk: Desk) -> None:
    await desk.act(RecordPerson, email="ann@new.example", name="Ann")
    done = await desk.act(RecordCompany, name="New Firm")
    await desk.act(RecordPerson, email="ann@new.example", company=f"company:{done.event_ids[0]}")
    assert await desk.people() == [("ann@new.example", "Ann", "New Firm")]


async def test_people_are_one_and_two_again(desk: Desk) -> None:
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    await desk.hear("BOOKING_CREATED", "beta", SAM)
    before = await desk.all_of()
    done = await desk.act(Merge, kind="people", gone=SAM, stays=SARAH)
    assert [row[0] for row in await desk.people()] == [SARAH]
    assert len(await desk.rows("SELECT DISTINCT person_id FROM bookings WHERE workspace_id = $1")) == 1
    await desk.hear("BOOKING_CREATED", "gamma", SAM)
    assert [row[0] for row in await desk.people()] == [SARAH]
    await desk.act(UndoMerge, merge=done.event_ids[0])
    assert [row[0] for row in await desk.people()] == [SAM, SARAH]
    await desk.hear("BOOKING_CANCELLED", "gamma", SAM)
    assert {row for row in before if row[1] == SARAH} <= set(await desk.all_of())


async def test_companies_are_one_and_two_again(desk: Desk) -> None:
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    await desk.hear("BOOKING_CREATED", "gamma", LEE)
    before = await desk.all_of()
    done = await desk.act(Merge, kind="companies", gone="domain:globex.example", stays="domain:acme.example")
    assert await desk.companies() == ["acme.example"]
    assert await desk.deals() == [("acme.example", "active", "booked")]
    await desk.act(UndoMerge, merge=done.event_ids[0])
    assert sorted(await desk.all_of(), key=repr) == sorted(before, key=repr)


@pytest.mark.parametrize("twice", [(SAM, SARAH), (SARAH, SAM)])
async def test_a_merge_that_makes_no_sense_is_refused(desk: Desk, twice: tuple[str, str]) -> None:
    await desk.hear("BOOKING_CREATED", "alpha", SARAH, SAM)
    await desk.act(Merge, kind="people", gone=SAM, stays=SARAH)
    done = await desk.act(Merge, kind="people", gone=twice[0], stays=twice[1])
    assert done.refused is not None


async def test_a_domain_that_turns_out_personal_has_no_company_and_no_deal(desk: Desk) -> None:
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    before = await desk.all_of()
    done = await desk.act(ChangeRules, changes={"personal_domains": ["acme.example"]}, since=None)
    assert done.refused is None
    assert (await desk.companies(), await desk.deals()) == ([], [])
    await desk.act(ChangeRules, changes={"personal_domains": []}, since=None)
    assert sorted(await desk.all_of(), key=repr) == sorted(before, key=repr)


@pytest.mark.parametrize(("since", "status"), [(None, "active"), (MONDAY + timedelta(days=1), "cancelled")])
async def test_a_rule_holds_from_the_moment_that_is_said(desk: Desk, since: datetime | None, status: str) -> None:
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    await desk.hear("BOOKING_CREATED", "beta", SAM)
    await desk.hear("BOOKING_CANCELLED", "alpha", SARAH)
    assert (await desk.act(ChangeRules, changes={"cancel_deal": "last_meeting"}, since=since)).refused is None
    assert await desk.deals() == [("acme.example", status, "booked")]


async def test_two_commands_given_together_are_done_both_or_none(desk: Desk) -> None:
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    commands: list[Command] = [
        ReportOutcome(at=desk.tick(), actor=WHO, booking="uid:alpha", outcome="showed"),
        ChangeDeal(at=desk.now, actor=WHO, deal="uid:alpha", change=DealChange(stage="nowhere")),
    ]
    async with transaction(desk.engine) as tx:
        done = await act(await raw(tx), desk.workspace, commands, desk.now)
    assert done.refused is not None
    assert await desk.deals() == [("acme.example", "active", "booked")]
    states = await desk.rows("SELECT state FROM calcom_events WHERE workspace_id = $1 AND origin = 'hand'")
    assert states == [("refused",), ("refused",)]


async def test_a_change_of_rules_tells_nobody_what_is_past(desk: Desk) -> None:
    await desk.act(ChangeRules, changes={"team_emails": [SARAH]}, since=None)
    await desk.hear("BOOKING_CREATED", "alpha", SARAH)
    await desk.act(ChangeRules, changes={"team_emails": []}, since=None)
    told = await desk.rows("SELECT kind, state, because FROM deliveries WHERE workspace_id = $1 ORDER BY due_at")
    assert told[0] == ("confirm", "skipped", "rules changed, and that is told to nobody")
    assert {(kind, state) for kind, state, _ in told[1:]} == {("remind", "scheduled")}
