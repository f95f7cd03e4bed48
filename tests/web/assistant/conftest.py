"""Fixtures: the scenario with a teammate's Cal.com account, and assistants of its teammates and keys."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import pytest
from starlette.types import ASGIApp

from showup.access.calcom_profile import CalcomCredentials
from showup.access.calcom_profiles_store import save
from showup.access.permission import Permission, Scope
from showup.access.secrets_at_rest import Seal
from showup.assistant import conversations_store
from showup.assistant.call import ToolAnswer, call_tool
from showup.assistant.tool_context import AssistantServices, Caller, OAuthClient, find_caller
from showup.clock import Clock
from showup.container import event_handlers
from showup.destinations import vendor_api
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch.destination_context import Clients
from showup.web.app import create_app
from showup.web.http.app_state import MailSecrets
from showup.web.http.middleware import with_middleware
from tests.fake_calcom.scenario import Scenario as CalcomWorld
from tests.fake_calcom.server import FakeCalcom
from tests.web.sample_data import ADMIN_KEY, id_of
from tests.web.scenario import TODAY, Scenario, ticking_clock

SECRET_KEY = "a key of tests that is long enough to be one"
SEAL = Seal([SECRET_KEY])
MEMBER = "teammate:member@ours.example"

CallerFactory: TypeAlias = Callable[..., Caller]


class MovableClock:
    """A clock that ticks with each reading, and that a test can move on."""

    def __init__(self) -> None:
        self._ticks = ticking_clock()
        self.ahead = TODAY - TODAY

    def __call__(self) -> datetime:
        return self._ticks() + self.ahead


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def world() -> CalcomWorld:
    """Hana's Cal.com on the day of the scenario."""
    return CalcomWorld(now=TODAY)


@pytest.fixture
def fake_calcom(world: CalcomWorld) -> Iterator[FakeCalcom]:
    with FakeCalcom(world) as fake_calcom:
        yield fake_calcom


@asynccontextmanager
async def open_clients() -> AsyncIterator[Clients]:
    async with vendor_api.client("1.2.3") as client:
        yield Clients(trusted=client, untrusted=client, address_policy=AddressPolicy())


def services_over(scenario: Scenario, clock: Clock, calcom_url: str, **more: Any) -> AssistantServices:
    return AssistantServices(
        engine=scenario.engine,
        clock=clock,
        seal=SEAL,
        handlers=event_handlers(),
        open_clients=open_clients,
        calcom_url=calcom_url,
        public_url="http://showup.example",
        oauth=OAuthClient(id="client-1", secret="client secret"),
        **more,
    )


@pytest.fixture
async def services(scenario: Scenario, clock: MovableClock, fake_calcom: FakeCalcom) -> AssistantServices:
    """The tools over the scenario; the member of `ours` has connected Cal.com with an API key."""
    services = services_over(scenario, clock, fake_calcom.url)
    await connect_calcom(services, CalcomCredentials(calcom_api_key=fake_calcom.key, calcom_username="hana"))
    return services


async def connect_calcom(services: AssistantServices, credentials: CalcomCredentials, name: str = "Cal.com") -> None:
    async with services.write() as tx:
        await save(tx, SEAL, id_of("teammate.member"), name, credentials, expires_at=None, now=TODAY)


async def caller_of(
    services: AssistantServices, actor: str = MEMBER, scope: Scope = "write", workspace: str = "ours"
) -> Caller:
    async with services.read() as tx:
        return await find_caller(tx, Permission(actor=actor, scope=scope, workspace_id=id_of(workspace)))


async def begun(services: AssistantServices) -> UUID:
    """Begin a conversation of the member."""
    async with services.write() as tx:
        return (await conversations_store.begin(tx, id_of("ours"), MEMBER, "Hello", services.clock())).id


async def ask(services: AssistantServices, name: str, *, caller: Caller | None = None, **arguments: Any) -> ToolAnswer:
    return await call_tool(services, caller or await caller_of(services), name, arguments)


async def result_of(services: AssistantServices, name: str, **arguments: Any) -> Any:
    """Return the result of a call that must succeed."""
    answer = await ask(services, name, **arguments)
    assert not answer.is_error, answer.content
    return answer.content["result"]


async def at_once(*calls: Any) -> list[Any]:
    return list(await asyncio.gather(*calls, return_exceptions=True))


@pytest.fixture
def assistant_app(services: AssistantServices, clock: MovableClock) -> ASGIApp:
    """The app over the scenario, with the tools."""
    return app_over(services, clock)


def app_over(services: AssistantServices, clock: MovableClock) -> ASGIApp:
    app = create_app(
        engine=services.engine,
        clock=clock,
        admin_key=ADMIN_KEY,
        version="0.0.0",
        event_handlers=event_handlers(),
        public_url=services.public_url,
        mail_secrets=MailSecrets(seal=SEAL),
        assistant_services=services,
    )
    return with_middleware(app, cors_origins=[])
