"""Calls addresses that users chose: only public ones, unless private ones are allowed.

A name is resolved right before each connection, and the connection uses the address that was checked, so a later change
of the name has no effect.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

import httpcore2
import httpx2

from showup.destinations.public_addresses import AddressPolicy, Lookup, NotPublicAddress
from showup.destinations.vendor_api import POOL, no_cookies, user_agent

# The speed of these servers is unknown.
_TIMEOUT: Final = httpx2.Timeout(15.0, connect=5.0)
# No expected response is this long, and a longer one would fill the memory.
_MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024


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


class _BoundedStream(httpx2.AsyncByteStream):
    """A response read up to a size limit; an unrequested compressed one is not read."""

    def __init__(self, response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.AsyncByteStream), (
            "an asynchronous transport creates asynchronous streams"
        )
        self._stream = response.stream
        self._is_compressed = response.headers.get("content-encoding", "identity").lower() != "identity"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for part in self._stream:
            read += len(part)
            if self._is_compressed or read > _MAX_RESPONSE_BYTES:
                raise httpx2.DecodingError("the response is compressed or too large")
            yield part

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._stream.aclose()


class _Transport(httpx2.AsyncHTTPTransport):
    """httpx2's transport, with a limit on the response size."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Makes one call."""
        response = await super().handle_async_request(request)
        response.stream = _BoundedStream(response)
        return response


class _PublicTransport(_Transport):
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
    transport = _Transport(limits=POOL) if policy.allow_private else _PublicTransport(policy.resolve)
    headers = user_agent(version) | {"Accept-Encoding": "identity"}
    return httpx2.AsyncClient(timeout=_TIMEOUT, headers=headers, cookies=no_cookies(), transport=transport)
