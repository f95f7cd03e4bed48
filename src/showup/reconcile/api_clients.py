"""Keeps one API client per Cal.com key, which counts its own calls."""

from typing import Final

import httpx2

from showup.clock import Clock
from showup.reconcile.account import ReconciledAccount
from showup.reconcile.booking_pages import AnyCalcomClient
from showup.sources.calcom.client import CalcomClient
from showup.sources.calcom.client_v1 import CalcomV1Client
from showup.sources.calcom.rate_limiter import RateLimiter

# Half of a key's limit: when another process takes the account over, both may call in the same minute.
CALLS_PER_MINUTE: Final = 55


class ApiClients:
    """One client for each address and key, created on first use and kept, so that it remembers its calls."""

    def __init__(self, client: httpx2.AsyncClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._clients: dict[tuple[str, str], AnyCalcomClient] = {}

    def for_account(self, account: ReconciledAccount) -> AnyCalcomClient:
        """Returns the account's client."""
        cache_key = (account.url, account.key)
        if cache_key not in self._clients:
            client_class = CalcomV1Client if account.is_v1 else CalcomClient
            limiter = RateLimiter(self._clock, per_minute=CALLS_PER_MINUTE)
            self._clients[cache_key] = client_class(
                self._client, url=account.url, key=account.key, clock=self._clock, limiter=limiter
            )
        return self._clients[cache_key]
