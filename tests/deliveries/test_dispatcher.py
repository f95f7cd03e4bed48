"""TE1, TE4, TE10, PI13: due deliveries are sent once, in order, and retried by the policy."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Delivered, GaveUp, Outcome, TryAgain
from showup.dispatch import claims
from showup.outbox import suppressions
from showup.outbox.suppressions import Suppression
from tests.deliveries.scenario import PACE, DeliveryScenario
from tests.histories.webhooks import MONDAY, body, payload

START = MONDAY + timedelta(days=5)
ANN = "ann@acme.example"
BUSY = TryAgain(because="it is busy", fault="delivery")
DOWN = TryAgain(because="nobody answers", fault="destination")


def booked(uid: str = "one", number: int = 1, start: datetime = START, email: str = ANN, **more: Any) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, start, [email], **more))


def cancelled(uid: str = "one", number: int = 1, start: datetime = START, later: int = 1) -> bytes:
    fields = payload(uid, number, start, [ANN])
    return body("BOOKING_CANCELLED", MONDAY + timedelta(seconds=later), fields)


def moved(to: datetime, later: int = 1) -> bytes:
    fields = payload("two", 2, to, [ANN], rescheduleUid="one", rescheduleStartTime=START.isoformat())
    return body("BOOKING_RESCHEDULED", MONDAY + timedelta(seconds=later), fields)


async def test_a_confirmation_is_sent_once_and_recorded(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked())
    await scenario.deliver_due()
    await scenario.deliver_due()
    row = await scenario.row_of("confirmation")
    assert scenario.fake_destination.kinds == ["confirmation"]
    assert (row["state"], row["provider"], row["provider_id"], row["attempts"]) == ("delivered", "far", "r", 1)
    assert row["delivered_at"] == scenario.now
    assert await scenario.attempts(row["id"]) == [("delivered", None)]


async def test_reminders_wait_for_their_time(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked())
    await scenario.deliver_due()
    assert [row["due_at"] for row in await scenario.rows(kind="reminder")] == [
        START - timedelta(hours=72),
        START - timedelta(hours=24),
        START - timedelta(hours=2),
    ]
    for due_at in (START - timedelta(hours=72), START - timedelta(hours=24), START - timedelta(hours=2)):
        scenario.now = due_at - timedelta(seconds=10)
        await scenario.deliver_due()
        before = len(scenario.fake_destination.sent)
        await scenario.deliver_due(seconds=10)
        assert len(scenario.fake_destination.sent) == before + 1
    assert scenario.fake_destination.kinds == ["confirmation", "reminder", "reminder", "reminder"]


async def test_a_temporary_failure_is_retried_with_the_same_content_three_times(scenario: DeliveryScenario) -> None:
    scenario.fake_destination.outcomes.extend([BUSY, BUSY, BUSY])
    await scenario.receive(booked())
    await scenario.deliver_due()
    row = await scenario.row_of("confirmation")
    assert (row["state"], row["because"], row["failures"]) == ("scheduled", "it is busy", 1)
    assert row["wake_at"] == scenario.now + timedelta(seconds=30)

    await scenario.deliver_due(seconds=29)
    assert len(scenario.fake_destination.sent) == 1, "not before its pause is over"
    await scenario.deliver_due(seconds=1)
    await scenario.deliver_due(seconds=120)
    row = await scenario.row_of("confirmation")
    assert (row["state"], row["because"]) == ("failed", "it is busy (attempt 3 of 3)")
    assert len({str(content) for _, content in scenario.fake_destination.sent}) == 1
    assert len({delivery for delivery, _ in scenario.fake_destination.sent}) == 1
    assert await scenario.attempts(row["id"]) == [
        ("try_again", "it is busy"),
        ("try_again", "it is busy"),
        ("gave_up", "it is busy (attempt 3 of 3)"),
    ]


async def test_a_permanent_failure_is_not_retried(scenario: DeliveryScenario) -> None:
    scenario.fake_destination.outcomes.append(GaveUp(because="there is no such address"))
    await scenario.receive(booked())
    await scenario.deliver_due()
    row = await scenario.row_of("confirmation")
    assert (row["state"], row["because"], row["attempts"]) == ("failed", "there is no such address", 1)


async def test_an_outage_pauses_the_queue_and_uses_no_attempts(scenario: DeliveryScenario) -> None:
    """TE10: after an hour everything is sent once, oldest first, and expired deliveries are skipped."""
    scenario.fake_destination.down = DOWN
    soon = scenario.now + timedelta(hours=2, minutes=20)
    for n in range(1, 8):
        await scenario.receive(booked(f"b{n}", n, START + timedelta(hours=n), f"p{n}@acme.example"))
        scenario.now += timedelta(seconds=1)
    await scenario.receive(booked("soon", 9, soon, "soon@acme.example"))
    calls = []
    for _ in range(60):
        await scenario.deliver_due(minutes=1)
        calls.append(len(scenario.fake_destination.sent))
    queue = await scenario.queue_state()
    assert queue["because"].startswith("nobody answers: no delivery succeeded since 2026-09-07 09:0")
    assert queue["paused_until"] > scenario.now
    assert calls[-1] < 60, "a paused queue is probed now and then"
    assert {row["state"] for row in await scenario.rows(kind="confirmation")} == {"scheduled"}

    scenario.fake_destination.down = None
    while queue["paused_until"] > scenario.now:
        scenario.now += timedelta(seconds=10)
    await scenario.deliver_due()
    assert {row["state"] for row in await scenario.rows(kind="confirmation")} == {"delivered"}
    assert set(scenario.fake_destination.accepted.values()) == {1}
    recipients = [content["to"] for _, content in scenario.fake_destination.sent if content["kind"] == "confirmation"][
        -8:
    ]
    in_order = [*(f"p{n}@acme.example" for n in range(1, 8)), "soon@acme.example"]
    assert recipients[1:] == [one for one in in_order if one != recipients[0]], (
        "the oldest first, after the delivery that probed the queue"
    )
    assert (await scenario.queue_state())["paused_until"] is None


async def test_a_reminder_that_expired_during_an_outage_is_skipped_with_its_reason(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked())
    await scenario.deliver_due()
    scenario.fake_destination.down = DOWN
    scenario.now = START - timedelta(hours=72)
    for _ in range(10):
        await scenario.deliver_due(minutes=1)
    scenario.fake_destination.down = None
    scenario.now = START - timedelta(hours=23)
    await scenario.deliver_due()
    first, second, third = await scenario.rows(kind="reminder")
    assert (first["state"], first["because"]) == (
        "skipped",
        "too late: the next reminder was due (nobody answers)",
    )
    assert (second["state"], third["state"]) == ("delivered", "scheduled")

    scenario.now = START + timedelta(seconds=1)
    await scenario.deliver_due()
    assert (await scenario.rows(kind="reminder"))[2]["because"] == "too late: the meeting had begun"


async def test_a_poison_delivery_blocks_no_other(scenario: DeliveryScenario) -> None:
    """In a quiet queue the destination seems down, until another delivery shows that it works."""
    scenario.fake_destination.refused_recipient = "poison@acme.example"
    await scenario.receive(booked("poison", 1, START, "poison@acme.example"))
    for _ in range(4):
        await scenario.deliver_due(minutes=3)
    await scenario.receive(booked("two", 2, START, "two@acme.example"))
    for _ in range(12):
        await scenario.deliver_due(minutes=3)
    states = {row["recipient"]: row["state"] for row in await scenario.rows(kind="confirmation")}
    assert states == {"poison@acme.example": "failed", "two@acme.example": "delivered"}


async def test_a_reminder_with_an_expired_lease_is_not_sent_after_the_meeting(scenario: DeliveryScenario) -> None:
    """TE4: for example, a laptop was closed."""
    await scenario.receive(booked())
    await scenario.deliver_due()
    scenario.now = START - timedelta(hours=2)
    (claimed,) = await scenario.claim()
    scenario.now = START + timedelta(hours=3)
    await scenario.deliver_due()
    row = (await scenario.rows(kind="reminder"))[2]
    assert (row["id"], row["state"], row["because"]) == (
        claimed.id,
        "skipped",
        "too late: the meeting had begun",
    )
    assert await scenario.attempts(row["id"]) == [("lost", "the process that made it ended, or hung")]


async def test_an_in_flight_attempt_is_recorded_when_its_connection_becomes_unusable(
    scenario: DeliveryScenario,
) -> None:
    async def meanwhile() -> Outcome:
        scenario.not_connected_because = "its credentials can't be opened"
        return Delivered(provider="far")

    scenario.fake_destination.outcomes.append(meanwhile)
    await scenario.receive(booked())
    await scenario.deliver_due()
    assert (await scenario.row_of("confirmation"))["state"] == "delivered"
    await scenario.receive(booked("two", 2, START, "two@globex.example"))
    await scenario.deliver_due()
    assert (await scenario.queue_state())["because"] == "its credentials can't be opened"
    scenario.not_connected_because = None
    await scenario.deliver_due(minutes=1)
    assert len(scenario.fake_destination.sent) == 2


async def test_out_of_order_events_during_an_attempt_lose_no_mail(scenario: DeliveryScenario) -> None:
    """PI9: the move to a third time arrives before the move to the second; everyone must receive the third."""
    second, third = START + timedelta(days=1), START + timedelta(days=2)
    fields = {"rescheduleUid": "two", "rescheduleStartTime": second.isoformat()}
    last = body("BOOKING_RESCHEDULED", MONDAY + timedelta(seconds=2), payload("three", 3, third, [ANN], **fields))

    async def meanwhile() -> Outcome:
        await scenario.receive(moved(second))
        return BUSY

    await scenario.receive(booked())
    await scenario.deliver_due()
    scenario.fake_destination.outcomes.append(meanwhile)
    await scenario.receive(last)
    await scenario.deliver_due()
    await scenario.deliver_due(minutes=1)
    delivered = [row for row in await scenario.rows(kind="rescheduled") if row["state"] == "delivered"]
    assert len(delivered) == 1
    assert scenario.fake_destination.sent[-1][1]["start"] == third.isoformat()


async def test_a_rate_limit_delays_without_using_an_attempt(scenario: DeliveryScenario) -> None:
    until = scenario.now + timedelta(seconds=90)
    scenario.fake_destination.outcomes.append(TryAgain(because="too many calls", not_before=until, fault="limit"))
    await scenario.receive(booked(), booked("other", 2, START, "other@globex.example"))
    scenario.fake_destination.pace = replace(PACE, at_once=1)
    await scenario.deliver_due()
    assert len(scenario.fake_destination.sent) == 1, "the pause applies to the whole queue"
    await scenario.deliver_due(seconds=89)
    assert len(scenario.fake_destination.sent) == 1
    await scenario.deliver_due(seconds=1)
    assert {row["failures"] for row in await scenario.rows(kind="confirmation")} == {0}
    assert {row["state"] for row in await scenario.rows(kind="confirmation")} == {"delivered"}


async def test_deliveries_of_one_booking_are_ordered_and_others_do_not_wait(scenario: DeliveryScenario) -> None:
    scenario.fake_destination.outcomes.append(BUSY)
    await scenario.receive(booked())
    await scenario.deliver_due()
    scenario.now += timedelta(seconds=1)
    await scenario.receive(body("BOOKING_LOCATION_UPDATED", MONDAY + timedelta(seconds=2), _elsewhere()))
    await scenario.receive(booked("other", 2, START, "other@globex.example"))
    await scenario.deliver_due(seconds=1)
    assert scenario.fake_destination.kinds == ["confirmation", "confirmation"]
    assert scenario.fake_destination.sent[1][1]["to"] == "other@globex.example"
    await scenario.deliver_due(seconds=30)
    assert scenario.fake_destination.kinds[2:] == ["confirmation", "new_place"]


def _elsewhere() -> dict[str, Any]:
    return payload("one", 1, START, [ANN], metadata={"videoCallUrl": "https://meet.example/elsewhere"})


async def test_a_cancellation_withdraws_a_delivery_waiting_for_retry(scenario: DeliveryScenario) -> None:
    scenario.fake_destination.outcomes.append(BUSY)
    await scenario.receive(booked())
    await scenario.deliver_due()
    scenario.now += timedelta(seconds=5)
    await scenario.receive(cancelled())
    await scenario.deliver_due(seconds=60)
    row = await scenario.row_of("confirmation")
    assert (row["state"], row["because"]) == ("withdrawn", "the meeting was cancelled")
    assert scenario.fake_destination.kinds == ["confirmation", "cancelled"]


async def test_a_cancellation_during_an_attempt_prevents_a_retry(scenario: DeliveryScenario) -> None:
    async def meanwhile() -> Outcome:
        await scenario.receive(cancelled())
        return BUSY

    scenario.fake_destination.outcomes.append(meanwhile)
    await scenario.receive(booked())
    await scenario.deliver_due()
    row = await scenario.row_of("confirmation")
    assert (row["state"], row["because"]) == ("withdrawn", "the meeting was cancelled")
    await scenario.deliver_due(minutes=5)
    assert scenario.fake_destination.kinds == ["confirmation", "cancelled"]


async def test_a_reminder_checks_its_meeting_before_it_is_sent(scenario: DeliveryScenario) -> None:
    """TE4: the meeting is cancelled or moved between the claim and the attempt."""
    await scenario.receive(booked())
    await scenario.deliver_due()
    scenario.now = START - timedelta(hours=72)
    (claimed,) = await scenario.claim()
    assert claimed.kind == "reminder"
    await scenario.receive(moved(START + timedelta(days=3), later=round((scenario.now - MONDAY).total_seconds())))
    scenario.now += claims.LEASE
    await scenario.deliver_due()
    first = (await scenario.rows(kind="reminder"))[0]
    assert (first["state"], first["because"]) == ("withdrawn", "the meeting was moved to another time")
    assert await scenario.attempts(first["id"]) == [
        ("lost", "the process that made it ended, or hung"),
        ("stopped", "the meeting was moved to another time"),
    ]
    assert scenario.fake_destination.kinds == ["confirmation", "rescheduled", "calendar_cleanup"]


async def test_a_lease_of_a_dead_process_is_claimed_again(scenario: DeliveryScenario) -> None:
    async def never() -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    scenario.fake_destination.outcomes.append(never)
    await scenario.receive(booked())
    dying = asyncio.create_task(scenario.dispatcher().drain(scenario.queue))
    await scenario.fake_destination.was_called.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert (await scenario.row_of("confirmation"))["state"] == "sending"

    await scenario.deliver_due(seconds=29)
    assert len(scenario.fake_destination.sent) == 1, "the process may still be sending"
    await scenario.deliver_due(seconds=1)
    row = await scenario.row_of("confirmation")
    assert row["state"] == "delivered"
    assert [outcome for outcome, _ in await scenario.attempts(row["id"])] == ["lost", "delivered"]


async def test_several_processes_send_everything_once(scenario: DeliveryScenario) -> None:
    async def slowly() -> Outcome:
        await asyncio.sleep(0.005)
        return Delivered(provider="far")

    scenario.fake_destination.outcomes.extend([slowly] * 120)
    await scenario.receive(*(booked(f"b{n}", n, START, f"p{n}@acme.example") for n in range(1, 121)))
    await asyncio.gather(*(scenario.dispatcher().drain(scenario.queue) for _ in range(3)))
    assert Counter(row["state"] for row in await scenario.rows(kind="confirmation")) == {"delivered": 120}
    assert set(scenario.fake_destination.accepted.values()) == {1}


async def test_rate_limits_are_shared_by_all_processes(scenario: DeliveryScenario) -> None:
    scenario.fake_destination.pace = replace(PACE, rate_per_second=5, at_once=100)
    await scenario.receive(*(booked(f"b{n}", n, START, f"p{n}@acme.example") for n in range(1, 31)))
    for second in range(1, 4):
        await asyncio.gather(*(scenario.dispatcher().drain(scenario.queue) for _ in range(2)))
        assert len(scenario.fake_destination.sent) == 5 * second
        scenario.now += timedelta(seconds=1)


@pytest.mark.parametrize("scope", ["all", "follow_up"])
async def test_a_suppressed_recipient_is_skipped(scenario: DeliveryScenario, scope: Any) -> None:
    """TE9."""
    async with transaction(scenario.engine) as tx:
        suppression = Suppression(scope=scope, reason="bounced", because="their mailbox does not exist")
        await suppressions.add(await driver_connection(tx), scenario.workspace, ANN, suppression, at=scenario.now)
    await scenario.receive(booked())
    await scenario.deliver_due()
    row = await scenario.row_of("confirmation")
    if scope == "all":
        assert row["state"] == "skipped"
        assert "their mailbox does not exist" in row["because"]
        assert not scenario.fake_destination.sent
    else:
        assert row["state"] == "delivered"


async def test_a_bug_in_a_destination_fails_one_delivery(scenario: DeliveryScenario) -> None:
    async def broken() -> Outcome:
        raise RuntimeError("a bug")

    scenario.fake_destination.outcomes.append(broken)
    await scenario.receive(booked())
    await scenario.deliver_due()
    assert (await scenario.row_of("confirmation"))[
        "because"
    ] == "an unexpected error occurred while sending (RuntimeError): see the log"
    await scenario.deliver_due(seconds=30)
    assert (await scenario.row_of("confirmation"))["state"] == "delivered"


async def test_a_manually_withdrawn_delivery_is_not_planned_again(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked())
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        await connection.execute(
            "UPDATE deliveries SET state = 'withdrawn', withdrawn_by = 'key:ops' WHERE kind = 'confirmation'"
        )
    await scenario.receive(booked(title="A better title"))
    await scenario.deliver_due()
    assert (await scenario.row_of("confirmation"))["state"] == "withdrawn"
    assert not scenario.fake_destination.sent


async def test_a_connection_lost_again_is_logged_again(scenario: DeliveryScenario) -> None:
    for number, uid in enumerate(("one", "two"), 1):
        await scenario.receive(booked(uid, number, email=f"{uid}@acme.example"))
        scenario.not_connected_because = "it is not connected"
        with capture_logs() as log_lines:
            await scenario.deliver_due()
            await scenario.deliver_due(minutes=2)
        assert [line["because"] for line in log_lines if line["log_level"] == "warning"] == ["it is not connected"]
        scenario.not_connected_because = None
        await scenario.deliver_due(minutes=2)
        assert (await scenario.queue_state())["because"] is None
