"""TE5 to TE7, TE12: an environment connection appears, changes and disappears with the environment."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from showup.access import connections_store
from showup.access.connection import Connection
from showup.connections.environment import NAME, EnvironmentConnection, check, sync_connection
from showup.connections.setup import ConnectionSpec, set_up
from showup.database.engine import driver_connection, transaction
from showup.outbox import subscriptions
from showup.outbox.subscriptions import Subscription
from tests.deliveries.scenario import SEAL
from tests.histories.webhooks import MONDAY

LISTS = {"lists": ["901"], "inbound_list": "903"}


def clickup(token: str | None = "pk_1", **settings: Any) -> EnvironmentConnection:
    return EnvironmentConnection(kind="clickup", settings=LISTS | settings, credentials={"token": token})


class WorkspaceScenario:
    """The default workspace, with its environment connections."""

    def __init__(self, engine: AsyncEngine, workspace_id: UUID) -> None:
        self.engine = engine
        self.id = workspace_id
        self.now = MONDAY

    async def start(self, environment_connection: EnvironmentConnection) -> None:
        """Starts Showup with this environment, an hour after the last start."""
        self.now += timedelta(hours=1)
        async with transaction(self.engine) as tx:
            await sync_connection(tx, SEAL, environment_connection, self.now)

    async def store(self, name: str, settings: Mapping[str, Any] = LISTS) -> None:
        """Stores a connection manually."""
        spec = ConnectionSpec(
            workspace_id=self.id, kind="clickup", name=name, settings=settings, credentials={"token": "pk_2"}
        )
        async with transaction(self.engine) as tx:
            await set_up(tx, SEAL, spec, self.now)

    async def connections(self) -> list[Connection]:
        async with transaction(self.engine) as tx:
            return await connections_store.list_connections(tx, workspace_id=self.id)

    async def secret(self) -> Any:
        async with transaction(self.engine) as tx:
            (one,) = await connections_store.list_connections(tx, workspace_id=self.id)
            return (await connections_store.credentials(tx, SEAL, one.id) or {}).get("token")

    async def subscriptions(self) -> list[Subscription]:
        async with transaction(self.engine) as tx:
            return await subscriptions.of_workspace(await driver_connection(tx), self.id)


@pytest.fixture
def workspace_scenario(engine: AsyncEngine, workspace: UUID) -> WorkspaceScenario:
    return WorkspaceScenario(engine, workspace)


async def test_an_environment_connection_is_created_and_subscribed(workspace_scenario: WorkspaceScenario) -> None:
    await workspace_scenario.start(clickup())
    (one,) = await workspace_scenario.connections()
    assert (one.kind, one.name, one.settings) == ("clickup", NAME, LISTS)
    (subscription,) = await workspace_scenario.subscriptions()
    assert (subscription.destination, subscription.since, subscription.until) == (
        "clickup",
        workspace_scenario.now,
        None,
    )
    assert "booking.created" in subscription.kinds


async def test_the_same_at_each_start_changes_nothing(workspace_scenario: WorkspaceScenario) -> None:
    await workspace_scenario.start(clickup())
    began = workspace_scenario.now
    await workspace_scenario.start(clickup())
    assert [one.since for one in await workspace_scenario.subscriptions()] == [began]


async def test_it_changes_with_the_environment(workspace_scenario: WorkspaceScenario) -> None:
    await workspace_scenario.start(clickup())
    await workspace_scenario.start(clickup("pk_9", email_field="Mail"))
    (one,) = await workspace_scenario.connections()
    assert one.settings == LISTS | {"email_field": "Mail"}
    assert await workspace_scenario.secret() == "pk_9"


async def test_it_is_removed_without_its_secret_and_restored_with_it(workspace_scenario: WorkspaceScenario) -> None:
    await workspace_scenario.start(clickup())
    with capture_logs() as log_lines:
        await workspace_scenario.start(clickup(None))
        await workspace_scenario.start(clickup(None))
    assert [(line["log_level"], line["kind"]) for line in log_lines] == [("warning", "clickup")], "once, with a warning"
    workspace_scenario.now -= timedelta(hours=1)
    assert await workspace_scenario.connections() == []
    assert [one.until for one in await workspace_scenario.subscriptions()] == [workspace_scenario.now]
    await workspace_scenario.start(clickup())
    assert [one.until for one in await workspace_scenario.subscriptions()] == [
        workspace_scenario.now - timedelta(hours=1),
        None,
    ]


async def test_a_stored_one_wins(workspace_scenario: WorkspaceScenario) -> None:
    await workspace_scenario.store("ours")
    with capture_logs() as log_lines:
        await workspace_scenario.start(clickup("pk_1", email_field="Mail"))
    (one,) = await workspace_scenario.connections()
    assert (one.name, one.settings) == ("ours", LISTS)
    assert await workspace_scenario.secret() == "pk_2"
    assert [(line["kind"], line["stored"]) for line in log_lines] == [("clickup", "ours")]


async def test_an_empty_environment_leaves_a_stored_connection_alone(workspace_scenario: WorkspaceScenario) -> None:
    await workspace_scenario.store("ours")
    await workspace_scenario.start(clickup(None))
    assert [one.name for one in await workspace_scenario.connections()] == ["ours"]
    assert [one.until for one in await workspace_scenario.subscriptions()] == [None]


async def test_a_second_one_of_a_kind_is_refused(workspace_scenario: WorkspaceScenario) -> None:
    await workspace_scenario.start(clickup())
    with pytest.raises(ValueError, match="already has the clickup connection 'environment'"):
        await workspace_scenario.store("ours")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"list": ["901"]}, "clickup has no setting 'list' (did you mean lists?)"),
        ({"lists": ["901"]}, "clickup needs the setting inbound_list"),
        ({"lists": ["Brokers"], "inbound_list": "903"}, "'Brokers' is not a list id"),
        ({**LISTS, "rate_per_second": 0}, "rate_per_second of clickup is invalid (Expected float > 0.0)"),
        ({**LISTS, "answer_within": "soon"}, "set a duration"),
    ],
)
def test_settings_that_cant_be_used_refuse_the_start(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=r"clickup") as refused:
        check(EnvironmentConnection(kind="clickup", settings=settings, credentials={"token": "pk_1"}))
    assert sentence in str(refused.value)
    assert "pk_1" not in str(refused.value)


def test_without_its_secret_settings_are_not_checked() -> None:
    check(EnvironmentConnection(kind="clickup", settings={}, credentials={"token": None}))


def test_an_unknown_kind_is_not_complete() -> None:
    assert not EnvironmentConnection(kind="fax", settings={}, credentials={}).is_complete
