"""One Cal.com account, several clients: routes decide where a booking belongs, and its later news follows it."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import routes_store
from showup.access.route import Route
from showup.clock import system_clock
from showup.database.engine import raw, transaction
from showup.inbox import store
from showup.inbox.applier import Applier
from showup.inbox.raw_event import Incoming
from tests.stories.webhooks import ANN, BEN, MONDAY, body, payload

START = MONDAY + timedelta(days=2)
SARAH = ["sarah@acme.example"]
MADE = body("BOOKING_CREATED", MONDAY, payload("one", 1, START, SARAH, type="client-demo"))
MARKED = body(
    "BOOKING_NO_SHOW_UPDATED", MONDAY, {"bookingUid": "one", "attendees": [{"email": SARAH[0], "noShow": True}]}
)
REASSIGNED = body(
    "BOOKING_REASSIGNED", MONDAY + timedelta(hours=1), payload("one", 1, START, SARAH, organizer=ANN, type="other")
)


@pytest.fixture
async def client(engine: AsyncEngine, account: UUID) -> UUID:
    """A second workspace, to which the account's routes send one event type."""
    made = uuid4()
    async with transaction(engine) as tx:
        await (await raw(tx)).execute("INSERT INTO workspaces (id, slug, name) VALUES ($1, 'client', 'Client')", made)
        await routes_store.replace(tx, account, [Route(workspace_id=made, event_type="client-demo")])
    return made


async def come_in(engine: AsyncEngine, account: UUID, *bodies: bytes) -> None:
    for one in bodies:
        incoming = Incoming(account_id=account, workspace_id=None, body=one, received_at=system_clock())
        async with transaction(engine) as tx:
            await store.keep_all(await raw(tx), [incoming])
        await Applier(engine, system_clock).drain()


async def bookings(engine: AsyncEngine) -> list[tuple[UUID, str, str]]:
    async with transaction(engine) as tx:
        rows = await (await raw(tx)).fetch("SELECT workspace_id, calcom_uid, organizer_email FROM bookings")
        return [tuple(row.values()) for row in rows]


async def states(engine: AsyncEngine) -> list[tuple[UUID | None, str]]:
    async with transaction(engine) as tx:
        rows = await (await raw(tx)).fetch("SELECT workspace_id, state FROM calcom_events ORDER BY id")
        return [tuple(row.values()) for row in rows]


async def test_the_first_route_that_agrees_decides(engine: AsyncEngine, account: UUID, client: UUID) -> None:
    await come_in(engine, account, MADE)
    assert await bookings(engine) == [(client, "one", BEN["email"])]


@pytest.mark.usefixtures("client")
async def test_what_no_route_wants_stays_with_the_account(engine: AsyncEngine, account: UUID, workspace: UUID) -> None:
    await come_in(engine, account, body("BOOKING_CREATED", MONDAY, payload("two", 2, START, SARAH)), b"false")
    assert [one[0] for one in await bookings(engine)] == [workspace]
    assert await states(engine) == [(workspace, "applied"), (workspace, "unreadable")]


async def test_later_news_follows_its_booking_whatever_the_routes_say_of_it(
    engine: AsyncEngine, account: UUID, client: UUID
) -> None:
    await come_in(engine, account, MADE, REASSIGNED)
    assert await bookings(engine) == [(client, "one", ANN["email"])]


async def test_news_with_nothing_to_route_by_waits_for_its_booking(
    engine: AsyncEngine, account: UUID, client: UUID
) -> None:
    await come_in(engine, account, MARKED)
    assert await states(engine) == [(None, "waiting")]
    await come_in(engine, account, MADE)
    assert await states(engine) == [(client, "applied"), (client, "applied")]


async def test_both_in_one_batch_go_the_same_way(engine: AsyncEngine, account: UUID, client: UUID) -> None:
    async with transaction(engine) as tx:
        incoming = [
            Incoming(account_id=account, workspace_id=None, body=one, received_at=system_clock())
            for one in (MARKED, MADE, REASSIGNED)
        ]
        await store.keep_all(await raw(tx), incoming)
    await Applier(engine, system_clock).drain()
    assert await states(engine) == [(client, "applied")] * 3
