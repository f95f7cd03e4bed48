"""One Cal.com account for several clients: routes choose a booking's workspace, and its later events follow it."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import routes_store
from showup.access.route import Route
from showup.clock import system_clock
from showup.container import build_projection_worker
from showup.database.engine import driver_connection, transaction
from showup.inbox import store
from showup.inbox.inbox_event import IncomingEvent
from showup.inbox.replay import replay_event
from tests.histories.webhooks import ANN, BEN, MONDAY, body, payload

START_TIME = MONDAY + timedelta(days=2)
SARAH = ["sarah@acme.example"]
CREATED = body("BOOKING_CREATED", MONDAY, payload("one", 1, START_TIME, SARAH, type="client-demo"))
NO_SHOW = body(
    "BOOKING_NO_SHOW_UPDATED", MONDAY, {"bookingUid": "one", "attendees": [{"email": SARAH[0], "noShow": True}]}
)
REASSIGNED = body(
    "BOOKING_REASSIGNED", MONDAY + timedelta(hours=1), payload("one", 1, START_TIME, SARAH, organizer=ANN, type="other")
)


@pytest.fixture
async def client(engine: AsyncEngine, account: UUID) -> UUID:
    """A second workspace, to which the account's routes send one event type."""
    client_id = uuid4()
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute(
            "INSERT INTO workspaces (id, slug, name) VALUES ($1, 'client', 'Client')", client_id
        )
        await routes_store.replace_routes(tx, account, [Route(workspace_id=client_id, event_type="client-demo")])
    return client_id


async def receive(engine: AsyncEngine, account: UUID, *bodies: bytes) -> None:
    for body_bytes in bodies:
        incoming = IncomingEvent(account_id=account, workspace_id=None, body=body_bytes, received_at=system_clock())
        async with transaction(engine) as tx:
            await store.insert_events(await driver_connection(tx), [incoming])
        await build_projection_worker(engine, system_clock).drain()


async def bookings(engine: AsyncEngine) -> list[tuple[UUID, str, str]]:
    async with transaction(engine) as tx:
        rows = await (await driver_connection(tx)).fetch(
            "SELECT workspace_id, calcom_uid, organizer_email FROM bookings"
        )
        return [tuple(row.values()) for row in rows]


async def states(engine: AsyncEngine) -> list[tuple[UUID | None, str]]:
    async with transaction(engine) as tx:
        rows = await (await driver_connection(tx)).fetch("SELECT workspace_id, state FROM inbox_events ORDER BY id")
        return [tuple(row.values()) for row in rows]


async def test_the_first_matching_route_decides(engine: AsyncEngine, account: UUID, client: UUID) -> None:
    await receive(engine, account, CREATED)
    assert await bookings(engine) == [(client, "one", BEN.email)]


@pytest.mark.usefixtures("client")
async def test_an_event_without_a_matching_route_stays_with_the_account(
    engine: AsyncEngine, account: UUID, workspace: UUID
) -> None:
    await receive(engine, account, body("BOOKING_CREATED", MONDAY, payload("two", 2, START_TIME, SARAH)), b"false")
    assert [one[0] for one in await bookings(engine)] == [workspace]
    assert await states(engine) == [(workspace, "applied"), (workspace, "unreadable")]


async def test_a_later_event_follows_its_booking(engine: AsyncEngine, account: UUID, client: UUID) -> None:
    await receive(engine, account, CREATED, REASSIGNED)
    assert await bookings(engine) == [(client, "one", ANN.email)]


async def test_an_event_without_route_fields_waits_for_its_booking(
    engine: AsyncEngine, account: UUID, client: UUID
) -> None:
    await receive(engine, account, NO_SHOW)
    assert await states(engine) == [(None, "waiting")]
    await receive(engine, account, CREATED)
    assert await states(engine) == [(client, "applied"), (client, "applied")]


