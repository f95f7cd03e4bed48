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
from showup.inbox.replay import replay
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


async def test_routes_that_were_removed_leave_no_booking_in_two_places(
    engine: AsyncEngine, account: UUID, client: UUID
) -> None:
    await come_in(engine, account, MADE)
    async with transaction(engine) as tx:
        await routes_store.replace(tx, account, [])
    cancelled = body("BOOKING_CANCELLED", MONDAY + timedelta(hours=2), payload("one", 1, START, SARAH))
    await come_in(engine, account, cancelled)
    async with transaction(engine) as tx:
        rows = await (await raw(tx)).fetch("SELECT workspace_id, status FROM bookings")
    assert [tuple(row.values()) for row in rows] == [(client, "CANCELLED")]


async def test_an_applier_never_reaches_into_another_workspace(
    engine: AsyncEngine, account: UUID, client: UUID, workspace: UUID
) -> None:
    """Even when an event is kept for the wrong workspace, the booking of the right one stays as it is."""
    await come_in(engine, account, MADE)
    async with transaction(engine) as tx:
        stray = Incoming(account_id=account, workspace_id=workspace, body=REASSIGNED, received_at=system_clock())
        await store.keep_all(await raw(tx), [stray])
    await Applier(engine, system_clock).drain()
    assert (client, "one", BEN["email"]) in await bookings(engine)


async def test_an_event_that_is_run_again_is_sorted_again(engine: AsyncEngine, account: UUID, client: UUID) -> None:
    await come_in(engine, account, MADE, REASSIGNED)
    async with transaction(engine) as tx:
        connection = await raw(tx)
        event_id = await connection.fetchval("SELECT id FROM calcom_events WHERE trigger = 'BOOKING_REASSIGNED'")
        await connection.execute(
            "UPDATE calcom_events SET state = 'unreadable', workspace_id = (SELECT workspace_id FROM connections), "
            "booking_id = NULL WHERE id = $1",
            event_id,
        )
    async with transaction(engine) as tx:
        assert await replay(tx, event_id)
    await Applier(engine, system_clock).drain()
    assert await states(engine) == [(client, "applied"), (client, "applied")]


async def test_news_by_number_alone_finds_the_workspace_of_its_booking(
    engine: AsyncEngine, account: UUID, client: UUID
) -> None:
    ended = body("meeting.ended", START, {"bookingId": 1, "attendees": [{"email": SARAH[0], "attended": True}]})
    await come_in(engine, account, ended, MADE)
    assert await states(engine) == [(client, "applied"), (client, "applied")]


async def test_what_can_not_be_sorted_is_set_aside_alone(engine: AsyncEngine, account: UUID, client: UUID) -> None:
    async with transaction(engine) as tx:
        await (await raw(tx)).execute("ALTER TABLE calcom_events ADD CONSTRAINT poison CHECK (uid <> 'poison')")
    bad = body("BOOKING_CREATED", MONDAY, payload("poison", 9, START, SARAH, type="client-demo"))
    await come_in(engine, account, bad, MADE)
    assert await states(engine) == [(None, "failed"), (client, "applied")]


async def test_two_accounts_that_tell_of_one_booking_tell_of_one(
    engine: AsyncEngine, workspace: UUID, account: UUID
) -> None:
    """A user's webhook and a team's, each with its own secret, are two accounts of one workspace (IN4)."""
    second = uuid4()
    async with transaction(engine) as tx:
        await (await raw(tx)).execute(
            "INSERT INTO connections (id, workspace_id, kind, name) VALUES ($1, $2, 'calcom', 'team')",
            second,
            workspace,
        )
        for one in (account, second):
            incoming = Incoming(account_id=one, workspace_id=workspace, body=MADE, received_at=system_clock())
            await store.keep_all(await raw(tx), [incoming])
    await Applier(engine, system_clock).drain()
    assert len(await bookings(engine)) == 1


async def test_both_in_one_batch_go_the_same_way(engine: AsyncEngine, account: UUID, client: UUID) -> None:
    async with transaction(engine) as tx:
        incoming = [
            Incoming(account_id=account, workspace_id=None, body=one, received_at=system_clock())
            for one in (MARKED, MADE, REASSIGNED)
        ]
        await store.keep_all(await raw(tx), incoming)
    await Applier(engine, system_clock).drain()
    assert await states(engine) == [(client, "applied")] * 3
