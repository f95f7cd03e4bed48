"""M03: each record of a prospect ends with the status that holds, whatever happened to two of their meetings.

The reference below is the rule in a few lines; Showup receives webhooks, and sends deliveries with faults on the way.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.connections.catalogue import KINDS
from showup.database.engine import driver_connection, transaction
from showup.destinations.record_status import same_status
from showup.dispatch.preparation import ConnectedQueue
from showup.outbox.delivery import DestinationQueue
from showup.outbox.subscriptions import subscribe
from tests.deliveries.scenario import DeliveryScenario
from tests.destinations.conformance.case import MEETING, NOW, Case, RecordAccess
from tests.destinations.conformance.cases import CASES
from tests.destinations.conformance.subject import DestinationUnderTest, SharedClock
from tests.histories.hypothesis_settings import history_settings
from tests.histories.table_contents import new_account
from tests.histories.webhooks import attendee, body, no_show_body, payload

STARTS: Final = (NOW + timedelta(days=2), NOW + timedelta(days=3))
LENGTH: Final = timedelta(minutes=30)
RECORD_CASES: Final = {one.name: one for one in CASES if one.record is not None}
KINDS_SENT: Final = ["booking.created", "booking.rescheduled", "booking.cancelled", "booking.no_show"]
Change: TypeAlias = Literal["booked", "cancelled", "booked late", "requested", "missed", "person"]
Fault: TypeAlias = tuple[str, int] | None


@dataclass(frozen=True)
class Step:
    """One change of booking 0 or 1; a person's change takes the status with this number. `fault`: at which call."""

    change: Change
    which: int
    fault: Fault = None


@dataclass
class Reference:
    """What the record must say, and which bookings stand."""

    access: RecordAccess
    now: datetime = NOW
    status: str = ""
    last_set: str | None = None
    call_date: str | None = None
    states: list[str] = field(default_factory=lambda: ["none", "none"])

    def allows(self, step: Step) -> bool:
        """Returns whether this change can happen now."""
        state, is_over = self.states[step.which], self.now >= STARTS[step.which]
        match step.change:
            case "person":
                return True
            case "booked" | "booked late":
                return state == "none" and not is_over
            case "missed":
                return state == "accepted"
            case _:
                return state == "accepted" and not is_over

    def apply(self, step: Step) -> None:
        words, which = self.access.words, step.which
        match step.change:
            case "person":
                self.status = self.access.chosen[which]
            case "booked":
                self.states[which] = "accepted"
                self.status = self.last_set = words["booked"]
                self.call_date = f"{STARTS[which]:%Y-%m-%d}"
            case "missed":
                self._end(which, words["missed"])
            case "requested":
                self.states[which] = "cancelled"
                self._end(which, None)
            case _:
                self.states[which] = "cancelled"
                self._end(which, words["cancelled"])

    def _end(self, which: int, status: str | None) -> None:
        other = 1 - which
        if self.states[other] == "accepted" and (STARTS[other] + LENGTH > self.now or STARTS[other] > STARTS[which]):
            self.call_date = f"{STARTS[other]:%Y-%m-%d}"
        elif status is not None and self.status in (self.last_set or "", status):
            self.status = self.last_set = status


class RecordScenario(DeliveryScenario):
    """A workspace whose queue leads to the destination of a case, connected anew at every step."""

    def __init__(self, engine: AsyncEngine, subject: DestinationUnderTest, account: UUID) -> None:
        self.time, self.subject = subject.time, subject
        super().__init__(engine, subject.queue.workspace_id, account)
        self.queue = subject.queue

    @property
    def now(self) -> datetime:
        return self.time.now

    @now.setter
    def now(self, now: datetime) -> None:
        self.time.now = now

    async def resolve(self, queue: DestinationQueue) -> ConnectedQueue:
        return ConnectedQueue(queue=queue, workspace="default", destination=self.subject.destination())

    async def send_all(self) -> None:
        """Sends everything that is due, and retries until nothing is left."""
        for _ in range(12):
            await self.deliver_due(minutes=1)
            if not [row for row in await self.rows(destination=self.queue.destination) if row["state"] == "scheduled"]:
                return
            self.now += timedelta(minutes=4)
        raise AssertionError("a delivery was never sent")

    async def apply(self, step: Step) -> None:
        self.now += timedelta(minutes=1)
        uid, email = ("one", "two")[step.which], MEETING.guest.email
        booking = payload(uid, step.which + 1, STARTS[step.which], [attendee(email, MEETING.guest.name)])
        match step.change:
            case "booked":
                await self.receive(body("BOOKING_CREATED", self.now, booking))
            case "cancelled":
                await self.receive(body("BOOKING_CANCELLED", self.now, booking))
            case "requested":
                await self.receive(body("BOOKING_CANCELLED", self.now, booking | {"requestReschedule": True}))
            case "booked late":
                await self.receive(body("BOOKING_CANCELLED", self.now, booking))
                await self.send_all()
                await self.receive(body("BOOKING_CREATED", self.now - timedelta(hours=1), booking))
            case "missed":
                self.now = max(self.now, STARTS[step.which] + timedelta(hours=1))
                await self.receive(no_show_body(uid, self.now, email))
        await self.send_all()


STEPS: Final = st.builds(
    Step,
    st.sampled_from(["booked", "booked", "cancelled", "booked late", "requested", "missed", "person"]),
    st.integers(0, 1),
    st.none() | st.tuples(st.sampled_from(["500", "lost"]), st.integers(0, 6)),
)
BOTH: Final = [Step("booked", 0), Step("booked", 1)]


def test_every_destination_with_records_has_a_case() -> None:
    kept = {name for name, kind in KINDS.items() if kind.keeps_records}
    assert {one.kind for one in RECORD_CASES.values()} == kept


@pytest.mark.parametrize("case", RECORD_CASES.values(), ids=RECORD_CASES)
@given(steps=st.lists(STEPS, min_size=2, max_size=7))
@example(steps=[*BOTH, Step("cancelled", 0), Step("cancelled", 1)])
@example(steps=[*BOTH, Step("missed", 0), Step("missed", 1)])
@example(steps=[Step("booked", 0, ("lost", 4)), Step("person", 0), Step("cancelled", 0, ("500", 3))])
@example(steps=[*BOTH, Step("requested", 1), Step("person", 1), Step("missed", 0)])
@history_settings(batches=100)
async def test_m03_a_record_says_what_holds(
    engine: AsyncEngine, client: httpx2.AsyncClient, case: Case, steps: list[Step]
) -> None:
    """M03: after any history of two bookings, faults and a person's changes, the record has the reference's status."""
    access = case.record
    assert access is not None
    time, account = SharedClock(), await new_account(engine)
    with case.start(time) as fake:
        subject = DestinationUnderTest(case, fake, time, engine, account.workspace_id, client)
        scenario = RecordScenario(engine, subject, account.account_id)
        async with transaction(engine) as tx:
            connection = await driver_connection(tx)
            await subscribe(connection, account.workspace_id, case.destination, KINDS_SENT, time.now)
        reference = Reference(access=access, status=access.status(fake))
        for step in steps:
            if not reference.allows(step):
                continue
            if step.fault is not None and step.change != "person":
                subject.next_faults(*[None] * step.fault[1], step.fault[0])
            if step.change == "person":
                access.choose(fake, access.chosen[step.which])
            else:
                await scenario.apply(step)
            fake.faults.clear()
            reference.now = time.now
            reference.apply(step)
            assert same_status(access.status(fake), reference.status), step
            if access.call_date is not None:
                assert access.call_date(fake) == reference.call_date, step
