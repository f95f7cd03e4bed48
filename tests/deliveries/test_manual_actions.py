"""TE1, TE10, PI13: people can see, explain, retry and withdraw deliveries.

They use the API; the dispatcher sends, as in a worker.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import select, text, update

from showup.container import event_handlers
from showup.database.engine import driver_connection, transaction
from showup.database.tables import deliveries
from showup.destinations.contract import GaveUp, TryAgain
from showup.dispatch import queue_store
from showup.outbox import suppressions
from showup.outbox.suppressions import Suppression
from showup.web.app import create_app
from showup.web.http.middleware import with_middleware
from tests.deliveries.scenario import DeliveryScenario
from tests.histories.webhooks import MONDAY, body, payload

KEY = "an admin key of this test"
ANN = "ann@acme.example"
START = MONDAY + timedelta(days=5)
BUSY = TryAgain(because="it is busy", fault="delivery")
DOWN = TryAgain(because="nobody answers", fault="destination")
REFUSED = GaveUp(because="the sender is not known there")


def booked(uid: str = "one", number: int = 1, email: str = ANN) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START, [email]))


@pytest.fixture
async def client(scenario: DeliveryScenario) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(
        engine=scenario.engine, clock=scenario.clock, admin_key=KEY, version="0", event_handlers=event_handlers()
    )
    transport = httpx2.ASGITransport(app=with_middleware(app, cors_origins=[]))
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://showup.example", headers=headers) as client:
        yield client


async def first_delivery(client: httpx2.AsyncClient, kind: str = "confirmation") -> dict[str, Any]:
    (item,) = (await client.get(f"/api/deliveries?kind={kind}&sort=due_at&limit=1")).json()["items"]
    detail = (await client.get(f"/api/deliveries/{item['id']}")).json()
    assert {name: detail[name] for name in item} == item
    return dict(detail)


async def post_command(
    client: httpx2.AsyncClient, command: str, delivery_id: str | UUID, **more: Any
) -> httpx2.Response:
    return await client.post(f"/api/deliveries/{delivery_id}/{command}", **more)


async def refusal_of(client: httpx2.AsyncClient, command: str, delivery_id: str | UUID) -> str:
    response = await post_command(client, command, delivery_id)
    assert response.status_code == 409, response.text
    return str(response.json()["detail"])


async def count_jobs(scenario: DeliveryScenario) -> int:
    async with scenario.engine.connect() as tx:
        return int(await tx.scalar(text("SELECT count(*) FROM pgqueuer")) or 0)


async def make_failed_delivery(scenario: DeliveryScenario, client: httpx2.AsyncClient) -> dict[str, Any]:
    scenario.fake_destination.outcomes.extend([BUSY, REFUSED])
    await scenario.receive(booked())
    await scenario.deliver_due()
    await scenario.deliver_due(seconds=30)
    return await first_delivery(client)


async def test_each_state_has_a_reason(scenario: DeliveryScenario, client: httpx2.AsyncClient) -> None:
    await scenario.receive(booked())
    assert (await first_delivery(client))["because"] == "due now, waiting to be sent"
    reminder = await first_delivery(client, "reminder")
    assert reminder["because"] == f"due at {START - timedelta(hours=72):%Y-%m-%d %H:%M:%S} UTC"
    assert reminder["next_try_at"] == f"{START - timedelta(hours=72):%Y-%m-%dT%H:%M:%SZ}"

    scenario.fake_destination.outcomes.append(BUSY)
    await scenario.deliver_due()
    waiting = await first_delivery(client)
    assert waiting["because"] == "attempt 1 failed: it is busy; next attempt at 2026-09-07 09:00:30 UTC"
    assert (waiting["next_try_at"], waiting["attempts"], waiting["failures"]) == ("2026-09-07T09:00:30Z", 1, 1)

    await scenario.deliver_due(seconds=30)
    done = await first_delivery(client)
    assert (done["state"], done["because"], done["next_try_at"]) == ("delivered", "the destination accepted it", None)
    assert (done["provider"], done["provider_id"], done["attempts"]) == ("far", "r", 2)
    assert [(one["number"], one["outcome"], one["because"]) for one in done["attempt_history"]] == [
        (1, "try_again", "it is busy"),
        (2, "delivered", None),
    ]


async def test_a_delivery_in_a_paused_queue_shows_the_pause(
    scenario: DeliveryScenario, client: httpx2.AsyncClient
) -> None:
    """TE10: the pause of an open circuit breaker is visible on each waiting delivery, and on its queue."""
    scenario.fake_destination.down = DOWN
    await scenario.receive(booked(), booked("two", 2, "ben@beta.example"), booked("three", 3, "cem@gamma.example"))
    await scenario.deliver_due()
    (queue,) = (await client.get("/api/queues")).json()["items"]
    assert (queue["workspace"], queue["destination"], queue["state"]) == ("default", "email", "paused")
    assert queue["because"] == "nobody answers: no delivery succeeded since 2026-09-07 09:00:00 UTC"
    assert (queue["failing_since"], queue["waiting"], queue["sending"]) == ("2026-09-07T09:00:00Z", 15, 0)

    await scenario.receive(booked("four", 4, "dee@delta.example"))
    (new,) = (await client.get("/api/deliveries?kind=confirmation&recipient=DEE@delta.example")).json()["items"]
    until = (await scenario.queue_state())["paused_until"]
    assert new["because"] == (
        f"email is paused until {until:%Y-%m-%d %H:%M:%S} UTC:"
        " nobody answers: no delivery succeeded since 2026-09-07 09:00:00 UTC"
    )
    assert new["next_try_at"].startswith(f"{until:%Y-%m-%dT%H:%M:%S}")

    scenario.now = until
    (queue,) = (await client.get("/api/queues")).json()["items"]
    assert (queue["state"], queue["paused_until"]) == ("failing", None)
    scenario.fake_destination.down = None
    await scenario.deliver_due(minutes=5)
    (queue,) = (await client.get("/api/queues")).json()["items"]
    assert (queue["state"], queue["because"], queue["due"], queue["waiting"]) == ("working", None, 0, 16)


async def test_retry_sends_the_same_content(scenario: DeliveryScenario, client: httpx2.AsyncClient) -> None:
    """TE1: the rendered content is sent unchanged, with the same id."""
    row = await make_failed_delivery(scenario, client)
    assert (row["state"], row["because"]) == ("failed", "the sender is not known there")
    jobs = await count_jobs(scenario)
    response = await post_command(client, "retry", row["id"])
    assert response.status_code == 200, response.text
    retried = response.json()
    assert (retried["state"], retried["failures"], retried["attempts"]) == ("scheduled", 0, 2)
    assert await count_jobs(scenario) == jobs + 1
    await scenario.deliver_due()
    assert (await first_delivery(client))["state"] == "delivered"
    confirmations = [sent for sent in scenario.fake_destination.sent if sent[1]["kind"] == "confirmation"]
    assert len(confirmations) == 3
    assert confirmations.count(confirmations[0]) == 3
    assert await refusal_of(client, "retry", row["id"]) == "It was delivered, and Showup sends each delivery once."


async def test_a_manual_retry_restarts_the_retry_policy(scenario: DeliveryScenario, client: httpx2.AsyncClient) -> None:
    row = await make_failed_delivery(scenario, client)
    await post_command(client, "retry", row["id"])
    scenario.fake_destination.outcomes.extend([BUSY, BUSY])
    await scenario.deliver_due()
    await scenario.deliver_due(seconds=30)
    retried = await first_delivery(client)
    assert (retried["state"], retried["failures"], retried["attempts"]) == ("scheduled", 2, 4)


async def test_an_expired_delivery_is_not_retried(scenario: DeliveryScenario, client: httpx2.AsyncClient) -> None:
    """PI13."""
    row = await make_failed_delivery(scenario, client)
    scenario.now += timedelta(days=1)
    assert await refusal_of(client, "retry", row["id"]) == ("It expired at 2026-09-08 09:00:00 UTC.")
    every = await client.post("/api/deliveries/retry", json={})
    assert (every.status_code, every.json()["retried"], every.json()["expired"]) == (200, 0, 1)


async def test_retry_of_all_or_filtered_failed_deliveries(
    scenario: DeliveryScenario, client: httpx2.AsyncClient
) -> None:
    for number, name in enumerate(("ann", "ben", "cem"), 1):
        scenario.fake_destination.outcomes.append(REFUSED)
        await scenario.receive(booked(name, number, f"{name}@{name}.example"))
        await scenario.deliver_due(minutes=1)
    assert len(await scenario.rows(state="failed")) == 3
    for response, retried in (
        ({"kind": "reminder"}, 0),
        ({"destination": "slack"}, 0),
        ({"since": "2026-09-07T09:04:00Z"}, 0),
        ({"kind": "confirmation", "destination": "email", "since": "2026-09-07T09:03:00Z"}, 1),
        ({}, 2),
    ):
        found = (await client.post("/api/deliveries/retry", json=response)).json()
        assert (found["retried"], found["expired"]) == (retried, 0)
    await scenario.deliver_due()
    assert len(await scenario.rows(kind="confirmation", state="delivered")) == 3


async def test_a_withdrawn_delivery_stays_withdrawn_until_retried(
    scenario: DeliveryScenario, client: httpx2.AsyncClient
) -> None:
    await scenario.receive(booked())
    row = await first_delivery(client)
    reminder = await first_delivery(client, "reminder")
    response = await post_command(client, "withdraw", row["id"])
    assert response.status_code == 200, response.text
    assert (response.json()["state"], response.json()["because"]) == ("withdrawn", "withdrawn by admin")
    assert (await post_command(client, "withdraw", reminder["id"])).json()["state"] == "withdrawn"

    same_meeting = payload("one", 1, START, [ANN], title="Another title")
    await scenario.receive(body("BOOKING_CREATED", MONDAY + timedelta(seconds=5), same_meeting))
    await scenario.deliver_due()
    assert scenario.fake_destination.sent == [], "a replay does not restore it"
    refusal = await refusal_of(client, "withdraw", row["id"])
    assert refusal == "It is withdrawn: only a scheduled delivery can be withdrawn."

    assert (await post_command(client, "retry", row["id"])).json()["state"] == "scheduled"
    retried = (await post_command(client, "retry", reminder["id"])).json()
    assert retried["next_try_at"] == reminder["due_at"], "it is scheduled again, at its due time"
    await scenario.deliver_due()
    assert scenario.fake_destination.kinds == ["confirmation"]


async def test_a_delivery_being_sent_is_neither_retried_nor_withdrawn(
    scenario: DeliveryScenario, client: httpx2.AsyncClient
) -> None:
    await scenario.receive(booked())
    row = await first_delivery(client)
    asked: list[str] = []

    async def while_it_is_sent() -> GaveUp:
        asked.append((await first_delivery(client))["because"])
        asked.extend([await refusal_of(client, command, row["id"]) for command in ("withdraw", "retry")])
        return REFUSED

    scenario.fake_destination.outcomes.append(while_it_is_sent)
    await scenario.deliver_due()
    assert asked == ["attempt 1 is in progress", *["It is being sent now."] * 2]


async def test_a_delivery_withdrawn_by_replay_is_not_retried(
    scenario: DeliveryScenario, client: httpx2.AsyncClient
) -> None:
    await scenario.receive(booked())
    row = await first_delivery(client)
    await scenario.receive(body("BOOKING_CANCELLED", MONDAY + timedelta(seconds=1), payload("one", 1, START, [ANN])))
    row_after = await first_delivery(client)
    assert row_after["state"] == "withdrawn"
    assert await refusal_of(client, "retry", row["id"]) == f"It is no longer needed: {row_after['because']}."
    assert "only a scheduled delivery" in await refusal_of(client, "withdraw", row["id"])


async def test_a_delivery_skipped_at_planning_is_not_retried(
    scenario: DeliveryScenario, client: httpx2.AsyncClient
) -> None:
    """TE4, PI13: a meeting that is too soon has no reminder, even if a person asks for it."""
    near = MONDAY + timedelta(hours=1)
    await scenario.receive(body("BOOKING_CREATED", MONDAY, payload("one", 1, near, [ANN])))
    row = await first_delivery(client, "reminder")
    assert (row["state"], row["because"]) == ("skipped", "meeting_too_soon")
    assert await refusal_of(client, "retry", row["id"]) == "It was skipped before any attempt: meeting_too_soon."


async def test_a_delivery_skipped_at_the_final_check_can_be_retried(
    scenario: DeliveryScenario, client: httpx2.AsyncClient
) -> None:
    """TE9: the address was suppressed after a bounce, and then someone removed the suppression."""
    stop = Suppression(scope="all", reason="bounced", because="it bounced")
    async with transaction(scenario.engine) as tx:
        await suppressions.add(await driver_connection(tx), scenario.workspace, ANN, stop, at=scenario.now)
    await scenario.receive(booked())
    await scenario.deliver_due()
    row = await first_delivery(client)
    assert (row["state"], row["because"]) == ("skipped", "it bounced")
    (stopped,) = (await client.get("/api/suppressions")).json()["items"]
    await client.delete(f"/api/suppressions/{stopped['id']}")
    assert (await post_command(client, "retry", row["id"])).status_code == 200
    await scenario.deliver_due()
    assert (await first_delivery(client))["state"] == "delivered"


async def test_an_idempotency_key_retries_once(scenario: DeliveryScenario, client: httpx2.AsyncClient) -> None:
    row = await make_failed_delivery(scenario, client)
    once = {"Idempotency-Key": "once"}
    first = await post_command(client, "retry", row["id"], headers=once)
    await scenario.deliver_due()
    retried = await post_command(client, "retry", row["id"], headers=once)
    assert (retried.status_code, retried.json()) == (200, first.json())
    assert retried.headers["idempotency-replayed"] == "true"
    assert (await first_delivery(client))["state"] == "delivered"


async def test_time_filters_and_unknown_ids(scenario: DeliveryScenario, client: httpx2.AsyncClient) -> None:
    await scenario.receive(booked())
    last = START - timedelta(hours=2)
    for query, found in {
        f"due_from={last:%Y-%m-%dT%H:%M:%SZ}": 2,
        f"due_to={last:%Y-%m-%dT%H:%M:%SZ}": 3,
        "due_to=2026-09-07": 0,
        "kind=reminder": 3,
        "recipient=ann": 0,
    }.items():
        response = await client.get(f"/api/deliveries?{query}")
        assert (query, len(response.json()["items"])) == (query, found)
    for command in ("retry", "withdraw"):
        assert (await post_command(client, command, uuid4())).status_code == 404


async def test_the_content_is_the_rendered_content(scenario: DeliveryScenario, client: httpx2.AsyncClient) -> None:
    await scenario.receive(booked())
    row = await first_delivery(client)
    assert row["rendered_at"] is None
    assert (await client.get(f"/api/deliveries/{row['id']}/content")).status_code == 404
    await scenario.deliver_due()
    response = (await client.get(f"/api/deliveries/{row['id']}/content")).json()
    assert response["content"] == scenario.fake_destination.sent[0][1]
    assert response["rendered_at"] == (await first_delivery(client))["rendered_at"] == "2026-09-07T09:00:00Z"


async def test_an_expired_lease_is_reported_as_claimed_again_soon(
    scenario: DeliveryScenario, client: httpx2.AsyncClient
) -> None:
    await scenario.receive(booked())
    row = await first_delivery(client)
    async with transaction(scenario.engine) as tx:
        lost = update(deliveries).where(deliveries.c.id == UUID(row["id"]))
        await tx.execute(lost.values(state="sending", attempts=1, wake_at=scenario.now))
        assert await tx.scalar(select(deliveries.c.state).where(deliveries.c.id == UUID(row["id"]))) == "sending"
    assert (await first_delivery(client))[
        "because"
    ] == "attempt 1 did not finish in time and counts as lost; Showup will try again"


async def test_a_queue_paused_without_failures_is_shown_as_paused(
    scenario: DeliveryScenario, client: httpx2.AsyncClient
) -> None:
    async with transaction(scenario.engine) as tx:
        await queue_store.pause(
            await driver_connection(tx), scenario.queue, scenario.now + timedelta(minutes=1), "the key can't be opened"
        )
    (queue,) = (await client.get("/api/queues")).json()["items"]
    assert (queue["state"], queue["because"], queue["failing_since"]) == ("paused", "the key can't be opened", None)
    assert (queue["waiting"], queue["due"], queue["sending"]) == (0, 0, 0)


async def test_what_waits_for_its_next_attempt_is_tried_now(
    scenario: DeliveryScenario, client: httpx2.AsyncClient
) -> None:
    scenario.fake_destination.outcomes.extend([BUSY, BUSY])
    await scenario.receive(booked())
    await scenario.deliver_due()
    waiting = await first_delivery(client)
    assert (waiting["state"], waiting["attempts"]) == ("scheduled", 1)
    assert waiting["next_try_at"] > scenario.now.isoformat()
    jobs = await count_jobs(scenario)
    tried = await post_command(client, "retry", waiting["id"])
    assert (tried.status_code, tried.json()["failures"]) == (200, 1), "it counts as its next attempt"
    assert await count_jobs(scenario) == jobs + 1
    assert await refusal_of(client, "retry", waiting["id"]) == "It is already being tried."
    await scenario.deliver_due()
    assert (await first_delivery(client))["attempts"] == 2
    await post_command(client, "retry", waiting["id"])
    await scenario.deliver_due()
    assert (await first_delivery(client))["state"] == "delivered"
    assert scenario.fake_destination.accepted == {UUID(waiting["id"]): 1}


async def test_a_destination_that_is_paused_after_failures_is_tried_now_and_by_one_call(
    scenario: DeliveryScenario, client: httpx2.AsyncClient
) -> None:
    scenario.fake_destination.down = DOWN
    await scenario.receive(booked(), booked("two", 2, "bob@acme.example"))
    for seconds in (0, 30, 600):
        await scenario.deliver_due(seconds=seconds)
    paused = await scenario.queue_state()
    assert paused["paused_until"] > scenario.now, "its failures paused it"
    waiting = await first_delivery(client)
    assert (await post_command(client, "retry", waiting["id"])).status_code == 200
    calls = len(scenario.fake_destination.sent)
    await scenario.deliver_due()
    assert len(scenario.fake_destination.sent) == calls + 1, "one call finds out whether it works again"
    assert (await scenario.queue_state())["paused_until"] > scenario.now
    scenario.fake_destination.down = None
    assert (await post_command(client, "retry", waiting["id"])).status_code == 200
    await scenario.deliver_due(seconds=600)
    assert sorted(scenario.fake_destination.accepted.values()) == [1, 1], "and then what waits goes out"


async def test_what_waits_for_something_else_is_not_tried_now(
    scenario: DeliveryScenario, client: httpx2.AsyncClient
) -> None:
    await scenario.receive(booked())
    reminder = await first_delivery(client, "reminder")
    assert "it is due at" in (await refusal_of(client, "retry", reminder["id"])).lower()
    scenario.fake_destination.outcomes.append(
        TryAgain(because="too many calls", fault="limit", not_before=scenario.now + timedelta(minutes=5))
    )
    await scenario.deliver_due()
    waiting = await first_delivery(client)
    refusal = await refusal_of(client, "retry", waiting["id"])
    assert refusal == "Email is paused until 2026-09-07 09:05:00 UTC: too many calls."
    later = await scenario.row_of("confirmation")
    async with transaction(scenario.engine) as tx:
        expired = update(deliveries).where(deliveries.c.id == later["id"]).values(expires_at=scenario.now)
        await tx.execute(expired)
    assert "expired at" in await refusal_of(client, "retry", waiting["id"])
