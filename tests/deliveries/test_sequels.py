"""TE5, TE7, TE10: what follows from a delivery (a question, its answer, a reminder, a failure) for whoever listens."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from showup.database.engine import raw, transaction
from showup.deliveries import choosing, subscribing
from showup.deliveries.chosen import RecordChosen
from showup.deliveries.delivery import Lane
from showup.destinations.contract import Asks, Candidate, Delivered, GaveUp, Outcome, Question, TryAgain
from showup.inbox.rebuild.run import rebuild
from showup.inbox.rebuild.wish import Wish
from tests.deliveries.post import Post
from tests.stories.webhooks import MONDAY, body, payload

START = MONDAY + timedelta(days=5)
ANN = "ann@acme.example"
CANDIDATES = (
    Candidate(record="t1", name="Ann Acme", url="https://crm.example/t1", because="the same name"),
    Candidate(record="t2", name="Anne Acme"),
)
HOURS_4 = timedelta(hours=4)


def booked(uid: str = "one", number: int = 1) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START, [ANN]))


def cancelled(uid: str = "one", number: int = 1) -> bytes:
    return body("BOOKING_CANCELLED", MONDAY + timedelta(seconds=60), payload(uid, number, START, [ANN]))


def asks(until: datetime) -> Asks:
    return Asks(because="nobody has this address", question=Question(candidates=CANDIDATES, until=until))


def delivered(record: str) -> Delivered:
    return Delivered(provider="far", reference="r", record=record)


class Team:
    """A CRM that is told of bookings, and a chat that is told what follows; both are the post's far side."""

    def __init__(self, post: Post) -> None:
        self.post = post

    async def listen(self, destination: str, *kinds: str) -> None:
        async with transaction(self.post.engine) as tx:
            await subscribing.subscribe(await raw(tx), self.post.workspace, destination, kinds, self.post.now)

    async def tell(self, destination: str, *script: Outcome, **later: float) -> None:
        """Time passes, and this destination is told what is due; it answers so, and then that it took it."""
        self.post.far.script.extend(script)
        self.post.lane = Lane(workspace_id=self.post.workspace, destination=destination)
        await self.post.tell(**later)
        self.post.far.script.clear()

    async def choose(self, delivery_id: UUID, record: str | None, actor: str = "Ben") -> str | None:
        async with transaction(self.post.engine) as tx:
            chosen = RecordChosen(delivery_id=delivery_id, record=record)
            return await choosing.choose(await raw(tx), self.post.workspace, chosen, actor, self.post.now)

    async def of(self, destination: str, kind: str) -> list[dict[str, Any]]:
        return await self.post.rows(destination=destination, kind=kind)

    async def asked(self) -> dict[str, Any]:
        """A booking of which the CRM asks which record is meant."""
        await self.listen("clickup", "booking.created", "booking.cancelled")
        await self.listen("slack", "record.choose", "record.chosen")
        await self.post.hear(booked())
        await self.tell("clickup", asks(self.post.now + HOURS_4))
        (row,) = await self.of("clickup", "booking.created")
        return row


@pytest.fixture
def team(post: Post) -> Team:
    return Team(post)


