"""RU1: one command runs everything, and however it ends, nothing stays behind and nothing is lost."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx2
import psutil
import pytest

from tests.conftest import RUN_FOLDER
from tests.serving import AT_MOST, Serving, environment, left

Serve = Callable[..., Serving]


@pytest.fixture
def data(request: pytest.FixtureRequest) -> Path:
    return request.config.stash[RUN_FOLDER] / uuid4().hex[:8]


@pytest.fixture
def serve(data: Path) -> Iterator[Serve]:
    begun: list[Serving] = []

    def start(*arguments: str, **variables: str) -> Serving:
        begun.append(Serving(*arguments, SHOWUP_DATA_DIR=str(data), **variables))
        return begun[-1]

    yield start
    for one in begun:
        if one.process.poll() is None:
            one.end(signal.SIGINT)


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another process is about to do; it has nothing that could be awaited from here."""
    end = time.monotonic() + AT_MOST
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def accepted(serving: Serving) -> bool:
    with suppress(httpx2.TransportError):
        return serving.post().status_code == 200
    return False


def test_it_serves_keeps_applies_and_ends_without_a_trace(serve: Serve) -> None:
    serving = serve()
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json", "/"):
        assert serving.client.get(path).status_code == 200, path
    answer = serving.post()
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    until(lambda: serving.state(answer.json()["id"]) == "applied")
    assert serving.post(secret="another").status_code == 401
    family = serving.family()
    assert len(family) > 3
    assert serving.end(signal.SIGINT) == 0
    assert left(family) == []


def test_sigterm_ends_it_too_while_a_client_holds_on(serve: Serve) -> None:
    serving = serve("--web-processes", "2")
    host, port = serving.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as idle:
        idle.sendall(b"GET /healthz HTTP/1.1\r\n")
        family = serving.family()
        assert serving.end(signal.SIGTERM) == 0
        assert left(family) == []


def test_when_the_parent_is_killed_its_children_go_and_the_next_start_has_all_the_data(serve: Serve) -> None:
    serving = serve()
    event_id = serving.post().json()["id"]
    until(lambda: serving.state(event_id) == "applied")
    children = serving.children("web") + serving.children("work")
    assert len(children) == 2
    serving.end(signal.SIGKILL)
    assert left(children) == []
    again = serve()
    assert again.state(event_id) == "applied"
    assert again.post().status_code == 200
    family = again.family()
    assert again.end(signal.SIGINT) == 0
    assert left(family) == []


@pytest.mark.parametrize("kind", ["web", "work"])
def test_a_child_that_dies_is_started_again(serve: Serve, kind: str) -> None:
    serving = serve()
    (child,) = serving.children(kind)
    child.kill()
    serving.hear(f"process_ended.*{kind}-1")
    until(lambda: any(one.pid != child.pid for one in serving.children(kind)))
    answer = serving.post()
    assert answer.status_code == 200
    until(lambda: serving.state(answer.json()["id"]) == "applied")


def test_postgresql_that_dies_is_started_again(serve: Serve) -> None:
    serving = serve()
    assert serving.post().status_code == 200
    (server,) = [one for one in serving.family() if one.name() == "postgres" and "-D" in one.cmdline()]
    server.kill()
    serving.hear("database_started_again")
    until(lambda: accepted(serving))


def test_two_on_one_data_folder_share_the_database(serve: Serve) -> None:
    first, second = serve(), serve("--no-work")
    assert second.children("work") == []
    event_id = second.post().json()["id"]
    until(lambda: first.state(event_id) == "applied")
    assert first.end(signal.SIGINT) == 0
    until(lambda: accepted(second))


def test_a_port_that_is_taken_is_told(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = subprocess.run(
            [sys.executable, "-m", "showup", "serve", "--port", port],
            capture_output=True,
            text=True,
            env=environment(SHOWUP_DATA_DIR=str(data)),
            check=False,
        )
    assert said.returncode == 1
    assert f"port {port}" in said.stderr
    # Both ways to start Showup are answered with a command that works.
    assert "`SHOWUP_PORT=8001 make run` or `showup serve --port 8001`" in said.stderr
    assert "Traceback" not in said.stderr
    assert not data.exists()


def test_told_to_end_while_it_starts_it_leaves_nothing(data: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "showup", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        env=environment(SHOWUP_DATA_DIR=str(data)),
    )
    until(data.exists)
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=AT_MOST)
    assert process.returncode == 0
    assert left(family) == []
    assert not list(data.glob("postgres/*/postmaster.pid"))
