"""S07: one workspace, however many queues, deliveries and slow endpoints it has, delays no other workspace's mail."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from threading import Event
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import workspaces_store
from showup.clock import system_clock
from showup.connections import endpoint_registration, endpoints_store
from showup.connections.endpoint import Endpoint
from showup.database.address import asyncpg_arguments
from showup.database.engine import driver_connection, transaction
from showup.destinations import public_http, vendor_api
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch.destination_context import Clients
from showup.dispatch.destination_resolver import DestinationResolver, MailAccess
from showup.dispatch.dispatcher import Dispatcher
from showup.dispatch.fair_shares import FairShares
from showup.dispatch.preparation import FinalCheck
from showup.dispatch.worker import POOL_SIZE, Worker
from showup.reads.meetings import load_meetings
from tests.deliveries.scenario import SEAL, DeliveryScenario
from tests.destinations.email.rendered_mail import renderer
from tests.destinations.fake_vendors.smtp import FakeSmtp
from tests.histories.webhooks import body, payload
from tests.vendors.http_server import Exchange, HttpServer

ENDPOINTS = 1_000
PINGS = 2
# Half of the attempts that a process makes at once.
MOST_CALLS = 128
# The promise is 1 s on a quiet machine; other tests use this one.
LONGEST_DELAY = 5.0


class EndpointServer(HttpServer):
    """Answers each call after some seconds, or when it is stopped; counts the calls."""

    def __init__(self, seconds: float) -> None:
        self.calls = 0
        self._seconds = seconds
        self._stopped = Event()
        super().__init__(self._answer, system_clock)

    def _answer(self, exchange: Exchange) -> None:
        exchange.body()
        self.calls += 1
        self._stopped.wait(self._seconds)
        exchange.respond(200, b"", {})

    def stop(self) -> None:
        self._stopped.set()
        super().stop()


@pytest.fixture
def slow_server() -> Iterator[EndpointServer]:
    server = EndpointServer(seconds=14)
    yield server
    server.stop()


@pytest.fixture
def fast_server() -> Iterator[EndpointServer]:
    server = EndpointServer(seconds=0)
    yield server
    server.stop()


@pytest.fixture
def fake_smtp() -> Iterator[FakeSmtp]:
    with FakeSmtp() as fake:
        yield fake


async def fill_other_workspace(engine: AsyncEngine, url: str) -> None:
    """Creates a workspace with many endpoints at the URL, and as many deliveries as it can have."""
    now = system_clock()
    async with transaction(engine) as tx:
        other = await workspaces_store.add(tx, slug="other", name="Other")
        assert other is not None
        connection = await driver_connection(tx)
        for _ in range(ENDPOINTS):
            endpoint = Endpoint(id=uuid4(), workspace_id=other.id, url=url, kinds=())
            await endpoints_store.add(connection, SEAL, endpoint, "whsec_" + "c2VjcmV0" * 4, now)
            for _ in range(PINGS):
                await endpoint_registration.ping(connection, endpoint, "key:other", now)


@asynccontextmanager
async def running_worker(engine: AsyncEngine, database_url: str, smtp_url: str) -> AsyncIterator[None]:
    """Runs a delivery worker as `showup serve` does."""
    policy = AddressPolicy(allow_private=True)
    stop = asyncio.Event()
    async with (
        vendor_api.client("1") as trusted,
        public_http.client("1", policy) as untrusted,
        asyncpg.create_pool(**asyncpg_arguments(database_url), min_size=1, max_size=POOL_SIZE) as pool,
    ):
        resolver = DestinationResolver(
            engine,
            SEAL,
            system_clock,
            clients=Clients(trusted=trusted, untrusted=untrusted, address_policy=policy),
            environment=MailAccess(resend_url="http://127.0.0.1:1", smtp_url=smtp_url),
            renderer=lambda _: renderer(),
            retry_after=(timedelta(seconds=30),),
        )
        final_check = FinalCheck(
            meetings=load_meetings,
            unsubscribe_url=lambda *_: "https://showup.example/u",
            confirm_url=lambda _: None,
            outcome_url=lambda _: ("", ""),
        )
        worker = Worker(engine, system_clock, Dispatcher(engine, system_clock, resolver, final_check), pool)
        running = asyncio.create_task(worker.run(stop))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(running, 30)


async def until(condition: "partial[bool]", within: float) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - the servers run in threads
            await asyncio.sleep(0.01)


async def receive_booking(scenario: DeliveryScenario, number: int) -> None:
    scenario.now = system_clock()
    uid = f"meeting{number}"
    booking = payload(uid, number, scenario.now + timedelta(days=5), [f"{uid}@acme.example"])
    await scenario.receive(body("BOOKING_CREATED", scenario.now, booking))


async def test_s07_slow_endpoints_of_one_workspace_delay_no_delivery_of_another(
    engine: AsyncEngine,
    database_url: str,
    workspace: UUID,
    account: UUID,
    slow_server: EndpointServer,
    fast_server: EndpointServer,
    fake_smtp: FakeSmtp,
) -> None:
    """Neither when a thousand queues of the other become due at once, nor while their calls hang."""
    await fill_other_workspace(engine, slow_server.url)
    endpoint = Endpoint(id=uuid4(), workspace_id=workspace, url=fast_server.url, kinds=("booking.created",))
    async with transaction(engine) as tx:
        await endpoint_registration.register(await driver_connection(tx), SEAL, endpoint, system_clock())
    scenario = DeliveryScenario(engine, workspace, account)
    async with running_worker(engine, database_url, fake_smtp.url):
        await until(partial(lambda: slow_server.calls > 0), 30)
        for number in range(5):
            await receive_booking(scenario, number)
            began_at = time.monotonic()
            await until(partial(lambda count: len(fake_smtp.taken) > count, number), 30)
            mail_delay = time.monotonic() - began_at
            await until(partial(lambda count: fast_server.calls > count, number), 30)
            webhook_delay = time.monotonic() - began_at
            print(f"mail {mail_delay:.3f} s, webhook {webhook_delay:.3f} s, calls: {slow_server.calls}")  # noqa: T201
            assert max(mail_delay, webhook_delay) < LONGEST_DELAY
            await until(partial(lambda: slow_server.calls >= MOST_CALLS / 2), 30)
        assert slow_server.calls <= MOST_CALLS
        slow_server.stop()


@given(slots=st.integers(1, 40), wishes=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 20)), max_size=40))
def test_s07_some_slots_are_always_free_for_a_workspace_that_comes_later(
    slots: int, wishes: list[tuple[int, int]]
) -> None:
    """However much others want: each leaves half of what was free."""
    shares = FairShares(slots)
    for number, wanted in wishes:
        shares.try_take(UUID(int=number), wanted)
    others = len({number for number, _ in wishes})
    assert shares.try_take(UUID(int=99), 1) >= min(1, slots >> others)


@given(
    slots=st.integers(1, 8),
    steps=st.lists(st.tuples(st.sampled_from(["take", "end", "cancel"]), st.integers(0, 4)), max_size=60),
)
def test_s07_no_slot_is_lost_and_none_is_taken_twice(slots: int, steps: list[tuple[str, int]]) -> None:
    """Takes, ends and cancellations in any order: afterwards, all slots are free again, and nobody still waits."""

    asyncio.run(_use_slots(slots, steps))


async def _use_slots(slots: int, steps: list[tuple[str, int]]) -> None:
    shares, work = FairShares(slots), CountedWork()
    for action, number in steps:
        if action == "take":
            work.start(shares, UUID(int=number))
        elif work.tasks and action == "cancel":
            work.tasks[number % len(work.tasks)].cancel()
        elif work.tasks:
            work.ends[number % len(work.ends)].set()
        if number % 2:
            await asyncio.sleep(0)
    for end in work.ends:
        end.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*work.tasks, return_exceptions=True)
    assert work.most <= slots
    assert shares.try_take(UUID(int=99), slots) == (slots + 1) // 2


class CountedWork:
    """Tasks that hold a slot until their event is set; `most` ran at the same time."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self.ends: list[asyncio.Event] = []
        self.most = 0
        self._running = 0

    def start(self, shares: FairShares, workspace_id: UUID) -> None:
        self.ends.append(asyncio.Event())
        self.tasks.append(asyncio.create_task(self._work(shares, workspace_id, self.ends[-1])))

    async def _work(self, shares: FairShares, workspace_id: UUID, end: asyncio.Event) -> None:
        async with shares.slot(workspace_id):
            self._running += 1
            self.most = max(self.most, self._running)
            try:
                await end.wait()
            finally:
                self._running -= 1


async def test_s07_waiting_workspaces_get_freed_slots_in_rotation() -> None:
    """Many waiting queues of one workspace don't come before the first of another."""
    shares = FairShares(2)
    first, second, third = (UUID(int=number) for number in range(3))
    assert shares.try_take(first, 2) == 1
    assert shares.try_take(second, 1) == 1
    order: list[UUID] = []

    async def work(workspace_id: UUID) -> None:
        async with shares.slot(workspace_id):
            order.append(workspace_id)

    tasks = [asyncio.create_task(work(one)) for one in (first,) * 20 + (third,)]
    await asyncio.sleep(0)
    shares.give_back(second)
    shares.give_back(first)
    await asyncio.gather(*tasks)
    assert third in order[:2]
