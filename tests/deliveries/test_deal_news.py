"""What becomes of deals is told to who listens: by bookings and by hand, in any batch, while it is fresh (TE8)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.deals.deal import DealChange
from showup.deliveries import subscribing
from showup.destinations.webhook.kinds import KINDS
from showup.inbox import store
from showup.inbox.act import act
from showup.inbox.apply import apply_some
from showup.inbox.raw_event import Incoming, Origin
from showup.inbox.rebuild.run import rebuild
from showup.inbox.rebuild.wish import Wish
from showup.sources.hand.command import ChangeDeal, OpenDeal
from tests.deliveries.post import Post
from tests.stories.webhooks import ANN as OTHER_HOST
from tests.stories.webhooks import MONDAY, body, payload

EMAIL = "ann@acme.com"
START = MONDAY + timedelta(days=5)
HOUR = timedelta(hours=1)
HOOK = "webhook:crm"
DEALS = tuple(kind for kind in KINDS if kind.startswith("deal."))


def booked(uid: str = "one", number: int = 1, email: str = EMAIL, at: timedelta = timedelta(0)) -> bytes:
    return body("BOOKING_CREATED", MONDAY + at, payload(uid, number, START, [email]))


def cancelled(at: timedelta = HOUR) -> bytes:
    return body("BOOKING_CANCELLED", MONDAY + at, payload("one", 1, START, [EMAIL]))


def a_morning() -> list[bytes]:
    """A meeting is booked, gets another host, and is held; the one after it is called off."""
    soon = MONDAY + HOUR
    first = payload("soon", 7, soon, [EMAIL])
    by_ann = payload("soon", 7, soon, [EMAIL], organizer=OTHER_HOST)
    return [
        body("BOOKING_CREATED", MONDAY, first),
        body("BOOKING_REASSIGNED", MONDAY + HOUR / 2, by_ann),
        body("MEETING_ENDED", soon + HOUR / 2, by_ann),
        booked(at=2 * HOUR),
        cancelled(3 * HOUR),
    ]


@pytest.fixture
async def post(engine: AsyncEngine, workspace: UUID, account: UUID) -> Post:
    made = Post(engine, workspace, account)
    await listen(made, *DEALS)
    made.now += timedelta(hours=4)
    return made


async def listen(post: Post, *kinds: str) -> None:
    async with transaction(post.engine) as tx:
        await subscribing.subscribe(await raw(tx), post.workspace, HOOK, kinds, post.now)


async def hear_in(post: Post, size: int, bodies: Sequence[bytes]) -> None:
    """All came at once, and are applied so many at a time."""
    incoming = [
        Incoming(account_id=post._account, workspace_id=post.workspace, body=one, received_at=post.now)
        for one in bodies
    ]
    async with transaction(post.engine) as tx:
        await store.keep_all(await raw(tx), incoming)
    while await apply_some(post.engine, post.workspace, post.clock, limit=size):
        pass


async def does(post: Post, command: Any) -> UUID:
    async with transaction(post.engine) as tx:
        acted = await act(await raw(tx), post.workspace, [command], post.now)
    assert acted.refused is None, acted.refused
    return acted.event_ids[0]


async def told(post: Post) -> list[tuple[str, dict[str, Any]]]:
    return [(row["kind"], row["details"]) for row in await post.rows(destination=HOOK)]


async def kinds(post: Post) -> list[str]:
    return [kind for kind, _ in await told(post)]


async def test_a_booking_opens_a_deal(post: Post) -> None:
    await post.hear(booked())
    [(kind, details)] = await told(post)
    assert kind == "deal.created"
    deal = details["deal"]
    assert (deal["status"], deal["stage"], deal["amount"]) == ("active", "booked", None)
    assert deal["owner_email"] == "ben@outbound.example"
    assert deal["company"]["domain"] == deal["company"]["name"] == "acme.com"
    assert (details["by"], details["change"]["stage"]) == ("showup", [None, "booked"])
    [row] = await post.rows(destination=HOOK)
    assert (row["booking_id"], str(row["deal_id"]), row["state"]) == (None, deal["id"], "scheduled")


@pytest.mark.parametrize("size", [1, 2, 3, 500])
async def test_each_change_is_told_as_the_deal_was_then_in_any_batch(post: Post, size: int) -> None:
    await hear_in(post, size, a_morning())
    found = await told(post)
    assert [kind for kind, _ in found] == ["deal.created", "deal.reassigned", "deal.stage_changed", "deal.cancelled"]
    assert [one["deal"]["status"] for _, one in found] == ["active", "active", "active", "cancelled"]
    assert [one["deal"]["stage"] for _, one in found] == ["booked", "booked", "met", "met"]
    assert found[2][1]["change"] == {"stage": ["booked", "met"]}


async def test_what_stood_is_not_told_again_with_later_news(post: Post) -> None:
    await post.hear(booked())
    await post.hear(booked("two", 2, "bob@acme.com", at=HOUR))
    await post.hear(cancelled(2 * HOUR))
    assert await kinds(post) == ["deal.created", "deal.cancelled"]


async def test_a_meeting_that_stands_again_opens_its_deal_again(post: Post) -> None:
    await post.hear(booked())
    await post.hear(cancelled(HOUR))
    again = payload("three", 3, START + HOUR, [EMAIL], rescheduleUid="one")
    await post.hear(body("BOOKING_RESCHEDULED", MONDAY + 2 * HOUR, again))
    assert (await kinds(post))[:2] == ["deal.created", "deal.cancelled"]
    assert (await kinds(post))[2:] == ["deal.reopened"]


async def test_what_people_do_is_told_with_who_it_was(post: Post) -> None:
    signed = {"actor": "key:crm"}
    opened = await does(post, OpenDeal(at=post.now, **signed, company="domain:initech.com"))
    for change in (
        DealChange(stage="proposal", amount=12_000, currency="EUR"),
        DealChange(status="won"),
        DealChange(status="active"),
        DealChange(owner_email="ann@outbound.example"),
        DealChange(status="lost", lost_reason="no budget"),
    ):
        post.now += timedelta(seconds=1)
        await does(post, ChangeDeal(at=post.now, **signed, deal=f"deal:{opened}", change=change))
    found = await told(post)
    assert [kind for kind, _ in found] == [
        *("deal.created", "deal.stage_changed", "deal.changed", "deal.won", "deal.reopened", "deal.reassigned"),
        "deal.lost",
    ]
    assert {one["by"] for _, one in found} == {"key:crm"}
    last = found[-1][1]
    assert last["deal"]["lost_reason"] == "no budget"
    assert last["because"] == "no budget"
    assert (last["deal"]["amount"], last["deal"]["currency"]) == (12_000, "EUR")


async def test_only_the_kinds_that_somebody_listens_to_are_written(post: Post) -> None:
    await listen(post, "deal.cancelled")
    post.now += timedelta(seconds=1)
    await post.hear(booked(), cancelled())
    assert await kinds(post) == ["deal.cancelled"]


async def test_nobody_listens_and_nothing_is_written(post: Post) -> None:
    await listen(post)
    post.now += timedelta(seconds=1)
    await post.hear(booked(), cancelled())
    assert await kinds(post) == []


async def test_old_news_is_told_to_nobody(post: Post) -> None:
    """PI13."""
    post.now = MONDAY + timedelta(hours=26)
    await post.hear(booked(), cancelled(timedelta(hours=25)))
    assert await kinds(post) == ["deal.cancelled"]


async def test_a_simulation_is_told_to_nobody(post: Post) -> None:
    """PI13."""
    simulated = payload("one", 1, START, [EMAIL])
    incoming = Incoming(
        account_id=post._account,
        workspace_id=post.workspace,
        body=body("BOOKING_CREATED", MONDAY, simulated),
        received_at=post.now,
        origin="sample",
    )
    async with transaction(post.engine) as tx:
        await store.keep_all(await raw(tx), [incoming])
    while await apply_some(post.engine, post.workspace, post.clock):
        pass
    assert await kinds(post) == []


async def test_what_was_told_is_not_taken_back(post: Post) -> None:
    await post.hear(booked("two", 2, "bob@acme.com", at=2 * HOUR))
    [(_, before)] = await told(post)
    post.now += timedelta(seconds=1)
    await post.hear(booked(at=HOUR))
    found = await told(post)
    assert [kind for kind, _ in found] == ["deal.created", "deal.created"]
    assert found[0][1] == before
    assert found[0][1]["deal"]["id"] != found[1][1]["deal"]["id"]


@pytest.mark.parametrize("applied", [False, True])
async def test_a_rebuild_tells_nothing_again_and_finds_nothing_amiss(post: Post, *, applied: bool) -> None:
    await post.hear(booked(), cancelled())
    before = await post.rows(destination=HOOK)
    async with transaction(post.engine) as tx:
        await (await raw(tx)).execute("DELETE FROM deliveries WHERE kind = 'deal.cancelled'")
    found = await rebuild(post.engine, Wish(workspace_ids=[post.workspace], applied=applied))
    assert found.differing == 0
    assert await post.rows(destination=HOOK) == before[:1]


async def simulated(post: Post, *bodies: bytes, origin: Origin = "webhook") -> None:
    incoming = [
        Incoming(account_id=post._account, workspace_id=post.workspace, body=one, received_at=post.now, origin=origin)
        for one in bodies
    ]
    async with transaction(post.engine) as tx:
        await store.keep_all(await raw(tx), incoming)
    while await apply_some(post.engine, post.workspace, post.clock):
        pass


async def test_a_simulation_that_comes_through_the_door_is_told_to_nobody(post: Post) -> None:
    """PI13: `showup simulate` sends webhooks like any other, which say of themselves that they are not meant."""
    marked = {"metadata": {"showup": "simulated"}}
    first = payload("one", 1, START, [EMAIL], **marked)
    await post.hear(body("BOOKING_CREATED", MONDAY, first), body("BOOKING_CANCELLED", MONDAY + HOUR, first))
    assert len(await post.rows(kind="confirm")) == 1
    assert await kinds(post) == []


@pytest.mark.parametrize("origin", ["webhook", "sample"])
async def test_what_people_do_to_a_simulated_deal_is_told_to_nobody(post: Post, origin: Origin) -> None:
    """PI13: whoever tries Showup out with its sample data wins and loses deals that are none."""
    first = payload("one", 1, START, [EMAIL], metadata={"showup": "sample"})
    await simulated(post, body("BOOKING_CREATED", MONDAY, first), origin=origin)
    post.now += timedelta(seconds=1)
    await does(post, ChangeDeal(at=post.now, actor="key:crm", deal="uid:one", change=DealChange(stage="proposal")))
    assert await kinds(post) == []


async def test_by_its_last_change_the_newer_of_two_is_known_though_it_was_told_before(post: Post) -> None:
    """A webhook that comes late is told late; whoever went by when it was told would have the wrong owner."""

    def hosted(by: str, at: timedelta) -> bytes:
        host = OTHER_HOST | {"email": by}
        return body("BOOKING_REASSIGNED", MONDAY + at, payload("one", 1, START, [EMAIL], organizer=host))

    await post.hear(booked(), hosted("newer@outbound.example", 2 * HOUR))
    post.now += timedelta(seconds=1)
    await post.hear(hosted("older@outbound.example", HOUR))
    found = [details["deal"] for kind, details in await told(post) if kind == "deal.reassigned"]
    assert [one["owner_email"] for one in found] == ["newer@outbound.example", "older@outbound.example"]
    assert max(found, key=lambda one: one["updated_at"])["owner_email"] == "newer@outbound.example"
    assert found[0]["updated_at"] == "2026-09-07T11:00:00Z"
