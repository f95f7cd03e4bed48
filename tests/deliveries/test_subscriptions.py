"""TE5 to TE8, R2, PI13: the deliveries to subscribers, from when on, and the same result after a rebuild."""

from datetime import timedelta
from uuid import uuid4

import pytest
from msgspec.structs import replace

from showup.database.engine import driver_connection, transaction
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import RebuildResult, rebuild
from showup.outbox import subscriptions as subscription_store
from showup.outbox.delivery import DestinationQueue
from showup.outbox.planned import PlannedDelivery
from showup.outbox.routing import route
from showup.outbox.subscriptions import Subscription, subscribed_destinations
from tests.deliveries.scenario import DeliveryScenario
from tests.histories.webhooks import BEN, MONDAY, body, payload

START = MONDAY + timedelta(days=5)
ANN = "ann@acme.example"
ALL = ("booking.created", "booking.cancelled", "booking.showed")
HOUR = timedelta(hours=1)


def booked(uid: str = "one", number: int = 1, email: str = ANN, later: int = 0) -> bytes:
    return body("BOOKING_CREATED", MONDAY + timedelta(seconds=later), payload(uid, number, START, [email]))


def cancelled(uid: str = "one", number: int = 1, later: int = 60) -> bytes:
    return body("BOOKING_CANCELLED", MONDAY + timedelta(seconds=later), payload(uid, number, START, [ANN]))


async def subscribe(scenario: DeliveryScenario, destination: str = "clickup", kinds: tuple[str, ...] = ALL) -> None:
    async with transaction(scenario.engine) as tx:
        await subscription_store.subscribe(
            await driver_connection(tx), scenario.workspace, destination, kinds, scenario.now
        )


async def subscriptions(scenario: DeliveryScenario) -> list[Subscription]:
    async with transaction(scenario.engine) as tx:
        return await subscription_store.of_workspace(await driver_connection(tx), scenario.workspace)


async def kinds_and_states(scenario: DeliveryScenario, destination: str = "clickup") -> list[tuple[str, str]]:
    return [(row["kind"], row["state"]) for row in await scenario.rows(destination=destination)]


async def rebuild_workspace(scenario: DeliveryScenario) -> RebuildResult:
    return await rebuild(scenario.engine, RebuildOptions(workspace_ids=[scenario.workspace]))


class TestSubscriptions:
    async def test_subscribing_again_changes_nothing(self, scenario: DeliveryScenario) -> None:
        await subscribe(scenario)
        scenario.now += HOUR
        await subscribe(scenario, kinds=ALL[::-1])
        (one,) = await subscriptions(scenario)
        assert (one.kinds, one.since, one.until) == (frozenset(ALL), scenario.now - HOUR, None)

    async def test_new_kinds_start_when_the_old_ones_end(self, scenario: DeliveryScenario) -> None:
        await subscribe(scenario)
        scenario.now += HOUR
        await subscribe(scenario, kinds=("booking.created",))
        first, second = await subscriptions(scenario)
        assert first.until == second.since == scenario.now
        assert [one.includes("booking.cancelled", scenario.now) for one in (first, second)] == [False, False]
        assert [one.includes("booking.created", scenario.now) for one in (first, second)] == [False, True]

    async def test_no_kinds_end_a_subscription_and_a_new_one_can_start(self, scenario: DeliveryScenario) -> None:
        await subscribe(scenario)
        scenario.now += HOUR
        await subscribe(scenario, kinds=())
        assert [one.until for one in await subscriptions(scenario)] == [scenario.now]
        scenario.now += HOUR
        await subscribe(scenario)
        assert [one.until for one in await subscriptions(scenario)] == [scenario.now - HOUR, None]

    async def test_each_destination_has_its_own(self, scenario: DeliveryScenario) -> None:
        await subscribe(scenario, "clickup")
        await subscribe(scenario, "slack", ("booking.created",))
        await subscribe(scenario, "clickup", ())
        assert subscribed_destinations(await subscriptions(scenario), "booking.created", scenario.now) == ["slack"]


