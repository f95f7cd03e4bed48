"""The webhook at Cal.com is made, put right and tried out, and no moment is without a good secret (RU4)."""

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
from showup.destinations import wire
from showup.reconcile.registering import Secrets, look, register
from showup.sources.calcom.api import Calcom
from showup.sources.calcom.api_faults import CalcomAway, CalcomRefuses
from showup.sources.calcom.api_webhooks import USER, WebhookScope
from showup.sources.calcom.registration import NEWER
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.world import World
from tests.commands.conftest import SECRET_KEY, Showup
from tests.commands.conftest import ready as ready
from tests.commands.conftest import showup as showup
from tests.serving import Serving

URL = "https://showup.example.com/webhooks/calcom/default"
NOW = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)


@pytest.fixture
def far() -> Iterator[FarCalcom]:
    world = World()
    world.add_user("Ann", "ann@acme.example", username="ann")
    with FarCalcom(world) as far:
        yield far


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with wire.client("1.2.3") as client:
        yield client


@pytest.fixture
def calcom(far: FarCalcom, client: httpx2.AsyncClient) -> Calcom:
    return Calcom(client, url=far.url, key=far.key, clock=far.world.clock, pause=no_wait)


@pytest.fixture
def secrets(engine: AsyncEngine, account: UUID) -> Secrets:
    assert account
    return Secrets(engine, Seal(["a key for tests"]), lambda: NOW, account="default", given=())


async def no_wait(_seconds: float) -> None:
    await asyncio.sleep(0)


async def stored(engine: AsyncEngine) -> list[tuple[str, datetime | None]]:
    async with transaction(engine) as tx:
        (found,) = await accounts_store.list_accounts(tx)
    return [(one.value, one.valid_until) for one in found.credentials(Seal(["a key for tests"])).webhook_secrets]


async def test_it_is_made_with_a_fresh_secret_and_lacks_nothing(
    far: FarCalcom, calcom: Calcom, secrets: Secrets, engine: AsyncEngine
) -> None:
    done = await register(calcom, URL, secrets, USER, pause=no_wait)
    (stands,) = far.webhooks
    assert (done.made, done.left_out, stands.subscriber_url) == (True, (), URL)
    assert await stored(engine) == [(stands.secret, None)]
    assert (await look(calcom, URL, secrets, USER)).faults == ()


async def test_one_that_stands_is_put_right_and_the_old_secret_ends_a_day_later(
    far: FarCalcom, calcom: Calcom, secrets: Secrets, engine: AsyncEngine
) -> None:
    await register(calcom, URL, secrets, USER, pause=no_wait)
    (stands,) = far.webhooks
    before, stands.active, stands.template, stands.triggers = stands.secret, False, "{{uid}}", ["BOOKING_CREATED"]
    done = await register(calcom, URL, secrets, USER, pause=no_wait)
    assert (done.made, far.webhooks) == (False, [stands])
    assert (stands.active, stands.template, len(stands.triggers)) == (True, "", 24)
    assert await stored(engine) == [(stands.secret, None), (before, NOW + timedelta(hours=24))]


async def test_a_refusal_leaves_the_secrets_as_they_were(calcom: Calcom, secrets: Secrets, engine: AsyncEngine) -> None:
    await register(calcom, URL, secrets, USER, pause=no_wait)
    before = await stored(engine)
    with pytest.raises(CalcomRefuses):
        await register(calcom, "no address at all", secrets, USER, pause=no_wait)
    assert await stored(engine) == before


async def test_a_call_without_an_answer_leaves_both_secrets_good(
    far: FarCalcom, calcom: Calcom, secrets: Secrets, engine: AsyncEngine
) -> None:
    """Cal.com may have taken the new one before it broke off, or not."""
    await register(calcom, URL, secrets, USER, pause=no_wait)
    (old, _) = (await stored(engine))[0]
    far.faults.next(None, "reset", "reset", "reset", "reset", "reset")
    with pytest.raises(CalcomAway):
        await register(calcom, URL, secrets, USER, pause=no_wait)
    kept = await stored(engine)
    assert [until for _, until in kept] == [None, None]
    assert kept[1][0] == old


