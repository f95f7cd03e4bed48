"""Who asks Cal.com's API for each account: one client a key, which keeps count of its own calls."""

from typing import Final

import httpx2

from showup.clock import Clock
from showup.reconcile.account import AskedAccount
from showup.reconcile.asking import Api
from showup.sources.calcom.api import Calcom
from showup.sources.calcom.api_budget import Budget
from showup.sources.calcom.api_v1 import CalcomV1

# Half of what a key may: when another process takes the account over, both were at it in the same minute.
MOST: Final = 55


class ApiClients:
    """One client for each address and key, made when it is first wanted and kept, so that it remembers its calls."""

    def __init__(self, client: httpx2.AsyncClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._made: dict[tuple[str, str], Api] = {}

    def of(self, account: AskedAccount) -> Api:
        """The account's."""
        name = (account.url, account.key)
        if name not in self._made:
            kind = CalcomV1 if account.is_v1 else Calcom
            budget = Budget(self._clock, most=MOST)
            self._made[name] = kind(self._client, url=account.url, key=account.key, clock=self._clock, budget=budget)
        return self._made[name]
