"""Programs of Showup in processes of their own, with all that they say in a file, and ways to kill them."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import psutil

from showup.database.embedded.pid_file import stated_server
from tests.serving import AT_MOST, environment

Found = TypeVar("Found")

_BETWEEN_LOOKS = 0.02


class Program:
    """One `showup …`, started; `said` is the file of its output."""

    def __init__(self, said: Path, *arguments: str, **variables: str) -> None:
        self.said = said
        self._asked_to_end = False
        with said.open("ab") as output:
            self._began_at = output.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "showup", *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(LOG_FORMAT="json", **variables),
                start_new_session=True,
            )

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def hear(self, pattern: str) -> str:
        """Waits for words that match, and answers the first group."""

        def heard() -> re.Match[str] | None:
            found = re.search(pattern, self.words())
            assert found or self.lives, f"it ended and said:\n{self.words()}"
            return found

        return until(heard)[1]

    def words(self) -> str:
        """All that this start of the program said."""
        return self.said.read_bytes()[self._began_at :].decode(errors="replace")

    @property
    def deaths(self) -> int:
        """How many children of this start have died so far, killed or by themselves."""
        return self.words().count('"process_ended"')

    def children(self, kind: str) -> list[psutil.Process]:
        """Those of one kind, `web` or `work`; none when the program is gone."""
        with suppress(psutil.Error):
            return [one for one in psutil.Process(self.process.pid).children() if kind in _words_of(one)[-2:]]
        return []

    def kill(self) -> list[psutil.Process]:
        """Kill -9. Answers with the children, whom nobody tells: they have to see it themselves."""
        children = [*self.children("web"), *self.children("work")]
        self.process.kill()
        self.process.wait(AT_MOST)
        return children

    def ask_to_end(self) -> None:
        """Ctrl-C, once: a second one would break into an end that is on its way, and Python then dies of it."""
        if self.lives and not self._asked_to_end:
            self._asked_to_end = True
            self.process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """Ctrl-C, and a clean end, unless it was killed."""
        self.ask_to_end()
        code = self.process.wait(AT_MOST)
        assert code in (0, -signal.SIGKILL), f"it ended with {code} and said:\n{self.words()}"


def socket_folder(data: Path) -> Path:
    """Where the PostgreSQL of a data folder is reached, dead or alive."""
    stated = stated_server(next(data.glob("postgres/*/postmaster.pid")).parent)
    assert stated is not None
    assert stated.socket_folder is not None
    return stated.socket_folder


def postmaster(data: Path) -> psutil.Process | None:
    """The PostgreSQL of a data folder, unless it is dead."""
    with suppress(StopIteration, psutil.Error):
        stated = stated_server(next(data.glob("postgres/*/postmaster.pid")).parent)
        found = psutil.Process(stated.pid) if stated else None
        return found if found and str(data) in " ".join(_words_of(found)) else None
    return None


def backends(server: psutil.Process | None) -> list[psutil.Process]:
    """The processes of a PostgreSQL that each serve one of our connections."""
    with suppress(psutil.Error):
        return [one for one in (server.children() if server else []) if "showup showup" in " ".join(_words_of(one))]
    return []


def kill(*processes: psutil.Process | None) -> None:
    """Kill -9, and wait until they are no more."""
    living = [one for one in processes if one is not None]
    for one in living:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    gone(living)


def gone(processes: Iterable[psutil.Process]) -> None:
    """Waits until they are no more."""
    _, alive = psutil.wait_procs(list(processes), timeout=AT_MOST)
    assert not alive, f"left behind: {alive}"


@contextmanager
def stopped(processes: Iterable[psutil.Process]) -> Iterator[None]:
    """Processes that hang: they hold what they have, and answer nobody."""
    held = list(processes)
    try:
        for one in held:
            one.suspend()
        yield
    finally:
        for one in held:
            with suppress(psutil.NoSuchProcess):
                one.resume()


def until(look: Callable[[], Found | None], *, within: float = AT_MOST) -> Found:
    """Waits for what another process is about to do; it has nothing that could be awaited from here."""
    end = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(_BETWEEN_LOOKS)
    return found


def _words_of(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []
