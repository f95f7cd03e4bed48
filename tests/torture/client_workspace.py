"""A workspace for each round: two Cal.com accounts, an API key that reads, and a second workspace to compare with."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import accounts_store, keys_store, workspaces_store
from showup.access.account import Credentials, WebhookSecret
from showup.access.permission import Scope
from showup.access.secrets_at_rest import Seal
from showup.clock import system_clock
from showup.database.engine import driver_connection
from showup.inbox.store import CHANNEL
from showup.simulation.wire import TargetEndpoint

SECRET_KEY = "a key of thirty-two characters or more"
_SECRET = "the secret of a tortured account"


@dataclass(frozen=True, slots=True)
class Client:
    """A workspace: the ids of its accounts by name, and an API key that sees uids. `endpoints` have paths only."""

    id: UUID
    slug: str
    accounts: dict[str, UUID]
    key: str

    @property
    def endpoints(self) -> list[TargetEndpoint]:
        return [TargetEndpoint(f"/webhooks/calcom/{name}", _SECRET) for name in self.accounts]


async def new_client(tx: AsyncConnection, slug: str, scope: Scope = "write") -> Client:
    """Creates an unused workspace."""
    workspace = await workspaces_store.add(tx, slug=slug, name=slug)
    assert workspace is not None, f"{slug} exists already"
    seal = Seal.from_setting(SECRET_KEY)
    credentials = Credentials(webhook_secrets=(WebhookSecret(_SECRET),))
    accounts: dict[str, UUID] = {}
    for name in (f"{slug}-1", f"{slug}-2"):
        account_id = await accounts_store.add(tx, seal, name=name, workspace_id=workspace.id, credentials=credentials)
        assert account_id is not None
        accounts[name] = account_id
    name = f"{slug}-{secrets.token_hex(3)}"
    key = await keys_store.create(tx, name=name, scope=scope, workspace_id=workspace.id, now=system_clock())
    return Client(workspace.id, slug, accounts, key)


async def replay_bodies(tx: AsyncConnection, original: Client) -> UUID:
    """Applies the same bodies, each once, in another workspace; returns its id."""
    replayed = await new_client(tx, f"{original.slug}-calm")
    driver = await driver_connection(tx)
    await driver.execute(
        """
        INSERT INTO inbox_events (id, account_id, workspace_id, origin, received_at, digest, body)
        SELECT gen_random_uuid(), a.ours, $3, origin, received_at, digest, body
        FROM inbox_events e JOIN unnest($1::uuid[], $2::uuid[]) AS a(theirs, ours) ON a.theirs = e.account_id
        WHERE e.workspace_id = $4 AND e.duplicate_of IS NULL
        """,
        list(original.accounts.values()),
        list(replayed.accounts.values()),
        replayed.id,
        original.id,
    )
    await driver.execute(f"NOTIFY {CHANNEL}")
    return replayed.id
