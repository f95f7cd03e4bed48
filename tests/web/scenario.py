"""A scenario for commands: its data results from inbox events, so that commands can replay it.

It is Monday, 14 September 2026, 12:00 in UTC, and each reading of the clock is a millisecond later.
"""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.clock import Clock
from showup.companies.company import company_id
from showup.container import event_handlers
from showup.database import tables
from showup.database.engine import driver_connection, transaction
from showup.inbox import store
from showup.inbox.apply import apply_pending
from showup.inbox.inbox_event import IncomingEvent, Origin
from showup.people.person import person_id
from tests.histories.webhooks import MONDAY, body, payload
from tests.web.sample_data import (
    SampleData,
    add_delivery,
    add_suppression,
    add_teammates,
    add_workspaces_and_keys,
    id_of,
)

TODAY = datetime(2026, 9, 14, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
QUESTION = {"candidates": [{"record": "86a", "name": "Sarah Chen"}], "until": "2026-09-14T16:00:00Z"}
UIDS = ("met", "ahead", "globex", "private", "off")


def ticking_clock() -> Clock:
    """Return a clock that advances with each reading, so that later commands have later times."""
    ticks = itertools.count()
    return lambda: TODAY + timedelta(milliseconds=next(ticks))


def booking_created(uid: str, number: int, start: datetime, email: str, **overrides: Any) -> bytes:
    return body("BOOKING_CREATED", MONDAY + number * HOUR, payload(uid, number, start, [email], **overrides))


def sample_webhooks() -> list[bytes]:
    """Acme has a past and an upcoming meeting; Globex has a past meeting without a reported outcome."""
    met_payload = payload("met", 1, MONDAY + DAY, ["sarah@acme.com"])
    cancelled_payload = payload("off", 5, TODAY + DAY, ["ian@initech.com"])
    return [
        booking_created("met", 1, MONDAY + DAY, "sarah@acme.com"),
        booking_created("ahead", 2, TODAY + DAY, "sarah@acme.com"),
        booking_created("globex", 3, MONDAY + DAY, "gina@globex.co.uk"),
        booking_created("private", 4, MONDAY + DAY, "pat@gmail.com"),
        booking_created("off", 5, TODAY + DAY, "ian@initech.com"),
        body("MEETING_ENDED", MONDAY + DAY + HOUR, met_payload),
        body("BOOKING_CANCELLED", MONDAY + 2 * DAY, cancelled_payload),
    ]


async def ingest_and_project(
    engine: AsyncEngine, workspace: str, bodies: Iterable[bytes], clock: Clock, origin: Origin = "webhook"
) -> None:
    """Store the bodies as webhooks of the workspace's account, and apply them."""
    incoming = [
        IncomingEvent(
            account_id=id_of(f"{workspace}.account"),
            workspace_id=id_of(workspace),
            body=webhook_body,
            received_at=clock(),
            origin=origin,
        )
        for webhook_body in bodies
    ]
    async with transaction(engine) as tx:
        await store.insert_events(await driver_connection(tx), incoming)
    while await apply_pending(engine, id_of(workspace), clock, event_handlers()):
        pass


async def create_scenario(engine: AsyncEngine, clock: Clock) -> None:
    data = SampleData()
    add_workspaces_and_keys(data)
    add_teammates(data)
    add_suppression(data, "ours", "bounced", "gina@globex.co.uk")
    # Their booking has no events, so that only a person's command changes them.
    for delivery_name, state in (("failed", "failed"), ("failed_too", "failed"), ("waiting", "scheduled")):
        add_delivery(data, "ours", delivery_name, "elsewhere", state, because="it is busy", attempts=3)
    add_delivery(data, "ours", "asked", "elsewhere", "scheduled", destination="clickup", question=QUESTION)
    add_delivery(data, "ours", "hooked", "elsewhere", "delivered", destination="webhook:gone", provider="webhook")
    await data.insert_into(engine)
    for workspace in ("ours", "theirs"):
        await ingest_and_project(engine, workspace, sample_webhooks(), clock)


class Scenario:
    """Finds current rows by the names that the tests use."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def booking_id(self, uid: str, workspace: str = "ours") -> UUID:
        return UUID(
            str(await self._single_value("bookings", calcom_uid=uid, workspace_id=id_of(workspace), column="id"))
        )

    async def deal_id(self, uid: str, workspace: str = "ours") -> UUID:
        return UUID(
            str(await self._single_value("bookings", calcom_uid=uid, workspace_id=id_of(workspace), column="deal_id"))
        )

    async def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        table_object = tables.metadata.tables[table]
        query = select(table_object).where(*(table_object.c[name] == value for name, value in where.items()))
        async with self.engine.connect() as tx:
            return [dict(row) for row in (await tx.execute(query)).mappings()]

    async def commands(self, **where: Any) -> list[dict[str, Any]]:
        """Return the logged commands, in the order of their numbers."""
        rows = await self.rows("inbox_events", origin="manual", **where)
        return sorted(rows, key=lambda row: row["number"])

    async def _single_value(self, table: str, *, column: str, **where: Any) -> Any:
        (row,) = await self.rows(table, **where)
        return row[column]

    @staticmethod
    def company_id(domain: str, workspace: str = "ours") -> UUID:
        return company_id(id_of(workspace), f"domain:{domain}")

    @staticmethod
    def person_id(email: str, workspace: str = "ours") -> UUID:
        return person_id(id_of(workspace), email)
