"""AP2: the question to the host is one delivery per destination, sent after the meeting if nobody answered."""

from datetime import datetime, timedelta
from typing import Any

from showup.database.engine import driver_connection, transaction
from showup.events.booking import OutcomeReported
from showup.outbox.outcome_tokens import read_outcome_token
from showup.outbox.subscriptions import subscribe
from showup.pipeline.rules import Rules
from tests.deliveries.scenario import SEAL, DeliveryScenario
from tests.execute import execute
from tests.histories.webhooks import BEN, MONDAY, attendee, body, payload

START = MONDAY + timedelta(days=5)
ANN = attendee("ann@acme.example", "Ann Acme")


def booked(uid: str = "one", number: int = 1, **more: Any) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START, [ANN], **more))


async def requests(scenario: DeliveryScenario) -> list[tuple[str, str, datetime, str | None]]:
    found = [one for one in await scenario.rows() if one["kind"] == "outcome"]
    return sorted((one["destination"], one["state"], one["due_at"], one["because"]) for one in found)


async def sent_after_the_meeting(scenario: DeliveryScenario, end: datetime) -> list[dict[str, Any]]:
    """Sends everything that is due, to the minute before the question and then to it; returns the questions."""
    scenario.now = end + timedelta(minutes=9)
    await scenario.deliver_due()
    assert [one for _, one in scenario.fake_destination.sent if one["kind"] == "outcome"] == []
    scenario.now = end + timedelta(minutes=11)
    await scenario.deliver_due()
    return [one for _, one in scenario.fake_destination.sent if one["kind"] == "outcome"]


async def test_the_host_is_asked_once_about_the_attendee_with_a_link_of_their_own(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked())
    await scenario.receive(booked())
    [(destination, state, due_at, _)] = await requests(scenario)
    end = START + timedelta(minutes=30)
    assert (destination, state, due_at) == ("email", "scheduled", end + timedelta(minutes=10))
    [content] = await sent_after_the_meeting(scenario, end)
    assert content["to"] == "ann@acme.example"
    token = content["details"]["outcome_url"].removeprefix("https://showup.example/o/")
    request = read_outcome_token(SEAL, token)
    assert request is not None
    assert (request.host, request.start_time, request.expires_at) == (BEN.email, START, end + timedelta(days=14))
    [row] = [one for one in await scenario.rows() if one["kind"] == "outcome"]
    assert (row["state"], row["recipient"]) == ("delivered", BEN.email)


async def test_an_answer_before_it_is_sent_withdraws_it_and_slack_is_asked_too(scenario: DeliveryScenario) -> None:
    async with transaction(scenario.engine) as tx:
        await subscribe(await driver_connection(tx), scenario.workspace, "slack", ["outcome"], MONDAY)
    await scenario.receive(booked())
    assert [one[:2] for one in await requests(scenario)] == [("email", "scheduled"), ("slack", "scheduled")]
    scenario.now = START + timedelta(minutes=20)
    report = OutcomeReported(subject="uid:one", outcome="showed")
    await execute(scenario.engine, scenario.workspace, report, at=scenario.now, actor="key:ops")
    withdrawn = [("email", "withdrawn"), ("slack", "withdrawn")]
    assert [one[:2] for one in await requests(scenario)] == withdrawn
    assert {one[3] for one in await requests(scenario)} == {"the outcome was reported"}


async def test_a_rule_turns_it_off_for_a_workspace(scenario: DeliveryScenario) -> None:
    await scenario.set_rules(Rules(ask_for_outcome=False))
    await scenario.receive(booked())
    assert await requests(scenario) == []


async def test_a_question_that_waited_for_more_than_a_day_is_not_sent(scenario: DeliveryScenario) -> None:
    await scenario.receive(booked())
    scenario.now = START + timedelta(days=2)
    await scenario.deliver_due()
    [(_, state, _, because)] = await requests(scenario)
    assert (state, because) == ("skipped", "too late: the meeting ended more than a day ago")
