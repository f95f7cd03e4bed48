"""The deployment of R1: one `showup serve` with the embedded PostgreSQL, any part of which may be killed."""

import asyncio
import random
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from tests.torture.client_workspace import SECRET_KEY
from tests.torture.deployment import Deployment
from tests.torture.load_sender import LoadSender
from tests.torture.programs import Program, backends, kill, postmaster, socket_folder, wait_until, wait_until_gone

_STARTS_WITHIN = 2.0
# Below the ports that systems assign to clients. Among thousands of connections to a server that is down, one would
# otherwise get the server's own port, connect to itself, and block the port for the server.
_PORTS = range(20_000, 32_000)


class SingleServe(Deployment):
    """Runs everything in one process tree, as `make run` starts it."""

    targets: ClassVar[Sequence[str]] = (
        *("web", "worker", "web and worker", "parent", "parent while it starts"),
        *("backend", "postmaster", "postmaster while it starts", "everything"),
    )

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.data = folder / "data"
        # The port never changes: Cal.com knows no other, and the next start must find it free.
        self._port = fixed_port()
        self._serve = self._start_and_wait()

    @property
    def addresses(self) -> Sequence[str]:
        return [self._address]

    @property
    def dsn(self) -> str:
        return f"postgresql://showup@/showup?host={socket_folder(self.data)}&port=5432"

    @property
    def variables(self) -> Mapping[str, str]:
        return {"SHOWUP_DATA_DIR": str(self.data), "SHOWUP_SECRET_KEY": SECRET_KEY}

    @property
    def death_count(self) -> int:
        return self._serve.death_count

    async def inject_fault(self, target: str, rng: random.Random, sender: LoadSender) -> None:  # noqa: ARG002 # a kill needs neither
        await asyncio.to_thread(self._kill, target, rng)

    def _kill(self, target: str, rng: random.Random) -> None:
        match target:
            case "web" | "worker" | "web and worker":
                web, work = self._serve.children("web"), self._serve.children("work")
                kill(*(web if "web" in target else ()), *(work if "worker" in target else ()))
            case "backend":
                kill(*rng.sample(backends(postmaster(self.data)), 1))
            case "postmaster" | "postmaster while it starts":
                kill(postmaster(self.data))
                if "starts" in target:
                    kill(wait_until(lambda: postmaster(self.data)))
            case _:
                self._kill_parent(target, rng)

    def _kill_parent(self, target: str, rng: random.Random) -> None:
        self._orphans = self._serve.kill()
        if target == "everything":
            kill(postmaster(self.data), *self._orphans)
        elif target == "parent while it starts":
            restarted = self._start()
            time.sleep(rng.uniform(0, _STARTS_WITHIN))  # until a random moment
            self._orphans += restarted.kill()

    def restart_dead(self) -> None:
        if not self._serve.is_running:
            # At once, while the processes that lost their parent may still be ending.
            self._serve = self._start_and_wait()
            wait_until_gone(self._orphans)

    def close(self, *, preserve: bool = False) -> None:  # noqa: ARG002 # the folder is never removed here
        self._serve.stop()
        assert postmaster(self.data) is None, "PostgreSQL was left behind"

    def _start_and_wait(self) -> Program:
        program = self._start()
        try:
            self._address = program.wait_for(r"running at (\S+)")
        except BaseException:
            program.kill()
            kill(postmaster(self.data))
            raise
        return program

    def _start(self) -> Program:
        return Program(self._folder / "serve.log", "serve", "--port", self._port, **self.variables)


def fixed_port() -> str:
    """Returns a free port that no client's connection gets."""
    for port in random.sample(_PORTS, len(_PORTS)):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return str(port)
    raise AssertionError("no port is free")