class TestAQuestion:
    async def test_whoever_listens_is_asked(self, team: Team) -> None:
        row = await team.asked()
        assert (row["state"], row["wake_at"]) == ("scheduled", team.post.now + HOURS_4)
        assert await team.post.attempts(row["id"]) == [("asked", "nobody has this address")]
        (question,) = await team.of("slack", "record.choose")
        assert (question["booking_id"], question["recipient"]) == (row["booking_id"], ANN)
        assert question["expires_at"] == team.post.now + HOURS_4
        assert question["details"]["delivery_id"] == str(row["id"])
        assert [one["record"] for one in question["details"]["candidates"]] == ["t1", "t2"]
        assert (question["event_id"], question["state"]) == (None, "scheduled")

    async def test_its_answer_is_taken_at_once(self, team: Team) -> None:
        row = await team.asked()
        await team.tell("slack")
        assert await team.choose(row["id"], "t2") is None
        await team.tell("clickup", delivered("t2"), minutes=1)
        attempt = team.post.far.attempts[-1]
        assert attempt.question is not None
        assert (attempt.number, attempt.question.chosen, attempt.question.answered_by) == (2, "t2", "Ben")
        assert [one.record for one in attempt.question.candidates] == ["t1", "t2"]
        (row,) = await team.of("clickup", "booking.created")
        assert (row["state"], row["record"]) == ("delivered", "t2")
        (answer,) = await team.of("slack", "record.chosen")
        assert (answer["details"]["record"], answer["details"]["answered_by"]) == ("t2", "Ben")

    async def test_none_of_them_is_an_answer_too(self, team: Team) -> None:
        row = await team.asked()
        assert await team.choose(row["id"], None) is None
        await team.tell("clickup", delivered("new"))
        question = team.post.far.attempts[-1].question
        assert question is not None
        assert (question.chosen, question.answered_by) == (None, "Ben")

    async def test_a_question_that_nobody_was_asked_yet_is_not_asked_any_more(self, team: Team) -> None:
        row = await team.asked()
        await team.choose(row["id"], "t1")
        await team.tell("slack")
        (question,) = await team.of("slack", "record.choose")
        assert (question["state"], question["because"]) == ("withdrawn", "it was decided meanwhile")
        assert team.post.far.kinds[-1] == "record.chosen"

    async def test_its_time_ends_without_an_answer(self, team: Team) -> None:
        row = await team.asked()
        await team.tell("clickup", delivered("new"), hours=3.9)
        assert len(await team.post.attempts(row["id"])) == 1
        await team.tell("clickup", delivered("new"), hours=0.2)
        question = team.post.far.attempts[-1].question
        assert question is not None
        assert question.answered_by is None
        (answer,) = await team.of("slack", "record.chosen")
        assert (answer["details"]["record"], answer["details"]["answered_by"]) == ("new", None)

    async def test_later_news_of_the_booking_waits_for_it(self, team: Team) -> None:
        row = await team.asked()
        await team.post.hear(cancelled())
        await team.tell("clickup", minutes=5)
        assert team.post.far.kinds == ["booking.created"]
        await team.choose(row["id"], "t1")
        await team.tell("clickup", delivered("t1"), minutes=1)
        assert team.post.far.kinds == ["booking.created", "booking.created", "booking.cancelled"]
        assert team.post.far.attempts[-1].record == "t1"

    async def test_another_booking_does_not(self, team: Team) -> None:
        await team.asked()
        await team.post.hear(booked("two", 2))
        await team.tell("clickup", minutes=1)
        assert team.post.far.kinds == ["booking.created", "booking.created"]

    @pytest.mark.parametrize(
        ("record", "refusal"), [("t9", "'t9' is none of the candidates"), ("t1", "Eve has decided already")]
    )
    async def test_an_answer_may_be_refused(self, team: Team, record: str, refusal: str) -> None:
        row = await team.asked()
        if record == "t1":
            await team.choose(row["id"], "t2", "Eve")
        assert await team.choose(row["id"], record) == refusal

    async def test_too_late(self, team: Team) -> None:
        row = await team.asked()
        await team.tell("clickup", delivered("new"), hours=5)
        assert await team.choose(row["id"], "t1") == "it is too late to decide: the delivery is delivered"

    async def test_of_what_is_not_asked(self, team: Team) -> None:
        await team.post.hear(booked())
        assert await team.choose(uuid4(), "t1") == "there is no such delivery"
        assert await team.choose((await team.post.one("confirm"))["id"], "t1") == "nothing is asked about this delivery"

    async def test_another_workspace_has_no_such_delivery(self, team: Team) -> None:
        row = await team.asked()
        team.post.workspace = uuid4()
        assert await team.choose(row["id"], "t1") == "there is no such delivery"

    async def test_the_destination_knows_whether_anybody_is_there_to_ask(self, team: Team) -> None:
        await team.listen("clickup", "booking.created", "record.choose")
        await team.post.hear(booked())
        await team.tell("clickup")
        assert team.post.far.attempts[-1].can_ask is False
        await team.listen("slack", "record.choose")
        await team.post.hear(booked("two", 2))
        await team.tell("clickup", seconds=1)
        assert team.post.far.attempts[-1].can_ask is True

    async def test_a_rebuild_shows_no_difference(self, team: Team) -> None:
        """R2: what follows from deliveries is in no log."""
        row = await team.asked()
        assert (await rebuild(team.post.engine, Wish(workspace_ids=[team.post.workspace]))).examples == []
        await team.choose(row["id"], "t2")
        await team.tell("clickup", delivered("t2"), minutes=1)
        assert (await rebuild(team.post.engine, Wish(workspace_ids=[team.post.workspace]))).examples == []

    async def test_news_of_the_booking_leaves_the_question_alone(self, team: Team) -> None:
        """No story called for it, and none takes it back."""
        await team.asked()
        await team.post.hear(cancelled())
        (question,) = await team.of("slack", "record.choose")
        assert question["state"] == "scheduled"


