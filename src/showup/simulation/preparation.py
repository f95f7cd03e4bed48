"""Prepares a local workspace for a simulation: two accounts with secrets, and an API key."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import accounts_store, keys_store, workspaces_store
from showup.access.account import Credentials, WebhookSecret, make_secret, valid_secrets
from showup.access.accounts_store import StoredAccount
from showup.access.secrets_at_rest import Seal
from showup.access.workspace import SIMULATION, Workspace

WORKSPACE = SIMULATION
ACCOUNTS = ("simulated-1", "simulated-2")


class AccountNameTaken(Exception):
    """An existing account uses a name that the simulation needs; the message says which."""


@dataclass(frozen=True, slots=True)
class PreparedWorkspace:
    """Accounts as (name, webhook secret), and an API key with write scope, named `key_name`."""

    accounts: tuple[tuple[str, str], ...]
    key: str
    key_name: str


async def prepare(tx: AsyncConnection, seal: Seal, now: datetime) -> PreparedWorkspace:
    """Creates what is missing, and an API key for this run. Raises AccountNameTaken, Unsealable."""
    workspace = await _ensure_workspace(tx)
    accounts = [(name, await _ensure_secret(tx, seal, name, workspace.id, now)) for name in ACCOUNTS]
    key_name = f"{WORKSPACE}-{now:%Y%m%d%H%M%S}-{secrets.token_hex(3)}"
    key = await keys_store.create(tx, name=key_name, scope="write", workspace_id=workspace.id, now=now)
    return PreparedWorkspace(tuple(accounts), key, key_name)


async def revoke_key(tx: AsyncConnection, prepared: PreparedWorkspace, now: datetime) -> None:
    """Revokes the run's key; workspace and accounts stay for the next run."""
    await keys_store.revoke(tx, prepared.key_name, now=now)


async def _ensure_workspace(tx: AsyncConnection) -> Workspace:
    found = await workspaces_store.add(tx, slug=WORKSPACE, name="Simulation")
    found = found or await workspaces_store.find(tx, WORKSPACE)
    assert found is not None, "a slug that was not added exists already"
    return found


async def _ensure_secret(tx: AsyncConnection, seal: Seal, name: str, workspace_id: UUID, now: datetime) -> str:
    """Returns the account's secret, or a new one."""
    await accounts_store.add(tx, seal, name=name, workspace_id=workspace_id, credentials=None)
    account = await accounts_store.find_for_update(tx, name)
    assert account is not None, "a name that was not added exists already"
    if account.workspace_id != workspace_id:
        raise AccountNameTaken(f"The account {name} belongs to the workspace {account.workspace}, not to a simulation.")
    valid = valid_secrets(account.credentials(seal).webhook_secrets, now)
    return valid[0].decode() if valid else await _new_secret(tx, seal, account)


async def _new_secret(tx: AsyncConnection, seal: Seal, account: StoredAccount) -> str:
    secret = make_secret()
    credentials = Credentials(webhook_secrets=(WebhookSecret(secret),))
    await accounts_store.set_credentials(tx, seal, account.id, credentials)
    return secret
