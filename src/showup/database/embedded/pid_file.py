"""Read a running server's `postmaster.pid`, and check whether it is still valid."""

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from showup.database.embedded.folder import PORT

# The lines of the file, counted from zero; a starting server has written only the first ones.
_PID, _SOCKET_FOLDER, _STATUS = 0, 4, 7
_CONNECT_TIMEOUT = 2.0


@dataclass(frozen=True)
class RecordedServer:
    """A server as recorded in its file; it may have ended long ago."""

    pid: int
    socket_folder: Path | None
    status: str

    @property
    def is_ready(self) -> bool:
        """Return whether it accepts connections, whatever the file says.

        For a moment after its death a child that it had just forked may still hold the socket, so the process must be
        alive too.
        """
        if self.status != "ready" or self.socket_folder is None:
            return False
        return self.is_alive and _accepts_connections(self.socket_folder)

    @property
    def is_alive(self) -> bool:
        """Return whether its process is a running PostgreSQL; without /proc, whether any process has its pid."""
        with suppress(ChildProcessError):
            # In a container without an init, orphans become our children, and no other process reaps them.
            os.waitpid(self.pid, os.WNOHANG)
        try:
            name, _, rest = Path(f"/proc/{self.pid}/stat").read_text().partition("(")[2].rpartition(")")
            return name == "postgres" and not rest.lstrip().startswith("Z")
        except OSError:
            return not Path("/proc/self/stat").exists() and _process_exists(self.pid)


def read_pid_file(cluster: Path) -> RecordedServer | None:
    """Read the file of the server on these database files; None if there is none (yet)."""
    try:
        lines = [line.strip() for line in (cluster / "postmaster.pid").read_text(errors="replace").splitlines()]
        pid = int(lines[_PID])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if len(lines) <= _STATUS:
        return RecordedServer(pid, None, "")
    return RecordedServer(pid, Path(lines[_SOCKET_FOLDER]), lines[_STATUS])


def _accepts_connections(folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_CONNECT_TIMEOUT)
        try:
            probe.connect(str(folder / f".s.PGSQL.{PORT}"))
        except OSError:
            return False
        return True


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
