"""The IPv6 network that counts as one client: its owner may use any address in it."""

from ipaddress import IPv6Address, IPv6Network
from typing import Final

_PREFIX_BITS: Final = 64


def client_network(address: IPv6Address) -> IPv6Network:
    """Return the /64 network of the address, which is what providers give a customer."""
    return IPv6Network((int(address), _PREFIX_BITS), strict=False)
