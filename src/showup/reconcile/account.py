"""A Cal.com account that can be reconciled: the address of its API, and its key."""

from uuid import UUID

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import connections_store
from showup.access.account import DEFAULT
from showup.access.accounts_store import StoredAccount, list_accounts
from showup.access.connection import CALCOM
from showup.access.secrets_at_rest import DecryptionError, Seal

_log = structlog.get_logger()


class ApiAccess(Struct, frozen=True, kw_only=True):
    """The seal that opens stored keys, and the environment's settings.

    `url`: the API of accounts that have no address of their own. `key`: that of the default account.
    """

    seal: Seal
    url: str
    key: str | None = None


class ReconciledAccount(Struct, frozen=True, kw_only=True):
    """An account whose bookings can be requested.

    `url` ends with the API's version; `is_own_url`: the account's settings name it, not the environment.
    """

    id: UUID
    name: str
    workspace_id: UUID
    has_routes: bool
    url: str
    key: str
    is_own_url: bool = False

    @property
    def is_v1(self) -> bool:
        """Returns whether it is an old instance from before API v2."""
        return self.url.rstrip("/").endswith("/v1")


async def list_accounts_with_key(tx: AsyncConnection, access: ApiAccess) -> list[ReconciledAccount]:
    """Returns the accounts that have a key, by name."""
    settings = {one.id: one.settings for one in await connections_store.list_connections(tx) if one.kind == CALCOM}
    found = []
    for account in await list_accounts(tx):
        key = _key(account, access)
        if key is not None:
            own_url = settings.get(account.id, {}).get("api_url")
            found.append(
                ReconciledAccount(
                    id=account.id,
                    name=account.name,
                    workspace_id=account.workspace_id,
                    has_routes=account.has_routes,
                    url=str(own_url or access.url).rstrip("/"),
                    key=key,
                    is_own_url=bool(own_url),
                )
            )
    return found


def _key(account: StoredAccount, access: ApiAccess) -> str | None:
    try:
        stored = account.credentials(access.seal).api_key
    except DecryptionError as fault:
        _log.warning(
            "Cal.com account skipped: its API key can't be decrypted", account=account.name, because=str(fault)
        )
        return None
    return stored or (access.key if account.name == DEFAULT else None)