async def test_the_environments_secret_is_told_to_cal_com_as_it_is(
    far: FarCalcom, calcom: Calcom, engine: AsyncEngine, secrets: Secrets
) -> None:
    assert await secrets.in_force() == ()
    given = Secrets(engine, Seal(["a key for tests"]), lambda: NOW, account="default", given=("of the environment",))
    await register(calcom, URL, given, USER, pause=no_wait)
    assert far.webhooks[0].secret == "of the environment"
    assert await stored(engine) == []


async def test_an_older_instance_gets_what_it_knows(far: FarCalcom, calcom: Calcom, secrets: Secrets) -> None:
    far.forget_triggers(NEWER)
    done = await register(calcom, URL, secrets, USER, pause=no_wait)
    assert done.left_out == NEWER
    assert (await look(calcom, URL, secrets, USER)).faults == ()


@pytest.mark.parametrize("of", [WebhookScope(event_type_id=1), WebhookScope(event_type_id=1, team_id=4)])
async def test_an_event_types_webhook_is_its_own(
    far: FarCalcom, calcom: Calcom, secrets: Secrets, of: WebhookScope
) -> None:
    owner = next(iter(far.world.users.values()))
    far.world.add_event_type("intro", owner=owner, team_id=of.team_id)
    await register(calcom, URL, secrets, of, pause=no_wait)
    assert (await look(calcom, URL, secrets, of)).faults == ()
    assert (await look(calcom, URL, secrets, USER)).webhook is None


def test_the_command_refuses_an_address_that_cal_com_can_not_reach(ready: Showup, far: FarCalcom) -> None:
    said = ready("calcom", "register", CALCOM_API_KEY="k", CALCOM_API_URL="https://api.cal.com/v2")
    assert (said.code, far.webhooks) == (1, [])
    assert "SHOWUP_URL" in said.error


def test_without_a_key_the_commands_say_where_one_comes_from(ready: Showup) -> None:
    for verb in ("register", "status"):
        said = ready("calcom", verb)
        assert said.code == 1
        assert "connections set calcom default" in said.error


def test_a_whole_registration_against_a_running_showup(
    ready: Showup, far: FarCalcom, database_url: str, tmp_path: Path
) -> None:
    """Registered, heard through the public address, and told as it stands; then something at Cal.com breaks it."""
    ready("accounts", "add", "acme")
    key = json.dumps({"api_key": far.key})
    assert ready("connections", "set", "calcom", "acme", "--credentials-file", "-", stdin=key).code == 0
    serving = Serving(DATABASE_URL=database_url, SHOWUP_SECRET_KEY=SECRET_KEY, SHOWUP_DATA_DIR=str(tmp_path))
    try:
        variables = {"CALCOM_API_URL": far.url, "SHOWUP_URL": serving.address}
        said = ready("calcom", "register", "--account", "acme", "--json", **variables)
        assert said.code == 0, said.error
        assert (said.json["made"], said.json["faults"]) == (True, [])
        assert far.webhooks[0].subscriber_url == f"{serving.address}/webhooks/calcom/acme"
        status = ready("calcom", "status", "--account", "acme", "--json", **variables)
        assert status.code == 0, status.out
        # Whose key it is was answered: only what is asked of the organization is not for its owner.
        far.faults.next(None, "403")
        status = ready("calcom", "status", "--account", "acme", "--organization", "3", **variables)
        assert (status.code, "accepted, it is ann's" in status.out) == (1, True), status.out
        far.webhooks[0].active = False
        status = ready("calcom", "status", "--account", "acme", **variables)
        assert status.code == 1
        assert "switched off" in status.out
        assert "showup calcom register" in status.out
    finally:
        serving.end(signal.SIGTERM)
