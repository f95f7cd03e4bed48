"""S07: many events of one Cal.com account that wait for their workspace delay no event of another account."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.database.engine import driver_connection, transaction
from showup.inbox import store
from showup.inbox.inbox_event import IncomingEvent
from showup.inbox.workspace_router import route_pending
from tests.histories.table_contents import new_account
from tests.histories.webhooks import MONDAY, body, payload

# More than one batch.
BACKLOG = 600


async def test_s07_the_first_batch_has_events_of_every_account(engine: AsyncEngine) -> None:
    busy, other = await new_account(engine), await new_account(engine)

    def unrouted(incoming: IncomingEvent, number: int) -> IncomingEvent:
        details = payload(f"uid{number}", number, MONDAY + timedelta(days=2), ["ann@acme.example"])
        booked = body("BOOKING_CREATED", MONDAY, details)
        received_at = MONDAY + timedelta(seconds=number)
        return IncomingEvent(account_id=incoming.account_id, workspace_id=None, body=booked, received_at=received_at)

    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        await store.insert_events(connection, [unrouted(busy, number) for number in range(BACKLOG)])
        await store.insert_events(connection, [unrouted(other, BACKLOG)])
    assert 0 < await route_pending(engine, system_clock) < BACKLOG
    async with transaction(engine) as tx:
        routed = await (await driver_connection(tx)).fetchval(
            "SELECT count(*) FROM inbox_events WHERE workspace_id = $1", other.workspace_id
        )
    assert routed == 1
