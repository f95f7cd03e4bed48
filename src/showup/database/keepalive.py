"""Notice within a bounded time that the other end of a connection is gone: without these options, that takes hours.

A host that loses its network or its power closes no connection. Linux asks an idle one for a sign of life only after
two hours, and repeats unanswered data for 15 minutes (tcp(7)).
"""

import asyncio
import socket
from typing import Any, Final

import asyncpg

_IDLE_SECONDS: Final = 10
_INTERVAL_SECONDS: Final = 5
_PROBES: Final = 3
_UNANSWERED_MS: Final = 15_000

# Some systems lack some of them; macOS calls the first one TCP_KEEPALIVE.
_OPTIONS: Final = tuple(
    (getattr(socket, name), value)
    for name, value in (
        ("TCP_KEEPIDLE", _IDLE_SECONDS),
        ("TCP_KEEPALIVE", _IDLE_SECONDS),
        ("TCP_KEEPINTVL", _INTERVAL_SECONDS),
        ("TCP_KEEPCNT", _PROBES),
        ("TCP_USER_TIMEOUT", _UNANSWERED_MS),
    )
    if hasattr(socket, name)
)

SERVER_SETTINGS: Final = {
    "tcp_keepalives_idle": str(_IDLE_SECONDS),
    "tcp_keepalives_interval": str(_INTERVAL_SECONDS),
    "tcp_keepalives_count": str(_PROBES),
    "tcp_user_timeout": str(_UNANSWERED_MS),
}
"""The same for the server: until it notices, it keeps the transaction and the locks of a host that is gone."""


class KeptAliveConnection(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection that ends at most 25 s after the other end was last heard of, and 15 s after unanswered data."""

    __slots__ = ()

    def __init__(self, protocol: Any, transport: asyncio.Transport, *arguments: Any) -> None:
        super().__init__(protocol, transport, *arguments)
        connected = transport.get_extra_info("socket")
        if connected is not None and connected.family in (socket.AF_INET, socket.AF_INET6):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _OPTIONS:
                connected.setsockopt(socket.IPPROTO_TCP, option, value)
