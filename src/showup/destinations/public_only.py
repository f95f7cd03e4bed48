"""Calls to addresses that others chose: to public ones alone, unless somebody allowed private ones.

What a name leads to is looked up right before each connection, and the connection goes to the very address that was
looked at: a name that leads elsewhere a moment later has nothing from it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

import httpcore2
import httpx2

from showup.destinations.public_addresses import Lookup, Outside, is_public, look_up, not_public
from showup.destinations.wire import POOL, no_cookies, user_agent

# Nobody knows how quick they are.
_PATIENCE: Final = httpx2.Timeout(15.0, connect=5.0)
# Nobody whom we ask has as much to say, and whoever says more would fill the memory.
_LARGEST_ANSWER: Final = 16 * 1024 * 1024


class PrivateAddress(httpx2.ConnectError):
    """A host leads to where only this machine or its network gets; the text says so, and what to do."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(not_public(host, address))


class _PublicBackend(httpcore2.AsyncNetworkBackend):
    """Connects to public addresses, and raises PrivateAddress for all others."""

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
        """A connection to the first of the host's addresses that takes one, if all of them are public."""
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
                found = list(dict.fromkeys(await self._lookup(host, port)))
        except TimeoutError:
            raise httpcore2.ConnectTimeout(f"{host} was not found in time") from None
        except (OSError, UnicodeError):
            raise httpcore2.ConnectError(f"{host} can't be found") from None
        for one in found:
            if not is_public(one):
                raise PrivateAddress(host, one)
        return found

    async def sleep(self, seconds: float) -> None:
        """As httpcore2 wants it."""
        await self._plain.sleep(seconds)


class _Bounded(httpx2.AsyncByteStream):
    """An answer that ends, read no further than that; one that is packed, though nobody asked for it, is not read."""

    def __init__(self, answer: httpx2.Response) -> None:
        assert isinstance(answer.stream, httpx2.AsyncByteStream), "an asynchronous transport made it"
        self._stream = answer.stream
        self._is_packed = answer.headers.get("content-encoding", "identity").lower() != "identity"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for part in self._stream:
            read += len(part)
            if self._is_packed or read > _LARGEST_ANSWER:
                raise httpx2.DecodingError("the answer is packed, or larger than any should be")
            yield part

    async def aclose(self) -> None:
        """The connection's end of it."""
        await self._stream.aclose()


class _Transport(httpx2.AsyncHTTPTransport):
    """httpx2's own, whose answers are bounded."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One call."""
        answer = await super().handle_async_request(request)
        answer.stream = _Bounded(answer)
        return answer


class _PublicTransport(_Transport):
    """The same, over connections that were looked at."""

    def __init__(self, lookup: Lookup) -> None:
        super().__init__(limits=POOL)
        # httpx2 takes no backend, though what it stands on does.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            max_connections=POOL.max_connections,
            max_keepalive_connections=POOL.max_keepalive_connections,
            keepalive_expiry=POOL.keepalive_expiry,
            network_backend=_PublicBackend(lookup),
        )


def client(version: str, outside: Outside) -> httpx2.AsyncClient:
    """One for a process, for all addresses that others chose. Whoever makes it closes it.

    It goes by no proxy of the environment's: who connects must be who looked. Its calls raise PrivateAddress. Answers
    come as they are, not packed, and end at a size.
    """
    transport = _Transport(limits=POOL) if outside.private else _PublicTransport(outside.lookup or look_up)
    headers = user_agent(version) | {"Accept-Encoding": "identity"}
    return httpx2.AsyncClient(timeout=_PATIENCE, headers=headers, cookies=no_cookies(), transport=transport)