async def test_removed_routes_do_not_split_a_booking(engine: AsyncEngine, account: UUID, client: UUID) -> None:
    await receive(engine, account, CREATED)
    async with transaction(engine) as tx:
        await routes_store.replace_routes(tx, account, [])
    cancelled = body("BOOKING_CANCELLED", MONDAY + timedelta(hours=2), payload("one", 1, START_TIME, SARAH))
    await receive(engine, account, cancelled)
    async with transaction(engine) as tx:
        rows = await (await driver_connection(tx)).fetch("SELECT workspace_id, status FROM bookings")
    assert [tuple(row.values()) for row in rows] == [(client, "CANCELLED")]


async def test_a_worker_never_changes_another_workspace(
    engine: AsyncEngine, account: UUID, client: UUID, workspace: UUID
) -> None:
    """Even if an event is stored for the wrong workspace, the booking in the right one does not change."""
    await receive(engine, account, CREATED)
    async with transaction(engine) as tx:
        misrouted = IncomingEvent(
            account_id=account, workspace_id=workspace, body=REASSIGNED, received_at=system_clock()
        )
        await store.insert_events(await driver_connection(tx), [misrouted])
    await build_projection_worker(engine, system_clock).drain()
    assert (client, "one", BEN.email) in await bookings(engine)


async def test_a_replayed_event_is_routed_again(engine: AsyncEngine, account: UUID, client: UUID) -> None:
    await receive(engine, account, CREATED, REASSIGNED)
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        event_id = await connection.fetchval("SELECT id FROM inbox_events WHERE trigger = 'BOOKING_REASSIGNED'")
        await connection.execute(
            "UPDATE inbox_events SET state = 'unreadable', workspace_id = (SELECT workspace_id FROM connections), "
            "booking_id = NULL WHERE id = $1",
            event_id,
        )
    async with transaction(engine) as tx:
        assert await replay_event(tx, event_id)
    await build_projection_worker(engine, system_clock).drain()
    assert await states(engine) == [(client, "applied"), (client, "applied")]


async def test_an_event_with_only_a_booking_id_finds_its_workspace(
    engine: AsyncEngine, account: UUID, client: UUID
) -> None:
    ended = body("meeting.ended", START_TIME, {"bookingId": 1, "attendees": [{"email": SARAH[0], "attended": True}]})
    await receive(engine, account, ended, CREATED)
    assert await states(engine) == [(client, "applied"), (client, "applied")]


async def test_only_an_unroutable_event_is_retried_later(engine: AsyncEngine, account: UUID, client: UUID) -> None:
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute(
            "ALTER TABLE inbox_events ADD CONSTRAINT poison CHECK (uid <> 'poison')"
        )
    failing = body("BOOKING_CREATED", MONDAY, payload("poison", 9, START_TIME, SARAH, type="client-demo"))
    await receive(engine, account, failing, CREATED)
    assert await states(engine) == [(None, "failed"), (client, "applied")]


async def test_two_accounts_can_report_one_booking(engine: AsyncEngine, workspace: UUID, account: UUID) -> None:
    """The webhooks of a user and of a team, each with its own secret, are two accounts of one workspace (IN4)."""
    second = uuid4()
    async with transaction(engine) as tx:
        await (await driver_connection(tx)).execute(
            "INSERT INTO connections (id, workspace_id, kind, name) VALUES ($1, $2, 'calcom', 'team')",
            second,
            workspace,
        )
        for account_id in (account, second):
            incoming = IncomingEvent(
                account_id=account_id, workspace_id=workspace, body=CREATED, received_at=system_clock()
            )
            await store.insert_events(await driver_connection(tx), [incoming])
    await build_projection_worker(engine, system_clock).drain()
    assert len(await bookings(engine)) == 1


async def test_events_of_one_batch_get_the_same_workspace(engine: AsyncEngine, account: UUID, client: UUID) -> None:
    async with transaction(engine) as tx:
        incoming = [
            IncomingEvent(account_id=account, workspace_id=None, body=one, received_at=system_clock())
            for one in (NO_SHOW, CREATED, REASSIGNED)
        ]
        await store.insert_events(await driver_connection(tx), incoming)
    await build_projection_worker(engine, system_clock).drain()
    assert await states(engine) == [(client, "applied")] * 3
