"""Which of what is due goes first, and what is not worth telling any more goes at all (TE1, TE10, PI13)."""

from datetime import timedelta

from msgspec.structs import replace

from showup.destinations.contract import TryAgain
from tests.deliveries.post import PACE, Post
from tests.stories.webhooks import MONDAY, body, payload

START = MONDAY + timedelta(days=5)


def booked(post: Post, uid: str, number: int) -> bytes:
    return body("BOOKING_CREATED", post.now, payload(uid, number, START, [f"{uid}@acme.example"]))


async def test_what_somebody_waits_for_goes_before_reminders_that_were_due_earlier(post: Post) -> None:
    """TE10: of a backlog, the higher priority first, and the older one first among its like."""
    post.far.pace = replace(PACE, at_once=1)
    for number in (1, 2):
        await post.hear(booked(post, f"old{number}", number))
        post.now += timedelta(minutes=1)
    await post.tell()
    post.far.heard.clear()
    post.now = START - timedelta(hours=71)
    for number in (3, 4):
        await post.hear(booked(post, f"new{number}", number))
        post.now += timedelta(minutes=1)
    await post.tell()
    told = [(content["kind"], content["to"].partition("@")[0]) for _, content in post.far.heard]
    assert told[:2] == [("confirm", "new3"), ("confirm", "new4")]
    assert sorted(told[2:]) == [("remind", "old1"), ("remind", "old2")]


async def test_what_waits_for_another_attempt_is_skipped_once_it_is_not_worth_telling(post: Post) -> None:
    """PI13: it says so when it is too late, not when the next attempt would have been."""
    await post.hear(booked(post, "one", 1))
    post.far.script.append(TryAgain(because="it is busy", not_before=START + timedelta(days=1)))
    await post.tell()
    assert (await post.one("confirm"))["state"] == "scheduled"
    post.now = START
    await post.tell()
    row = await post.one("confirm")
    assert row["state"] == "skipped"
    assert row["because"].startswith("too late")
