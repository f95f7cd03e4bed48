"""A Cal.com account that can be asked: where its API is, and with which key."""

from uuid import UUID

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import connections_store
from showup.access.account import DEFAULT
from showup.access.accounts_store import StoredAccount, list_accounts
from showup.access.connection import CALCOM
from showup.access.secrets_at_rest import Seal, Unsealable

_log = structlog.get_logger()


class ApiAccess(Struct, frozen=True, kw_only=True):
    """What opens stored keys, and what the environment gives: the address of accounts that have none of their own, and
    the key of the default account."""

    seal: Seal
    url: str
    key: str | None = None


class AskedAccount(Struct, frozen=True, kw_only=True):
    """An account whose bookings can be asked for. `url` has the API's version at its end."""

    id: UUID
    name: str
    workspace_id: UUID
    has_routes: bool
    url: str
    key: str

    @property
    def is_v1(self) -> bool:
        """Whether it is an old instance of before API v2."""
        return self.url.rstrip("/").endswith("/v1")


async def askable(tx: AsyncConnection, access: ApiAccess) -> list[AskedAccount]:
    """The accounts that have a key, by name."""
    settings = {one.id: one.settings for one in await connections_store.list_connections(tx) if one.kind == CALCOM}
    found = []
    for account in await list_accounts(tx):
        key = _key(account, access)
        if key is not None:
            url = settings.get(account.id, {}).get("api_url") or access.url
            found.append(
                AskedAccount(
                    id=account.id,
                    name=account.name,
                    workspace_id=account.workspace_id,
                    has_routes=account.has_routes,
                    url=str(url).rstrip("/"),
                    key=key,
                )
            )
    return found


def _key(account: StoredAccount, access: ApiAccess) -> str | None:
    try:
        stored = account.credentials(access.seal).api_key
    except Unsealable as fault:
        _log.warning("an account of Cal.com can't be asked", account=account.name, because=str(fault))
        return None
    return stored or (access.key if account.name == DEFAULT else None)
