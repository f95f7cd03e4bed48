"""TE8: an endpoint receives the events that it is registered for, with retries, rotated secrets and resent webhooks."""

from datetime import timedelta
from uuid import uuid4

from showup.connections import endpoint_registration
from showup.database.engine import driver_connection, transaction
from showup.dispatch import manual_actions
from tests.deliveries.endpoints.scenario import ANN, START, TEAM, EndpointScenario, booked, cancelled, subscribe
from tests.deliveries.scenario import SEAL
from tests.destinations.fake_vendors.webhook import FakeWebhookReceiver
from tests.histories.webhooks import MONDAY, body, payload


async def test_events_are_sent_to_endpoints_registered_for_them(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    await scenario.deliver_due()
    await scenario.receive(body("BOOKING_REJECTED", MONDAY, payload("two", 2, START, [ANN])), cancelled())
    await scenario.deliver_due()
    assert fake_webhook.types == ["booking.created", "booking.cancelled"]
    assert [one.payload["data"]["booking"]["status"] for one in fake_webhook.accepted] == ["ACCEPTED", "CANCELLED"]
    row = await scenario.row("booking.created")
    assert (row["state"], row["provider"], str(row["id"])) == ("delivered", "webhook", fake_webhook.accepted[0].id)


async def test_earlier_events_are_not_sent(scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver) -> None:
    await scenario.change(kinds=("booking.created",))
    scenario.now += timedelta(seconds=1)
    await scenario.receive(booked(), cancelled())
    await scenario.change(kinds=("booking.created", "booking.cancelled"))
    await scenario.deliver_due(minutes=1)
    assert fake_webhook.types == ["booking.created"]


async def test_a_duplicate_event_is_sent_once(scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver) -> None:
    await scenario.receive(booked(), booked())
    await scenario.deliver_due()
    await scenario.receive(booked())
    await scenario.deliver_due()
    assert list(fake_webhook.effects.values()) == [1]


async def test_failures_are_retried_for_a_day_and_then_fail(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    fake_webhook.faults.queue(*["400"] * 7)
    for pause in (0, 5, 300, 1800, 7200, 18_000, 36_000):
        await scenario.deliver_due(seconds=pause)
    row = await scenario.row("booking.created")
    assert (row["state"], row["attempts"]) == ("failed", 7)
    assert row["because"] == 'the endpoint answered 400 ({"error": "out of order"}) (attempt 7 of 7)'
    assert scenario.now - MONDAY < timedelta(days=1)
    assert {one.headers["webhook-id"] for one in fake_webhook.requests} == {str(row["id"])}
    assert fake_webhook.accepted == []


async def test_a_lost_response_is_retried_with_the_same_id(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    fake_webhook.faults.queue("lost")
    await scenario.deliver_due()
    await scenario.deliver_due(seconds=10)
    assert list(fake_webhook.effects.values()) == [2]
    first, second = fake_webhook.accepted
    assert first.body == second.body
    assert (await scenario.row("booking.created"))["state"] == "delivered"


async def test_a_rotated_secret_signs_for_a_day(scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver) -> None:
    async with transaction(scenario.engine) as tx:
        fresh = await endpoint_registration.rotate(
            await driver_connection(tx), SEAL, await scenario.endpoint(), scenario.now
        )
    await scenario.receive(booked())
    await scenario.deliver_due(hours=23)
    fake_webhook.secret = fresh
    await scenario.receive(cancelled())
    await scenario.deliver_due(hours=2)
    assert [len(one.signatures) for one in fake_webhook.accepted] == [2, 1]


async def test_secrets_are_sealed(scenario: EndpointScenario) -> None:
    async with transaction(scenario.engine) as tx:
        sealed = await (await driver_connection(tx)).fetchval("SELECT secrets FROM endpoints")
    assert scenario.secret.encode() not in sealed
    assert scenario.secret.removeprefix("whsec_").encode() not in sealed


async def test_a_delivered_webhook_can_be_sent_again(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    await scenario.deliver_due()
    row = await scenario.row("booking.created")
    await scenario.deliver_due(days=30)
    async with transaction(scenario.engine) as tx:
        assert await manual_actions.send_again(await driver_connection(tx), row["id"], scenario.now) is None
    await scenario.deliver_due()
    first, second = fake_webhook.accepted
    assert (first.id, first.body) == (second.id, second.body)
    again = await scenario.row("booking.created")
    assert (again["state"], again["attempts"], again["delivered_at"]) == ("delivered", 2, scenario.now)


async def test_only_delivered_webhooks_can_be_sent_again(scenario: EndpointScenario) -> None:
    await scenario.receive(booked())
    waiting = await scenario.row("booking.created")
    (mail,) = await scenario.rows(kind="confirmation")
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        assert "other destinations receive each delivery once" in (
            await manual_actions.send_again(connection, mail["id"], scenario.now) or ""
        )
        assert "it is scheduled" in (await manual_actions.send_again(connection, waiting["id"], scenario.now) or "")
        assert "does not exist" in (await manual_actions.send_again(connection, uuid4(), scenario.now) or "")


async def test_a_deleted_endpoint_receives_nothing(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await scenario.receive(booked())
    async with transaction(scenario.engine) as tx:
        await endpoint_registration.delete(
            await driver_connection(tx), await scenario.endpoint(), "key:ops", scenario.now
        )
    await scenario.deliver_due(seconds=10)
    row = await scenario.row("booking.created")
    assert (row["state"], row["because"]) == ("withdrawn", "key:ops deleted its endpoint")
    await scenario.receive(cancelled())
    await scenario.deliver_due(seconds=10)
    assert (fake_webhook.requests, await scenario.rows(kind="booking.cancelled")) == ([], [])
    async with transaction(scenario.engine) as tx:
        assert await (await driver_connection(tx)).fetchval("SELECT length(secrets) FROM endpoints") == 0


async def test_an_in_flight_delivery_is_the_last_of_a_deleted_endpoint(scenario: EndpointScenario) -> None:
    await scenario.receive(booked())
    await scenario.claim()
    async with transaction(scenario.engine) as tx:
        await endpoint_registration.delete(
            await driver_connection(tx), await scenario.endpoint(), "key:ops", scenario.now
        )
    row = await scenario.row("booking.created")
    assert (row["state"], row["unwanted"]) == ("sending", "key:ops deleted its endpoint")


async def test_a_ping_goes_to_one_endpoint_whatever_its_kinds(
    scenario: EndpointScenario, fake_webhook: FakeWebhookReceiver
) -> None:
    await subscribe(scenario, TEAM, "ping")
    async with transaction(scenario.engine) as tx:
        delivery_id = await endpoint_registration.ping(
            await driver_connection(tx), await scenario.endpoint(), "key:ops", scenario.now
        )
    await scenario.deliver_due()
    assert [(one.id, one.payload["type"]) for one in fake_webhook.accepted] == [(str(delivery_id), "ping")]
    assert fake_webhook.accepted[0].payload["data"] == {"workspace": "default", "sent_by": "key:ops"}
    assert len(await scenario.rows(kind="ping")) == 1
