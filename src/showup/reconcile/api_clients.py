"""Keeps one API client per Cal.com key, which counts its own calls."""

from typing import Final

from showup.clock import Clock
from showup.dispatch.destination_context import Clients
from showup.reconcile.account import ReconciledAccount
from showup.reconcile.booking_pages import AnyCalcomClient
from showup.sources.calcom.client import CalcomClient
from showup.sources.calcom.client_v1 import CalcomV1Client
from showup.sources.calcom.rate_limiter import RateLimiter

# Half of a key's limit: when another process takes the account over, both may call in the same minute.
CALLS_PER_MINUTE: Final = 55


class ApiClients:
    """One client for each address and key, created on first use and kept, so that it remembers its calls."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._http_clients = clients
        self._clock = clock
        self._clients: dict[tuple[str, str, bool], AnyCalcomClient] = {}

    def for_account(self, account: ReconciledAccount) -> AnyCalcomClient:
        """Returns the account's client."""
        cache_key = (account.url, account.key, account.is_own_url)
        if cache_key not in self._clients:
            client_class = CalcomV1Client if account.is_v1 else CalcomClient
            limiter = RateLimiter(self._clock, per_minute=CALLS_PER_MINUTE)
            http_client = self._http_clients.client_to(is_untrusted=account.is_own_url)
            self._clients[cache_key] = client_class(
                http_client, url=account.url, key=account.key, clock=self._clock, limiter=limiter
            )
        return self._clients[cache_key]
