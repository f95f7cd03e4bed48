"""Start, find and stop one server process on one data folder."""

import os
import subprocess
import time
from pathlib import Path

from showup.database.embedded.binaries import Binaries
from showup.database.embedded.configuration import write_settings
from showup.database.embedded.errors import DiskFull, ServerNotStarted, ServerNotStopped, disk_is_full
from showup.database.embedded.folder import PORT, DataFolder
from showup.database.embedded.pid_file import RecordedServer, read_pid_file

# Long enough for the recovery after a crash, which reads at most some gigabytes of write-ahead log.
START_TIMEOUT = 120.0
_STOP_TIMEOUT = 60.0
_OTHER_SERVER_TIMEOUT = 10.0
_LOG_TIMEOUT = 1.0
_POLL_INTERVAL = 0.02
_LAST_LINES, _LAST_BYTES = 20, 16384

# Backends of a killed server live on for a moment, and PostgreSQL correctly waits for the last one to exit.
_OTHER_SERVER_MESSAGES = ("pre-existing shared memory block", "lock file")


class Postmaster:
    """The server of a data folder, for the one process that supervises the folder."""

    def __init__(self, folder: DataFolder, binaries: Binaries) -> None:
        self._folder = folder
        self._binaries = binaries
        self._child: subprocess.Popen[bytes] | None = None
        self._log_offset = 0

    @property
    def is_alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        recorded = self._recorded_server()
        return recorded is not None and (recorded.is_alive or recorded.is_ready)

    def start(self, socket_folder: Path) -> Path:
        """Start the server unless one is running, and wait until it accepts connections.

        Return the folder of its socket, which for a running server is the one it was started with.
        """
        self._child = None
        self._wait_for_other_server()
        deadline = time.monotonic() + START_TIMEOUT
        while (running_folder := self._ready_socket_folder()) is None:
            self._child = self._spawn(socket_folder)
            if self._wait_until_ready(self._child, deadline):
                return socket_folder
            output = self._failure_output()
            if time.monotonic() > deadline or not any(message in output for message in _OTHER_SERVER_MESSAGES):
                raise self._failure(f"it ended with status {self._child.returncode}", output)
            self._child = None
            time.sleep(_POLL_INTERVAL)
        return running_folder

    def stop(self) -> None:
        """Stop the server: roll back open transactions, close connections, write all data."""
        if self._child is None and self._ready_socket_folder() is None:
            return
        # pg_ctl signals with the rights of the server's account, so a false pid cannot make root signal other
        # processes.
        arguments = ("stop", "-D", self._folder.cluster, "-m", "fast", "-t", f"{_STOP_TIMEOUT:.0f}")
        _, output = self._binaries.run("pg_ctl", *arguments, timeout=_STOP_TIMEOUT + 5)
        try:
            if self._child is not None:
                self._child.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise ServerNotStopped(self._folder.path, output.strip()) from None
        self._child = None
        if self._ready_socket_folder() is not None:
            raise ServerNotStopped(self._folder.path, output.strip())

    def detach(self) -> None:
        """Leave the server running for other processes, or on its own."""
        if self._child is not None and self._child.returncode is None:
            # Popen would warn about a child that still runs; this one is meant to outlive us.
            self._child.returncode = 0
        self._child = None

    def _recorded_server(self) -> RecordedServer | None:
        return read_pid_file(self._folder.cluster)

    def _ready_socket_folder(self) -> Path | None:
        recorded = self._recorded_server()
        return recorded.socket_folder if recorded is not None and recorded.is_ready else None

    def _wait_for_other_server(self) -> None:
        # A server may be starting for a Showup that was killed, or a person may be stopping one.
        deadline = time.monotonic() + _OTHER_SERVER_TIMEOUT
        while (recorded := self._recorded_server()) is not None and time.monotonic() < deadline:
            if recorded.is_ready or not recorded.is_alive:
                return
            time.sleep(_POLL_INTERVAL)

    def _spawn(self, socket_folder: Path) -> "subprocess.Popen[bytes]":
        settings = write_settings(self._folder, socket_folder)
        recorded = self._recorded_server()
        # After a restart of the machine or container the pid in a leftover file may belong to any process, and
        # PostgreSQL would refuse to start. It ignores this pid, and still checks the shared memory to be sure that no
        # server runs.
        environment = {} if recorded is None else {"PG_GRANDPARENT_PID": str(recorded.pid)}
        # The socket's lock names the dead server too, and PostgreSQL does not ignore that pid there. Only we use the
        # folder, and the shared memory check would still stop a second server on the same data.
        (socket_folder / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
        self._log_offset = self._folder.log.lstat().st_size if self._folder.log.exists() else 0
        with self._folder.start_log.open("wb") as log_file:
            arguments = ("-D", self._folder.cluster, "-c", f"config_file={settings}")
            return self._binaries.spawn("postgres", *arguments, output=log_file, environment=environment)

    def _wait_until_ready(self, child: "subprocess.Popen[bytes]", deadline: float) -> bool:
        while child.poll() is None:
            recorded = self._recorded_server()
            if recorded is not None and recorded.pid == child.pid and recorded.is_ready:
                return True
            if time.monotonic() > deadline:
                raise self._failure("it is still recovering, and continues to recover", self._last_output())
            time.sleep(_POLL_INTERVAL)
        return False

    def _failure(self, reason: str, output: str) -> DiskFull | ServerNotStarted:
        if disk_is_full(output):
            return DiskFull(self._folder.path)
        return ServerNotStarted(self._folder.log, reason, output)

    def _failure_output(self) -> str:
        # A separate process writes the server's log and may be a moment behind.
        deadline = time.monotonic() + _LOG_TIMEOUT
        while (output := self._last_output()) and "FATAL" not in output and time.monotonic() < deadline:
            time.sleep(_POLL_INTERVAL)
        return output

    def _last_output(self) -> str:
        output = _read_tail(self._folder.start_log, 0) + _read_tail(self._folder.log, self._log_offset)
        return "\n".join(output.splitlines()[-_LAST_LINES:])


def _read_tail(path: Path, offset: int) -> str:
    try:
        # Do not follow links: root would show files that the server's account may not read.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as log:
            log.seek(max(offset, os.fstat(log.fileno()).st_size - _LAST_BYTES))
            return log.read().decode(errors="replace")
    except OSError:
        return ""
