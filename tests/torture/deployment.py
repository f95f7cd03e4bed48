"""Where rounds are played: processes of Showup that can be struck, and come back."""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import httpx2

from tests.torture.load_sender import LoadSender
from tests.torture.programs import wait_until

# What these do to the database is a reason to say 503, and none to die of.
DATABASE_FAULTS = frozenset(
    {
        *("backend", "postmaster", "postmaster while it starts"),
        *("restart", "cut", "connections held", "hang", "long hang", "disk full"),
    }
)


class Deployment(ABC):
    """`victims` are the words that `strike` understands."""

    targets: ClassVar[Sequence[str]]

    @property
    @abstractmethod
    def addresses(self) -> Sequence[str]:
        """Where it is served, or was until a moment ago."""

    @property
    @abstractmethod
    def dsn(self) -> str:
        """Its database, for whoever looks behind the scenes."""

    @property
    @abstractmethod
    def variables(self) -> Mapping[str, str]:
        """The settings by which other commands find the same Showup."""

    @abstractmethod
    async def inject_fault(self, target: str, rng: random.Random, sender: LoadSender) -> None:
        """Does the victim harm, under the eyes of `sender`, who goes on sending."""

    @property
    @abstractmethod
    def death_count(self) -> int:
        """How many processes have died below parents that live."""

    @abstractmethod
    def restart_dead(self) -> None:
        """What an operator's machine does: start again what has no parent. All else has to come back by itself."""

    @abstractmethod
    def close(self, *, preserve: bool = False) -> None:
        """Ends it all; raises when something is left behind. `keep`: whatever disk was made stays, to be looked at."""

    def wait_until_ready(self) -> None:
        """Waits until every address serves, and the database answers."""
        wait_until(lambda: all(_is_up(address) for address in self.addresses))


def _is_up(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False
