"""RU2: Showup works with an external PostgreSQL, over TCP and with a password."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from showup.database.embedded.binaries import binaries_for
from showup.database.embedded.system_account import server_account
from showup.database.engine import connect, driver_connection, transaction
from tests.conftest import RUN_FOLDER
from tests.showup_process import TIMEOUT, ShowupProcess, environment, still_running

PASSWORD = "p@ss/word?"
KEY = "k" * 40


@pytest.fixture(scope="module")
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an external PostgreSQL with SCRAM passwords and without a Unix socket."""
    folder: Path = request.config.stash[RUN_FOLDER] / uuid4().hex[:8]
    folder.mkdir()
    folder.chmod(0o777)
    binaries = binaries_for(server_account(None), folder / "binaries")
    password = folder / "password"
    password.write_text(PASSWORD)
    initdb_options = ("--username=me", "--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--no-sync")
    code, output = binaries.run("initdb", *initdb_options, "-D", folder / "data", timeout=TIMEOUT)
    assert code == 0, output
    with socket.create_server(("127.0.0.1", 0)) as free_socket:
        port = free_socket.getsockname()[1]
    server_options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c fsync=off"
    start = ("-D", folder / "data", "-w", "-l", folder / "data" / "log", "-o", server_options)
    code, output = binaries.run("pg_ctl", "start", *start, timeout=TIMEOUT)
    assert code == 0, output
    yield f"postgresql://me:p%40ss%2Fword%3F@127.0.0.1:{port}/postgres?sslmode=prefer"
    binaries.run("pg_ctl", "stop", "-D", folder / "data", "-m", "immediate", timeout=TIMEOUT)


async def test_both_ends_of_a_connection_end_when_the_other_one_is_lost(address: str) -> None:
    """R4: a host that loses its network closes no connection, and PostgreSQL would keep its locks for hours."""
    engine = connect(address)
    try:
        async with transaction(engine) as tx:
            names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
            settings = {name: await tx.scalar(text(f"SHOW {name}")) for name in names}
            driver = await driver_connection(tx)
            client = socket.socket(fileno=os.dup(driver._transport.get_extra_info("socket").fileno()))
            with client:
                assert client.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000
        assert list(settings.values()) == ["10", "5", "3", "15000"]
    finally:
        await engine.dispose()


def test_serve_leaves_an_external_server_running(address: str) -> None:
    for _ in range(2):
        showup = ShowupProcess(DATABASE_URL=address, SHOWUP_SECRET_KEY=KEY)
        assert showup.post().status_code == 200
        assert not [process for process in showup.process_tree() if process.name() == "postgres"]
        processes = showup.process_tree()
        assert showup.stop(signal.SIGINT) == 0
        assert still_running(processes) == []


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "SHOWUP_SECRET_KEY is needed with DATABASE_URL"),
        ({"SHOWUP_SECRET_KEY": KEY, "wrong": "password"}, "refuses the user or the password"),
    ],
)
def test_a_missing_key_or_wrong_password_is_reported(address: str, variables: dict[str, str], message: str) -> None:
    url = address.replace("p%40ss", "wrong") if variables.pop("wrong", None) else address
    result = subprocess.run(
        [sys.executable, "-m", "showup", "serve", "--port", "0"],
        capture_output=True,
        text=True,
        env=environment(DATABASE_URL=url, **variables),
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
