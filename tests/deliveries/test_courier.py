"""What is due is told once, in order, and tried again as the policy says (TE1, TE4, TE10, PI13)."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from showup.database.engine import raw, transaction
from showup.deliveries import claiming, suppressions
from showup.deliveries.suppressions import Suppression
from showup.destinations.contract import Delivered, GaveUp, Outcome, TryAgain
from tests.deliveries.post import PACE, Post
from tests.stories.webhooks import MONDAY, body, payload

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


async def test_a_confirmation_is_told_once_and_written_down(post: Post) -> None:
    await post.hear(booked())
    await post.tell()
    await post.tell()
    row = await post.one("confirm")
    assert post.far.kinds == ["confirm"]
    assert (row["state"], row["provider"], row["provider_id"], row["attempts"]) == ("delivered", "far", "r", 1)
    assert row["delivered_at"] == post.now
    assert await post.attempts(row["id"]) == [("delivered", None)]


async def test_reminders_wait_for_their_time(post: Post) -> None:
    await post.hear(booked())
    await post.tell()
    assert [row["due_at"] for row in await post.rows(kind="remind")] == [
        START - timedelta(hours=72),
        START - timedelta(hours=24),
        START - timedelta(hours=2),
    ]
    for due_at in (START - timedelta(hours=72), START - timedelta(hours=24), START - timedelta(hours=2)):
        post.now = due_at - timedelta(seconds=10)
        await post.tell()
        before = len(post.far.heard)
        await post.tell(seconds=10)
        assert len(post.far.heard) == before + 1
    assert post.far.kinds == ["confirm", "remind", "remind", "remind"]


async def test_a_passing_failure_is_tried_again_with_the_same_words_and_after_three_it_is_over(post: Post) -> None:
    post.far.script.extend([BUSY, BUSY, BUSY])
    await post.hear(booked())
    await post.tell()
    row = await post.one("confirm")
    assert (row["state"], row["because"], row["failures"]) == ("scheduled", "it is busy", 1)
    assert row["wake_at"] == post.now + timedelta(seconds=30)

    await post.tell(seconds=29)
    assert len(post.far.heard) == 1, "not before its pause is over"
    await post.tell(seconds=1)
    await post.tell(seconds=120)
    row = await post.one("confirm")
    assert (row["state"], row["because"]) == ("failed", "it is busy (attempt 3 of 3)")
    assert len({str(content) for _, content in post.far.heard}) == 1
    assert len({delivery for delivery, _ in post.far.heard}) == 1
    assert await post.attempts(row["id"]) == [
        ("try_again", "it is busy"),
        ("try_again", "it is busy"),
        ("gave_up", "it is busy (attempt 3 of 3)"),
    ]


async def test_a_lasting_failure_is_over_at_once(post: Post) -> None:
    post.far.script.append(GaveUp(because="there is no such address"))
    await post.hear(booked())
    await post.tell()
    row = await post.one("confirm")
    assert (row["state"], row["because"], row["attempts"]) == ("failed", "there is no such address", 1)


async def test_a_destination_that_is_down_is_left_in_peace_and_uses_up_nothing(post: Post) -> None:
    """TE10: after an hour everything goes out once, oldest first, and what makes no sense any more is skipped."""
    post.far.down = DOWN
    soon = post.now + timedelta(hours=2, minutes=20)
    for n in range(1, 8):
        await post.hear(booked(f"b{n}", n, START + timedelta(hours=n), f"p{n}@acme.example"))
        post.now += timedelta(seconds=1)
    await post.hear(booked("soon", 9, soon, "soon@acme.example"))
    calls = []
    for _ in range(60):
        await post.tell(minutes=1)
        calls.append(len(post.far.heard))
    lane = await post.lane_state()
    assert lane["because"].startswith("nobody answers: nothing has passed since 2026-09-07 09:0")
    assert lane["paused_until"] > post.now
    assert calls[-1] < 60, "a lane that is paused is probed now and then"
    assert {row["state"] for row in await post.rows(kind="confirm")} == {"scheduled"}

    post.far.down = None
    while lane["paused_until"] > post.now:
        post.now += timedelta(seconds=10)
    await post.tell()
    assert {row["state"] for row in await post.rows(kind="confirm")} == {"delivered"}
    assert set(post.far.taken.values()) == {1}
    told = [content["to"] for _, content in post.far.heard if content["kind"] == "confirm"][-8:]
    in_order = [*(f"p{n}@acme.example" for n in range(1, 8)), "soon@acme.example"]
    assert told[1:] == [one for one in in_order if one != told[0]], "the oldest first, after the one that found out"
    assert (await post.lane_state())["paused_until"] is None


async def test_a_reminder_that_the_outage_outlived_is_skipped_with_its_reason(post: Post) -> None:
    await post.hear(booked())
    await post.tell()
    post.far.down = DOWN
    post.now = START - timedelta(hours=72)
    for _ in range(10):
        await post.tell(minutes=1)
    post.far.down = None
    post.now = START - timedelta(hours=23)
    await post.tell()
    first, second, third = await post.rows(kind="remind")
    assert (first["state"], first["because"]) == (
        "skipped",
        "too late: the next reminder was due by then (nobody answers)",
    )
    assert (second["state"], third["state"]) == ("delivered", "scheduled")

    post.now = START + timedelta(seconds=1)
    await post.tell()
    assert (await post.rows(kind="remind"))[2]["because"] == "too late: the meeting had begun by then"


async def test_one_that_nobody_would_take_holds_up_no_other(post: Post) -> None:
    """In a quiet lane it looks as if the destination were down: then another one finds out."""
    post.far.refuses = "poison@acme.example"
    await post.hear(booked("poison", 1, START, "poison@acme.example"))
    for _ in range(4):
        await post.tell(minutes=3)
    await post.hear(booked("two", 2, START, "two@acme.example"))
    for _ in range(12):
        await post.tell(minutes=3)
    states = {row["recipient"]: row["state"] for row in await post.rows(kind="confirm")}
    assert states == {"poison@acme.example": "failed", "two@acme.example": "delivered"}


async def test_a_reminder_whose_sender_died_does_not_come_after_the_meeting(post: Post) -> None:
    """A laptop that was closed: TE4."""
    await post.hear(booked())
    await post.tell()
    post.now = START - timedelta(hours=2)
    (claimed,) = await post.claim()
    post.now = START + timedelta(hours=3)
    await post.tell()
    row = (await post.rows(kind="remind"))[2]
    assert (row["id"], row["state"], row["because"]) == (
        claimed.id,
        "skipped",
        "too late: the meeting had begun by then",
    )
    assert await post.attempts(row["id"]) == [("lost", "the process that made it ended, or hung")]


async def test_what_is_under_way_when_its_connection_becomes_unusable_is_written_down(post: Post) -> None:
    async def meanwhile() -> Outcome:
        post.unusable = "its credentials can't be opened"
        return Delivered(provider="far")

    post.far.script.append(meanwhile)
    await post.hear(booked())
    await post.tell()
    assert (await post.one("confirm"))["state"] == "delivered"
    await post.hear(booked("two", 2, START, "two@globex.example"))
    await post.tell()
    assert (await post.lane_state())["because"] == "its credentials can't be opened"
    post.unusable = None
    await post.tell(minutes=1)
    assert len(post.far.heard) == 2


async def test_news_out_of_order_while_a_mail_is_under_way_does_not_lose_it(post: Post) -> None:
    """The move to a third time comes before the move to the second; the third is what everybody must know (PI9)."""
    second, third = START + timedelta(days=1), START + timedelta(days=2)
    again = {"rescheduleUid": "two", "rescheduleStartTime": second.isoformat()}
    last = body("BOOKING_RESCHEDULED", MONDAY + timedelta(seconds=2), payload("three", 3, third, [ANN], **again))

    async def meanwhile() -> Outcome:
        await post.hear(moved(second))
        return BUSY

    await post.hear(booked())
    await post.tell()
    post.far.script.append(meanwhile)
    await post.hear(last)
    await post.tell()
    await post.tell(minutes=1)
    told = [row for row in await post.rows(kind="tell_rescheduled") if row["state"] == "delivered"]
    assert len(told) == 1
    assert post.far.heard[-1][1]["start"] == third.isoformat()


async def test_whoever_is_asked_to_wait_waits_and_has_lost_no_attempt(post: Post) -> None:
    until = post.now + timedelta(seconds=90)
    post.far.script.append(TryAgain(because="too many calls", not_before=until, fault="limit"))
    await post.hear(booked(), booked("other", 2, START, "other@globex.example"))
    post.far.pace = replace(PACE, at_once=1)
    await post.tell()
    assert len(post.far.heard) == 1, "the pause holds for the whole lane"
    await post.tell(seconds=89)
    assert len(post.far.heard) == 1
    await post.tell(seconds=1)
    assert {row["failures"] for row in await post.rows(kind="confirm")} == {0}
    assert {row["state"] for row in await post.rows(kind="confirm")} == {"delivered"}


async def test_one_booking_is_told_in_order_and_another_does_not_wait(post: Post) -> None:
    post.far.script.append(BUSY)
    await post.hear(booked())
    await post.tell()
    post.now += timedelta(seconds=1)
    await post.hear(body("BOOKING_LOCATION_UPDATED", MONDAY + timedelta(seconds=2), _elsewhere()))
    await post.hear(booked("other", 2, START, "other@globex.example"))
    await post.tell(seconds=1)
    assert post.far.kinds == ["confirm", "confirm"]
    assert post.far.heard[1][1]["to"] == "other@globex.example"
    await post.tell(seconds=30)
    assert post.far.kinds[2:] == ["confirm", "tell_new_place"]


def _elsewhere() -> dict[str, Any]:
    return payload("one", 1, START, [ANN], metadata={"videoCallUrl": "https://meet.example/elsewhere"})


async def test_what_is_called_off_while_it_waits_is_withdrawn(post: Post) -> None:
    post.far.script.append(BUSY)
    await post.hear(booked())
    await post.tell()
    post.now += timedelta(seconds=5)
    await post.hear(cancelled())
    await post.tell(seconds=60)
    row = await post.one("confirm")
    assert (row["state"], row["because"]) == ("withdrawn", "the meeting was called off")
    assert post.far.kinds == ["confirm", "tell_cancelled"]


async def test_what_is_called_off_while_it_is_being_sent_is_not_tried_again(post: Post) -> None:
    async def meanwhile() -> Outcome:
        await post.hear(cancelled())
        return BUSY

    post.far.script.append(meanwhile)
    await post.hear(booked())
    await post.tell()
    row = await post.one("confirm")
    assert (row["state"], row["because"]) == ("withdrawn", "the meeting was called off")
    await post.tell(minutes=5)
    assert post.far.kinds == ["confirm", "tell_cancelled"]


async def test_a_reminder_looks_at_its_meeting_once_more_before_it_goes(post: Post) -> None:
    """TE4: claimed by one process, and called off or moved before it is sent."""
    await post.hear(booked())
    await post.tell()
    post.now = START - timedelta(hours=72)
    (claimed,) = await post.claim()
    assert claimed.kind == "remind"
    await post.hear(moved(START + timedelta(days=3), later=round((post.now - MONDAY).total_seconds())))
    post.now += claiming.LEASED_FOR
    await post.tell()
    first = (await post.rows(kind="remind"))[0]
    assert (first["state"], first["because"]) == ("withdrawn", "the meeting has another time")
    assert await post.attempts(first["id"]) == [
        ("lost", "the process that made it ended, or hung"),
        ("stopped", "the meeting has another time"),
    ]
    assert post.far.kinds == ["confirm", "tell_rescheduled"]


async def test_whoever_dies_while_sending_is_followed_by_another(post: Post) -> None:
    async def never() -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    post.far.script.append(never)
    await post.hear(booked())
    dying = asyncio.create_task(post.courier().drain(post.lane))
    await post.far.called.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert (await post.one("confirm"))["state"] == "sending"

    await post.tell(seconds=29)
    assert len(post.far.heard) == 1, "it may still be at work"
    await post.tell(seconds=1)
    row = await post.one("confirm")
    assert row["state"] == "delivered"
    assert [outcome for outcome, _ in await post.attempts(row["id"])] == ["lost", "delivered"]


async def test_two_processes_tell_everything_once(post: Post) -> None:
    async def slowly() -> Outcome:
        await asyncio.sleep(0.005)
        return Delivered(provider="far")

    post.far.script.extend([slowly] * 120)
    await post.hear(*(booked(f"b{n}", n, START, f"p{n}@acme.example") for n in range(1, 121)))
    await asyncio.gather(*(post.courier().drain(post.lane) for _ in range(3)))
    assert Counter(row["state"] for row in await post.rows(kind="confirm")) == {"delivered": 120}
    assert set(post.far.taken.values()) == {1}


async def test_the_limits_hold_for_all_processes_together(post: Post) -> None:
    post.far.pace = replace(PACE, rate_per_second=5, at_once=100)
    await post.hear(*(booked(f"b{n}", n, START, f"p{n}@acme.example") for n in range(1, 31)))
    for second in range(1, 4):
        await asyncio.gather(*(post.courier().drain(post.lane) for _ in range(2)))
        assert len(post.far.heard) == 5 * second
        post.now += timedelta(seconds=1)


@pytest.mark.parametrize("scope", ["all", "follow_up"])
async def test_whoever_is_not_to_be_written_to_is_skipped(post: Post, scope: Any) -> None:
    """TE9."""
    async with transaction(post.engine) as tx:
        why = Suppression(scope=scope, reason="bounced", because="their mailbox does not exist")
        await suppressions.add(await raw(tx), post.workspace, ANN, why, at=post.now)
    await post.hear(booked())
    await post.tell()
    row = await post.one("confirm")
    if scope == "all":
        assert row["state"] == "skipped"
        assert "their mailbox does not exist" in row["because"]
        assert not post.far.heard
    else:
        assert row["state"] == "delivered"


async def test_a_bug_in_a_destination_is_one_delivery_s_failure(post: Post) -> None:
    async def broken() -> Outcome:
        raise RuntimeError("a bug")

    post.far.script.append(broken)
    await post.hear(booked())
    await post.tell()
    assert (await post.one("confirm"))["because"] == "it could not be sent (RuntimeError): see the log"
    await post.tell(seconds=30)
    assert (await post.one("confirm"))["state"] == "delivered"


async def test_what_was_withdrawn_by_hand_is_not_called_for_again(post: Post) -> None:
    await post.hear(booked())
    async with transaction(post.engine) as tx:
        connection = await raw(tx)
        await connection.execute(
            "UPDATE deliveries SET state = 'withdrawn', withdrawn_by = 'key:ops' WHERE kind = 'confirm'"
        )
    await post.hear(booked(title="A better title"))
    await post.tell()
    assert (await post.one("confirm"))["state"] == "withdrawn"
    assert not post.far.heard


async def test_a_connection_that_is_lost_once_more_is_news_once_more(post: Post) -> None:
    for number, uid in enumerate(("one", "two"), 1):
        await post.hear(booked(uid, number, email=f"{uid}@acme.example"))
        post.unusable = "it is not connected"
        with capture_logs() as said:
            await post.tell()
            await post.tell(minutes=2)
        assert [line["because"] for line in said if line["log_level"] == "warning"] == ["it is not connected"]
        post.unusable = None
        await post.tell(minutes=2)
        assert (await post.lane_state())["because"] is None
