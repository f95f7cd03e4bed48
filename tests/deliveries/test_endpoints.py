"""Outgoing webhooks from what happened to whoever is registered: retries, pauses, rotation, what is sent again. TE8."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.deliveries import by_hand, endpoints_store, lane_store, registering, subscribing
from showup.deliveries.connecting import MailAccess, Reaching
from showup.deliveries.delivery import Lane
from showup.deliveries.endpoint import Endpoint, destination_of
from showup.deliveries.outfitting import Clients
from showup.deliveries.preparing import Connected
from showup.deliveries.sequels import PAUSED
from showup.destinations import public_only
from showup.destinations.public_addresses import Outside
from tests.deliveries.post import SEAL, Post
from tests.destinations.email.looks import renderer
from tests.destinations.far.webhook import FarWebhook
from tests.stories.webhooks import MONDAY, body, payload

ANN = "ann@acme.example"
START = MONDAY + timedelta(days=5)
TEAM = "slack"


def booked(uid: str = "one", number: int = 1) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START, [ANN]))


def cancelled(later: int = 1) -> bytes:
    return body("BOOKING_CANCELLED", MONDAY + timedelta(seconds=later), payload("one", 1, START, [ANN]))


class Registered(Post):
    """A post whose endpoint is reached as in life; `secret` is the endpoint's."""

    def __init__(self, engine: AsyncEngine, workspace: UUID, account: UUID, clients: Clients) -> None:
        super().__init__(engine, workspace, account)
        self.id = uuid4()
        self.lane = Lane(workspace_id=workspace, destination=destination_of(self.id))
        self.secret = ""
        self._reaching = Reaching(
            engine,
            SEAL,
            lambda: self.now,
            clients=clients,
            given=MailAccess(resend_url="http://127.0.0.1:1"),
            renderer=lambda _: renderer(),
            retry_after=(),
        )

    async def connected(self, lane: Lane) -> Connected:
        return await self._reaching.connected(lane)

    async def register(self, url: str, *kinds: str) -> None:
        endpoint = Endpoint(id=self.id, workspace_id=self.workspace, url=url, kinds=kinds)
        async with transaction(self.engine) as tx:
            self.secret = await registering.register(await raw(tx), SEAL, endpoint, self.now)

    async def endpoint(self) -> Endpoint:
        async with transaction(self.engine) as tx:
            found = await endpoints_store.find(await raw(tx), self.workspace, self.id)
        assert found is not None
        return found

    async def change(self, **said: Any) -> None:
        async with transaction(self.engine) as tx:
            await registering.change(await raw(tx), await self.endpoint(), said, "key:ops", self.now)

    async def row(self, kind: str) -> dict[str, Any]:
        (row,) = await self.rows(kind=kind, destination=self.lane.destination)
        return row


@pytest.fixture
def far() -> Iterator[FarWebhook]:
    with FarWebhook(now=False) as far:
        yield far
        assert far.wrong == []


@pytest.fixture
async def outside() -> AsyncIterator[httpx2.AsyncClient]:
    async with public_only.client("1", Outside(private=True)) as client:
        yield client


@pytest.fixture
async def post(
    engine: AsyncEngine, workspace: UUID, account: UUID, outside: httpx2.AsyncClient, far: FarWebhook
) -> Registered:
    made = Registered(engine, workspace, account, Clients(known=outside, outside=outside))
    await made.register(far.url, "booking.created", "booking.cancelled")
    far.secret = made.secret
    made.now += timedelta(seconds=1)
    return made


async def listen(post: Registered, destination: str, *kinds: str) -> None:
    async with transaction(post.engine) as tx:
        await subscribing.subscribe(await raw(tx), post.workspace, destination, kinds, post.now)


