"""A Showup instance for a fake Cal.com: it receives webhooks, polls the API, and shows its data by natural keys."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.secrets_at_rest import Seal
from showup.bookings.booking import MeetingOutcome
from showup.container import build_projection_worker
from showup.database.engine import driver_connection, transaction
from showup.database.tables import connections, syncs, workspaces
from showup.events.booking import OutcomeReported
from showup.inbox.inbox_event import IncomingEvent
from showup.inbox.rebuild.differences import RebuildDifference
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.inbox.store import insert_events
from showup.reconcile.account import ApiAccess, ReconciledAccount
from showup.reconcile.booking_pages import AnyCalcomClient
from showup.reconcile.reconciler import Pause, PollSchedule, Reconciler
from showup.sources.calcom.client import CalcomClient
from showup.sources.calcom.client_v1 import CalcomV1Client
from showup.sources.calcom.rate_limiter import RateLimiter
from tests.execute import execute
from tests.fake_calcom.rows import Clock
from tests.fake_calcom.server import FakeCalcom

SEAL = Seal(["a key for sealing what tests keep, long enough"])

_BOOKINGS = """
    SELECT b.calcom_uid AS uid, b.calcom_booking_id AS number, b.title, b.start_time, b.end_time, b.status, b.attended,
        CASE WHEN b.attended IS NOT NULL THEN b.attendance_evidence END AS evidence, b.host_absent, b.organizer_email,
        b.reschedule_count, b.reschedule_requested, b.meeting_url, p.email AS person, c.key AS company, b.deal_id,
        (SELECT array_agg(DISTINCT u->>'uid' ORDER BY u->>'uid') FROM jsonb_array_elements(b.uids) u) AS uids,
        (SELECT array_agg(a.email || ' ' || coalesce(a.attended::text, '?') ORDER BY a.email) FROM booking_attendees a
         WHERE a.booking_id = b.id AND a.cancelled_at IS NULL) AS attendees
    FROM bookings b LEFT JOIN people p ON p.id = b.person_id LEFT JOIN companies c ON c.id = b.company_id
"""
_DEALS = """
    SELECT c.key AS company, d.status, d.stage, d.owner_email,
        (SELECT array_agg(b.calcom_uid ORDER BY b.calcom_uid) FROM bookings b WHERE b.deal_id = d.id) AS bookings
    FROM deals d JOIN companies c ON c.id = d.company_id
