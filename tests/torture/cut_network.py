"""A host of its own, made of Linux's network namespaces, whose network to the database can be cut without a trace.

Packets pass a router that stops forwarding them: nobody is told, and connections stay open on both sides.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

# A range for tests of networks (RFC 2544); each link has the addresses of a /30.
_PREFIX: Final = "198.18.77"
HOST_FOR_SENDER: Final = f"{_PREFIX}.2"
DATABASE_FOR_HOST: Final = f"{_PREFIX}.10"


class CutNetwork:
    """`host` is the namespace of the host. Its clients reach it directly, and it reaches the database by the router."""

    def __init__(self) -> None:
        self.host = f"showup-host-{os.getpid()}"
        self._router = f"showup-router-{os.getpid()}"

    def open(self) -> None:
        """Makes the namespaces, their links and their routes."""
        for namespace in (self.host, self._router):
            _ip("netns", "add", namespace)
            _ip("-n", namespace, "link", "set", "lo", "up")
        self._connect("", f"{_PREFIX}.1", self.host, HOST_FOR_SENDER)
        self._connect(self.host, f"{_PREFIX}.5", self._router, f"{_PREFIX}.6")
        self._connect(self._router, f"{_PREFIX}.9", "", DATABASE_FOR_HOST)
        _ip("-n", self.host, "route", "add", f"{_PREFIX}.8/30", "via", f"{_PREFIX}.6")
        _ip("route", "add", f"{_PREFIX}.4/30", "via", f"{_PREFIX}.9")
        self.reconnect()

    def cut(self) -> None:
        """Loses every packet between the host and the database from now on."""
        self._forward("0")

    def reconnect(self) -> None:
        """Lets packets pass again."""
        self._forward("1")

    def close(self) -> None:
        """Removes everything, also what `open` made before it failed."""
        # The kernel removes the links of a removed namespace only later, and their names are needed again.
        for arguments in (
            *(("link", "delete", _link_name(one)) for one in (f"{_PREFIX}.1", DATABASE_FOR_HOST)),
            *(("netns", "delete", namespace) for namespace in (self.host, self._router)),
        ):
            subprocess.run(["ip", *arguments], check=False, capture_output=True)

    def _forward(self, value: str) -> None:
        command = ("ip", "netns", "exec", self._router, "sysctl", "-q", "-w", f"net.ipv4.ip_forward={value}")
        subprocess.run(command, check=True)

    def _connect(self, left: str, left_address: str, right: str, right_address: str) -> None:
        names = [_link_name(address) for address in (left_address, right_address)]
        _ip("link", "add", names[0], "type", "veth", "peer", "name", names[1])
        for name, namespace, address in ((names[0], left, left_address), (names[1], right, right_address)):
            inside = ("-n", namespace) if namespace else ()
            if namespace:
                _ip("link", "set", name, "netns", namespace)
            _ip(*inside, "address", "add", f"{address}/30", "dev", name)
            _ip(*inside, "link", "set", name, "up")


@contextmanager
def cut_network() -> Iterator[CutNetwork]:
    """Makes the network, and removes it at the end."""
    network = CutNetwork()
    try:
        network.open()
        yield network
    finally:
        network.close()


@cache
def unsupported_reason() -> str | None:
    """Returns why this machine or account can't make such a network, or None."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux makes network namespaces"
    if not shutil.which("ip") or not shutil.which("sysctl"):
        return "the programs ip and sysctl are needed (Debian: iproute2, procps)"
    try:
        with cut_network():
            return None
    except subprocess.CalledProcessError as fault:
        return f"{' '.join(fault.cmd)}: {(fault.stderr or b'').decode(errors='replace').strip()}"


def _link_name(address: str) -> str:
    return f"su{address.rpartition('.')[2]}-{os.getpid() % 100_000}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
