"""Which addresses are public: reached over the internet, and by nothing else."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias
from urllib.parse import urlsplit

# Everything that IPv6 hands out to the public is within; 6to4 and Teredo, also within, only carry IPv4 addresses.
_PUBLIC_IPV6: Final = IPv6Network("2000::/3")
_CARRIES_IPV4: Final = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
_OF_THIS_NETWORK: Final = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa")
Lookup: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as text. Raises OSError when it has none."""

_LOOKED_UP_WITHIN: Final = 3.0
_NO_ADDRESS: Final = "it is no address: write one such as https://crm.example.com/showup"


def not_public(host: str, address: str) -> str:
    """What is said of a host that leads to an address that is not public, and what to do."""
    where = host if host == address else f"{host} leads to {address}, which"
    return f"{where} is no public address: set SHOWUP_ALLOW_PRIVATE_ADDRESSES=true if it is meant to be called"


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is reached over the internet, and by nothing else."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return _is_public_v4(parsed) if isinstance(parsed, IPv4Address) else _is_public_v6(parsed)


def _is_public_v4(address: IPv4Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _is_public_v6(address: IPv6Address) -> bool:
    if any(address in network for network in _CARRIES_IPV4):
        return _is_public_v4(IPv4Address(int(address) & 0xFFFF_FFFF))
    carries = address.sixtofour is not None or address.teredo is not None
    return address in _PUBLIC_IPV6 and address.is_global and not carries


def why_refused(url: str, *, private: bool) -> str | None:
    """Why nothing may be sent to this address, as far as its text alone says; None if it may. `private`: is allowed."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return _NO_ADDRESS
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return _NO_ADDRESS
    if parts.username is not None or parts.password is not None:
        return "it has a user or a password in it, which would be seen in logs: what is sent is signed instead"
    if parts.fragment:
        return "it has a part after #, which is never sent: leave that out"
    if private:
        return None
    if parts.scheme != "https":
        return "it must begin with https://, or anybody on the way could read what is sent"
    return not_public(host, host) if _is_of_this_network(host) else None


def _is_of_this_network(host: str) -> bool:
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(_OF_THIS_NETWORK):
        return True
    if (address := _written_as_number(name)) is not None:
        return not is_public(address)
    # A name without a dot is looked up among those of our own network.
    return "." not in name


def _written_as_number(name: str) -> str | None:
    """The IP address that the text stands for, in any of the spellings that the system takes: 127.1, 0x7f000001 …"""
    if ":" in name:
        return name
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return None


async def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses that the system knows for a host. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(where[0]) for *_, where in found]


class Outside:
    """What addresses chosen by others may lead to; `private`: anywhere. Without `lookup`, nobody asks where they do."""

    def __init__(self, *, private: bool = False, lookup: Lookup | None = None) -> None:
        self.private = private
        self.lookup = lookup

    async def why_refused(self, url: str) -> str | None:
        """Why nothing may be sent there, as far as can be said now; None if it may.

        A name that can't be found passes: it may come to be, and is looked up anew by each call.
        """
        because = why_refused(url, private=self.private)
        if because is not None or self.private or self.lookup is None:
            return because
        host = urlsplit(url).hostname or ""
        try:
            async with asyncio.timeout(_LOOKED_UP_WITHIN):
                found = await self.lookup(host, 443)
        except (OSError, UnicodeError, TimeoutError):
            return None
        return next((not_public(host, one) for one in found if not is_public(one)), None)