"""


@dataclass
class ShowupInstance:
    """One Showup database at `url`, with one account at the fake Cal.com."""

    url: str
    engine: AsyncEngine
    fake_calcom: FakeCalcom
    clock: Clock
    client: httpx2.AsyncClient
    workspace_id: UUID = field(default_factory=uuid4)
    account_id: UUID = field(default_factory=uuid4)
    grace: timedelta = timedelta(minutes=2)
    jitter: Callable[[], float] = lambda: 0.5

    def __post_init__(self) -> None:
        self.api_url = self.fake_calcom.url
        self.applier = build_projection_worker(self.engine, self.clock)
        self.limit_calls(55)
        self.reconciler = self.create_reconciler()

    def limit_calls(self, per_minute: int) -> None:
        """Limits the API calls per minute from now on."""
        self.limiter = RateLimiter(self.clock, self.clock.pause, per_minute=per_minute)

    def create_reconciler(self, pause: Pause | None = None) -> Reconciler:
        """Returns a new reconciler, as another process would have."""
        return Reconciler(
            self.engine,
            self.clock,
            access=ApiAccess(seal=SEAL, url=self.api_url, key=self.fake_calcom.key),
            api=self.create_client,
            drain=self.applier.drain_once,
            schedule=PollSchedule(grace=self.grace),
            pause=pause or self.clock.pause,
        )

    def create_client(self, account: ReconciledAccount) -> AnyCalcomClient:
        client_class = CalcomV1Client if account.is_v1 else CalcomClient
        return client_class(
            self.client,
            url=account.url,
            key=account.key,
            clock=self.clock,
            limiter=self.limiter,
            jitter=self.jitter,
            pause=self.clock.pause,
        )

    async def open(self) -> "ShowupInstance":
        """Creates the workspace and the account, and starts polling."""
        async with transaction(self.engine) as tx:
            await tx.execute(insert(workspaces).values(id=self.workspace_id, slug="default", name="Default"))
            row = {"id": self.account_id, "workspace_id": self.workspace_id, "kind": "calcom", "name": "default"}
            await tx.execute(insert(connections).values(row))
        await self.reconciler.poll_due()
        return self

    async def receive(self, body: bytes, _headers: dict[str, str] | None = None) -> None:
        """Stores a webhook in the inbox."""
        incoming = IncomingEvent(
            account_id=self.account_id, workspace_id=self.workspace_id, body=body, received_at=self.clock()
        )
        async with transaction(self.engine) as tx:
            await insert_events(await driver_connection(tx), [incoming])

    async def report_outcome(self, uid: str, outcome: MeetingOutcome) -> None:
        """Reports a meeting's outcome manually."""
        event = OutcomeReported(subject=f"uid:{uid}", outcome=outcome)
        result = await execute(self.engine, self.workspace_id, event, at=self.clock())
        assert result.refused is None

    async def apply(self) -> None:
        await self.applier.drain()

    async def reconcile(self) -> dict[str, Any]:
        """Polls Cal.com now, applies the repairs, and returns the run."""
        async with transaction(self.engine) as tx:
            await tx.execute(update(syncs).values(next_at=self.clock()))
        await self.apply()
        await self.reconciler.poll_due()
        await self.apply()
        return await self.last_run()

    async def find_rebuild_differences(self) -> list[RebuildDifference]:
        """Returns the differences between a replay of the log and the current data."""
        return (await rebuild(self.engine, RebuildOptions(workspace_ids=[self.workspace_id]))).examples

    async def last_run(self) -> dict[str, Any]:
        query = "SELECT * FROM reconciliations ORDER BY started_at DESC, id DESC LIMIT 1"
        return (await self.rows(query))[0]

    async def sync(self) -> dict[str, Any]:
        return (await self.rows("SELECT * FROM syncs"))[0]

    async def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        async with transaction(self.engine) as tx:
            return [dict(row) for row in (await tx.execute(text(query), values)).mappings()]

    async def load_state(self) -> dict[str, Any]:
        """Returns all bookings, deals, people and companies, by natural keys."""
        bookings = {one["uid"]: one for one in await self.rows(_BOOKINGS)}
        for one in bookings.values():
            one["has_deal"] = one.pop("deal_id") is not None
        deals = await self.rows(_DEALS)
        return {
            "bookings": bookings,
            "deals": {(one["company"], tuple(one["bookings"] or ())): one for one in deals},
            "people": {one["email"]: one["name"] for one in await self.rows("SELECT email, name FROM people")},
            "companies": {one["key"]: one["name"] for one in await self.rows("SELECT key, name FROM companies")},
        }


def differences(
    ours: dict[str, Any], theirs: dict[str, Any], ignored: Callable[[str, Any], bool] | None = None
) -> list[str]:
    """Returns one line for each difference between two states, except those for which `ignored` is true."""
    found = []
    for noun in ours:
        for key in sorted(ours[noun].keys() | theirs[noun].keys(), key=str):
            left, right = ours[noun].get(key), theirs[noun].get(key)
            if left == right or (ignored is not None and ignored(noun, key)):
                continue
            if isinstance(left, dict) and isinstance(right, dict):
                found += [
                    f"{noun} {key} {name}: {left[name]} / {right[name]}" for name in left if left[name] != right[name]
                ]
            else:
                found.append(f"{noun} {key}: {left} / {right}")
    return found
