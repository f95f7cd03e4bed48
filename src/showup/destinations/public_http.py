"""Calls addresses that users chose: only public ones, unless private ones are allowed.

A name is resolved right before each connection, and the connection uses the address that was checked, so a later change
of the name has no effect.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

import httpcore2
import httpx2

from showup.destinations.bounded_client import BoundedClient
from showup.destinations.public_addresses import AddressPolicy, Lookup, NotPublicAddress
from showup.destinations.vendor_api import POOL, no_cookies, user_agent

# The speed of these servers is unknown.
_TIMEOUT: Final = httpx2.Timeout(15.0, connect=5.0)


class PrivateAddress(httpx2.ConnectError):
    """Raised when a host resolves to a local or private address; the text says so, and what to do."""


class _PublicBackend(httpcore2.AsyncNetworkBackend):
    """Connects to the addresses that `lookup` returns, and raises PrivateAddress where it refuses one."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._plain = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore2's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connects to the first of the host's addresses that accepts."""
        failure: Exception | None = None
        for address in await self._addresses(host, port, timeout):
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as fault:
                failure = failure or fault
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    async def _addresses(self, host: str, port: int, within: float | None) -> Sequence[str]:
        try:
            async with asyncio.timeout(within):
                return await self._lookup(host, port)
        except TimeoutError:
            raise httpcore2.ConnectTimeout(f"the DNS lookup of {host} timed out") from None
        except NotPublicAddress as refusal:
            raise PrivateAddress(str(refusal)) from None
        except (OSError, UnicodeError):
            raise httpcore2.ConnectError(f"{host} can't be resolved") from None

    async def sleep(self, seconds: float) -> None:
        """Waits, as httpcore2 requires."""
        await self._plain.sleep(seconds)


class _PublicTransport(httpx2.AsyncHTTPTransport):
    """httpx2's transport, over checked connections."""

    def __init__(self, lookup: Lookup) -> None:
        super().__init__(limits=POOL)
        # httpx2 accepts no network backend, but the pool under it does.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            max_connections=POOL.max_connections,
            max_keepalive_connections=POOL.max_keepalive_connections,
            keepalive_expiry=POOL.keepalive_expiry,
            network_backend=_PublicBackend(lookup),
        )


def client(version: str, policy: AddressPolicy) -> httpx2.AsyncClient:
    """Returns the process's client for all addresses that users chose. The caller closes it.

    It uses no proxy from the environment, because the checked address must be the one connected to. Its calls raise
    PrivateAddress. Responses are uncompressed and limited in size.
    """
    transport = httpx2.AsyncHTTPTransport(limits=POOL) if policy.allow_private else _PublicTransport(policy.resolve)
    return BoundedClient(timeout=_TIMEOUT, headers=user_agent(version), cookies=no_cookies(), transport=transport)
