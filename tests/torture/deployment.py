"""The deployments on which rounds run: processes of Showup that can be killed, and that recover."""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import httpx2

from tests.torture.load_sender import LoadSender
from tests.torture.programs import wait_until

# These faults of the database lead to 503, and must not end a process of Showup.
DATABASE_FAULTS = frozenset(
    {
        *("backend", "postmaster", "postmaster while it starts"),
        *("restart", "cut", "connections held", "hang", "long hang", "disk full"),
    }
)


class Deployment(ABC):
    """`targets` are the words that `inject_fault` understands."""

    targets: ClassVar[Sequence[str]]

    @property
    @abstractmethod
    def addresses(self) -> Sequence[str]:
        """Returns the addresses that serve, or served until a moment ago."""

    @property
    @abstractmethod
    def dsn(self) -> str:
        """Returns the address of the database, for the checks."""

    @property
    @abstractmethod
    def variables(self) -> Mapping[str, str]:
        """Returns the settings with which other commands find the same Showup."""

    @abstractmethod
    async def inject_fault(self, target: str, rng: random.Random, sender: LoadSender) -> None:
        """Injects the fault while `sender` goes on sending."""

    @property
    @abstractmethod
    def death_count(self) -> int:
        """Returns how many processes have died whose parents are alive."""

    @abstractmethod
    def restart_dead(self) -> None:
        """Restarts the processes that have no parent, as an operator's machine does.

        All others must recover by themselves.
        """

    @abstractmethod
    def close(self, *, preserve: bool = False) -> None:
        """Stops everything; raises when a process or a file is left behind.

        `preserve`: the disk stays, for inspection.
        """

    def wait_until_ready(self) -> None:
        """Waits until every address serves and the database answers."""
        wait_until(lambda: all(_is_up(address) for address in self.addresses))


def _is_up(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False
