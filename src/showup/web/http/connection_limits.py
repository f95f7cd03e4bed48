"""Limits of a web process's connections, and the table of open connections that enforces them (docs/LIMITS.md)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, ip_address
from typing import Final, NamedTuple, Protocol

from showup.web.client_network import client_network
from showup.web.limited_log import LimitedLog

_CHECK_INTERVAL: Final = 0.25
"""Seconds between checks of all deadlines: one timer for a process costs less than one for each request."""


class ConnectionLimits(NamedTuple):
    """Limits of one connection, and of all connections of one process."""

    url_bytes: int = 8 * 1024
    """Bytes of a URL; RFC 9110 recommends at least 8,000."""
    head_bytes: int = 16 * 1024
    """Bytes of the request line and headers, or of all that surrounds a chunked body: extensions and trailers."""
    receive_seconds: float = 10.0
    """Seconds to receive a request, from its first byte; its sender is not authenticated yet."""
    drain_seconds: float = 10.0
    """Seconds to read a response that fills the buffers; until then it takes memory."""
    idle_seconds: float = 10.0
    """Seconds that a connection is kept for its next request. All three are equal, so the connection with the earliest
    deadline is the one that has waited longest."""
    linger_seconds: float = 1.0
    """Seconds to read a refusal; closing at once would destroy it if the client is still sending."""
    connections: int = 512
    """Open connections: half of 1,024, a usual limit of open files. The database and new connections use the rest."""
    connections_per_source: int = 256
    """Open connections of one address (IPv6: one /64 network) that is not a trusted proxy: half of all."""
    incoming_bytes: int = 16 * 1024 * 1024
    """Bytes of unfinished bodies and of pipelined requests, together: sixteen webhooks of the maximum size."""


DEFAULT_LIMITS: Final = ConnectionLimits()


class LimitedConnection(Protocol):
    """One open connection; times are those of the event loop, in seconds."""

    source: str | None
    deadline: float
    incoming_bytes: int

    def check_deadline(self, now: float) -> None:
        """End the connection if its deadline has passed."""

    def refuse(self, kind: str) -> None:
        """Answer with a problem type and close."""

    def abort(self) -> None:
        """Close at once, without an answer."""


class OpenConnections:
    """The open connections of one process.

    If there are too many connections or bytes, the connection with the earliest deadline ends, so a new sender always
    gets a turn. Connections that wait for our response have no deadline and end last.
    """

    def __init__(self, limits: ConnectionLimits, is_trusted_proxy: Callable[[str], bool]) -> None:
        self.limits = limits
        self.invalid_requests = LimitedLog("invalid HTTP request")
        self._is_trusted_proxy = is_trusted_proxy
        self._connections: set[LimitedConnection] = set()
        self._by_source: Counter[str | None] = Counter()
        self._incoming_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def source_of(self, host: str | None) -> str | None:
        """Return the source that a client's address counts for; None if its connections are not counted."""
        if host is None or self._is_trusted_proxy(host):
            return None
        address = ip_address(host.partition("%")[0])
        if isinstance(address, IPv4Address) or address.ipv4_mapped:
            return host
        return str(client_network(address))

    def add(self, connection: LimitedConnection) -> None:
        """Add a connection. Beyond a limit, close the one with the earliest deadline."""
        self._connections.add(connection)
        source = connection.source
        self._by_source[source] += 1
        if source is not None and self._by_source[source] > self.limits.connections_per_source:
            self._close_first(other for other in self._connections if other.source == source)
        elif len(self._connections) > self.limits.connections:
            self._close_first(self._connections)
        if self._timer is None:
            self._check_later()

    def remove(self, connection: LimitedConnection) -> None:
        """Forget a connection that has ended; again is allowed."""
        if connection not in self._connections:
            return
        self.set_incoming(connection, 0)
        self._connections.discard(connection)
        self._by_source[connection.source] -= 1
        if not self._by_source[connection.source]:
            del self._by_source[connection.source]

    def set_incoming(self, connection: LimitedConnection, size: int) -> None:
        """Record how many incoming bytes a connection holds. Beyond the limit, refuse those with early deadlines."""
        self._incoming_bytes += size - connection.incoming_bytes
        connection.incoming_bytes = size
        while self._incoming_bytes > self.limits.incoming_bytes:
            holders = (other for other in self._connections if other.incoming_bytes)
            first = min(holders, key=_deadline_of)
            first.refuse("overloaded")
            self.set_incoming(first, 0)

    def _close_first(self, connections: Iterable[LimitedConnection]) -> None:
        first = min(connections, key=_deadline_of)
        self.remove(first)
        first.abort()

    def _check_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_CHECK_INTERVAL, self._check_deadlines)

    def _check_deadlines(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self._connections):
            connection.check_deadline(now)
        self._timer = None
        if self._connections:
            self._check_later()


def _deadline_of(connection: LimitedConnection) -> float:
    return connection.deadline
