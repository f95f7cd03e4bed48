"""Makes EmailBison's client for each source; all runs with one token share a limit of calls."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from showup.clock import Clock
from showup.destinations.emailbison.client import EmailBisonClient
from showup.dispatch.destination_context import Clients
from showup.reconcile.lead_sync.source import LeadSource
from showup.sources.calcom.rate_limiter import RateLimiter

CALLS_PER_MINUTE: Final = 1_200
"""EmailBison allows 3,000, its documentation says; deliveries and other programs use the same token."""


class CallLimit:
    """The meter of a client whose calls a limiter of this process counts."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    async def take(self, calls: int = 1) -> None:
        """Waits until this many more calls may be made."""
        for _ in range(calls):
            await self._limiter.acquire()


class LeadClients:
    """The clients of a process."""

    def __init__(
        self, clients: Clients, clock: Clock, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._http_clients = clients
        self._clock = clock
        self._pause = pause
        self._limiters: dict[tuple[str, str], RateLimiter] = {}

    def for_source(self, source: LeadSource) -> EmailBisonClient:
        """Returns a client for one run."""
        key = (source.url, source.token)
        if key not in self._limiters:
            self._limiters[key] = RateLimiter(self._clock, self._pause, per_minute=CALLS_PER_MINUTE)
        return EmailBisonClient(
            self._http_clients.client_for(source.connection, source.settings),
            url=source.url,
            token=source.token,
            clock=self._clock,
            meter=CallLimit(self._limiters[key]),
        )
