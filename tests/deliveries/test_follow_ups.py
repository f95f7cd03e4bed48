"""Follow-ups are told with care: one at a time to a person, and only while they were really missing (TE11)."""

from datetime import datetime, timedelta

from showup.database.engine import raw, transaction
from showup.deliveries.by_hand import Failed, retry_failed
from showup.destinations.contract import GaveUp
from showup.pipeline.rules import Rules
from tests.deliveries.post import Post
from tests.stories.webhooks import attendee, body, payload

ANN = "ann@acme.example"


async def missed(post: Post, uid: str, number: int, *, absent: bool = True, start: datetime | None = None) -> None:
    start = start or post.now - timedelta(hours=1)
    seen = [attendee(ANN, noShow=absent)]
    await post.hear(body("BOOKING_CREATED", start - timedelta(hours=1), payload(uid, number, start, [ANN])))
    ended = payload(uid, number, start, [ANN], attendees=seen)
    await post.hear(body("BOOKING_NO_SHOW_UPDATED", post.now, {**ended, "bookingUid": uid}))


async def test_two_meetings_missed_at_once_are_one_mail(post: Post) -> None:
    await post.rule(Rules(follow_up=True))
    await missed(post, "one", 1)
    await missed(post, "two", 2, start=post.now - timedelta(hours=2))
    await post.tell(hours=6)
    rows = await post.rows(kind="follow_up")
    assert sorted(row["state"] for row in rows) == ["delivered", "skipped"]
    assert post.far.kinds == ["follow_up"]


async def test_a_retry_by_hand_looks_whether_they_came_after_all(post: Post) -> None:
    await post.rule(Rules(follow_up=True))
    post.far.script.append(GaveUp(because="the sender's domain is not verified"))
    await missed(post, "one", 1)
    await post.tell(hours=6)
    row = await post.one("follow_up")
    assert row["state"] == "failed"
    await missed(post, "one", 1, absent=False, start=post.now - timedelta(hours=7))
    async with transaction(post.engine) as tx:
        await retry_failed(await raw(tx), Failed(), post.now)
    await post.tell()
    assert post.far.kinds == ["follow_up"], "only the attempt that failed"
