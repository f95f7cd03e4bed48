"""Store Cal.com accounts in the database: connections of the kind `calcom`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import exists, or_, select, update
from sqlalchemy import func as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.access import workspaces_store
from showup.access.account import DEFAULT, MIN_SECRET_LENGTH, Credentials, valid_secrets
from showup.access.connection import CALCOM
from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.access.workspace import DEFAULT as DEFAULT_WORKSPACE
from showup.database.engine import transaction
from showup.database.tables import connections, routes, workspaces

# An account whose routes were removed still has bookings in other workspaces; later events must find them there.
_HAS_ROUTES = or_(
    connections.c.settings.contains({"routed": True}), exists().where(routes.c.account_id == connections.c.id)
)


class StoredAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account as stored; `workspace` is a slug, `sealed` its encrypted credentials."""

    id: UUID
    name: str
    workspace_id: UUID
    workspace: str
    sealed: bytes | None
    has_routes: bool

    def credentials(self, seal: Seal) -> Credentials:
        """Return its decrypted credentials, empty if it has none. Raises DecryptionError."""
        if self.sealed is None:
            return Credentials()
        return msgspec.json.decode(seal.decrypt(self.sealed), type=Credentials)


async def add(
    tx: AsyncConnection, seal: Seal, *, name: str, workspace_id: UUID, credentials: Credentials | None
) -> UUID | None:
    """Add an account and return its id; None if the name is taken in any workspace."""
    sealed = None if credentials is None else seal.encrypt(msgspec.json.encode(credentials))
    return await _insert(tx, name, workspace_id, sealed)


async def list_accounts_with_short_secrets(tx: AsyncConnection, seal: Seal, now: datetime) -> list[str]:
    """Return the names of accounts with a valid stored webhook secret that is too short, and could be guessed.

    New ones are refused; these were stored before. Skips secrets that can't be decrypted: they accept no webhook.
    """
    found = []
    for account in await list_accounts(tx):
        try:
            secrets = valid_secrets(account.credentials(seal).webhook_secrets, now)
        except DecryptionError:
            continue
        if any(len(secret) < MIN_SECRET_LENGTH for secret in secrets):
            found.append(account.name)
    return found


async def list_accounts(tx: AsyncConnection, names: Sequence[str] | None = None) -> list[StoredAccount]:
    """Return the accounts with these names, or all of them, by name."""
    query = (
        select(
            *(connections.c[column] for column in ("id", "name", "workspace_id")),
            workspaces.c.slug.label("workspace"),
            connections.c.credentials.label("sealed"),
            _HAS_ROUTES.label("has_routes"),
        )
        .join_from(connections, workspaces)
        .where(connections.c.kind == CALCOM)
        .order_by(connections.c.name)
    )
    if names is not None:
        query = query.where(connections.c.name.in_(names))
    return [StoredAccount(**row) for row in (await tx.execute(query)).mappings()]


async def find_for_update(tx: AsyncConnection, name: str) -> StoredAccount | None:
    """Return the account of this name and lock it, so that two concurrent rotations cannot lose a secret."""
    row_lock = select(connections.c.id).where(connections.c.kind == CALCOM, connections.c.name == name)
    # NO KEY: the webhook endpoint can still insert events that refer to the account.
    await tx.execute(row_lock.with_for_update(key_share=True))
    return next(iter(await list_accounts(tx, [name])), None)


async def set_credentials(tx: AsyncConnection, seal: Seal, account_id: UUID, credentials: Credentials) -> None:
    """Replace the account's encrypted credentials."""
    sealed = seal.encrypt(msgspec.json.encode(credentials))
    statement = update(connections).where(connections.c.id == account_id)
    await tx.execute(statement.values(credentials=sealed, updated_at=sql.now()))


async def ensure_defaults(engine: AsyncEngine) -> None:
    """Create the workspace and the account `default` if they are missing; safe to call concurrently."""
    async with transaction(engine) as tx:
        await workspaces_store.add(tx, slug=DEFAULT_WORKSPACE, name="Default")
        workspace = await workspaces_store.find(tx, DEFAULT_WORKSPACE)
        if workspace is not None:
            await _insert(tx, DEFAULT, workspace.id, None)


async def _insert(tx: AsyncConnection, name: str, workspace_id: UUID, sealed: bytes | None) -> UUID | None:
    row = {
        "id": uuid4(),
        "workspace_id": workspace_id,
        "kind": CALCOM,
        "name": name,
        "credentials": sealed,
    }
    query = insert(connections).values(row).on_conflict_do_nothing().returning(connections.c.id)
    account_id: UUID | None = (await tx.execute(query)).scalar_one_or_none()
    return account_id
