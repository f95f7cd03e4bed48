"""TE5, TE7, TE10: subscribers receive what follows from a delivery: a question, its answer, a reminder, a failure."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from showup.database.engine import driver_connection, transaction
from showup.database.tables import workspaces
from showup.destinations.contract import Candidate, Delivered, GaveUp, NeedsAnswer, Outcome, Question, TryAgain
from showup.events.delivery import RecordChosen
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.outbox import subscriptions
from showup.outbox.delivery import DestinationQueue
from tests.deliveries.scenario import DeliveryScenario
from tests.execute import execute
from tests.histories.webhooks import MONDAY, body, payload

START = MONDAY + timedelta(days=5)
ANN = "ann@acme.example"
CANDIDATES = (
    Candidate(record="t1", name="Ann Acme", url="https://crm.example/t1", because="the same name"),
    Candidate(record="t2", name="Anne Acme"),
)
FOUR_HOURS = timedelta(hours=4)


def booked(uid: str = "one", number: int = 1) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START, [ANN]))


def cancelled(uid: str = "one", number: int = 1) -> bytes:
    return body("BOOKING_CANCELLED", MONDAY + timedelta(seconds=60), payload(uid, number, START, [ANN]))


def question_outcome(until: datetime) -> NeedsAnswer:
    return NeedsAnswer(because="nobody has this address", question=Question(candidates=CANDIDATES, until=until))


def delivered(record: str) -> Delivered:
    return Delivered(provider="far", reference="r", record=record)


class Team:
    """A CRM that receives bookings, and a chat that receives system notifications; both follow a script."""

    def __init__(self, scenario: DeliveryScenario) -> None:
        self.scenario = scenario

    async def subscribe(self, destination: str, *kinds: str) -> None:
        async with transaction(self.scenario.engine) as tx:
            await subscriptions.subscribe(
                await driver_connection(tx), self.scenario.workspace, destination, kinds, self.scenario.now
            )

    async def deliver_due(self, destination: str, *outcomes: Outcome, **later: float) -> None:
        """Moves the clock, and sends what is due to this destination, which returns this outcome and then Delivered."""
        self.scenario.fake_destination.outcomes.extend(outcomes)
        self.scenario.queue = DestinationQueue(workspace_id=self.scenario.workspace, destination=destination)
        await self.scenario.deliver_due(**later)
        self.scenario.fake_destination.outcomes.clear()

    async def choose(self, delivery_id: UUID, record: str | None, actor: str = "Ben") -> str | None:
        chosen = RecordChosen(delivery_id=delivery_id, record=record)
        scenario = self.scenario
        return (await execute(scenario.engine, scenario.workspace, chosen, at=scenario.now, actor=actor)).refused

    async def rows_of(self, destination: str, kind: str) -> list[dict[str, Any]]:
        return await self.scenario.rows(destination=destination, kind=kind)

    async def ask_about_booking(self) -> dict[str, Any]:
        """Receives a booking for which the CRM asks for a record."""
        await self.subscribe("clickup", "booking.created", "booking.cancelled")
        await self.subscribe("slack", "record.choose", "record.chosen")
        await self.scenario.receive(booked())
        await self.deliver_due("clickup", question_outcome(self.scenario.now + FOUR_HOURS))
        (row,) = await self.rows_of("clickup", "booking.created")
        return row


@pytest.fixture
def team(scenario: DeliveryScenario) -> Team:
    return Team(scenario)


class TestQuestions:
    async def test_subscribers_receive_the_question(self, team: Team) -> None:
        row = await team.ask_about_booking()
        assert (row["state"], row["wake_at"]) == ("scheduled", team.scenario.now + FOUR_HOURS)
        assert await team.scenario.attempts(row["id"]) == [("asked", "nobody has this address")]
        (question,) = await team.rows_of("slack", "record.choose")
        assert (question["booking_id"], question["recipient"]) == (row["booking_id"], ANN)
        assert question["expires_at"] == team.scenario.now + FOUR_HOURS
        assert question["details"]["delivery_id"] == str(row["id"])
        assert [one["record"] for one in question["details"]["candidates"]] == ["t1", "t2"]
        assert (question["event_id"], question["state"]) == (None, "scheduled")

    async def test_an_answer_is_used_at_once(self, team: Team) -> None:
        row = await team.ask_about_booking()
        await team.deliver_due("slack")
        assert await team.choose(row["id"], "t2") is None
        await team.deliver_due("clickup", delivered("t2"), minutes=1)
        attempt = team.scenario.fake_destination.attempts[-1]
        assert attempt.question is not None
        assert (attempt.number, attempt.question.chosen, attempt.question.answered_by) == (2, "t2", "Ben")
        assert [one.record for one in attempt.question.candidates] == ["t1", "t2"]
        (row,) = await team.rows_of("clickup", "booking.created")
        assert (row["state"], row["record"]) == ("delivered", "t2")
        (answer,) = await team.rows_of("slack", "record.chosen")
        assert (answer["details"]["record"], answer["details"]["answered_by"]) == ("t2", "Ben")

    async def test_none_of_the_candidates_is_a_valid_answer(self, team: Team) -> None:
        row = await team.ask_about_booking()
        assert await team.choose(row["id"], None) is None
        await team.deliver_due("clickup", delivered("new"))
        question = team.scenario.fake_destination.attempts[-1].question
        assert question is not None
        assert (question.chosen, question.answered_by) == (None, "Ben")

    async def test_an_unsent_question_is_withdrawn_once_answered(self, team: Team) -> None:
        row = await team.ask_about_booking()
        await team.choose(row["id"], "t1")
        await team.deliver_due("slack")
        (question,) = await team.rows_of("slack", "record.choose")
        assert (question["state"], question["because"]) == ("withdrawn", "it was decided meanwhile")
        assert team.scenario.fake_destination.kinds[-1] == "record.chosen"

    async def test_a_question_expires_without_an_answer(self, team: Team) -> None:
        row = await team.ask_about_booking()
        await team.deliver_due("clickup", delivered("new"), hours=3.9)
        assert len(await team.scenario.attempts(row["id"])) == 1
        await team.deliver_due("clickup", delivered("new"), hours=0.2)
        question = team.scenario.fake_destination.attempts[-1].question
        assert question is not None
        assert question.answered_by is None
        (answer,) = await team.rows_of("slack", "record.chosen")
        assert (answer["details"]["record"], answer["details"]["answered_by"]) == ("new", None)

    async def test_later_deliveries_of_the_booking_wait_for_the_answer(self, team: Team) -> None:
        row = await team.ask_about_booking()
        await team.scenario.receive(cancelled())
        await team.deliver_due("clickup", minutes=5)
        assert team.scenario.fake_destination.kinds == ["booking.created"]
        await team.choose(row["id"], "t1")
        await team.deliver_due("clickup", delivered("t1"), minutes=1)
        assert team.scenario.fake_destination.kinds == ["booking.created", "booking.created", "booking.cancelled"]
        assert team.scenario.fake_destination.attempts[-1].record == "t1"

    async def test_another_booking_is_not_delayed(self, team: Team) -> None:
        await team.ask_about_booking()
        await team.scenario.receive(booked("two", 2))
        await team.deliver_due("clickup", minutes=1)
        assert team.scenario.fake_destination.kinds == ["booking.created", "booking.created"]

    @pytest.mark.parametrize(
        ("record", "refusal"), [("t9", "'t9' is not a candidate"), ("t1", "Eve has already answered")]
    )
    async def test_an_invalid_answer_is_refused(self, team: Team, record: str, refusal: str) -> None:
        row = await team.ask_about_booking()
        if record == "t1":
            await team.choose(row["id"], "t2", "Eve")
        assert await team.choose(row["id"], record) == refusal

    async def test_a_late_answer_is_refused(self, team: Team) -> None:
        row = await team.ask_about_booking()
        await team.deliver_due("clickup", delivered("new"), hours=5)
        assert await team.choose(row["id"], "t1") == "it is too late to answer: the delivery is delivered"

    async def test_an_answer_without_a_question_is_refused(self, team: Team) -> None:
        await team.scenario.receive(booked())
        assert await team.choose(uuid4(), "t1") == "the delivery does not exist"
        assert (
            await team.choose((await team.scenario.row_of("confirmation"))["id"], "t1")
            == "this delivery has no question"
        )

    async def test_another_workspace_has_no_such_delivery(self, team: Team) -> None:
        row = await team.ask_about_booking()
        team.scenario.workspace = uuid4()
        async with transaction(team.scenario.engine) as tx:
            await tx.execute(insert(workspaces).values(id=team.scenario.workspace, slug="other", name="Other"))
        assert await team.choose(row["id"], "t1") == "the delivery does not exist"

    async def test_an_attempt_knows_whether_questions_have_subscribers(self, team: Team) -> None:
        await team.subscribe("clickup", "booking.created", "record.choose")
        await team.scenario.receive(booked())
        await team.deliver_due("clickup")
        assert team.scenario.fake_destination.attempts[-1].can_ask is False
        await team.subscribe("slack", "record.choose")
        await team.scenario.receive(booked("two", 2))
        await team.deliver_due("clickup", seconds=1)
        assert team.scenario.fake_destination.attempts[-1].can_ask is True

    async def test_a_rebuild_shows_no_difference(self, team: Team) -> None:
        """R2: system notifications are not in the log."""
        row = await team.ask_about_booking()
        assert (
            await rebuild(team.scenario.engine, RebuildOptions(workspace_ids=[team.scenario.workspace]))
        ).examples == []
        await team.choose(row["id"], "t2")
        await team.deliver_due("clickup", delivered("t2"), minutes=1)
        assert (
            await rebuild(team.scenario.engine, RebuildOptions(workspace_ids=[team.scenario.workspace]))
        ).examples == []

    async def test_later_events_do_not_withdraw_the_question(self, team: Team) -> None:
        """No booking's history requires the question, so no history withdraws it."""
        await team.ask_about_booking()
        await team.scenario.receive(cancelled())
        (question,) = await team.rows_of("slack", "record.choose")
        assert question["state"] == "scheduled"


