"""AP4: the second step of the first run: one API key sets the webhook at Cal.com, and a refused one is not stored."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from showup.access import accounts_store
from showup.access.account import Credentials
from showup.access.connection import Connection
from showup.access.secrets_at_rest import Seal
from showup.container import build_projection_worker, event_handlers
from showup.destinations import public_http, vendor_api
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch.connection_check import ConnectionCheck, ConnectionChecker
from showup.dispatch.destination_context import Clients
from showup.dispatch.destination_resolver import DestinationResolver
from showup.reconcile.account import ApiAccess
from showup.reconcile.reconciler import Reconciler
from showup.reconcile.requested_backfills import run_requested_backfills
from showup.setup_actions import SetupContext, build_setup_actions
from showup.sources.calcom.client import CalcomClient
from showup.web.app import create_app
from showup.web.http.app_state import MailSecrets
from tests.fake_calcom.rows import Guest
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World
from tests.web.dashboard.conftest import Browser
from tests.web.sample_data import ADMIN_KEY, id_of
from tests.web.scenario import DAY, TODAY, Scenario, ticking_clock

SEAL = Seal(["a key for tests"])
PUBLIC_URL = "https://showup.example.com"


@pytest.fixture
def calcom() -> Iterator[FakeCalcom]:
    world = World(now=TODAY - DAY)
    world.add_user("Ann", "ann@acme.example", username="ann")
    with FakeCalcom(world) as calcom:
        yield calcom


def admin_of(scenario: Scenario, calcom: FakeCalcom, public_url: str = PUBLIC_URL) -> Browser:
    policy = AddressPolicy(allow_private=True)

    @asynccontextmanager
    async def open_clients() -> AsyncIterator[Clients]:
        async with vendor_api.client("0") as trusted, public_http.client("0", policy) as untrusted:
            yield Clients(trusted=trusted, untrusted=untrusted, address_policy=policy)

    actions = build_setup_actions(
        SetupContext(
            engine=scenario.engine,
            seal=SEAL,
            clock=ticking_clock(),
            open_clients=open_clients,
            public_url=public_url,
            calcom_url=calcom.url,
            environment_secrets=(),
            carrier=None,
        )
    )

    async def check(connection: Connection) -> ConnectionCheck:
        async with open_clients() as clients:
            checker = ConnectionChecker(
                engine=scenario.engine,
                seal=SEAL,
                clock=ticking_clock(),
                clients=clients,
                # Only mail needs it.
                resolver=cast(DestinationResolver, None),
                calcom_url=calcom.url,
                calcom_key=None,
                check_webhook=actions.check_webhook,
            )
            return await checker.check(connection)

    app = create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
        mail_secrets=MailSecrets(seal=SEAL),
        setup_actions=actions,
        check_connection=check,
        public_url=public_url,
    )
    return Browser(app, "admin")


async def stored_key(scenario: Scenario) -> str | None:
    async with scenario.engine.begin() as tx:
        stored = await accounts_store.find_for_update(tx, "ours-calcom")
        assert stored is not None
        return stored.credentials(SEAL).api_key


async def test_a_key_sets_the_webhook_with_a_secret_of_its_own(scenario: Scenario, calcom: FakeCalcom) -> None:
    await scenario_account(scenario)
    admin = admin_of(scenario, calcom)
    page = await admin.post("/setup/calcom", api_key=calcom.key)
    assert page.status_code == 200
    for text in ("API key accepted", "ann", "Webhook set, signed with its own secret"):
        assert text in page.text
    [webhook] = calcom.webhooks
    assert webhook.subscriber_url.startswith(f"{PUBLIC_URL}/webhooks/calcom/")
    assert await stored_key(scenario) == calcom.key
    assert calcom.key not in page.text
    assert webhook.secret not in page.text
    again = await admin.get("/setup?step=calcom")
    assert "Replace the API key" in again.text


async def test_past_bookings_are_read_once_and_notify_nobody(scenario: Scenario, calcom: FakeCalcom) -> None:
    await scenario_account(scenario)
    host = calcom.world.add_user("Ben", "ben@ours.example", username="ben")
    intro = calcom.world.add_event_type("intro", owner=host)
    for number in range(3):
        calcom.world.book(intro, Guest("Lead", f"lead{number}@acme.example"), start_at=TODAY + (3 + number) * DAY)
    calcom.world.move_by(DAY)
    admin = admin_of(scenario, calcom)
    page = await admin.post("/setup/calcom", api_key=calcom.key)
    assert "Reading the bookings of the last 90 days" in page.text
    assert "0 bookings so far" in (await admin.get("/setup/reading")).text
    before = len(await scenario.rows("deliveries"))
    async with vendor_api.client("0") as client:
        api = CalcomClient(client, url=calcom.url, key=calcom.key, clock=calcom.world.clock, pause=_no_wait)
        worker = build_projection_worker(scenario.engine, calcom.world.clock)
        reconciler = Reconciler(
            scenario.engine,
            calcom.world.clock,
            access=ApiAccess(seal=SEAL, url=calcom.url, key=None),
            api=lambda _: api,
            drain=worker.drain_once,
            pause=_no_wait,
        )
        for _ in range(2):
            await run_requested_backfills(reconciler, scenario.engine, calcom.world.clock)
    done = await admin.get("/setup/reading")
    assert "Bookings of the last 90 days read" in done.text
    assert "hx-get" not in done.text
    found = await scenario.rows("bookings")
    assert len([one for one in found if one["organizer_email"] == "ben@ours.example"]) == 3
    assert len(await scenario.rows("deliveries")) == before
    await admin.post("/setup/calcom", api_key=calcom.key)
    runs = [one for one in await scenario.rows("reconciliations") if one["kind"] == "backfill"]
    assert [one["state"] for one in runs] == ["done"], "another key reads nothing again"


async def _no_wait(_seconds: float) -> None:
    """Waits for no rate limit."""


async def test_a_refused_key_is_not_stored(scenario: Scenario, calcom: FakeCalcom) -> None:
    await scenario_account(scenario)
    admin = admin_of(scenario, calcom)
    refused = await admin.post("/setup/calcom", api_key="cal_live_wrong")
    assert (refused.status_code, "field__fault" in refused.text) == (422, True)
    assert (await admin.post("/setup/calcom", api_key="")).status_code == 422
    assert await stored_key(scenario) is None


async def test_one_click_sets_the_webhook_and_a_test_asks_calcom_about_it(
    scenario: Scenario, calcom: FakeCalcom
) -> None:
    await scenario_account(scenario)
    path = f"/connections/{id_of('ours.account')}"
    no_key = await admin_of(scenario, calcom).post(path, do="register")
    assert "Showup has no API key of this account" in no_key.text
    async with scenario.engine.begin() as tx:
        stored = await accounts_store.find_for_update(tx, "ours-calcom")
        assert stored is not None
        await accounts_store.set_credentials(tx, SEAL, stored.id, Credentials(api_key=calcom.key))
    missing = await admin_of(scenario, calcom).post(path, do="test")
    assert "Cal.com has no webhook with this address: set the webhook on the page Connections, or run" in missing.text
    done = await admin_of(scenario, calcom).post(path, do="register")
    assert re.search(r"Webhook set at Cal.com, with \d+ triggers and a new secret.", done.text)
    [webhook] = calcom.webhooks
    assert webhook.secret is not None
    assert webhook.secret not in done.text
    assert "Cal.com accepts the API key." in (await admin_of(scenario, calcom).post(path, do="test")).text
    calcom.stop()
    gone = await admin_of(scenario, calcom).post(path, do="register")
    assert (gone.status_code, "field__fault" in gone.text) == (200, True)


async def test_an_address_that_calcom_cannot_reach_is_shown(scenario: Scenario, calcom: FakeCalcom) -> None:
    await scenario_account(scenario)
    admin = admin_of(scenario, calcom, "http://192.168.1.5:8000")
    page = await admin.get("/setup?step=calcom")
    assert "reach 192.168.1.5" in page.text


async def scenario_account(scenario: Scenario) -> None:
    """Empty the credentials of the sample's account, which another key sealed."""
    async with scenario.engine.begin() as tx:
        await tx.exec_driver_sql("UPDATE showup.connections SET credentials = NULL WHERE kind = 'calcom'")
