"""A Showup beside a loopback Cal.com: it hears webhooks, asks the API, and shows what stands in natural keys."""

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
from showup.database.engine import raw, transaction
from showup.database.tables import connections, syncs, workspaces
from showup.inbox.act import act
from showup.inbox.applier import Applier
from showup.inbox.raw_event import Incoming
from showup.inbox.rebuild.run import rebuild
from showup.inbox.rebuild.wish import Wish
from showup.inbox.rebuild.words import Differing
from showup.inbox.store import keep_all
from showup.reconcile.account import ApiAccess, AskedAccount
from showup.reconcile.asking import Api
from showup.reconcile.reconciler import Pause, Reconciler, Rhythm
from showup.sources.calcom.api import Calcom
from showup.sources.calcom.api_budget import Budget
from showup.sources.calcom.api_v1 import CalcomV1
from showup.sources.hand.command import ReportOutcome
from tests.calcom_far.rows import Clock
from tests.calcom_far.server import FarCalcom

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
class Showup:
    """One database of ours, at `url`, and the account that the loopback Cal.com has there."""

    url: str
    engine: AsyncEngine
    far: FarCalcom
    clock: Clock
    client: httpx2.AsyncClient
    workspace_id: UUID = field(default_factory=uuid4)
    account_id: UUID = field(default_factory=uuid4)
    grace: timedelta = timedelta(minutes=2)
    chance: Callable[[], float] = lambda: 0.5

    def __post_init__(self) -> None:
        self.api_url = self.far.url
        self.applier = Applier(self.engine, self.clock)
        self.limit(55)
        self.reconciler = self.another()

    def limit(self, most: int) -> None:
        """So often in a minute it may ask from now on."""
        self.budget = Budget(self.clock, self.clock.pause, most=most)

    def another(self, pause: Pause | None = None) -> Reconciler:
        """As another process has one."""
        return Reconciler(
            self.engine,
            self.clock,
            access=ApiAccess(seal=SEAL, url=self.api_url, key=self.far.key),
            api=self.api,
            drain=self.applier.drain_once,
            rhythm=Rhythm(grace=self.grace),
            pause=pause or self.clock.pause,
        )

    def api(self, account: AskedAccount) -> Api:
        kind = CalcomV1 if account.is_v1 else Calcom
        return kind(
            self.client,
            url=account.url,
            key=account.key,
            clock=self.clock,
            budget=self.budget,
            chance=self.chance,
            pause=self.clock.pause,
        )

    async def open(self) -> "Showup":
        """The account is known from now on."""
        async with transaction(self.engine) as tx:
            await tx.execute(insert(workspaces).values(id=self.workspace_id, slug="default", name="Default"))
            row = {"id": self.account_id, "workspace_id": self.workspace_id, "kind": "calcom", "name": "default"}
            await tx.execute(insert(connections).values(row))
        await self.reconciler.poll_due()
        return self

    async def receive(self, body: bytes, _headers: dict[str, str] | None = None) -> None:
        """A webhook came through the door."""
        incoming = Incoming(
            account_id=self.account_id, workspace_id=self.workspace_id, body=body, received_at=self.clock()
        )
        async with transaction(self.engine) as tx:
            await keep_all(await raw(tx), [incoming])

    async def report(self, uid: str, outcome: MeetingOutcome) -> None:
        """Somebody here says how the meeting went."""
        said = ReportOutcome(at=self.clock(), actor="key:ops", booking=f"uid:{uid}", outcome=outcome)
        async with transaction(self.engine) as tx:
            acted = await act(await raw(tx), self.workspace_id, [said], self.clock())
        assert acted.refused is None

    async def apply(self) -> None:
        await self.applier.drain()

    async def reconcile(self) -> dict[str, Any]:
        """Asks Cal.com now, and applies what comes of it; what the run says of itself."""
        async with transaction(self.engine) as tx:
            await tx.execute(update(syncs).values(next_at=self.clock()))
        await self.apply()
        await self.reconciler.poll_due()
        await self.apply()
        return await self.last_run()

    async def rebuilt(self) -> list[Differing]:
        """Where the log, folded anew, says something else than what stands."""
        return (await rebuild(self.engine, Wish(workspace_ids=[self.workspace_id]))).examples

    async def last_run(self) -> dict[str, Any]:
        query = "SELECT * FROM reconciliations ORDER BY started_at DESC, id DESC LIMIT 1"
        return (await self.rows(query))[0]

    async def sync(self) -> dict[str, Any]:
        return (await self.rows("SELECT * FROM syncs"))[0]

    async def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        async with transaction(self.engine) as tx:
            return [dict(row) for row in (await tx.execute(text(query), values)).mappings()]

    async def standing(self) -> dict[str, Any]:
        """Everything that stands, in natural keys."""
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
    ours: dict[str, Any], theirs: dict[str, Any], but: Callable[[str, Any], bool] | None = None
) -> list[str]:
    """One line for each thing that two standings disagree on, `but` for those that it is true of."""
    found = []
    for noun in ours:
        for key in sorted(ours[noun].keys() | theirs[noun].keys(), key=str):
            left, right = ours[noun].get(key), theirs[noun].get(key)
            if left == right or (but is not None and but(noun, key)):
                continue
            if isinstance(left, dict) and isinstance(right, dict):
                found += [
                    f"{noun} {key} {name}: {left[name]} / {right[name]}" for name in left if left[name] != right[name]
                ]
            else:
                found.append(f"{noun} {key}: {left} / {right}")
    return found
