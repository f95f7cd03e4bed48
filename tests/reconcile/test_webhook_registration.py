"""The webhook at Cal.com is created, repaired and tested; a valid secret exists at every moment (RU4)."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import accounts_store
from showup.access.secrets_at_rest import Seal
from showup.database.engine import transaction
from showup.destinations import vendor_api
from showup.reconcile.webhook_registration import WebhookSecrets, get_webhook_status, register
from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
from showup.sources.calcom.api_webhooks import USER_SCOPE, WebhookScope
from showup.sources.calcom.client import CalcomClient
from showup.sources.calcom.registration import NEWER_TRIGGERS
from tests.cli.conftest import SECRET_KEY, Showup
from tests.cli.conftest import ready as ready
from tests.cli.conftest import showup as showup
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World
from tests.showup_process import ShowupProcess

URL = "https://showup.example.com/webhooks/calcom/default"
NOW = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)


@pytest.fixture
def fake_calcom() -> Iterator[FakeCalcom]:
    world = World()
    world.add_user("Ann", "ann@acme.example", username="ann")
    with FakeCalcom(world) as fake_calcom:
        yield fake_calcom


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with vendor_api.client("1.2.3") as client:
        yield client


@pytest.fixture
def calcom(fake_calcom: FakeCalcom, client: httpx2.AsyncClient) -> CalcomClient:
    return CalcomClient(client, url=fake_calcom.url, key=fake_calcom.key, clock=fake_calcom.world.clock, pause=no_wait)


@pytest.fixture
def secrets(engine: AsyncEngine, account: UUID) -> WebhookSecrets:
    assert account
    return WebhookSecrets(engine, Seal(["a key for tests"]), lambda: NOW, account="default", environment_secrets=())


async def no_wait(_seconds: float) -> None:
    await asyncio.sleep(0)


async def stored_secrets(engine: AsyncEngine) -> list[tuple[str, datetime | None]]:
    async with transaction(engine) as tx:
        (found,) = await accounts_store.list_accounts(tx)
    return [(one.value, one.valid_until) for one in found.credentials(Seal(["a key for tests"])).webhook_secrets]


async def test_registration_creates_a_complete_webhook(
    fake_calcom: FakeCalcom, calcom: CalcomClient, secrets: WebhookSecrets, engine: AsyncEngine
) -> None:
    done = await register(calcom, URL, secrets, USER_SCOPE, pause=no_wait)
    (registered,) = fake_calcom.webhooks
    assert (done.created, done.omitted_triggers, registered.subscriber_url) == (True, (), URL)
    assert await stored_secrets(engine) == [(registered.secret, None)]
    assert (await get_webhook_status(calcom, URL, secrets, USER_SCOPE)).faults == ()


async def test_an_existing_webhook_is_repaired_and_its_old_secret_expires_in_a_day(
    fake_calcom: FakeCalcom, calcom: CalcomClient, secrets: WebhookSecrets, engine: AsyncEngine
) -> None:
    await register(calcom, URL, secrets, USER_SCOPE, pause=no_wait)
    (registered,) = fake_calcom.webhooks
    before, registered.active, registered.template, registered.triggers = (
        registered.secret,
        False,
        "{{uid}}",
        ["BOOKING_CREATED"],
    )
    done = await register(calcom, URL, secrets, USER_SCOPE, pause=no_wait)
    assert (done.created, fake_calcom.webhooks) == (False, [registered])
    assert (registered.active, registered.template, len(registered.triggers)) == (True, "", 24)
    assert await stored_secrets(engine) == [(registered.secret, None), (before, NOW + timedelta(hours=24))]


async def test_a_refusal_leaves_the_secrets_as_they_were(
    calcom: CalcomClient, secrets: WebhookSecrets, engine: AsyncEngine
) -> None:
    await register(calcom, URL, secrets, USER_SCOPE, pause=no_wait)
    before = await stored_secrets(engine)
    with pytest.raises(CalcomRefused):
        await register(calcom, "no address at all", secrets, USER_SCOPE, pause=no_wait)
    assert await stored_secrets(engine) == before


async def test_a_call_without_an_answer_leaves_both_secrets_valid(
    fake_calcom: FakeCalcom, calcom: CalcomClient, secrets: WebhookSecrets, engine: AsyncEngine
) -> None:
    """Cal.com may or may not have stored the new secret before the connection failed."""
    await register(calcom, URL, secrets, USER_SCOPE, pause=no_wait)
    (old, _) = (await stored_secrets(engine))[0]
    fake_calcom.faults.queue(None, "reset", "reset", "reset", "reset", "reset")
    with pytest.raises(CalcomUnavailable):
        await register(calcom, URL, secrets, USER_SCOPE, pause=no_wait)
    secrets_after = await stored_secrets(engine)
    assert [until for _, until in secrets_after] == [None, None]
    assert secrets_after[1][0] == old


async def test_the_environment_secret_is_used_unchanged(
    fake_calcom: FakeCalcom, calcom: CalcomClient, engine: AsyncEngine, secrets: WebhookSecrets
) -> None:
    assert await secrets.in_force() == ()
    environment_secrets = WebhookSecrets(
        engine, Seal(["a key for tests"]), lambda: NOW, account="default", environment_secrets=("of the environment",)
    )
    await register(calcom, URL, environment_secrets, USER_SCOPE, pause=no_wait)
    assert fake_calcom.webhooks[0].secret == "of the environment"
    assert await stored_secrets(engine) == []


async def test_an_older_instance_gets_its_known_triggers(
    fake_calcom: FakeCalcom, calcom: CalcomClient, secrets: WebhookSecrets
) -> None:
    fake_calcom.remove_triggers(NEWER_TRIGGERS)
    done = await register(calcom, URL, secrets, USER_SCOPE, pause=no_wait)
    assert done.omitted_triggers == NEWER_TRIGGERS
    assert (await get_webhook_status(calcom, URL, secrets, USER_SCOPE)).faults == ()


@pytest.mark.parametrize("of", [WebhookScope(event_type_id=1), WebhookScope(event_type_id=1, team_id=4)])
async def test_an_event_type_has_its_own_webhook(
    fake_calcom: FakeCalcom, calcom: CalcomClient, secrets: WebhookSecrets, of: WebhookScope
) -> None:
    owner = next(iter(fake_calcom.world.users.values()))
    fake_calcom.world.add_event_type("intro", owner=owner, team_id=of.team_id)
    await register(calcom, URL, secrets, of, pause=no_wait)
    assert (await get_webhook_status(calcom, URL, secrets, of)).faults == ()
    assert (await get_webhook_status(calcom, URL, secrets, USER_SCOPE)).webhook is None


def test_an_unreachable_url_is_refused(ready: Showup, fake_calcom: FakeCalcom) -> None:
    result = ready("calcom", "register", CALCOM_API_KEY="k", CALCOM_API_URL="https://api.cal.com/v2")
    assert (result.code, fake_calcom.webhooks) == (1, [])
    assert "SHOWUP_URL" in result.error


def test_without_a_key_the_commands_explain_how_to_set_one(ready: Showup) -> None:
    for command in ("register", "status"):
        result = ready("calcom", command)
        assert result.code == 1
        assert "connections set calcom default" in result.error


def test_registration_against_a_running_showup(
    ready: Showup, fake_calcom: FakeCalcom, database_url: str, tmp_path: Path
) -> None:
    """Registers a webhook, receives a test through the public address and shows the status; then Cal.com breaks it."""
    ready("accounts", "add", "acme")
    key = json.dumps({"api_key": fake_calcom.key})
    assert ready("connections", "set", "calcom", "acme", "--credentials-file", "-", stdin=key).code == 0
    serving = ShowupProcess(DATABASE_URL=database_url, SHOWUP_SECRET_KEY=SECRET_KEY, SHOWUP_DATA_DIR=str(tmp_path))
    try:
        variables = {"CALCOM_API_URL": fake_calcom.url, "SHOWUP_URL": serving.address}
        result = ready("calcom", "register", "--account", "acme", "--json", **variables)
        assert result.code == 0, result.error
        assert (result.json["created"], result.json["faults"]) == (True, [])
        assert fake_calcom.webhooks[0].subscriber_url == f"{serving.address}/webhooks/calcom/acme"
        status = ready("calcom", "status", "--account", "acme", "--json", **variables)
        assert status.code == 0, status.out
        # Cal.com accepts the key; its owner may only not use the organization's webhooks.
        fake_calcom.faults.queue(None, "403")
        status = ready("calcom", "status", "--account", "acme", "--organization", "3", **variables)
        assert (status.code, "accepted, belongs to ann" in status.out) == (1, True), status.out
        fake_calcom.webhooks[0].active = False
        status = ready("calcom", "status", "--account", "acme", **variables)
        assert status.code == 1
        assert "switched off" in status.out
        assert "showup calcom register" in status.out
    finally:
        serving.stop(signal.SIGTERM)
