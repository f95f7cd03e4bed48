"""The deployment of R6: three web processes and three workers on one PostgreSQL, each with its own parent."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import psutil

from showup.database.embedded.server import EmbeddedPostgres
from tests.torture.client_workspace import SECRET_KEY
from tests.torture.deployment import Deployment
from tests.torture.load_sender import LoadSender
from tests.torture.programs import Program, backends, kill, postmaster, stop_all, wait_until_gone

_COUNT = 3


class ManyProcesses(Deployment):
    """Runs like several machines that share a database: the processes have nothing else in common."""

    targets: ClassVar[Sequence[str]] = (
        *("web", "web's parent", "worker", "worker's parent", "all workers but one"),
        *("backend", "postmaster"),
    )

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.data = folder / "data"
        self._postgres = EmbeddedPostgres(self.data)
        self._addresses = [""] * _COUNT
        self._webs: list[Program] = []
        self.workers: list[Program] = []
        self._orphans: list[psutil.Process] = []
        self._postgres.open()
        try:
            self._webs += [self._web(number) for number in range(_COUNT)]
            self.workers += [self._worker(number) for number in range(_COUNT)]
            for number in range(_COUNT):
                self._wait_until_ready(number)
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
    def death_count(self) -> int:
        return sum(program.death_count for program in (*self._webs, *self.workers))

    async def inject_fault(self, target: str, rng: random.Random, sender: LoadSender) -> None:  # noqa: ARG002 # a kill needs neither
        await asyncio.to_thread(self._kill, target, rng)

    def _kill(self, target: str, rng: random.Random) -> None:
        index = rng.randrange(_COUNT)
        match target:
            case "web":
                kill(*self._webs[index].children("web"))
            case "web's parent":
                self._orphans += self._webs[index].kill()
            case "worker":
                kill(*self.workers[index].children("work"))
            case "worker's parent":
                self._orphans += self.workers[index].kill()
            case "all workers but one":
                others = [worker for worker in self.workers if worker is not self.workers[index]]
                kill(*(child for worker in others for child in worker.children("work")))
            case "backend":
                kill(*rng.sample(backends(postmaster(self.data)), 1))
            case "postmaster":
                kill(postmaster(self.data))
            case _:
                raise ValueError(target)

    def restart_dead(self) -> None:
        self._postgres.ensure()
        for number in range(_COUNT):
            if not self.workers[number].is_running:
                self.workers[number] = self._worker(number)
            if not self._webs[number].is_running:
                self._webs[number] = self._web(number)
            self._wait_until_ready(number)
        wait_until_gone(self._orphans)
        self._orphans.clear()

    def close(self, *, preserve: bool = False) -> None:  # noqa: ARG002 # the folder is never removed here
        stop_all((*self._webs, *self.workers))
        self._postgres.close()
        assert postmaster(self.data) is None, "PostgreSQL was left behind"

    def _web(self, number: int) -> Program:
        log_path = self._folder / f"web-{number}.log"
        return Program(log_path, "serve", "--no-work", "--port", "0", **self.variables)

    def _worker(self, number: int) -> Program:
        return Program(self._folder / f"work-{number}.log", "work", **self.variables)

    def _wait_until_ready(self, number: int) -> None:
        self._addresses[number] = self._webs[number].wait_for(r"running at (\S+)")
        self.workers[number].wait_for(r"(Showup runs)")
