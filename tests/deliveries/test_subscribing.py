"""TE5 to TE8, R2, PI13: who is told what beside the attendees, since when, and that a rebuild agrees."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from showup.database.engine import raw, transaction
from showup.deliveries import subscribing
from showup.deliveries.delivery import Lane
from showup.deliveries.routing import ways
from showup.deliveries.subscribing import Subscription, listening
from showup.effects import Announce, Confirm, Remind
from showup.inbox.rebuild.run import Rebuilt, rebuild
from showup.inbox.rebuild.wish import Wish
from tests.deliveries.post import Post
from tests.stories.webhooks import BEN, MONDAY, body, payload

START = MONDAY + timedelta(days=5)
ANN = "ann@acme.example"
ALL = ("booking.created", "booking.cancelled", "booking.showed")
HOUR = timedelta(hours=1)


def booked(uid: str = "one", number: int = 1, email: str = ANN, later: int = 0) -> bytes:
    return body("BOOKING_CREATED", MONDAY + timedelta(seconds=later), payload(uid, number, START, [email]))


def cancelled(uid: str = "one", number: int = 1, later: int = 60) -> bytes:
    return body("BOOKING_CANCELLED", MONDAY + timedelta(seconds=later), payload(uid, number, START, [ANN]))


async def subscribe(post: Post, destination: str = "clickup", kinds: tuple[str, ...] = ALL) -> None:
    async with transaction(post.engine) as tx:
        await subscribing.subscribe(await raw(tx), post.workspace, destination, kinds, post.now)


async def subscriptions(post: Post) -> list[Subscription]:
    async with transaction(post.engine) as tx:
        return await subscribing.of_workspace(await raw(tx), post.workspace)


async def told(post: Post, destination: str = "clickup") -> list[tuple[str, str]]:
    return [(row["kind"], row["state"]) for row in await post.rows(destination=destination)]


async def rebuilt(post: Post) -> Rebuilt:
    return await rebuild(post.engine, Wish(workspace_ids=[post.workspace]))


class TestSubscriptions:
    async def test_the_same_once_more_changes_nothing(self, post: Post) -> None:
        await subscribe(post)
        post.now += HOUR
        await subscribe(post, kinds=ALL[::-1])
        (one,) = await subscriptions(post)
        assert (one.kinds, one.since, one.until) == (frozenset(ALL), post.now - HOUR, None)

    async def test_other_kinds_begin_where_the_old_ones_end(self, post: Post) -> None:
        await subscribe(post)
        post.now += HOUR
        await subscribe(post, kinds=("booking.created",))
        first, second = await subscriptions(post)
        assert first.until == second.since == post.now
        assert [one.wants("booking.cancelled", post.now) for one in (first, second)] == [False, False]
        assert [one.wants("booking.created", post.now) for one in (first, second)] == [False, True]

    async def test_none_ends_it_and_a_new_one_begins_anew(self, post: Post) -> None:
        await subscribe(post)
        post.now += HOUR
        await subscribe(post, kinds=())
        assert [one.until for one in await subscriptions(post)] == [post.now]
        post.now += HOUR
        await subscribe(post)
        assert [one.until for one in await subscriptions(post)] == [post.now - HOUR, None]

    async def test_each_destination_has_its_own(self, post: Post) -> None:
        await subscribe(post, "clickup")
        await subscribe(post, "slack", ("booking.created",))
        await subscribe(post, "clickup", ())
        assert listening(await subscriptions(post), "booking.created", post.now) == ["slack"]


class TestWhoIsTold:
    async def test_what_was_decided_before_is_never_for_it(self, post: Post) -> None:
        await post.hear(booked())
        post.now += timedelta(minutes=1)
        await subscribe(post)
        await post.hear(cancelled())
        assert await told(post) == [("booking.cancelled", "scheduled")]

    async def test_what_was_decided_while_it_was_connected_stays_so(self, post: Post) -> None:
        await subscribe(post)
        await post.hear(booked())
        post.now += timedelta(minutes=1)
        await subscribe(post, kinds=())
        await post.hear(cancelled())
        assert await told(post) == [("booking.created", "scheduled")]

    async def test_several_are_told_each_for_itself(self, post: Post) -> None:
        await subscribe(post)
        await subscribe(post, "slack", ("booking.created",))
        await post.hear(booked(), cancelled())
        assert await told(post) == [("booking.created", "scheduled"), ("booking.cancelled", "scheduled")]
        assert await told(post, "slack") == [("booking.created", "scheduled")]
        keys = [row["key"] for row in await post.rows(kind="booking.created")]
        assert len(set(keys)) == len(keys) == 2

    async def test_one_who_asks_for_reminders_gets_them_beside_the_mail(self, post: Post) -> None:
        await subscribe(post, "twilio", ("remind",))
        await post.hear(booked())
        assert await told(post, "twilio") == [("remind", "scheduled")] * 3
        await post.hear(cancelled())
        assert await told(post, "twilio") == [("remind", "withdrawn")] * 3

    async def test_a_destination_that_is_told_of_nothing_else_hears_no_mail(self, post: Post) -> None:
        await subscribe(post)
        await post.hear(booked())
        assert {row["kind"] for row in await post.rows(destination="email")} == {"confirm", "remind"}

    async def test_what_was_delivered_is_not_called_for_again(self, post: Post) -> None:
        await subscribe(post)
        await post.hear(booked())
        post.lane = Lane(workspace_id=post.workspace, destination="clickup")
        await post.tell(minutes=1)
        await post.hear(cancelled())
        await post.tell()
        assert await told(post) == [("booking.created", "delivered"), ("booking.cancelled", "delivered")]
        assert post.far.kinds == ["booking.created", "booking.cancelled"]

    async def test_a_story_is_told_in_its_order_however_it_reached_us(self, post: Post) -> None:
        """PI9: the cancellation came first, and at the same moment as the booking that it calls off."""
        await subscribe(post)
        await post.hear(cancelled())
        post.now += timedelta(seconds=1)
        await post.hear(booked())
        post.lane = Lane(workspace_id=post.workspace, destination="clickup")
        await post.tell(seconds=1)
        assert post.far.kinds == ["booking.created", "booking.cancelled"]

    async def test_whoever_books_with_themselves_is_no_prospect(self, post: Post) -> None:
        """TE5: a self-booking is a row that says why nothing was told."""
        for one in ("clickup", "notion", "slack"):
            await subscribe(post, one)
        await post.hear(booked(email=BEN["email"]))
        for one in ("clickup", "notion"):
            (row,) = await post.rows(destination=one)
            assert (row["state"], row["kind"]) == ("skipped", "booking.created")
            assert row["because"].startswith("self-booking")
        assert await told(post, "slack") == [("booking.created", "scheduled")]


EFFECTS = [
    Announce(kind="booking.created", key="k", recipient=ANN, due_at=MONDAY, expires_at=START, nobody=False),
    Confirm(key="k", recipient=ANN, due_at=MONDAY, expires_at=START),
    Remind(key="k", recipient=ANN, due_at=MONDAY, expires_at=START, before=HOUR),
]


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: type(effect).__name__)
def test_what_is_simulated_goes_to_the_outbox_and_nowhere_else(effect: Announce | Confirm | Remind) -> None:
    """PI13: nobody outside hears of a booking that was never made."""
    everything = Subscription(
        destination="clickup", kinds=frozenset({"booking.created", "confirm", "remind"}), since=MONDAY
    )
    found = {one.destination for one in ways(effect, MONDAY, [everything], simulated=True)}
    assert found <= {"outbox"}
    assert "clickup" in {one.destination for one in ways(effect, MONDAY, [everything], simulated=False)}
    ended = replace(everything, until=MONDAY)
    assert "clickup" not in {one.destination for one in ways(effect, MONDAY, [ended], simulated=False)}


class TestRebuild:
    """R2: a fold of the log calls for the same deliveries, whoever came and went meanwhile."""

    async def test_after_connecting(self, post: Post) -> None:
        await post.hear(booked())
        post.now += timedelta(minutes=1)
        await subscribe(post)
        await post.hear(cancelled(), booked("two", 2, later=90))
        assert (await rebuilt(post)).examples == []

    async def test_after_other_kinds(self, post: Post) -> None:
        await subscribe(post)
        await post.hear(booked())
        post.now += timedelta(minutes=1)
        await subscribe(post, kinds=("booking.cancelled", "remind"))
        await post.hear(cancelled(), booked("two", 2, later=90))
        assert (await rebuilt(post)).examples == []

    async def test_after_disconnecting(self, post: Post) -> None:
        await subscribe(post)
        await post.hear(booked(), booked("two", 2))
        post.lane = Lane(workspace_id=post.workspace, destination="clickup")
        await post.tell()
        post.now += timedelta(minutes=1)
        await subscribe(post, kinds=())
        await post.hear(cancelled())
        assert (await rebuilt(post)).examples == []

    async def test_one_that_is_missing_is_seen(self, post: Post) -> None:
        """The comparison would notice."""
        await subscribe(post)
        await post.hear(booked())
        async with transaction(post.engine) as tx:
            await (await raw(tx)).execute("DELETE FROM deliveries WHERE destination = 'clickup'")
        assert [one.table for one in (await rebuilt(post)).examples] == ["deliveries"]
