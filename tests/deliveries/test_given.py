"""TE5 to TE7, TE12: a connection that the environment makes appears, changes and goes with it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from showup.access import connections_store
from showup.access.connection import Connection
from showup.database.engine import raw, transaction
from showup.deliveries import subscribing
from showup.deliveries.given import NAME, Given, adopt_connection, check
from showup.deliveries.setting_up import Wanted, set_up
from showup.deliveries.subscribing import Subscription
from tests.deliveries.post import SEAL
from tests.stories.webhooks import MONDAY

LISTS = {"lists": ["901"], "inbound_list": "903"}


def clickup(token: str | None = "pk_1", **settings: Any) -> Given:
    return Given(kind="clickup", settings=LISTS | settings, credentials={"token": token})


class Workspace:
    """The default workspace, and what the environment makes of it."""

    def __init__(self, engine: AsyncEngine, workspace_id: UUID) -> None:
        self.engine = engine
        self.id = workspace_id
        self.now = MONDAY

    async def start(self, given: Given) -> None:
        """Showup starts with this environment, an hour after the last time."""
        self.now += timedelta(hours=1)
        async with transaction(self.engine) as tx:
            await adopt_connection(tx, SEAL, given, self.now)

    async def store(self, name: str, settings: Mapping[str, Any] = LISTS) -> None:
        """Somebody connects by hand."""
        wanted = Wanted(
            workspace_id=self.id, kind="clickup", name=name, settings=settings, credentials={"token": "pk_2"}
        )
        async with transaction(self.engine) as tx:
            await set_up(tx, SEAL, wanted, self.now)

    async def connections(self) -> list[Connection]:
        async with transaction(self.engine) as tx:
            return await connections_store.list_connections(tx, workspace_id=self.id)

    async def secret(self) -> Any:
        async with transaction(self.engine) as tx:
            (one,) = await connections_store.list_connections(tx, workspace_id=self.id)
            return (await connections_store.credentials(tx, SEAL, one.id) or {}).get("token")

    async def subscriptions(self) -> list[Subscription]:
        async with transaction(self.engine) as tx:
            return await subscribing.of_workspace(await raw(tx), self.id)


@pytest.fixture
def place(engine: AsyncEngine, workspace: UUID) -> Workspace:
    return Workspace(engine, workspace)


async def test_it_appears_and_is_told_from_then_on(place: Workspace) -> None:
    await place.start(clickup())
    (one,) = await place.connections()
    assert (one.kind, one.name, one.settings) == ("clickup", NAME, LISTS)
    (subscription,) = await place.subscriptions()
    assert (subscription.destination, subscription.since, subscription.until) == ("clickup", place.now, None)
    assert "booking.created" in subscription.kinds


async def test_the_same_at_each_start_changes_nothing(place: Workspace) -> None:
    await place.start(clickup())
    began = place.now
    await place.start(clickup())
    assert [one.since for one in await place.subscriptions()] == [began]


async def test_it_changes_with_the_environment(place: Workspace) -> None:
    await place.start(clickup())
    await place.start(clickup("pk_9", email_field="Mail"))
    (one,) = await place.connections()
    assert one.settings == LISTS | {"email_field": "Mail"}
    assert await place.secret() == "pk_9"


async def test_it_goes_with_its_secret_and_comes_back(place: Workspace) -> None:
    await place.start(clickup())
    with capture_logs() as said:
        await place.start(clickup(None))
        await place.start(clickup(None))
    assert [(line["log_level"], line["kind"]) for line in said] == [("warning", "clickup")], "once, and not in silence"
    place.now -= timedelta(hours=1)
    assert await place.connections() == []
    assert [one.until for one in await place.subscriptions()] == [place.now]
    await place.start(clickup())
    assert [one.until for one in await place.subscriptions()] == [place.now - timedelta(hours=1), None]


async def test_a_stored_one_wins(place: Workspace) -> None:
    await place.store("ours")
    with capture_logs() as said:
        await place.start(clickup("pk_1", email_field="Mail"))
    (one,) = await place.connections()
    assert (one.name, one.settings) == ("ours", LISTS)
    assert await place.secret() == "pk_2"
    assert [(line["kind"], line["stored"]) for line in said] == [("clickup", "ours")]


async def test_nothing_given_leaves_a_stored_one_alone(place: Workspace) -> None:
    await place.store("ours")
    await place.start(clickup(None))
    assert [one.name for one in await place.connections()] == ["ours"]
    assert [one.until for one in await place.subscriptions()] == [None]


async def test_a_second_one_of_a_kind_is_refused(place: Workspace) -> None:
    await place.start(clickup())
    with pytest.raises(ValueError, match="has the clickup connection 'environment' already"):
        await place.store("ours")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"list": ["901"]}, "clickup has no setting 'list' (did you mean lists?)"),
        ({"lists": ["901"]}, "clickup needs its setting inbound_list"),
        ({"lists": ["Brokers"], "inbound_list": "903"}, "'Brokers' is no id of a list"),
        ({**LISTS, "rate_per_second": 0}, "rate_per_second of clickup can't be used (Expected float > 0.0)"),
        ({**LISTS, "answer_within": "soon"}, "should be a span of time"),
    ],
)
def test_settings_that_cant_be_used_refuse_the_start(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=r"clickup") as refused:
        check(Given(kind="clickup", settings=settings, credentials={"token": "pk_1"}))
    assert sentence in str(refused.value)
    assert "pk_1" not in str(refused.value)


def test_without_its_secret_nothing_is_looked_at() -> None:
    check(Given(kind="clickup", settings={}, credentials={"token": None}))


def test_a_kind_that_nobody_knows_is_nobodys() -> None:
    assert not Given(kind="fax", settings={}, credentials={}).is_there