async def test_what_happens_is_told_to_who_is_registered_for_it(post: Registered, far: FarWebhook) -> None:
    await post.hear(booked())
    await post.tell()
    await post.hear(body("BOOKING_REJECTED", MONDAY, payload("two", 2, START, [ANN])), cancelled())
    await post.tell()
    assert far.types == ["booking.created", "booking.cancelled"]
    assert [one.said["data"]["booking"]["status"] for one in far.heard] == ["ACCEPTED", "CANCELLED"]
    row = await post.row("booking.created")
    assert (row["state"], row["provider"], str(row["id"])) == ("delivered", "webhook", far.heard[0].id)


async def test_what_happened_before_is_not_for_it(post: Registered, far: FarWebhook) -> None:
    await post.change(kinds=("booking.created",))
    post.now += timedelta(seconds=1)
    await post.hear(booked(), cancelled())
    await post.change(kinds=("booking.created", "booking.cancelled"))
    await post.tell(minutes=1)
    assert far.types == ["booking.created"]


async def test_the_same_news_twice_is_told_once(post: Registered, far: FarWebhook) -> None:
    await post.hear(booked(), booked())
    await post.tell()
    await post.hear(booked())
    await post.tell()
    assert list(far.effects.values()) == [1]


async def test_a_failure_is_tried_again_for_up_to_a_day_and_then_given_up(post: Registered, far: FarWebhook) -> None:
    await post.hear(booked())
    far.faults.next(*["400"] * 7)
    for pause in (0, 5, 300, 1800, 7200, 18_000, 36_000):
        await post.tell(seconds=pause)
    row = await post.row("booking.created")
    assert (row["state"], row["attempts"]) == ("failed", 7)
    assert row["because"] == 'the endpoint answered 400 ({"error": "out of order"}) (attempt 7 of 7)'
    assert post.now - MONDAY < timedelta(days=1)
    assert {call[1]["webhook-id"] for call in far.calls} == {str(row["id"])}
    assert far.heard == []


async def test_an_answer_that_was_lost_is_told_again_under_the_same_id(post: Registered, far: FarWebhook) -> None:
    await post.hear(booked())
    far.faults.next("lost")
    await post.tell()
    await post.tell(seconds=10)
    assert list(far.effects.values()) == [2]
    first, second = far.heard
    assert first.body == second.body
    assert (await post.row("booking.created"))["state"] == "delivered"


async def test_it_is_left_alone_until_it_takes_more(post: Registered, far: FarWebhook) -> None:
    await post.hear(booked())
    far.faults.next("429")
    await post.tell()
    await post.tell(seconds=100)
    assert len(far.calls) == 1
    await post.tell(seconds=21)
    assert far.types == ["booking.created"]


async def test_one_that_is_gone_is_paused_and_whoever_listens_hears_of_it(post: Registered, far: FarWebhook) -> None:
    await listen(post, TEAM, PAUSED)
    await post.hear(booked())
    far.faults.next("410")
    await post.tell()
    endpoint = await post.endpoint()
    assert endpoint.paused_at == post.now
    assert endpoint.because is not None
    assert "410" in endpoint.because
    (notice,) = await post.rows(kind=PAUSED)
    assert notice["destination"] == TEAM
    assert notice["details"] == {"destination": post.lane.destination, "because": endpoint.because}
    for _ in range(3):
        await post.tell(hours=1)
    assert len(far.calls) == 1
    assert (await post.row("booking.created"))["state"] == "scheduled"


async def test_what_waited_is_sent_when_somebody_lets_it_go_on(post: Registered, far: FarWebhook) -> None:
    await post.hear(booked())
    far.faults.next("410")
    await post.tell()
    await post.hear(cancelled())
    await post.tell(hours=1)
    await post.change(paused=False)
    await post.tell(minutes=1)
    assert far.types == ["booking.created", "booking.cancelled"]
    assert (await post.endpoint()).paused_at is None


async def test_what_waited_too_long_is_not_told_any_more(post: Registered, far: FarWebhook) -> None:
    await post.change(paused=True)
    await post.hear(booked())
    await post.tell(days=8)
    row = await post.row("booking.created")
    assert (row["state"], far.calls) == ("skipped", [])
    assert "too late" in row["because"]


