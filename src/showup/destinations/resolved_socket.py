"""Opens TCP connections for protocols other than HTTP, to exactly the addresses that a lookup returned.

A lookup may refuse an address (`AddressPolicy.resolve`). The host is resolved once for each connection, so a name that
resolves differently a moment later has no effect.
"""

import asyncio
import socket

from showup.destinations.public_addresses import Lookup


async def connect(lookup: Lookup, host: str, port: int) -> socket.socket:
    """Returns a connected, non-blocking socket; the caller closes it and sets the time limit.

    Raises OSError or UnicodeError when the lookup refuses the host or finds no address, or when none accepts.
    """
    failure: OSError | None = None
    for address in await lookup(host, port):
        try:
            return await _connect(address, port)
        except OSError as fault:
            failure = failure or fault
    raise failure or OSError(f"{host} has no address")


async def _connect(address: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, (address, port))
    except BaseException:
        # Also when the caller's time limit ends the attempt.
        opened.close()
        raise
    return opened