class TestReminders:
    async def test_a_crm_hears_that_one_was_sent(self, team: Team) -> None:
        """TE6: the moment is written into the prospect's sequence."""
        await team.listen("notion", "reminder.sent")
        await team.post.hear(booked())
        await team.tell("email")
        assert await team.of("notion", "reminder.sent") == []
        team.post.now = START - timedelta(hours=72)
        await team.tell("email")
        (row,) = await team.of("notion", "reminder.sent")
        assert row["details"] == {"before_seconds": 72 * 3600, "sent_at": "2026-09-09T09:00:00Z", "by": "email"}
        assert row["recipient"] == ANN
        await team.tell("notion")
        assert team.post.far.kinds[-1] == "reminder.sent"

    async def test_one_that_was_not_sent_is_told_to_nobody(self, team: Team) -> None:
        await team.listen("notion", "reminder.sent")
        await team.post.hear(booked())
        team.post.now = START - timedelta(hours=72)
        await team.tell("email", GaveUp(because="no such mailbox"))
        assert await team.of("notion", "reminder.sent") == []


class TestFailures:
    async def test_many_within_an_hour_are_one_piece_of_news(self, team: Team) -> None:
        await team.listen("slack", "delivery.failed")
        await team.post.hear(booked(), booked("two", 2))
        await team.tell("email", GaveUp(because="refused"), GaveUp(because="refused"))
        (row,) = await team.of("slack", "delivery.failed")
        assert row["details"]["because"] == "refused"
        assert (row["details"]["destination"], row["booking_id"]) == ("email", None)
        await team.post.hear(booked("three", 3))
        await team.tell("email", GaveUp(because="refused"), hours=1)
        assert len(await team.of("slack", "delivery.failed")) == 2

    async def test_its_own_failure_is_not_told_to_whoever_failed(self, team: Team) -> None:
        await team.listen("slack", "booking.created", "delivery.failed")
        await team.post.hear(booked())
        await team.tell("slack", GaveUp(because="channel_not_found"))
        assert await team.of("slack", "delivery.failed") == []

    async def test_a_destination_that_is_down_is_told_of_once(self, team: Team) -> None:
        await team.listen("slack", "destination.down")
        await team.post.hear(*(booked(f"b{number}", number) for number in range(8)))
        team.post.far.down = TryAgain(because="nobody answers", fault="destination")
        for _ in range(6):
            await team.tell("email", minutes=6)
        (row,) = await team.of("slack", "destination.down")
        assert row["details"]["destination"] == "email"
        assert "nobody answers" in row["details"]["because"]
        team.post.far.down = None
        await team.tell("email", minutes=6)
        await team.tell("slack")
        assert team.post.far.kinds[-1] == "destination.down"


async def test_nothing_follows_for_whoever_does_not_listen(team: Team) -> None:
    await team.listen("clickup", "booking.created")
    await team.post.hear(booked())
    await team.tell("clickup", asks(team.post.now + HOURS_4))
    await team.tell("email", GaveUp(because="refused"))
    assert {row["kind"] for row in await team.post.rows()} == {"booking.created", "confirm", "remind"}


class TestRecords:
    async def test_later_deliveries_know_where_the_first_one_went(self, team: Team) -> None:
        await team.listen("clickup", "booking.created", "booking.cancelled")
        await team.post.hear(booked())
        await team.tell("clickup", delivered("t7"))
        await team.post.hear(cancelled())
        await team.tell("clickup", seconds=1)
        first, second = team.post.far.attempts
        assert (first.record, first.number) == (None, 1)
        assert (second.record, second.number) == ("t7", 1)

    async def test_of_another_destination_or_booking_they_know_nothing(self, team: Team) -> None:
        await team.listen("clickup", "booking.created")
        await team.listen("notion", "booking.created")
        await team.post.hear(booked(), booked("two", 2))
        await team.tell("clickup", delivered("t7"), delivered("t8"))
        await team.tell("notion")
        assert [one.record for one in team.post.far.attempts] == [None] * 4

    async def test_another_attempt_says_which_it_is(self, team: Team) -> None:
        await team.listen("clickup", "booking.created")
        await team.post.hear(booked())
        await team.tell("clickup", TryAgain(because="busy"))
        await team.tell("clickup", minutes=1)
        assert [one.number for one in team.post.far.attempts] == [1, 2]
        assert len({str(one.content) for one in team.post.far.attempts}) == 1