class TestRecipients:
    async def test_earlier_decisions_are_not_sent(self, scenario: DeliveryScenario) -> None:
        await scenario.receive(booked())
        scenario.now += timedelta(minutes=1)
        await subscribe(scenario)
        await scenario.receive(cancelled())
        assert await kinds_and_states(scenario) == [("booking.cancelled", "scheduled")]

    async def test_decisions_made_while_subscribed_stay_planned(self, scenario: DeliveryScenario) -> None:
        await subscribe(scenario)
        await scenario.receive(booked())
        scenario.now += timedelta(minutes=1)
        await subscribe(scenario, kinds=())
        await scenario.receive(cancelled())
        assert await kinds_and_states(scenario) == [("booking.created", "scheduled")]

    async def test_each_subscriber_has_its_own_delivery(self, scenario: DeliveryScenario) -> None:
        await subscribe(scenario)
        await subscribe(scenario, "slack", ("booking.created",))
        await scenario.receive(booked(), cancelled())
        assert await kinds_and_states(scenario) == [
            ("booking.created", "scheduled"),
            ("booking.cancelled", "scheduled"),
        ]
        assert await kinds_and_states(scenario, "slack") == [("booking.created", "scheduled")]
        keys = [row["key"] for row in await scenario.rows(kind="booking.created")]
        assert len(set(keys)) == len(keys) == 2

    async def test_a_reminder_subscriber_receives_them_beside_the_mail(self, scenario: DeliveryScenario) -> None:
        await subscribe(scenario, "twilio", ("reminder",))
        await scenario.receive(booked())
        assert await kinds_and_states(scenario, "twilio") == [("reminder", "scheduled")] * 3
        await scenario.receive(cancelled())
        assert await kinds_and_states(scenario, "twilio") == [("reminder", "withdrawn")] * 3

    async def test_mail_goes_only_to_mail_destinations(self, scenario: DeliveryScenario) -> None:
        await subscribe(scenario)
        await scenario.receive(booked())
        kinds = {row["kind"] for row in await scenario.rows(destination="email")}
        assert kinds == {"confirmation", "reminder", "outcome"}

    async def test_a_delivered_kind_is_not_planned_again(self, scenario: DeliveryScenario) -> None:
        await subscribe(scenario)
        await scenario.receive(booked())
        scenario.queue = DestinationQueue(workspace_id=scenario.workspace, destination="clickup")
        await scenario.deliver_due(minutes=1)
        await scenario.receive(cancelled())
        await scenario.deliver_due()
        assert await kinds_and_states(scenario) == [
            ("booking.created", "delivered"),
            ("booking.cancelled", "delivered"),
        ]
        assert scenario.fake_destination.kinds == ["booking.created", "booking.cancelled"]

    async def test_deliveries_follow_source_order_whatever_the_order_of_arrival(
        self, scenario: DeliveryScenario
    ) -> None:
        """PI9: the cancellation arrives first, and has the same time as the booking that it cancels."""
        await subscribe(scenario)
        await scenario.receive(cancelled())
        scenario.now += timedelta(seconds=1)
        await scenario.receive(booked())
        scenario.queue = DestinationQueue(workspace_id=scenario.workspace, destination="clickup")
        await scenario.deliver_due(seconds=1)
        assert scenario.fake_destination.kinds == ["booking.created", "booking.cancelled"]

    async def test_m06_a_self_booking_is_announced_to_nobody(self, scenario: DeliveryScenario) -> None:
        """M06, PI8: each delivery of a self-booking says why nothing was sent."""
        for one in ("clickup", "notion", "slack"):
            await subscribe(scenario, one)
        await scenario.receive(booked(email=BEN.email))
        for one in ("clickup", "notion", "slack"):
            (row,) = await scenario.rows(destination=one)
            assert (row["state"], row["kind"]) == ("skipped", "booking.created")
            assert row["because"].startswith("self-booking")


def planned(kind: str) -> PlannedDelivery:
    return PlannedDelivery(
        kind=kind,
        key="k",
        recipient=ANN,
        event_id=uuid4(),
        booking_version=1,
        decided_at=MONDAY,
        due_at=MONDAY,
        expires_at=START,
        is_announcement=kind.startswith("booking."),
    )


@pytest.mark.parametrize("kind", ["booking.created", "confirmation", "reminder"])
def test_simulated_deliveries_go_only_to_the_mail_preview(kind: str) -> None:
    """PI13: no other system receives a simulated booking."""
    everything = Subscription(destination="clickup", kinds=frozenset({kind}), since=MONDAY)
    found = {one.destination for one in route(uuid4(), planned(kind), [everything], simulated=True)}
    assert found <= {"mail_preview"}
    assert "clickup" in {one.destination for one in route(uuid4(), planned(kind), [everything], simulated=False)}
    ended = replace(everything, until=MONDAY)
    assert "clickup" not in {one.destination for one in route(uuid4(), planned(kind), [ended], simulated=False)}


class TestRebuild:
    """R2: a replay of the log plans the same deliveries, even if subscriptions changed meanwhile."""

    async def test_after_connecting(self, scenario: DeliveryScenario) -> None:
        await scenario.receive(booked())
        scenario.now += timedelta(minutes=1)
        await subscribe(scenario)
        await scenario.receive(cancelled(), booked("two", 2, later=90))
        assert (await rebuild_workspace(scenario)).examples == []

    async def test_after_other_kinds(self, scenario: DeliveryScenario) -> None:
        await subscribe(scenario)
        await scenario.receive(booked())
        scenario.now += timedelta(minutes=1)
        await subscribe(scenario, kinds=("booking.cancelled", "reminder"))
        await scenario.receive(cancelled(), booked("two", 2, later=90))
        assert (await rebuild_workspace(scenario)).examples == []

    async def test_after_disconnecting(self, scenario: DeliveryScenario) -> None:
        await subscribe(scenario)
        await scenario.receive(booked(), booked("two", 2))
        scenario.queue = DestinationQueue(workspace_id=scenario.workspace, destination="clickup")
        await scenario.deliver_due()
        scenario.now += timedelta(minutes=1)
        await subscribe(scenario, kinds=())
        await scenario.receive(cancelled())
        assert (await rebuild_workspace(scenario)).examples == []

    async def test_a_missing_delivery_is_reported(self, scenario: DeliveryScenario) -> None:
        """The comparison detects a missing delivery."""
        await subscribe(scenario)
        await scenario.receive(booked())
        async with transaction(scenario.engine) as tx:
            await (await driver_connection(tx)).execute("DELETE FROM deliveries WHERE destination = 'clickup'")
        assert [one.table for one in (await rebuild_workspace(scenario)).examples] == ["deliveries"]