class TestReminders:
    async def test_a_crm_is_notified_of_a_sent_reminder(self, team: Team) -> None:
        """TE6: the CRM writes the time into the prospect's sequence."""
        await team.subscribe("notion", "reminder.sent")
        await team.scenario.receive(booked())
        await team.deliver_due("email")
        assert await team.rows_of("notion", "reminder.sent") == []
        team.scenario.now = START - timedelta(hours=72)
        await team.deliver_due("email")
        (row,) = await team.rows_of("notion", "reminder.sent")
        assert row["details"] == {"before_seconds": 72 * 3600, "sent_at": "2026-09-09T09:00:00Z", "by": "email"}
        assert row["recipient"] == ANN
        await team.deliver_due("notion")
        assert team.scenario.fake_destination.kinds[-1] == "reminder.sent"

    async def test_an_unsent_reminder_notifies_nobody(self, team: Team) -> None:
        await team.subscribe("notion", "reminder.sent")
        await team.scenario.receive(booked())
        team.scenario.now = START - timedelta(hours=72)
        await team.deliver_due("email", GaveUp(because="no such mailbox"))
        assert await team.rows_of("notion", "reminder.sent") == []


class TestFailures:
    async def test_failures_within_an_hour_send_one_notification(self, team: Team) -> None:
        await team.subscribe("slack", "delivery.failed")
        await team.scenario.receive(booked(), booked("two", 2))
        await team.deliver_due("email", GaveUp(because="refused"), GaveUp(because="refused"))
        (row,) = await team.rows_of("slack", "delivery.failed")
        assert row["details"]["because"] == "refused"
        assert (row["details"]["destination"], row["booking_id"]) == ("email", None)
        await team.scenario.receive(booked("three", 3))
        await team.deliver_due("email", GaveUp(because="refused"), hours=1)
        assert len(await team.rows_of("slack", "delivery.failed")) == 2

    async def test_a_destination_is_not_notified_of_its_own_failure(self, team: Team) -> None:
        await team.subscribe("slack", "booking.created", "delivery.failed")
        await team.scenario.receive(booked())
        await team.deliver_due("slack", GaveUp(because="channel_not_found"))
        assert await team.rows_of("slack", "delivery.failed") == []

    async def test_an_outage_sends_one_notification(self, team: Team) -> None:
        await team.subscribe("slack", "destination.down")
        await team.scenario.receive(*(booked(f"b{number}", number) for number in range(8)))
        team.scenario.fake_destination.down = TryAgain(because="nobody answers", fault="destination")
        for _ in range(6):
            await team.deliver_due("email", minutes=6)
        (row,) = await team.rows_of("slack", "destination.down")
        assert row["details"]["destination"] == "email"
        assert "nobody answers" in row["details"]["because"]
        team.scenario.fake_destination.down = None
        await team.deliver_due("email", minutes=6)
        await team.deliver_due("slack")
        assert team.scenario.fake_destination.kinds[-1] == "destination.down"


