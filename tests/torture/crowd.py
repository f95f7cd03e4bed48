"""R6's stage: three web processes and three workers on one PostgreSQL, each with a parent of its own."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import psutil

from showup.database.embedded.server import EmbeddedPostgres
from tests.torture.client_workspace import SECRET_KEY
from tests.torture.programs import Program, backends, gone, kill, postmaster
from tests.torture.sending import Sender
from tests.torture.stage import Stage

_EACH = 3


class Crowd(Stage):
    """As on several machines that share a database; nothing but the database holds them together."""

    victims: ClassVar[Sequence[str]] = (
        *("web", "web's parent", "worker", "worker's parent", "all workers but one"),
        *("backend", "postmaster"),
    )

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.data = folder / "data"
        self._postgres = EmbeddedPostgres(self.data)
        self._addresses = [""] * _EACH
        self._webs: list[Program] = []
        self.workers: list[Program] = []
        self._orphans: list[psutil.Process] = []
        self._postgres.open()
        try:
            self._webs += [self._web(number) for number in range(_EACH)]
            self.workers += [self._worker(number) for number in range(_EACH)]
            for number in range(_EACH):
                self._introduce(number)
        except BaseException:
            for program in (*self._webs, *self.workers):
                program.kill()
            self._postgres.close()
            raise

    @property
    def addresses(self) -> Sequence[str]:
        return self._addresses

    @property
    def dsn(self) -> str:
        return self._postgres.dsn

    @property
    def variables(self) -> Mapping[str, str]:
        return {"DATABASE_URL": self._postgres.dsn, "SHOWUP_SECRET_KEY": SECRET_KEY}

    @property
    def deaths(self) -> int:
        return sum(program.deaths for program in (*self._webs, *self.workers))

    async def strike(self, victim: str, rng: random.Random, sender: Sender) -> None:  # noqa: ARG002 # a kill asks nobody
        await asyncio.to_thread(self._kill, victim, rng)

    def _kill(self, victim: str, rng: random.Random) -> None:
        one = rng.randrange(_EACH)
        match victim:
            case "web":
                kill(*self._webs[one].children("web"))
            case "web's parent":
                self._orphans += self._webs[one].kill()
            case "worker":
                kill(*self.workers[one].children("work"))
            case "worker's parent":
                self._orphans += self.workers[one].kill()
            case "all workers but one":
                others = [worker for worker in self.workers if worker is not self.workers[one]]
                kill(*(child for worker in others for child in worker.children("work")))
            case "backend":
                kill(*rng.sample(backends(postmaster(self.data)), 1))
            case "postmaster":
                kill(postmaster(self.data))
            case _:
                raise ValueError(victim)

    def mend(self) -> None:
        self._postgres.ensure()
        for number in range(_EACH):
            if not self.workers[number].lives:
                self.workers[number] = self._worker(number)
            if not self._webs[number].lives:
                self._webs[number] = self._web(number)
            self._introduce(number)
        gone(self._orphans)
        self._orphans.clear()

    def close(self, *, keep: bool = False) -> None:  # noqa: ARG002 # a folder is nobody's but its maker's
        programs = (*self._webs, *self.workers)
        for program in programs:
            program.ask_to_end()
        for program in programs:
            program.end()
        self._postgres.close()
        assert postmaster(self.data) is None, "PostgreSQL was left behind"

    def _web(self, number: int) -> Program:
        said = self._folder / f"web-{number}.log"
        return Program(said, "serve", "--no-work", "--port", "0", **self.variables)

    def _worker(self, number: int) -> Program:
        return Program(self._folder / f"work-{number}.log", "work", **self.variables)

    def _introduce(self, number: int) -> None:
        self._addresses[number] = self._webs[number].hear(r"running at (\S+)")
        self.workers[number].hear(r"(Showup works)")
