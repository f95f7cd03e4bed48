"""Chooses among web servers as a load balancer does: those whose /readyz answered 200 when it last asked."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

import httpx2

CHECK_INTERVAL = 1.0
"""Seconds between two checks of a server: Caddy, nginx Plus and Kubernetes take 1 to 10 s."""

_TIMEOUT = 3.0


class Balancer:
    """The servers that receive requests. It repeats no request: a server must never refuse one that it was sent."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._is_ready = dict.fromkeys(addresses, True)

    @property
    def ready(self) -> Sequence[str]:
        """Returns the addresses of the servers that are ready."""
        return [address for address, is_ready in self._is_ready.items() if is_ready]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Checks each server at an interval while the block runs."""
        async with httpx2.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client:
            tasks = [asyncio.create_task(self._check(client, address)) for address in self._is_ready]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                for task in tasks:
                    with suppress(asyncio.CancelledError):
                        await task

    async def _check(self, client: httpx2.AsyncClient, address: str) -> None:
        while True:
            try:
                response = await client.get(f"{address}/readyz")
                self._is_ready[address] = response.status_code == httpx2.codes.OK
            except httpx2.TransportError:
                self._is_ready[address] = False
            await asyncio.sleep(CHECK_INTERVAL)
