"""The workspace in which a simulation plays on this machine: two accounts with secrets, and a key."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import accounts_store, keys_store, workspaces_store
from showup.access.account import Credentials, WebhookSecret, make_secret, valid_secrets
from showup.access.accounts_store import StoredAccount
from showup.access.secrets_at_rest import Seal
from showup.access.workspace import Workspace

WORKSPACE = "simulation"
ACCOUNTS = ("simulated-1", "simulated-2")


class NameTaken(Exception):
    """Somebody's own account has a name that the simulation needs; the message says which."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Accounts as (name, webhook secret), and an API key with read scope, known by `key_name`."""

    accounts: tuple[tuple[str, str], ...]
    key: str
    key_name: str


async def prepare(tx: AsyncConnection, seal: Seal, now: datetime) -> Ready:
    """Makes what is missing and a key of its own for this run. Raises NameTaken, Unsealable."""
    workspace = await _workspace(tx)
    accounts = [(name, await _secret(tx, seal, name, workspace.id, now)) for name in ACCOUNTS]
    key_name = f"{WORKSPACE}-{now:%Y%m%d%H%M%S}-{secrets.token_hex(3)}"
    key = await keys_store.create(tx, name=key_name, scope="read", workspace_id=workspace.id, now=now)
    return Ready(tuple(accounts), key, key_name)


async def give_back(tx: AsyncConnection, ready: Ready, now: datetime) -> None:
    """Revokes the run's key; workspace and accounts stay for the next run."""
    await keys_store.revoke(tx, ready.key_name, now=now)


async def _workspace(tx: AsyncConnection) -> Workspace:
    found = await workspaces_store.add(tx, slug=WORKSPACE, name="Simulation")
    found = found or await workspaces_store.find(tx, WORKSPACE)
    assert found is not None, "a slug that can't be added is there"
    return found


async def _secret(tx: AsyncConnection, seal: Seal, name: str, workspace_id: UUID, now: datetime) -> str:
    """The secret that the account has, or a new one."""
    await accounts_store.add(tx, seal, name=name, workspace_id=workspace_id, credentials=None)
    account = await accounts_store.find_to_change(tx, name)
    assert account is not None, "a name that can't be added is there"
    if account.workspace_id != workspace_id:
        raise NameTaken(f"The account {name} belongs to the workspace {account.workspace}, not to a simulation.")
    good = valid_secrets(account.credentials(seal).webhook_secrets, now)
    return good[0].decode() if good else await _new_secret(tx, seal, account)


async def _new_secret(tx: AsyncConnection, seal: Seal, account: StoredAccount) -> str:
    secret = make_secret()
    credentials = Credentials(webhook_secrets=(WebhookSecret(secret),))
    await accounts_store.set_credentials(tx, seal, account.id, credentials)
    return secret
