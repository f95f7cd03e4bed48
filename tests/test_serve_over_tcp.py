"""RU2: a PostgreSQL of one's own, over TCP and with a password, does as well as the embedded one."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from showup.database.embedded.account import server_account
from showup.database.embedded.binaries import binaries_for
from tests.conftest import RUN_FOLDER
from tests.serving import AT_MOST, Serving, environment, left

PASSWORD = "p@ss/word?"
KEY = "k" * 40


@pytest.fixture(scope="module")
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Someone's PostgreSQL: TCP alone, SCRAM passwords."""
    folder: Path = request.config.stash[RUN_FOLDER] / uuid4().hex[:8]
    folder.mkdir()
    folder.chmod(0o777)
    binaries = binaries_for(server_account(None), folder / "binaries")
    password = folder / "password"
    password.write_text(PASSWORD)
    words = ("--username=me", "--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--no-sync")
    code, said = binaries.run("initdb", *words, "-D", folder / "data", within=AT_MOST)
    assert code == 0, said
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c fsync=off"
    start = ("-D", folder / "data", "-w", "-l", folder / "data" / "log", "-o", options)
    code, said = binaries.run("pg_ctl", "start", *start, within=AT_MOST)
    assert code == 0, said
    yield f"postgresql://me:p%40ss%2Fword%3F@127.0.0.1:{port}/postgres?sslmode=prefer"
    binaries.run("pg_ctl", "stop", "-D", folder / "data", "-m", "immediate", within=AT_MOST)


def test_it_serves_and_ends_and_leaves_the_server_alone(address: str) -> None:
    for _ in range(2):
        serving = Serving(DATABASE_URL=address, SHOWUP_SECRET_KEY=KEY)
        assert serving.post().status_code == 200
        assert not [one for one in serving.family() if one.name() == "postgres"]
        family = serving.family()
        assert serving.end(signal.SIGINT) == 0
        assert left(family) == []


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "SHOWUP_SECRET_KEY is needed with DATABASE_URL"),
        ({"SHOWUP_SECRET_KEY": KEY, "wrong": "password"}, "refuses the user or the password"),
    ],
)
def test_what_is_missing_or_wrong_is_told(address: str, variables: dict[str, str], says: str) -> None:
    url = address.replace("p%40ss", "wrong") if variables.pop("wrong", None) else address
    said = subprocess.run(
        [sys.executable, "-m", "showup", "serve", "--port", "0"],
        capture_output=True,
        text=True,
        env=environment(DATABASE_URL=url, **variables),
        check=False,
    )
    assert (said.returncode, said.stdout) == (1, "")
    assert says in said.stderr
    assert "Traceback" not in said.stderr