async def test_one_that_fails_for_a_day_is_paused(post: Registered, far: FarWebhook) -> None:
    await listen(post, TEAM, PAUSED)
    await post.hear(booked())
    far.down()
    await post.tell()
    for _ in range(23):
        await post.tell(hours=1)
    assert (await post.endpoint()).paused_at is None
    for _ in range(2):
        await post.tell(hours=1)
    endpoint = await post.endpoint()
    assert endpoint.because is not None
    assert "nothing has passed since 2026-09-07 09:00" in endpoint.because
    assert len(await post.rows(kind=PAUSED)) == 1
    far.up()
    await post.change(paused=False)
    await post.tell(minutes=1)
    assert far.types == ["booking.created"], "what waited for it was not given up"


async def test_one_that_took_something_meanwhile_is_not_paused(post: Registered, far: FarWebhook) -> None:
    await post.hear(booked())
    far.down()
    await post.tell()
    await post.tell(hours=20)
    far.up()
    await post.tell(hours=3)
    far.down()
    await post.hear(cancelled())
    await post.tell(hours=3)
    assert (await post.endpoint()).paused_at is None


async def test_one_that_nobody_tried_for_a_day_is_tried_before_it_is_paused(post: Registered, far: FarWebhook) -> None:
    await post.hear(booked())
    far.faults.next("500")
    await post.tell()
    async with transaction(post.engine) as tx:
        row = await post.row("booking.created")
        assert await by_hand.withdraw(await raw(tx), row["id"], "key:ops", post.now) is None
    post.now = MONDAY + timedelta(days=2)
    await post.hear(cancelled(later=2 * 24 * 3600))
    await post.tell(minutes=1)
    assert ((await post.endpoint()).paused_at, far.types) == (None, ["booking.cancelled"])


async def test_a_pause_of_one_holds_up_no_other(post: Registered, far: FarWebhook) -> None:
    other = uuid4()
    endpoint = Endpoint(id=other, workspace_id=post.workspace, url=far.url, kinds=("booking.created",))
    async with transaction(post.engine) as tx:
        far.secret = await registering.register(await raw(tx), SEAL, endpoint, post.now)
    await post.change(paused=True)
    post.now += timedelta(seconds=1)
    await post.hear(booked())
    await post.tell()
    post.lane = Lane(workspace_id=post.workspace, destination=destination_of(other))
    await post.tell()
    assert far.types == ["booking.created"]


async def test_a_secret_is_good_for_a_day_after_it_was_rotated(post: Registered, far: FarWebhook) -> None:
    async with transaction(post.engine) as tx:
        fresh = await registering.rotate(await raw(tx), SEAL, await post.endpoint(), post.now)
    await post.hear(booked())
    await post.tell(hours=23)
    far.secret = fresh
    await post.hear(cancelled())
    await post.tell(hours=2)
    assert [len(one.signatures) for one in far.heard] == [2, 1]


async def test_secrets_are_sealed(post: Registered) -> None:
    async with transaction(post.engine) as tx:
        kept = await (await raw(tx)).fetchval("SELECT secrets FROM endpoints")
    assert post.secret.encode() not in kept
    assert post.secret.removeprefix("whsec_").encode() not in kept


async def test_what_was_delivered_is_sent_again_when_somebody_asks(post: Registered, far: FarWebhook) -> None:
    await post.hear(booked())
    await post.tell()
    row = await post.row("booking.created")
    await post.tell(days=30)
    async with transaction(post.engine) as tx:
        assert await by_hand.send_again(await raw(tx), row["id"], post.now) is None
    await post.tell()
    first, second = far.heard
    assert (first.id, first.body) == (second.id, second.body)
    again = await post.row("booking.created")
    assert (again["state"], again["attempts"], again["delivered_at"]) == ("delivered", 2, post.now)


