"""Syncs settings to the database: rules from showup.toml, connections from the environment.

Only `showup serve` does this. Another command may run in a folder with another showup.toml, or none, and `showup work`
uses the rules and connections that it finds in the database.
"""

from typing import TYPE_CHECKING, Any

from showup.access import workspaces_store
from showup.access.secrets_at_rest import Seal
from showup.clock import system_clock
from showup.container import ProcessConfig
from showup.database.engine import connect, driver_connection, transaction
from showup.settings import Settings, reveal

if TYPE_CHECKING:
    from showup.connections.environment import EnvironmentConnection


async def sync_policy(config: ProcessConfig, settings: Settings) -> None:
    """Applies the new values in showup.toml as rules of every workspace."""
    from showup.commands.sync_rules import sync_rules

    engine = connect(config.direct_url, pool_size=1)
    try:
        async with transaction(engine) as tx:
            workspaces = await workspaces_store.list_workspaces(tx)
        for workspace in workspaces:
            async with transaction(engine) as tx:
                await sync_rules(await driver_connection(tx), workspace.id, settings.rules, system_clock())
    finally:
        await engine.dispose()


async def sync_connections(config: ProcessConfig, settings: Settings) -> None:
    """Writes the environment's connections to the default workspace."""
    from showup.connections.environment import sync_connection

    engine, seal = connect(config.direct_url, pool_size=1), Seal.from_setting(config.secret_keys)
    try:
        for connection in environment_connections(settings):
            async with transaction(engine) as tx:
                await sync_connection(tx, seal, connection, system_clock())
    finally:
        await engine.dispose()


def environment_connections(settings: Settings) -> "list[EnvironmentConnection]":
    """Returns each destination kind's settings from the environment and showup.toml, complete or not."""
    from showup.connections.environment import EnvironmentConnection

    policy = settings.policy
    values_by_kind: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str | None]]] = {
        "clickup": (
            policy.clickup,
            {"api_url": settings.clickup_api_url},
            {"token": reveal(settings.clickup_api_token)},
        ),
        "emailbison": (
            policy.emailbison,
            {"api_url": settings.emailbison_url},
            {"api_key": reveal(settings.emailbison_api_key)},
        ),
        "notion": (
            policy.notion,
            {
                "api_url": settings.notion_api_url,
                "contacts_database": settings.notion_contacts_database,
                "sequences_database": settings.notion_sequences_database,
            },
            {"token": reveal(settings.notion_token)},
        ),
        "prefect": (
            policy.prefect,
            {"api_url": settings.prefect_api_url},
            {"api_key": reveal(settings.prefect_api_key)},
        ),
        "slack": (
            policy.slack,
            {"api_url": settings.slack_api_url},
            {"bot_token": reveal(settings.slack_bot_token), "signing_secret": reveal(settings.slack_signing_secret)},
        ),
        "twilio": (
            policy.twilio,
            {
                "api_url": settings.twilio_api_url,
                "account_sid": settings.twilio_account_sid,
                "sender": settings.twilio_from,
            },
            {"auth_token": reveal(settings.twilio_auth_token)},
        ),
    }
    return [
        EnvironmentConnection(
            kind=kind,
            settings=table | {name: value for name, value in variables.items() if value is not None},
            credentials=credentials,
        )
        for kind, (table, variables, credentials) in values_by_kind.items()
    ]
