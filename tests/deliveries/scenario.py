"""A workspace that applies webhooks and sends deliveries, at times that the test sets.

The destination follows a script; all of Showup is real.
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
from showup.commands.sync_rules import sync_rules
from showup.container import event_handlers
from showup.database import tables
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Attempt, Content, Delivered, Notification, Outcome, Pace, TryAgain
from showup.dispatch import claims, queue_store
from showup.dispatch.claims import Claimed
from showup.dispatch.dispatcher import Dispatcher
from showup.dispatch.preparation import ConnectedQueue, FinalCheck, NotConnected
from showup.dispatch.record_facts import MeetingLookup
from showup.inbox import store
from showup.inbox.apply import apply_pending
from showup.inbox.inbox_event import IncomingEvent
from showup.outbox.confirm_tokens import make_confirm_token
from showup.outbox.delivery import DestinationQueue
from showup.outbox.outcome_tokens import make_outcome_token
from showup.outbox.unsubscribe_tokens import make_token
from showup.pipeline.rules import Rules
from showup.reads.meetings import load_meetings

SEAL = Seal(["a key for tests"])
PAUSES = (timedelta(seconds=30), timedelta(minutes=2))
PACE = Pace(rate_per_second=1_000, at_once=10, timeout=timedelta(seconds=20), retry_after=PAUSES)


class FakeDestination:
    """A destination that returns the outcomes in `script` (Delivered when that is empty), and records its attempts."""

    def __init__(self, pace: Pace = PACE) -> None:
        self.pace = pace
        self.outcomes: deque[Outcome | Callable[[], Awaitable[Outcome]]] = deque()
        self.down: Outcome | None = None
        self.refused_recipient: str | None = None
        self.sent: list[tuple[UUID, Content]] = []
        self.was_called = asyncio.Event()
        self.accepted: Counter[UUID] = Counter()
        self.attempts: list[Attempt] = []

    def render(self, notification: Notification) -> Content:
        if notification.meeting is None:
            return {"kind": notification.kind, "to": "", "details": notification.details}
        meeting = notification.meeting
        return {
            "kind": notification.kind,
            "to": meeting.guest.email,
            "start": meeting.start_time.isoformat(),
            "details": notification.details,
        }

    async def send(self, attempt: Attempt) -> Outcome:
        delivery_id, content = attempt.delivery_id, attempt.content
        self.attempts.append(attempt)
        self.sent.append((delivery_id, content))
        self.was_called.set()
        if content["to"] == self.refused_recipient:
            return TryAgain(because="it answers 500", fault="destination")
        outcome_or_call = self.down or (
            self.outcomes.popleft() if self.outcomes else Delivered(provider="far", reference="r")
        )
        outcome = await outcome_or_call() if callable(outcome_or_call) else outcome_or_call
        if isinstance(outcome, Delivered):
            self.accepted[delivery_id] += 1
        return outcome

    @property
    def kinds(self) -> list[str]:
        return [content["kind"] for _, content in self.sent]


class DeliveryScenario:
    """One workspace; `now` is its clock's time, `address` Showup's public address, if it has one.

    `meetings` reads the meetings in the final check: a test may let something happen before or after that.
    """

    def __init__(self, engine: AsyncEngine, workspace: UUID, account: UUID) -> None:
        self.engine = engine
        self.now = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
        self.fake_destination = FakeDestination()
        self.not_connected_because: str | None = None
        self.address: str | None = "https://showup.example"
        self.meetings: MeetingLookup = load_meetings
        self.workspace = workspace
        self._account = account
        self.queue = DestinationQueue(workspace_id=workspace, destination="email")

    @property
    def clock(self) -> Clock:
        return lambda: self.now

    async def resolve(self, queue: DestinationQueue) -> ConnectedQueue:
        if self.not_connected_because is not None:
            raise NotConnected(self.not_connected_because)
        return ConnectedQueue(queue=queue, workspace="default", destination=self.fake_destination)

    def dispatcher(self) -> Dispatcher:
        """Returns one process's dispatcher. Pauses are exact, and it never waits: the clock does not move."""
        final_check = FinalCheck(
            meetings=self.meetings,
            unsubscribe_url=lambda *whose: make_token(SEAL, *whose),
            confirm_url=lambda invitation: (
                None if self.address is None else f"{self.address}/r/{make_confirm_token(SEAL, invitation)}"
            ),
            outcome_url=lambda request: (
                f"https://showup.example/o/{make_outcome_token(SEAL, request)}",
                f"https://showup.example/outcome/{request.booking_id}",
            ),
        )
        return Dispatcher(self.engine, self.clock, self, final_check, jitter=lambda: 0.5, linger=timedelta(0))

    async def receive(self, *bodies: bytes) -> None:
        """Receives these webhooks now, and applies them."""
        incoming = [
            IncomingEvent(account_id=self._account, workspace_id=self.workspace, body=one, received_at=self.now)
            for one in bodies
        ]
        async with transaction(self.engine) as tx:
            await store.insert_events(await driver_connection(tx), incoming)
        while await apply_pending(self.engine, self.workspace, self.clock, event_handlers()):
            pass

    async def set_rules(self, rules: Rules) -> None:
        """Sets the workspace's rules, as showup.toml does."""
        async with transaction(self.engine) as tx:
            await sync_rules(await driver_connection(tx), self.workspace, rules, self.now)

    async def deliver_due(self, **later: float) -> None:
        """Moves the clock, and sends everything that is due."""
        self.now += timedelta(**later)
        await asyncio.wait_for(self.dispatcher().drain(self.queue), 30)

    async def claim(self) -> list[Claimed]:
        """Claims due deliveries as a process that then crashes."""
        async with transaction(self.engine) as tx:
            connection = await driver_connection(tx)
            await queue_store.lock(connection, self.queue, PACE, self.now)
            await claims.expire(connection, self.queue, self.now)
            return await claims.claim(connection, self.queue, self.now, 10)

    async def rows(self, **where: Any) -> list[dict[str, Any]]:
        """Returns deliveries by due time."""
        table = tables.deliveries
        query = select(table).where(*(table.c[name] == value for name, value in where.items()))
        async with self.engine.connect() as tx:
            return [dict(row) for row in (await tx.execute(query.order_by(table.c.due_at, table.c.id))).mappings()]

    async def row_of(self, kind: str) -> dict[str, Any]:
        (row,) = await self.rows(kind=kind)
        return row

    async def attempts(self, delivery_id: UUID) -> list[tuple[str | None, str | None]]:
        """Returns the outcome of each attempt, and the reason."""
        table = tables.delivery_attempts
        query = select(table.c.outcome, table.c.because).where(table.c.delivery_id == delivery_id)
        async with self.engine.connect() as tx:
            return [(outcome, because) for outcome, because in await tx.execute(query.order_by(table.c.number))]

    async def queue_state(self) -> dict[str, Any]:
        async with self.engine.connect() as tx:
            return dict((await tx.execute(select(tables.destination_queues))).mappings().one())