async def test_mail_is_never_sent_again_nor_what_failed_or_waits(post: Registered) -> None:
    await post.hear(booked())
    waits = await post.row("booking.created")
    (mail,) = await post.rows(kind="confirm")
    async with transaction(post.engine) as tx:
        connection = await raw(tx)
        assert "nobody else is told twice" in (await by_hand.send_again(connection, mail["id"], post.now) or "")
        assert "it is scheduled" in (await by_hand.send_again(connection, waits["id"], post.now) or "")
        assert "no such delivery" in (await by_hand.send_again(connection, uuid4(), post.now) or "")


async def test_a_deleted_one_is_told_nothing_any_more(post: Registered, far: FarWebhook) -> None:
    await post.hear(booked())
    async with transaction(post.engine) as tx:
        await registering.delete(await raw(tx), await post.endpoint(), "key:ops", post.now)
    await post.tell(seconds=10)
    row = await post.row("booking.created")
    assert (row["state"], row["because"]) == ("withdrawn", "key:ops deleted its endpoint")
    await post.hear(cancelled())
    await post.tell(seconds=10)
    assert (far.calls, await post.rows(kind="booking.cancelled")) == ([], [])
    async with transaction(post.engine) as tx:
        assert await (await raw(tx)).fetchval("SELECT length(secrets) FROM endpoints") == 0


async def test_what_is_under_way_when_it_is_deleted_is_the_last(post: Registered) -> None:
    await post.hear(booked())
    await post.claim()
    async with transaction(post.engine) as tx:
        await registering.delete(await raw(tx), await post.endpoint(), "key:ops", post.now)
    row = await post.row("booking.created")
    assert (row["state"], row["unwanted"]) == ("sending", "key:ops deleted its endpoint")


async def test_a_ping_goes_to_one_alone_whatever_it_is_registered_for(post: Registered, far: FarWebhook) -> None:
    await listen(post, TEAM, "ping")
    async with transaction(post.engine) as tx:
        delivery_id = await registering.ping(await raw(tx), await post.endpoint(), "key:ops", post.now)
    await post.tell()
    assert [(one.id, one.said["type"]) for one in far.heard] == [(str(delivery_id), "ping")]
    assert far.heard[0].said["data"] == {"workspace": "default", "sent_by": "key:ops"}
    assert len(await post.rows(kind="ping")) == 1


async def test_a_new_address_is_tried_at_once(post: Registered, far: FarWebhook) -> None:
    await post.change(url="http://127.0.0.1:1/")
    await post.hear(booked())
    for _ in range(6):
        await post.tell(minutes=10)
    assert (await post.lane_state())["failing_since"] is not None
    await post.change(url=far.url)
    assert (await post.lane_state())["failing_since"] is None
    await post.tell(hours=3)
    assert far.types == ["booking.created"]


async def test_a_pause_is_news_once(post: Registered) -> None:
    async with transaction(post.engine) as tx:
        connection = await raw(tx)
        until = post.now + timedelta(minutes=1)
        assert [await lane_store.pause(connection, post.lane, until, why) for why in ("a", "a", "b")] == [
            *(True, False, True)
        ]


async def test_changing_nothing_changes_nothing(post: Registered) -> None:
    before = await post.endpoint()
    await post.change(paused=False, kinds=before.kinds)
    assert await post.endpoint() == before
    await post.change(paused=True)
    paused = await post.endpoint()
    post.now += timedelta(hours=1)
    await post.change(paused=True, description="ours")
    assert await post.endpoint() == replace(paused, description="ours")


async def test_who_changes_an_endpoint_and_who_pauses_it_wait_for_each_other_in_no_ring(
    post: Registered, far: FarWebhook
) -> None:
    far.faults.next("410")
    await post.hear(booked())
    async with transaction(post.engine) as tx:
        connection = await raw(tx)
        held = await endpoints_store.find(connection, post.workspace, post.id, hold=True)
        assert held is not None
        await asyncio.wait_for(post.tell(), 10)
        await registering.change(connection, held, {"url": f"{far.url}/new"}, "key:ops", post.now)
    assert (await post.endpoint()).paused_at is None, "whoever changed it knew better"
