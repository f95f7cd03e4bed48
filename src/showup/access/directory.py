"""Cache the Cal.com accounts in memory for the webhook endpoint, so that it works while the database is unavailable."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.account import DEFAULT, Account, Credentials, WebhookSecret, valid_secrets
from showup.access.accounts_store import StoredAccount, list_accounts
from showup.access.secrets_at_rest import DecryptionError, Seal
from showup.clock import Clock
from showup.database.fault import POSSIBLE_OUTAGES

MAX_AGE: Final = timedelta(seconds=2)
"""The time after which a change of an account is known everywhere."""

# Unknown names must not become a way to keep the database busy.
_MIN_REFRESH_INTERVAL: Final = timedelta(milliseconds=250)
# A webhook is answered within half a second, even if the database is slow (IN3).
_REFRESH_TIMEOUT: Final = 0.09

_log = structlog.get_logger()


class AccountsUnavailable(Exception):
    """The accounts cannot be read now, and this one is not cached: it is unknown whether it exists."""


class _CachedAccount(Struct):
    """An account as it was read, and as it is until one of its secrets expires."""

    stored: StoredAccount
    secrets: tuple[WebhookSecret, ...]
    current: Account | None = None
    expires_at: datetime | None = None

    def account(self, now: datetime) -> Account:
        if self.current is None or (self.expires_at is not None and now >= self.expires_at):
            end_times = [
                secret.valid_until
                for secret in self.secrets
                if secret.valid_until is not None and secret.valid_until > now
            ]
            self.expires_at = min(end_times, default=None)
            self.current = Account(
                id=self.stored.id,
                name=self.stored.name,
                workspace_id=self.stored.workspace_id,
                secrets=valid_secrets(self.secrets, now),
                has_routes=self.stored.has_routes,
            )
        return self.current


class AccountDirectory:
    """Finds accounts by name. `default_secrets` come from the environment and belong to the default account."""

    def __init__(self, engine: AsyncEngine, seal: Seal, clock: Clock, *, default_secrets: Sequence[str] = ()) -> None:
        self._engine = engine
        self._seal = seal
        self._clock = clock
        self._default_secrets = tuple(WebhookSecret(value) for value in default_secrets)
        self._accounts: Mapping[str, _CachedAccount] = {}
        self._refreshed_at: datetime | None = None
        self._is_unavailable = False
        self._refresh_task: asyncio.Task[None] | None = None

    async def find(self, name: str | None, *, is_second_try: bool = False) -> Account | None:
        """Return the account; None if no account has that name. A name of None means the default account.

        `is_second_try`: the account or its secret may be too new for the cache, so it is read again if it has any age.
        Raises AccountsUnavailable instead of rejecting an account because the database is unavailable.
        """
        key = name or DEFAULT
        await self._refresh_if_older(_MIN_REFRESH_INTERVAL if is_second_try else MAX_AGE)
        cached = self._accounts.get(key)
        if cached is None and self._is_unavailable:
            raise AccountsUnavailable
        return None if cached is None else cached.account(self._clock())

    def names_with_secret(self) -> tuple[str, ...]:
        """Return the names of the accounts whose webhooks can be verified, as they were last read; default first."""
        now = self._clock()
        names = [name for name, cached in self._accounts.items() if cached.account(now).secrets]
        return tuple(sorted(names, key=lambda name: (name != DEFAULT, name)))

    async def refresh(self) -> None:
        """Read the accounts now. Raises the database's errors if it is unavailable."""
        async with self._engine.connect() as tx:
            stored = await list_accounts(tx)
        self._accounts = {account.name: _CachedAccount(account, self._secrets(account)) for account in stored}
        self._refreshed_at = self._clock()
        self._is_unavailable = False

    async def _refresh_if_older(self, max_age: timedelta) -> None:
        if self._is_fresher_than(max_age):
            return
        if self._refresh_task is None or self._refresh_task.done():
            self._refresh_task = asyncio.create_task(self._try_refresh())
        # A slow read continues in the background and is never cancelled, because closing its connection could take
        # seconds too.
        await asyncio.wait({self._refresh_task}, timeout=_REFRESH_TIMEOUT)
        if not self._is_fresher_than(max_age):
            self._mark_unavailable("TimeoutError")

    async def _try_refresh(self) -> None:
        try:
            await self.refresh()
        except (TimeoutError, SQLAlchemyError, *POSSIBLE_OUTAGES) as error:
            self._mark_unavailable(type(error).__name__)

    def _mark_unavailable(self, reason: str) -> None:
        # The cached accounts stay in use; the next read happens after a delay, not with the next request.
        self._refreshed_at = self._clock()
        self._is_unavailable = True
        _log.warning("accounts_not_refreshed", because=reason)

    def _is_fresher_than(self, age: timedelta) -> bool:
        # If the clock was set back, an old cache must not count as fresh for hours.
        return self._refreshed_at is not None and abs(self._clock() - self._refreshed_at) < age

    def _secrets(self, account: StoredAccount) -> tuple[WebhookSecret, ...]:
        environment_secrets = self._default_secrets if account.name == DEFAULT else ()
        return (*environment_secrets, *self._credentials(account).webhook_secrets)

    def _credentials(self, account: StoredAccount) -> Credentials:
        try:
            return account.credentials(self._seal)
        except DecryptionError as error:
            _log.error("account_unusable", account=account.name, because=str(error))
            return Credentials()
