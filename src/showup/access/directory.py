"""The Cal.com accounts as the webhook door sees them: in memory, and there when the database is not."""

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
from showup.access.secrets_at_rest import Seal, Unsealable
from showup.clock import Clock
from showup.database.fault import MAY_MEAN_AWAY

FRESH_FOR: Final = timedelta(seconds=2)
"""A change of an account is known everywhere after this time."""

# Names that nobody has must not become a way to keep the database busy.
_BETWEEN_LOOKS: Final = timedelta(milliseconds=250)
# A webhook is answered within half a second, whatever the database does (IN3).
_ANSWERED_WITHIN: Final = 0.09

_log = structlog.get_logger()


class AccountsAway(Exception):
    """The accounts can't be asked for now, and this one was not known before: nobody can say that there is none."""


class _Known(Struct):
    """An account as it was read, and as it is until one of its secrets ends."""

    stored: StoredAccount
    secrets: tuple[WebhookSecret, ...]
    current: Account | None = None
    changes_at: datetime | None = None

    def account(self, now: datetime) -> Account:
        if self.current is None or (self.changes_at is not None and now >= self.changes_at):
            ends = [one.valid_until for one in self.secrets if one.valid_until is not None and one.valid_until > now]
            self.changes_at = min(ends, default=None)
            self.current = Account(
                id=self.stored.id,
                name=self.stored.name,
                workspace_id=self.stored.workspace_id,
                secrets=valid_secrets(self.secrets, now),
                has_routes=self.stored.has_routes,
            )
        return self.current


class AccountDirectory:
    """Finds accounts by name. `default_secrets` are those that the environment gives the default account."""

    def __init__(self, engine: AsyncEngine, seal: Seal, clock: Clock, *, default_secrets: Sequence[str] = ()) -> None:
        self._engine = engine
        self._seal = seal
        self._clock = clock
        self._default_secrets = tuple(WebhookSecret(value) for value in default_secrets)
        self._known: Mapping[str, _Known] = {}
        self._asked_at: datetime | None = None
        self._away = False
        self._looking: asyncio.Task[None] | None = None

    async def find(self, name: str | None) -> Account | None:
        """The account, None when there is none of that name; a name of None means the default account.

        Raises AccountsAway rather than deny an account because the database is away.
        """
        wanted = name or DEFAULT
        if not self._asked_within(FRESH_FOR):
            await self._look_again(FRESH_FOR)
        if wanted not in self._known and not self._asked_within(_BETWEEN_LOOKS):
            await self._look_again(_BETWEEN_LOOKS)
        known = self._known.get(wanted)
        if known is None and self._away:
            raise AccountsAway
        return None if known is None else known.account(self._clock())

    async def refresh(self) -> None:
        """Reads the accounts now; raises what the database raises when it is away."""
        async with self._engine.connect() as tx:
            stored = await list_accounts(tx)
        self._known = {account.name: _Known(account, self._secrets(account)) for account in stored}
        self._asked_at = self._clock()
        self._away = False

    async def _look_again(self, at_most_every: timedelta) -> None:
        if self._asked_within(at_most_every):
            return
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        # A slow look goes on without us, and is never cancelled: to close its connection could take seconds, too.
        await asyncio.wait({self._looking}, timeout=_ANSWERED_WITHIN)
        if not self._asked_within(at_most_every):
            self._leave_as_it_is("TimeoutError")

    async def _look(self) -> None:
        try:
            await self.refresh()
        except (TimeoutError, SQLAlchemyError, *MAY_MEAN_AWAY) as fault:
            self._leave_as_it_is(type(fault).__name__)

    def _leave_as_it_is(self, because: str) -> None:
        # What was known still serves; the next look is due in a while, not with the next request.
        self._asked_at = self._clock()
        self._away = True
        _log.warning("accounts_not_refreshed", because=because)

    def _asked_within(self, span: timedelta) -> bool:
        # A clock that was set back must not make an old view look fresh for hours.
        return self._asked_at is not None and abs(self._clock() - self._asked_at) < span

    def _secrets(self, account: StoredAccount) -> tuple[WebhookSecret, ...]:
        given = self._default_secrets if account.name == DEFAULT else ()
        return (*given, *self._credentials(account).webhook_secrets)

    def _credentials(self, account: StoredAccount) -> Credentials:
        try:
            return account.credentials(self._seal)
        except Unsealable as fault:
            _log.error("account_unusable", account=account.name, because=str(fault))
            return Credentials()
