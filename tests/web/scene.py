"""A workspace in which people act: what stands in it came through the door, so that commands can tell it anew.

It is Monday, 14 September 2026, 12:00 in UTC, and every look at the clock is a moment later.
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
from showup.database import tables
from showup.database.engine import raw, transaction
from showup.inbox import store
from showup.inbox.apply import apply_some
from showup.inbox.raw_event import Incoming
from showup.people.person import person_id
from tests.stories.webhooks import MONDAY, body, payload
from tests.web.cast import Stage, delivery, id_of, people_with_keys, suppression

TODAY = datetime(2026, 9, 14, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
QUESTION = {"candidates": [{"record": "86a", "name": "Sarah Chen"}], "until": "2026-09-14T16:00:00Z"}
UIDS = ("met", "ahead", "globex", "private", "off")


def ticking() -> Clock:
    """A clock that is later with every look, so that what is done later happened later."""
    ticks = itertools.count()
    return lambda: TODAY + timedelta(milliseconds=next(ticks))


def created(uid: str, number: int, start: datetime, email: str, **more: Any) -> bytes:
    return body("BOOKING_CREATED", MONDAY + number * HOUR, payload(uid, number, start, [email], **more))


def webhooks() -> list[bytes]:
    """Acme's first meeting is over and its second ahead; Globex's is over and nobody has said how it went."""
    met = payload("met", 1, MONDAY + DAY, ["sarah@acme.com"])
    off = payload("off", 5, TODAY + DAY, ["ian@initech.com"])
    return [
        created("met", 1, MONDAY + DAY, "sarah@acme.com"),
        created("ahead", 2, TODAY + DAY, "sarah@acme.com"),
        created("globex", 3, MONDAY + DAY, "gina@globex.co.uk"),
        created("private", 4, MONDAY + DAY, "pat@gmail.com"),
        created("off", 5, TODAY + DAY, "ian@initech.com"),
        body("MEETING_ENDED", MONDAY + DAY + HOUR, met),
        body("BOOKING_CANCELLED", MONDAY + 2 * DAY, off),
    ]


async def heard(engine: AsyncEngine, workspace: str, bodies: Iterable[bytes], clock: Clock) -> None:
    """The bodies came through the door of the workspace's account, and were applied."""
    incoming = [
        Incoming(account_id=id_of(f"{workspace}.account"), workspace_id=id_of(workspace), body=one, received_at=clock())
        for one in bodies
    ]
    async with transaction(engine) as tx:
        await store.keep_all(await raw(tx), incoming)
    while await apply_some(engine, id_of(workspace), clock):
        pass


async def play(engine: AsyncEngine, clock: Clock) -> None:
    stage = Stage()
    people_with_keys(stage)
    suppression(stage, "ours", "bounced", "gina@globex.co.uk")
    # Of a booking that no news is of, so that nothing but a person moves them.
    for noun, state in (("failed", "failed"), ("failed_too", "failed"), ("waiting", "scheduled")):
        delivery(stage, "ours", noun, "elsewhere", state, because="it is busy", attempts=3)
    delivery(stage, "ours", "asked", "elsewhere", "scheduled", destination="clickup", question=QUESTION)
    delivery(stage, "ours", "hooked", "elsewhere", "delivered", destination="webhook:gone", provider="webhook")
    await stage.play(engine)
    for workspace in ("ours", "theirs"):
        await heard(engine, workspace, webhooks(), clock)


class Scene:
    """Finds what stands, by the names that the tests know."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    async def booking(self, uid: str, workspace: str = "ours") -> UUID:
        return UUID(str(await self._one("bookings", calcom_uid=uid, workspace_id=id_of(workspace), wanted="id")))

    async def deal_of(self, uid: str, workspace: str = "ours") -> UUID:
        return UUID(str(await self._one("bookings", calcom_uid=uid, workspace_id=id_of(workspace), wanted="deal_id")))

    async def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        found = tables.metadata.tables[table]
        query = select(found).where(*(found.c[name] == value for name, value in where.items()))
        async with self.engine.connect() as tx:
            return [dict(row) for row in (await tx.execute(query)).mappings()]

    async def commands(self, **where: Any) -> list[dict[str, Any]]:
        """What people did, as the log has it, in the order of the feed."""
        found = await self.rows("calcom_events", origin="hand", **where)
        return sorted(found, key=lambda row: row["number"])

    async def _one(self, table: str, *, wanted: str, **where: Any) -> Any:
        (row,) = await self.rows(table, **where)
        return row[wanted]

    @staticmethod
    def company(domain: str, workspace: str = "ours") -> UUID:
        return company_id(id_of(workspace), f"domain:{domain}")

    @staticmethod
    def person(email: str, workspace: str = "ours") -> UUID:
        return person_id(id_of(workspace), email)
