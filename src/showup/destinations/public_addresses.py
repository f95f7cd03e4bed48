"""Decides which addresses are public: reachable over the internet."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias
from urllib.parse import urlsplit

# IANA's registries of special-purpose addresses (iana.org/assignments/iana-ipv4-special-registry and
# iana-ipv6-special-registry) change, so `is_global` of an older Python knows less than this list.
_SPECIAL_IPV4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network (RFC 791)
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598), with Alibaba Cloud's metadata service 100.100.100.200
        "127.0.0.0/8",  # loopback (RFC 1122)
        "168.63.129.16/32",  # Azure's host agent (learn.microsoft.com: "What is IP address 168.63.129.16?")
        "169.254.0.0/16",  # link-local (RFC 3927), with most clouds' metadata services
        "172.16.0.0/12",  # private (RFC 1918)
        "192.0.0.0/24",  # protocol assignments (RFC 6890), with Oracle Cloud's older metadata service 192.0.0.192
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.88.99.0/24",  # relays of 6to4, deprecated (RFC 7526)
        "192.168.0.0/16",  # private (RFC 1918)
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "198.51.100.0/24",  # documentation (RFC 5737)
        "203.0.113.0/24",  # documentation (RFC 5737)
        "224.0.0.0/4",  # multicast (RFC 5771)
        "240.0.0.0/4",  # reserved, and broadcast (RFC 1112, RFC 919)
    )
)
# All public IPv6 addresses are within this range (RFC 4291); these parts of it are special.
_PUBLIC_IPV6: Final = IPv6Network("2000::/3")
_SPECIAL_IPV6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments (RFC 2928): Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4: carries IPv4 addresses (RFC 3056)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
_CARRIES_IPV4: Final = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
_LOCAL_SUFFIXES: Final = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa")
Lookup: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host, as text. Raises OSError when it has none."""

_LOOKUP_TIMEOUT: Final = 3.0
_NO_ADDRESS: Final = "it is not a URL: use one such as https://crm.example.com/showup"


def not_public(host: str, address: str) -> str:
    """Returns the error text for a host with a non-public address, and what to do."""
    where = host if host == address else f"{host} resolves to {address}, which"
    return f"{where} is not a public address: to allow it, start Showup with SHOWUP_ALLOW_PRIVATE_ADDRESSES=true"


def is_public(address: str) -> bool:
    """Returns whether an IP address, as text, is public."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return _is_public_v4(parsed) if isinstance(parsed, IPv4Address) else _is_public_v6(parsed)


def _is_public_v4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in _SPECIAL_IPV4)


def _is_public_v6(address: IPv6Address) -> bool:
    if any(address in network for network in _CARRIES_IPV4):
        return _is_public_v4(IPv4Address(int(address) & 0xFFFF_FFFF))
    is_special = any(address in network for network in _SPECIAL_IPV6)
    return address in _PUBLIC_IPV6 and address.is_global and not is_special


def refusal_reason(url: str, *, allow_private: bool) -> str | None:
    """Returns why the address is refused, as far as its text shows; None if it is allowed."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return _NO_ADDRESS
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return _NO_ADDRESS
    if parts.username is not None or parts.password is not None:
        return "it contains a user or password, which logs would show: remove it. Showup signs each webhook"
    if parts.fragment:
        return "it has a fragment (#), which is never sent: remove it"
    if allow_private:
        return None
    if parts.scheme != "https":
        return "it does not begin with https://, so the data would not be encrypted: use https://"
    return not_public(host, host) if is_local(host) else None


def is_local(host: str) -> bool:
    """Returns whether a host is not public, as far as its text shows; nothing is resolved."""
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(_LOCAL_SUFFIXES):
        return True
    if (address := _numeric_address(name)) is not None:
        return not is_public(address)
    # A name without a dot is resolved within the local network.
    return "." not in name


def _numeric_address(name: str) -> str | None:
    """Parses an IP address in any spelling that the system accepts: 127.1, 0x7f000001 …"""
    if ":" in name:
        return name
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return None


# A thread for each attempt that may be in flight (dispatcher.py), started on demand. The event loop's own few threads
# could all wait for the slow name servers of one workspace's addresses.
_lookups = ThreadPoolExecutor(256, "lookup")


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Returns the addresses that the system resolves for a host. Raises OSError."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_lookups, look_up)
    return [str(where[0]) for *_, where in found]


class NotPublicAddress(OSError):
    """Raised when a host resolves to a local or private address; the text says so, and what to do."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(not_public(host, address))


class AddressPolicy:
    """Which addresses users may choose; with private ones allowed, any. Without `lookup`, no name is resolved."""

    def __init__(self, *, allow_private: bool = False, lookup: Lookup | None = None) -> None:
        self.allow_private = allow_private
        self.lookup = lookup

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Returns a host's addresses for one connection: a moment later, the name may resolve differently.

        Raises NotPublicAddress when one of them is not allowed, and OSError or UnicodeError when there is none.
        """
        found = list(dict.fromkeys(await (self.lookup or resolve_host)(host, port)))
        if not self.allow_private:
            for one in found:
                if not is_public(one):
                    raise NotPublicAddress(host, one)
        return found

    async def refusal_reason(self, url: str) -> str | None:
        """Returns why the address is refused, as far as is known now; None if it is allowed.

        A name that can't be resolved passes: it may exist later, and each call resolves it again.
        """
        because = refusal_reason(url, allow_private=self.allow_private)
        if because is not None or self.allow_private or self.lookup is None:
            return because
        host = urlsplit(url).hostname or ""
        try:
            async with asyncio.timeout(_LOOKUP_TIMEOUT):
                found = await self.lookup(host, 443)
        except (OSError, UnicodeError, TimeoutError):
            return None
        return next((not_public(host, one) for one in found if not is_public(one)), None)
