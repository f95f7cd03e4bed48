"""What an endpoint took already and is sent once more: whatever comes of that, it was delivered (TE8)."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import raw, transaction
from showup.deliveries import by_hand, registering
from showup.deliveries.outfitting import Clients
from showup.destinations import public_only
from showup.destinations.public_addresses import Outside
from tests.deliveries.test_endpoints import ANN, START, Registered, booked
from tests.destinations.far.webhook import FarWebhook
from tests.stories.webhooks import body, payload


@pytest.fixture
def far() -> Iterator[FarWebhook]:
    with FarWebhook() as far:
        yield far


@pytest.fixture
async def post(engine: AsyncEngine, workspace: UUID, account: UUID, far: FarWebhook) -> AsyncIterator[Registered]:
    async with public_only.client("1", Outside(private=True)) as outside:
        made = Registered(engine, workspace, account, Clients(known=outside, outside=outside))
        await made.register(far.url, "booking.created")
        made.now += timedelta(seconds=1)
        yield made


async def test_what_is_sent_again_in_vain_was_delivered_all_the_same(post: Registered, far: FarWebhook) -> None:
    await post.hear(booked())
    await post.tell()
    row = await post.row("booking.created")
    await post.tell(days=30)
    async with transaction(post.engine) as tx:
        assert await by_hand.send_again(await raw(tx), row["id"], post.now) is None
    far.faults.next("500")
    await post.tell()
    # Its story is told anew meanwhile, which must not shorten the time it was given.
    await post.hear(body("MEETING_ENDED", START + timedelta(hours=1), payload("one", 1, START, [ANN])))
    waits = await post.row("booking.created")
    assert (waits["state"], waits["expires_at"]) == ("scheduled", post.now + timedelta(days=1))
    await post.tell(days=1)
    after = await post.row("booking.created")
    assert (after["state"], after["delivered_at"]) == ("delivered", row["delivered_at"])


async def test_nothing_is_sent_again_to_one_that_is_deleted(post: Registered) -> None:
    await post.hear(booked())
    await post.tell()
    row = await post.row("booking.created")
    async with transaction(post.engine) as tx:
        connection = await raw(tx)
        await registering.delete(connection, await post.endpoint(), "key:ops", post.now)
        assert "no such endpoint" in (await by_hand.send_again(connection, row["id"], post.now) or "")
    assert (await post.row("booking.created"))["state"] == "delivered"
