"""A workspace whose webhooks are applied and whose deliveries are told, at moments that the test sets.

The far side is a destination that does what its script says; everything on our side is real.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.secrets_at_rest import Seal
from showup.clock import Clock
from showup.database import tables
from showup.database.engine import raw, transaction
from showup.deliveries import claiming, lane_store
from showup.deliveries.claiming import Claimed
from showup.deliveries.courier import Courier
from showup.deliveries.delivery import Lane
from showup.deliveries.preparing import Connected, LastLook, NotConnected
from showup.deliveries.unsubscribing import make_token
from showup.destinations.contract import Attempt, Content, Delivered, Notice, Outcome, Pace, TryAgain
from showup.inbox import store
from showup.inbox.adopt import adopt
from showup.inbox.apply import apply_some
from showup.inbox.raw_event import Incoming
from showup.pipeline.rules import Rules
from showup.reads.meetings import current

SEAL = Seal(["a key for tests"])
PAUSES = (timedelta(seconds=30), timedelta(minutes=2))
PACE = Pace(rate_per_second=1_000, at_once=10, timeout=timedelta(seconds=20), retry_after=PAUSES)


class Far:
    """A destination: it says what is in `script` (Delivered when that is empty), and knows what it was told."""

    def __init__(self, pace: Pace = PACE) -> None:
        self.pace = pace
        self.script: deque[Outcome | Callable[[], Awaitable[Outcome]]] = deque()
        self.down: Outcome | None = None
        self.refuses: str | None = None
        self.heard: list[tuple[UUID, Content]] = []
        self.called = asyncio.Event()
        self.taken: Counter[UUID] = Counter()
        self.attempts: list[Attempt] = []

    def render(self, notice: Notice) -> Content:
        if notice.meeting is None:
            return {"kind": notice.kind, "to": "", "details": notice.details}
        meeting = notice.meeting
        return {
            "kind": notice.kind,
            "to": meeting.guest.email,
            "start": meeting.start_time.isoformat(),
            "details": notice.details,
        }

    async def send(self, attempt: Attempt) -> Outcome:
        delivery_id, content = attempt.delivery_id, attempt.content
        self.attempts.append(attempt)
        self.heard.append((delivery_id, content))
        self.called.set()
        if content["to"] == self.refuses:
            return TryAgain(because="it answers 500", fault="destination")
        said = self.down or (self.script.popleft() if self.script else Delivered(provider="far", reference="r"))
        outcome = await said() if callable(said) else said
        if isinstance(outcome, Delivered):
            self.taken[delivery_id] += 1
        return outcome

    @property
    def kinds(self) -> list[str]:
        return [content["kind"] for _, content in self.heard]


class Post:
    """One workspace; `now` is its clock's time."""

    def __init__(self, engine: AsyncEngine, workspace: UUID, account: UUID) -> None:
        self.engine = engine
        self.now = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
        self.far = Far()
        self.unusable: str | None = None
        self.workspace = workspace
        self._account = account
        self.lane = Lane(workspace_id=workspace, destination="email")

    @property
    def clock(self) -> Clock:
        return lambda: self.now

    async def connected(self, lane: Lane) -> Connected:
        if self.unusable is not None:
            raise NotConnected(self.unusable)
        return Connected(lane=lane, workspace="default", destination=self.far)

    def courier(self) -> Courier:
        """One process's. Pauses are as the policy says, to the second, and it waits for nothing: our clock stands."""
        look = LastLook(current=current, unsubscribe=lambda *whose: make_token(SEAL, *whose))
        return Courier(self.engine, self.clock, self, look, chance=lambda: 0.5, stays_for=timedelta(0))

    async def hear(self, *bodies: bytes) -> None:
        """These came through the door just now, and were applied."""
        incoming = [
            Incoming(account_id=self._account, workspace_id=self.workspace, body=one, received_at=self.now)
            for one in bodies
        ]
        async with transaction(self.engine) as tx:
            await store.keep_all(await raw(tx), incoming)
        while await apply_some(self.engine, self.workspace, self.clock):
            pass

    async def rule(self, rules: Rules) -> None:
        """These are the workspace's rules, as showup.toml would have them."""
        async with transaction(self.engine) as tx:
            await adopt(await raw(tx), self.workspace, rules, self.now)

    async def tell(self, **later: float) -> None:
        """Lets time pass, and then everything that is due be told."""
        self.now += timedelta(**later)
        await asyncio.wait_for(self.courier().drain(self.lane), 30)

    async def claim(self) -> list[Claimed]:
        """A process begins with what is due, and is heard of no more."""
        async with transaction(self.engine) as tx:
            connection = await raw(tx)
            await lane_store.hold(connection, self.lane, PACE, self.now)
            await claiming.expire(connection, self.lane, self.now)
            return await claiming.claim(connection, self.lane, self.now, 10)

    async def rows(self, **where: Any) -> list[dict[str, Any]]:
        """Deliveries by due time."""
        found = tables.deliveries
        query = select(found).where(*(found.c[name] == value for name, value in where.items()))
        async with self.engine.connect() as tx:
            return [dict(row) for row in (await tx.execute(query.order_by(found.c.due_at, found.c.id))).mappings()]

    async def one(self, kind: str) -> dict[str, Any]:
        (row,) = await self.rows(kind=kind)
        return row

    async def attempts(self, delivery_id: UUID) -> list[tuple[str | None, str | None]]:
        """What came of each attempt, and why."""
        found = tables.delivery_attempts
        query = select(found.c.outcome, found.c.because).where(found.c.delivery_id == delivery_id)
        async with self.engine.connect() as tx:
            return [(one, because) for one, because in await tx.execute(query.order_by(found.c.number))]

    async def lane_state(self) -> dict[str, Any]:
        async with self.engine.connect() as tx:
            return dict((await tx.execute(select(tables.lanes))).mappings().one())
