"""S13: a history of very large bodies is read with bounded memory."""

import tracemalloc
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import system_clock
from showup.container import event_handlers
from showup.database.engine import driver_connection, transaction
from showup.inbox import store
from showup.inbox.apply import apply_pending
from showup.inbox.inbox_event import IncomingEvent
from showup.inbox.translation import InboxLog
from tests.histories.webhooks import MONDAY, body, payload

EVENTS, PADDING = 30, 900_000


UNKNOWN = {"unknownToShowup": "x" * PADDING}
NOTES = {"additionalNotes": "x" * PADDING}
TITLE = {"title": "x" * PADDING}
LONG_ANSWERS = {
    "responses": {f"q{number}": {"label": f"Q{number}", "value": "x" * 9_000} for number in range(PADDING // 9_000)}
}
SHORT_ANSWERS = {
    "responses": {f"q{number}": {"label": f"Q{number}", "value": "x" * 9} for number in range(PADDING // 60)}
}


def large_body(number: int, fields: dict[str, Any]) -> bytes:
    details = payload("one", 1, MONDAY + timedelta(days=2), ["ann@acme.example"])
    return body("BOOKING_CREATED", MONDAY + timedelta(seconds=number), details | fields)


@pytest.mark.parametrize("fields", [UNKNOWN, NOTES, TITLE, LONG_ANSWERS, SHORT_ANSWERS])
async def test_s13_a_history_of_large_bodies_does_not_fill_the_memory(
    engine: AsyncEngine, account: UUID, workspace: UUID, fields: dict[str, Any]
) -> None:
    incoming = [
        IncomingEvent(
            account_id=account, workspace_id=workspace, body=large_body(number, fields), received_at=system_clock()
        )
        for number in range(EVENTS)
    ]
    async with transaction(engine) as tx:
        await store.insert_events(await driver_connection(tx), incoming)
    while await apply_pending(engine, workspace, system_clock, event_handlers()):
        pass
    del incoming
    async with transaction(engine) as tx:
        connection = await driver_connection(tx)
        booking_id = await connection.fetchval("SELECT id FROM bookings")
        tracemalloc.start()
        try:
            history = await InboxLog().of_bookings(connection, [booking_id])
            held, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(history[booking_id]) == EVENTS
    assert held < 5_000_000
    assert peak < EVENTS * PADDING * 0.75
