"""A PostgreSQL that is reached over TCP, as one on another host is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from showup.database.embedded.binaries import Binaries, binaries_for
from showup.database.embedded.system_account import server_account
from tests.showup_process import TIMEOUT

_PORT: Final = 5432


@contextmanager
def tcp_postgres(folder: Path, host: str) -> Iterator[str]:
    """Starts it in the folder, and yields the address of its database."""
    folder.mkdir()
    # PostgreSQL runs under another account when we are root.
    folder.chmod(0o777)
    binaries = binaries_for(server_account(None), folder / "binaries")
    options = ("--username=showup", "--auth=trust", "--encoding=UTF8", "--no-sync")
    _run(binaries, "initdb", *options, "-D", folder / "data")
    with (folder / "data" / "pg_hba.conf").open("a", encoding="utf-8") as rules:
        rules.write("host all all 198.18.77.0/24 trust\n")
    settings = f"-c listen_addresses={host} -c port={_PORT} -c unix_socket_directories={folder}"
    _run(binaries, "pg_ctl", "start", "-D", folder / "data", "-w", "-l", folder / "postgres.log", "-o", settings)
    try:
        yield f"postgresql://showup@{host}:{_PORT}/postgres?sslmode=disable"
    finally:
        _run(binaries, "pg_ctl", "stop", "-D", folder / "data", "-m", "fast")


def _run(binaries: Binaries, program: str, *arguments: str | Path) -> None:
    code, output = binaries.run(program, *arguments, timeout=TIMEOUT)
    assert code == 0, output
