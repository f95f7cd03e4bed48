"""What a running server says of itself in its `postmaster.pid`, and whether that is still true."""

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from showup.database.embedded.folder import PORT

# The lines of the file, counted from nought; a server that is just starting has written only the first ones.
_PID, _SOCKET_FOLDER, _STATUS = 0, 4, 7
_ANSWERS_WITHIN = 2.0


@dataclass(frozen=True)
class StatedServer:
    """A server as its file tells; it may be long gone."""

    pid: int
    socket_folder: Path | None
    status: str

    @property
    def ready(self) -> bool:
        """Whether it takes connections, whatever the file says.

        For a moment after its death a child that it had just forked may still hold the socket, so it must live too.
        """
        if self.status != "ready" or self.socket_folder is None:
            return False
        return self.living and _answers(self.socket_folder)

    @property
    def living(self) -> bool:
        """Whether its process is a PostgreSQL that hasn't ended; where there is no /proc, any process."""
        with suppress(ChildProcessError):
            # In a container without an init, orphans come to us, and nobody else clears away their remains.
            os.waitpid(self.pid, os.WNOHANG)
        try:
            name, _, rest = Path(f"/proc/{self.pid}/stat").read_text().partition("(")[2].rpartition(")")
            return name == "postgres" and not rest.lstrip().startswith("Z")
        except OSError:
            return not Path("/proc/self/stat").exists() and _signals(self.pid)


def stated_server(cluster: Path) -> StatedServer | None:
    """Reads the file of the server on these database files; None where there is none (yet)."""
    try:
        lines = [line.strip() for line in (cluster / "postmaster.pid").read_text(errors="replace").splitlines()]
        pid = int(lines[_PID])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if len(lines) <= _STATUS:
        return StatedServer(pid, None, "")
    return StatedServer(pid, Path(lines[_SOCKET_FOLDER]), lines[_STATUS])


def _answers(folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as tried:
        tried.settimeout(_ANSWERS_WITHIN)
        try:
            tried.connect(str(folder / f".s.PGSQL.{PORT}"))
        except OSError:
            return False
        return True


def _signals(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
