"""TE8: subscribers receive changes of deals, by bookings or people, in any batch size, before they expire."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.container import event_handlers
from showup.database.engine import driver_connection, transaction
from showup.deals.deal import DealChange
from showup.destinations.webhook.settings import KINDS
from showup.events.deal import DealChanged, DealOpened
from showup.events.manual import ManualEvent
from showup.inbox import store
from showup.inbox.apply import apply_pending
from showup.inbox.inbox_event import IncomingEvent, Origin
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.outbox import subscriptions
from tests.deliveries.scenario import DeliveryScenario
from tests.execute import execute
from tests.histories.webhooks import ANN as OTHER_HOST
from tests.histories.webhooks import MONDAY, body, payload

EMAIL = "ann@acme.com"
START = MONDAY + timedelta(days=5)
HOUR = timedelta(hours=1)
HOOK = "webhook:crm"
DEALS = tuple(kind for kind in KINDS if kind.startswith("deal."))


def booked(uid: str = "one", number: int = 1, email: str = EMAIL, at: timedelta = timedelta(0)) -> bytes:
    return body("BOOKING_CREATED", MONDAY + at, payload(uid, number, START, [email]))


def cancelled(at: timedelta = HOUR) -> bytes:
    return body("BOOKING_CANCELLED", MONDAY + at, payload("one", 1, START, [EMAIL]))


def morning_events() -> list[bytes]:
    """Returns events: a meeting is booked, gets another host, and takes place; the next one is cancelled."""
    soon = MONDAY + HOUR
    first = payload("soon", 7, soon, [EMAIL])
    by_ann = payload("soon", 7, soon, [EMAIL], organizer=OTHER_HOST)
    return [
        body("BOOKING_CREATED", MONDAY, first),
        body("BOOKING_REASSIGNED", MONDAY + HOUR / 2, by_ann),
        body("MEETING_ENDED", soon + HOUR / 2, by_ann),
        booked(at=2 * HOUR),
        cancelled(3 * HOUR),
    ]


@pytest.fixture
async def scenario(engine: AsyncEngine, workspace: UUID, account: UUID) -> DeliveryScenario:
    created = DeliveryScenario(engine, workspace, account)
    await subscribe(created, *DEALS)
    created.now += timedelta(hours=4)
    return created


async def subscribe(scenario: DeliveryScenario, *kinds: str) -> None:
    async with transaction(scenario.engine) as tx:
        await subscriptions.subscribe(await driver_connection(tx), scenario.workspace, HOOK, kinds, scenario.now)


async def receive_in_batches(scenario: DeliveryScenario, size: int, bodies: Sequence[bytes]) -> None:
    """Receives all events at once, and applies them in batches of this size."""
    incoming = [
        IncomingEvent(account_id=scenario._account, workspace_id=scenario.workspace, body=one, received_at=scenario.now)
        for one in bodies
    ]
    async with transaction(scenario.engine) as tx:
        await store.insert_events(await driver_connection(tx), incoming)
    while await apply_pending(scenario.engine, scenario.workspace, scenario.clock, event_handlers(), limit=size):
        pass


async def run(scenario: DeliveryScenario, event: ManualEvent, actor: str = "key:crm") -> UUID:
    result = await execute(scenario.engine, scenario.workspace, event, at=scenario.now, actor=actor)
    assert result.refused is None, result.refused
    return result.event_ids[0]


async def deal_deliveries(scenario: DeliveryScenario) -> list[tuple[str, dict[str, Any]]]:
    return [(row["kind"], row["details"]) for row in await scenario.rows(destination=HOOK)]


async def kinds(scenario: DeliveryScenario) -> list[str]:
    return [kind for kind, _ in await deal_deliveries(scenario)]


async def test_a_booking_opens_a_deal(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked())
    [(kind, details)] = await deal_deliveries(scenario)
    assert kind == "deal.created"
    deal = details["deal"]
    assert (deal["status"], deal["stage"], deal["amount"]) == ("active", "booked", None)
    assert deal["owner_email"] == "ben@outbound.example"
    assert deal["company"]["domain"] == deal["company"]["name"] == "acme.com"
    assert (details["by"], details["change"]["stage"]) == ("showup", [None, "booked"])
    [row] = await scenario.rows(destination=HOOK)
    assert (row["booking_id"], str(row["deal_id"]), row["state"]) == (None, deal["id"], "scheduled")


@pytest.mark.parametrize("size", [1, 2, 3, 500])
async def test_each_change_is_sent_with_the_deal_at_that_time_in_any_batch(
    scenario: DeliveryScenario, size: int
) -> None:
    await receive_in_batches(scenario, size, morning_events())
    found = await deal_deliveries(scenario)
    assert [kind for kind, _ in found] == ["deal.created", "deal.reassigned", "deal.stage_changed", "deal.cancelled"]
    assert [one["deal"]["status"] for _, one in found] == ["active", "active", "active", "cancelled"]
    assert [one["deal"]["stage"] for _, one in found] == ["booked", "booked", "met", "met"]
    assert found[2][1]["change"] == {"stage": ["booked", "met"]}


async def test_unchanged_deals_are_not_sent_again_with_later_events(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked())
    await scenario.receive(booked("two", 2, "bob@acme.com", at=HOUR))
    await scenario.receive(cancelled(2 * HOUR))
    assert await kinds(scenario) == ["deal.created", "deal.cancelled"]


async def test_a_reinstated_meeting_reopens_its_deal(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked())
    await scenario.receive(cancelled(HOUR))
    again = payload("three", 3, START + HOUR, [EMAIL], rescheduleUid="one")
    await scenario.receive(body("BOOKING_RESCHEDULED", MONDAY + 2 * HOUR, again))
    assert (await kinds(scenario))[:2] == ["deal.created", "deal.cancelled"]
    assert (await kinds(scenario))[2:] == ["deal.reopened"]


async def test_manual_changes_are_sent_with_their_actor(scenario: DeliveryScenario) -> None:
    opened = await run(scenario, DealOpened(company="domain:initech.com"))
    for change in (
        DealChange(stage="proposal", amount=12_000, currency="EUR"),
        DealChange(status="won"),
        DealChange(status="active"),
        DealChange(owner_email="ann@outbound.example"),
        DealChange(status="lost", lost_reason="no budget"),
    ):
        scenario.now += timedelta(seconds=1)
        await run(scenario, DealChanged(subject=f"deal:{opened}", change=change))
    found = await deal_deliveries(scenario)
    assert [kind for kind, _ in found] == [
        *("deal.created", "deal.stage_changed", "deal.changed", "deal.won", "deal.reopened", "deal.reassigned"),
        "deal.lost",
    ]
    assert {one["by"] for _, one in found} == {"key:crm"}
    last = found[-1][1]
    assert last["deal"]["lost_reason"] == "no budget"
    assert last["because"] == "no budget"
    assert (last["deal"]["amount"], last["deal"]["currency"]) == (12_000, "EUR")


async def test_only_subscribed_kinds_are_stored(scenario: DeliveryScenario) -> None:
    await subscribe(scenario, "deal.cancelled")
    scenario.now += timedelta(seconds=1)
    await scenario.receive(booked(), cancelled())
    assert await kinds(scenario) == ["deal.cancelled"]


async def test_without_subscribers_nothing_is_stored(scenario: DeliveryScenario) -> None:
    await subscribe(scenario)
    scenario.now += timedelta(seconds=1)
    await scenario.receive(booked(), cancelled())
    assert await kinds(scenario) == []


async def test_old_events_are_not_sent(scenario: DeliveryScenario) -> None:
    """PI13."""
    scenario.now = MONDAY + timedelta(hours=26)
    await scenario.receive(booked(), cancelled(timedelta(hours=25)))
    assert await kinds(scenario) == ["deal.cancelled"]


async def test_a_simulation_is_not_sent(scenario: DeliveryScenario) -> None:
    """PI13."""
    simulated = payload("one", 1, START, [EMAIL])
    incoming = IncomingEvent(
        account_id=scenario._account,
        workspace_id=scenario.workspace,
        body=body("BOOKING_CREATED", MONDAY, simulated),
        received_at=scenario.now,
        origin="sample",
    )
    async with transaction(scenario.engine) as tx:
        await store.insert_events(await driver_connection(tx), [incoming])
    while await apply_pending(scenario.engine, scenario.workspace, scenario.clock, event_handlers()):
        pass
    assert await kinds(scenario) == []


async def test_a_stored_deal_delivery_is_not_withdrawn(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked("two", 2, "bob@acme.com", at=2 * HOUR))
    [(_, before)] = await deal_deliveries(scenario)
    scenario.now += timedelta(seconds=1)
    await scenario.receive(booked(at=HOUR))
    found = await deal_deliveries(scenario)
    assert [kind for kind, _ in found] == ["deal.created", "deal.created"]
    assert found[0][1] == before
    assert found[0][1]["deal"]["id"] != found[1][1]["deal"]["id"]


@pytest.mark.parametrize("applied", [False, True])
async def test_a_rebuild_sends_nothing_again_and_shows_no_difference(
    scenario: DeliveryScenario, *, applied: bool
) -> None:
    await scenario.receive(booked(), cancelled())
    before = await scenario.rows(destination=HOOK)
    async with transaction(scenario.engine) as tx:
        await (await driver_connection(tx)).execute("DELETE FROM deliveries WHERE kind = 'deal.cancelled'")
    found = await rebuild(scenario.engine, RebuildOptions(workspace_ids=[scenario.workspace], applied=applied))
    assert found.differing == 0
    assert await scenario.rows(destination=HOOK) == before[:1]


async def simulated(scenario: DeliveryScenario, *bodies: bytes, origin: Origin) -> None:
    incoming = [
        IncomingEvent(
            account_id=scenario._account,
            workspace_id=scenario.workspace,
            body=one,
            received_at=scenario.now,
            origin=origin,
        )
        for one in bodies
    ]
    async with transaction(scenario.engine) as tx:
        await store.insert_events(await driver_connection(tx), incoming)
    while await apply_pending(scenario.engine, scenario.workspace, scenario.clock, event_handlers()):
        pass


async def test_a_simulation_received_by_webhook_is_not_sent(scenario: DeliveryScenario) -> None:
    """PI13: `showup simulate` sends normal webhooks, with the mark that they are simulated."""
    first = payload("one", 1, START, [EMAIL])
    bodies = (body("BOOKING_CREATED", MONDAY, first), body("BOOKING_CANCELLED", MONDAY + HOUR, first))
    await simulated(scenario, *bodies, origin="simulation")
    assert len(await scenario.rows(kind="confirmation")) == 1
    assert await kinds(scenario) == []


@pytest.mark.parametrize("origin", ["simulation", "sample"])
async def test_manual_changes_of_a_simulated_deal_are_not_sent(scenario: DeliveryScenario, origin: Origin) -> None:
    """PI13: a user who tries Showup with its sample data wins and loses simulated deals."""
    first = payload("one", 1, START, [EMAIL])
    await simulated(scenario, body("BOOKING_CREATED", MONDAY, first), origin=origin)
    scenario.now += timedelta(seconds=1)
    await run(scenario, DealChanged(subject="uid:one", change=DealChange(stage="proposal")))
    assert await kinds(scenario) == []


async def test_last_change_identifies_the_newer_of_two_deliveries(scenario: DeliveryScenario) -> None:
    """A late webhook is delivered late; a receiver that sorts by delivery time would show the wrong owner."""

    def hosted(by: str, at: timedelta) -> bytes:
        host = replace(OTHER_HOST, email=by)
        return body("BOOKING_REASSIGNED", MONDAY + at, payload("one", 1, START, [EMAIL], organizer=host))

    await scenario.receive(booked(), hosted("newer@outbound.example", 2 * HOUR))
    scenario.now += timedelta(seconds=1)
    await scenario.receive(hosted("older@outbound.example", HOUR))
    found = [details["deal"] for kind, details in await deal_deliveries(scenario) if kind == "deal.reassigned"]
    assert [one["owner_email"] for one in found] == ["newer@outbound.example", "older@outbound.example"]
    assert max(found, key=lambda one: one["updated_at"])["owner_email"] == "newer@outbound.example"
    assert found[0]["updated_at"] == "2026-09-07T11:00:00Z"