async def test_without_subscribers_no_notification_is_sent(team: Team) -> None:
    await team.subscribe("clickup", "booking.created")
    await team.scenario.receive(booked())
    await team.deliver_due("clickup", question_outcome(team.scenario.now + FOUR_HOURS))
    await team.deliver_due("email", GaveUp(because="refused"))
    kinds = {row["kind"] for row in await team.scenario.rows()}
    assert kinds == {"booking.created", "confirmation", "reminder", "outcome"}


class TestRecords:
    async def test_later_deliveries_use_the_record_of_the_first(self, team: Team) -> None:
        await team.subscribe("clickup", "booking.created", "booking.cancelled")
        await team.scenario.receive(booked())
        await team.deliver_due("clickup", delivered("t7"))
        await team.scenario.receive(cancelled())
        await team.deliver_due("clickup", seconds=1)
        first, second = team.scenario.fake_destination.attempts
        assert (first.record, first.number) == (None, 1)
        assert (second.record, second.number) == ("t7", 1)

    async def test_records_are_not_shared_between_destinations_or_bookings(self, team: Team) -> None:
        await team.subscribe("clickup", "booking.created")
        await team.subscribe("notion", "booking.created")
        await team.scenario.receive(booked(), booked("two", 2))
        await team.deliver_due("clickup", delivered("t7"), delivered("t8"))
        await team.deliver_due("notion")
        assert [one.record for one in team.scenario.fake_destination.attempts] == [None] * 4

    async def test_a_retry_has_its_attempt_number(self, team: Team) -> None:
        await team.subscribe("clickup", "booking.created")
        await team.scenario.receive(booked())
        await team.deliver_due("clickup", TryAgain(because="busy"))
        await team.deliver_due("clickup", minutes=1)
        assert [one.number for one in team.scenario.fake_destination.attempts] == [1, 2]
        assert len({str(one.content) for one in team.scenario.fake_destination.attempts}) == 1
